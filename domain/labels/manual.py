"""A label that a person gave: it names its author and survives every recalculation (S4-8)."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualLabel:
    """`expires_at` None: until removed. The moment of expiry itself is already after it."""

    customer_id: int
    code: str
    author: str
    note: str | None
    given_at: datetime
    expires_at: datetime | None = None
    removed_at: datetime | None = None

    def is_held(self, *, as_of: datetime) -> bool:
        ends = [end for end in (self.expires_at, self.removed_at) if end is not None]
        return self.given_at <= as_of and all(as_of < end for end in ends)
