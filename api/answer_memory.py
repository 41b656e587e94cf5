"""Ready answers in this process: bounded by bytes, found by what was sent and by who sent it, dropped by customer."""

from collections import OrderedDict, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from api.engine_port import GraphQLAnswer
from domain.privacy.viewer import Viewer

OVERHEAD_BYTES = 600
"""About what keeping an answer costs beside its text."""


class ViewerScope(NamedTuple):
    """Everything about the viewer, and about this process, that an answer depends on.

    Who exactly asks is not in it: answers that say so are not kept. `house`: the schema, the business day and the
    policies as this process knows them.
    """

    role: str
    purpose: str | None
    customer_id: int | None
    house: bytes


class AnswerKey(NamedTuple):
    """There is no key without a scope, so that no answer can reach whom it was not made for."""

    raw: bytes
    scope: ViewerScope


def answer_key(raw: bytes, viewer: Viewer, house: bytes) -> AnswerKey:
    """Texts, not enum members: those compute their hash in Python each time."""
    purpose = viewer.purpose.value if viewer.purpose else None
    return AnswerKey(raw, ViewerScope(viewer.role.value, purpose, viewer.customer_id, house))


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """`expires_at`: time.monotonic()."""

    answer: GraphQLAnswer
    depends_on: tuple[bytes, ...]
    expires_at: float


@dataclass(slots=True, eq=False)
class AnswerMemory:
    """Least lately used goes first."""

    most_bytes: int
    size: int = 0
    _kept: OrderedDict[AnswerKey, KeptAnswer] = field(default_factory=OrderedDict)
    _dependent: defaultdict[bytes, set[AnswerKey]] = field(default_factory=lambda: defaultdict(set))

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: AnswerKey) -> bool:
        return key in self._kept

    def get(self, key: AnswerKey, now: float) -> KeptAnswer | None:
        kept = self._kept.get(key)
        if kept is None:
            return None
        if kept.expires_at <= now:
            self._drop(key)
            return None
        self._kept.move_to_end(key)
        return kept

    def keep(self, key: AnswerKey, kept: KeptAnswer) -> None:
        """An answer that alone is larger than an eighth of the room is not kept."""
        self._drop(key)
        if weight(key, kept) > self.most_bytes // 8:
            return
        self._kept[key] = kept
        self.size += weight(key, kept)
        for name in kept.depends_on:
            self._dependent[name].add(key)
        while self.size > self.most_bytes:
            self._drop(next(iter(self._kept)))

    def forget(self, names: Sequence[bytes] | None) -> None:
        """Every answer that depends on one of these; None: all."""
        if names is None:
            self._kept.clear()
            self._dependent.clear()
            self.size = 0
            return
        for name in names:
            for key in list(self._dependent.get(name, ())):
                self._drop(key)

    def _drop(self, key: AnswerKey) -> None:
        kept = self._kept.pop(key, None)
        if kept is None:
            return
        self.size -= weight(key, kept)
        for name in kept.depends_on:
            dependent = self._dependent[name]
            dependent.discard(key)
            if not dependent:
                del self._dependent[name]


def weight(key: AnswerKey, kept: KeptAnswer) -> int:
    return OVERHEAD_BYTES + len(key.raw) + len(kept.answer.body) + 100 * len(kept.depends_on)
