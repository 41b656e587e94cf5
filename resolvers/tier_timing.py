"""When a version of a policy decides, as its rule says."""

from decimal import Decimal

import strawberry

from domain.tiers.policy import TierRule
from domain.tiers.timing import Cadence, DowngradeMode, ExpiryAnchor, UpgradeTiming
from resolvers.context import Context
from resolvers.money import CurrencyCode, Money

strawberry.enum(Cadence, name="TierCadence", description="When a policy looks in both directions.")
strawberry.enum(UpgradeTiming, description="When a higher measure becomes a higher tier.")
strawberry.enum(DowngradeMode, description="How far one decision lets a customer fall.")
strawberry.enum(ExpiryAnchor, description="What the validity of a tier is counted from.")


@strawberry.type(description="One tier up for a while. [S0-17]")
class TierTrialTerms:
    days: int = strawberry.field(description="Whole business days.")
    once_in_days: int = strawberry.field(description="At most one trial in so many days.")


@strawberry.type(
    description="When a policy decides; all days are business days of the shop. [S0-11..18, S1-17]"
)
class TierTiming:
    cadence: Cadence = strawberry.field(description="When it looks in both directions.")
    qualification_days: int = strawberry.field(description="Days whose orders count.")
    upgrade: UpgradeTiming = strawberry.field(description="Between reviews it may only raise.")
    large_order: Money | None = strawberry.field(description="An order of so much raises at once. [S0-12]")
    large_order_times_own_mean: int | None = strawberry.field(
        description="So does one of so many times the customer's other orders of 90 days. [S0-12]"
    )
    upper_reviews: int = strawberry.field(description="Reviews in a row that must see a higher tier.")
    downgrade: DowngradeMode = strawberry.field(description="How far one decision lets a customer fall.")
    lower_reviews: int = strawberry.field(description="Reviews in a row that must see a lower tier. [S0-18]")
    margin_percent: int | None = strawberry.field(
        description="Further past the cut than this, one review is enough. [S1-17]"
    )
    validity_days: int | None = strawberry.field(
        description="A base tier is kept for so long; null: not promised."
    )
    expiry_anchor: ExpiryAnchor = strawberry.field(description="From when the validity is counted.")
    grace_days: int = strawberry.field(description="Days after it in which the tier may be reached again.")
    trial: TierTrialTerms | None = strawberry.field(description="Null: no trials.")
    silence_alarm_days: int | None = strawberry.field(
        description="A customer who orders nothing for so long is reported as at risk; null: nobody is. [S0-18]"
    )
    silence_alarm_tier: str | None = strawberry.field(
        description="Code of the lowest tier of which that is reported; null: nobody is."
    )


def timing_of(context: Context, version_id: int) -> TierTiming:
    rule = context.rule(version_id)
    timing = rule.timing
    large, trial = timing.large_order, timing.trial
    currency = CurrencyCode(context.shop.currency_code)
    return TierTiming(
        cadence=timing.cadence,
        qualification_days=timing.qualification_days,
        upgrade=timing.upgrade,
        large_order=Money(amount=Decimal(large.cents).scaleb(-2), currency_code=currency) if large else None,
        large_order_times_own_mean=large.times_own_mean if large else None,
        upper_reviews=timing.upper_reviews,
        downgrade=timing.downgrade,
        lower_reviews=timing.lower_reviews,
        margin_percent=timing.margin_percent,
        validity_days=timing.validity_days,
        expiry_anchor=timing.expiry_anchor,
        grace_days=timing.grace_days,
        trial=TierTrialTerms(days=trial.days, once_in_days=trial.once_in_days) if trial else None,
        silence_alarm_days=timing.silence_alarm_days,
        silence_alarm_tier=silence_alarm_tier(rule),
    )


def silence_alarm_tier(rule: TierRule) -> str | None:
    timing = rule.timing
    if timing.silence_alarm_days is None:
        return None
    return next((tier.code for tier in rule.tiers if tier.rank >= timing.silence_alarm_rank), None)
