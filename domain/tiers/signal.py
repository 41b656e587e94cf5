"""What somebody should act on although nothing was decided, each at most once in its period (S0-16, S0-18)."""

from dataclasses import dataclass
from enum import StrEnum

REPEATED_FALLS = 2
"""Downgrades in a row that call the account manager (S0-18)."""


class SignalKind(StrEnum):
    """ALMOST_THERE: a purchase brought them within the rule's gap of the next tier; once a calendar month.

    DOWNGRADE_WARNING: a review saw the measure lower and kept the tier; win them back before the next.
    REPEATED_DOWNGRADE: the second downgrade in a row; for the account manager.
    CHURN_RISK: a customer of a high tier is silent for too long; once a silence.
    """

    ALMOST_THERE = "ALMOST_THERE"
    DOWNGRADE_WARNING = "DOWNGRADE_WARNING"
    REPEATED_DOWNGRADE = "REPEATED_DOWNGRADE"
    CHURN_RISK = "CHURN_RISK"


@dataclass(frozen=True, slots=True, kw_only=True)
class TierSignal:
    """Of the customer in `row`. `period`: the same kind is not raised twice in it; `rank` is the tier in effect, of
    the version that grades them."""

    row: int
    policy_id: int
    version_id: int
    policy_code: str
    kind: SignalKind
    period: str
    rank: int
