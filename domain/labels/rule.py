"""A label as data: what it says, the condition behind it, and customers that fit and that do not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from domain.conditions.expression import Condition
from domain.words import Words


class LabelKind(StrEnum):
    STATIC = "STATIC"
    DYNAMIC = "DYNAMIC"
    MODEL = "MODEL"
    MANUAL = "MANUAL"


class LabelRefresh(StrEnum):
    EVENT = "EVENT"
    DAILY = "DAILY"
    WEEKLY = "WEEKLY"
    ONCE = "ONCE"


class PrivacyClass(StrEnum):
    PUBLIC = "PUBLIC"
    INTERNAL = "INTERNAL"
    PERSONAL = "PERSONAL"
    SENSITIVE = "SENSITIVE"


@dataclass(frozen=True, slots=True)
class LabelExample:
    """Facts by name in stored units; None: unknown. Every fact of the condition is named."""

    facts: Mapping[str, int | None]
    tiers: Mapping[str, str] = field(default_factory=dict)
    labels: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelDefinition:
    """`bit` is the label's place in every stored bit set: assigned once, never reused, never moved.

    `condition` None: given by hand. `{category}` in the words stands for the name of `category_slot`,
    because the categories are rows of the shop, not names in code.
    """

    bit: int
    code: str
    words: Words
    family: str
    condition: Condition | None
    fits: tuple[LabelExample, ...]
    does_not_fit: tuple[LabelExample, ...]
    kind: LabelKind = LabelKind.DYNAMIC
    unit: str | None = None
    window_days: int | None = None
    refresh: LabelRefresh = LabelRefresh.EVENT
    sensitivity: PrivacyClass = PrivacyClass.INTERNAL
    owner: str = "customer-operations"
    category_slot: int | None = None
    retired_at: datetime | None = None

    def worded(self, category_names: Mapping[int, str]) -> Words:
        """The words with the shop's own category in them; a slot that no category has keeps its number."""
        if self.category_slot is None:
            return self.words
        name = category_names.get(self.category_slot, f"#{self.category_slot}")
        return Words(*(text.replace("{category}", name) for text in (self.words.zh, self.words.en)))


def customer(
    *, tiers: Mapping[str, str] | None = None, labels: Sequence[str] = (), **facts: int | None
) -> LabelExample:
    """An example in one line; `tiers` by policy code, `labels` given by hand."""
    return LabelExample(facts, tiers or {}, labels)
