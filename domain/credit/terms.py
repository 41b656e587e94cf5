"""Credit terms: what the tier publishes, times how reliably the customer has paid. [S0-20, S0-17]"""

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from math import floor

from domain.credit.scorecard import CreditHistory, timeliness
from domain.pricing.published import rule_of
from domain.tiers.policy import BenefitKind, Tier, TierPolicyVersion
from domain.words import Words

CENTS = 100
FROZEN_LATE_DAYS = 7
"""Nothing more is lent while anything is later than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedCredit:
    """A benefit of a tier. `rule` names policy, version and tier."""

    rule: str
    days: int
    limit_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTerms:
    """`published` None: the tiers held lend nothing. `frozen` None: not frozen, else why."""

    published: PublishedCredit | None
    limit_cents: int
    used_cents: int
    available_cents: int
    frozen: Words | None


def published_credit(held: Iterable[tuple[TierPolicyVersion, Tier]]) -> PublishedCredit | None:
    """The highest limit that the tiers publish. Tiers are held without trials: these lend no money. [S0-17]"""
    offers = [
        PublishedCredit(
            rule=rule_of((version, tier)),
            days=benefit.days,
            limit_cents=floor(Fraction(benefit.value) * CENTS),
        )
        for version, tier in held
        for benefit in tier.benefits_of(BenefitKind.CREDIT)
        if benefit.value is not None and benefit.days is not None
    ]
    return max(offers, key=lambda offer: (offer.limit_cents, offer.days), default=None)


def credit_terms(published: PublishedCredit | None, history: CreditHistory) -> CreditTerms:
    """The limit is scaled by timeliness, down to the cent; whoever was never due has all of it."""
    paid = timeliness(history)
    share = Fraction(1) if paid is None else paid
    limit = floor(published.limit_cents * share) if published else 0
    frozen = _frozen(history)
    return CreditTerms(
        published=published,
        limit_cents=limit,
        used_cents=history.used_cents,
        available_cents=0 if frozen else max(0, limit - history.used_cents),
        frozen=frozen,
    )


def _frozen(history: CreditHistory) -> Words | None:
    late = history.open_late_days or 0
    if late <= FROZEN_LATE_DAYS:
        return None
    return Words(
        f"有款项逾期{late}天，超过{FROZEN_LATE_DAYS}天即冻结",
        f"Something is {late} days overdue; over {FROZEN_LATE_DAYS} days nothing more is lent.",
    )
