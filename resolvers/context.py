"""What one operation carries along: who asks, the shop, and what opens personal values."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement

from domain.calendar import calendar_of, microseconds
from domain.ingest.ingest_events import EventStore
from domain.ports import Cipher
from domain.pricing.set_member_day import MemberDayStore
from domain.privacy.viewer import Viewer
from domain.standings.act_by_hand import StandingStore
from domain.standings.preview_policy import ChosenCustomers, LiveBase
from domain.tiers.life_days import date_of
from domain.tiers.policy import TierPolicyVersion, TierRule
from domain.tiers.policy_store import PolicyStore
from domain.watching.act_on_alert import AlertStore


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopSettings:
    """What the API needs to know of the retailer; read at start and when the nightly run has moved `live_as_of`."""

    name: str
    currency_code: str
    time_zone: str
    primary_policy: str
    live_as_of: datetime
    versions: Mapping[int, TierPolicyVersion]
    """Every version of every tier policy, by its stored id."""

    @property
    def today(self) -> date:
        """The business day that is open: it ends at `live_as_of`."""
        return date_of(calendar_of(self.time_zone).last_whole_day(microseconds(self.live_as_of)))


class Population(LiveBase, Protocol):
    """Everybody, and whoever a filter chooses of them."""

    def chosen_by(self, condition: ColumnElement[bool]) -> ChosenCustomers:
        """A condition over the columns of `customers`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """The operation's context: computed fields receive it first."""

    viewer: Viewer
    shop: ShopSettings
    cipher: Cipher
    events: EventStore
    standings: StandingStore
    alerts: AlertStore
    member_days: MemberDayStore
    policies: PolicyStore
    stored_facts: Population
    now: datetime
    """Business time of the operation: what events may not lie behind."""
    opened: dict[int, frozenset[str]] = field(default_factory=dict)
    """Personal fields shown unmasked so far, by customer: what the audit must say before the answer leaves."""
    drafted: dict[int, TierRule] = field(default_factory=dict)
    """Rules of the versions that this operation made, by stored id: the shop was read before."""
    remembered: dict[Any, tuple[Any, Any]] = field(default_factory=dict)
    """What `once_an_operation` keeps: the object it was made from, so that its identity stays its own, and it."""

    def rule(self, version_id: int) -> TierRule:
        known = self.shop.versions.get(version_id)
        return known.rule if known else self.drafted[version_id]

    def note_drafted(self, version_id: int, rule: TierRule) -> None:
        self.drafted[version_id] = rule

    def note_opened(self, customer_id: int, name: str) -> None:
        self.opened[customer_id] = self.opened.get(customer_id, frozenset()) | {name}
