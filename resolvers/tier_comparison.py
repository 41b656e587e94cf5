"""A canary against the rest: who is in each arm, where they moved, and what they did since the share is what it is."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from enum import Enum
from fractions import Fraction

import strawberry

from db import tables as t
from domain.tiers import arm_comparison
from domain.tiers.arm_comparison import Compared, KpiName
from domain.tiers.stability import SIX_DIGITS
from resolvers.canary_arms import comparisons
from resolvers.compared_arms import Cell, ComparedArm, TierPolicyArm, arm_sums, arms
from resolvers.context import Context
from resolvers.distribution import WATCHERS
from resolvers.readpath.declare import column, computed, embed, entity, one
from resolvers.readpath.expressions import coded
from resolvers.readpath.sources import SHARED
from resolvers.tier_answers import Period
from resolvers.tier_policies import DecimalRange, TierPolicy, TierPolicyVersion, TierScope

strawberry.enum(KpiName, description="What a customer did, on average. May grow. [S1-16]")
of = comparisons.c


class CanaryOutcome(Enum):
    """What became of a canary."""

    PROMOTED = "PROMOTED"
    ENDED = "ENDED"


strawberry.enum(CanaryOutcome, description="PROMOTED: it grades everybody since; ENDED: nobody.")


@strawberry.type(
    description="One number of both arms. Intervals and probabilities hold for many customers. [S4-16]"
)
class ComparedMetric:
    kpi: KpiName = strawberry.field(description="Which number, a customer.")
    unit: str = strawberry.field(description="The currency, `orders`, or `share` (0..1).")
    control: Decimal | None = strawberry.field(description="Of the rest, six digits; null: nobody to count.")
    treatment: Decimal | None = strawberry.field(
        description="Of the canary, six digits; null: nobody to count."
    )
    difference: Decimal | None = strawberry.field(description="Treatment minus control.")
    interval: DecimalRange | None = strawberry.field(
        description="Holds the true difference in 95 of 100 cases; null: too few to say."
    )
    p_value: Decimal | None = strawberry.field(
        description="How probable such a difference is where there is none, 0..1; null: too few to say."
    )


def metrics(context: Context, cells: Sequence[Cell] | None) -> list[ComparedMetric]:
    """Six digits are shown of exact means."""
    control, treatment = (arm_sums(cells, one) for one in ComparedArm)
    currency = context.shop.currency_code
    return [metric(one, currency) for one in arm_comparison.compare_arms(control, treatment)]


def metric(found: Compared, currency: str) -> ComparedMetric:
    units = {KpiName.ARPU: currency, KpiName.ORDERS_PER_CUSTOMER: "orders"}
    return ComparedMetric(
        kpi=found.kpi,
        unit=units.get(found.kpi, "share"),
        control=six_digits(found.control),
        treatment=six_digits(found.treatment),
        difference=six_digits(found.difference),
        interval=interval(found),
        p_value=six_digits(found.p_value),
    )


def interval(found: Compared) -> DecimalRange | None:
    if found.half_width is None or found.difference is None:
        return None
    ends = (found.difference - Fraction(found.half_width), found.difference + Fraction(found.half_width))
    return DecimalRange(min=six_digits(ends[0]), max=six_digits(ends[1]))


def six_digits(value: Fraction | float | None) -> Decimal | None:
    if value is None:
        return None
    exact = Fraction(value)
    return (Decimal(exact.numerator) / Decimal(exact.denominator)).quantize(SIX_DIGITS)


def ratio(cells: Sequence[Cell] | None, share: Decimal) -> float:
    control, treatment = (arm_sums(cells, one).customers for one in ComparedArm)
    return arm_comparison.sample_ratio_probability(control, treatment, share)


def sample_ratio(context: Context, cells: Sequence[Cell] | None, share: Decimal) -> Decimal:  # noqa: ARG001
    return Decimal(ratio(cells, share)).quantize(SIX_DIGITS)


def is_valid(context: Context, cells: Sequence[Cell] | None, share: Decimal) -> bool:  # noqa: ARG001
    are_both = all(arm_sums(cells, one).customers for one in ComparedArm)
    return are_both and ratio(cells, share) >= arm_comparison.LEAST_RATIO_PROBABILITY


@entity(comparisons, roles=WATCHERS, scope=SHARED)
class TierPolicyComparison:
    """A canary against the rest, since it has had its share. [S1-19, S4-16]"""

    policy: TierPolicy = one("Of which policy.", on=t.tier_policies.c.policy_id == of.policy_id)
    control: TierPolicyVersion = one(
        "What grades the rest.", on=t.tier_policy_versions.c.version_id == of.control_version_id
    )
    treatment: TierPolicyVersion = one(
        "What grades the canary.", on=t.tier_policy_versions.c.version_id == of.version_id
    )
    share: Decimal = column(
        of.share, "Of all customers, or of those of the group, who are in the canary, 0..1."
    )
    scope: TierScope = one(
        "Whom it had, or has; both arms are of its group.",
        on=t.tier_policy_canaries.c.version_id == of.version_id,
    )
    period: Period = embed(
        Period,
        "From when the canary had this share to its end, or to the moment that is live.",
        from_=of.share_since,
        to=of.until,
    )
    outcome: CanaryOutcome | None = column(coded(of.outcome, CanaryOutcome), "Null: it runs.")
    arms: list[TierPolicyArm] = computed(arms, of.cells, about="The rest and the canary.")
    metrics: list[ComparedMetric] = computed(
        metrics, of.cells, about="What customers of both arms did in the period, by their counted orders."
    )
    sample_ratio_p_value: Decimal = computed(
        sample_ratio,
        of.cells,
        of.share,
        about="How probable arms are that miss the share as much as these, 0..1, six digits.",
    )
    valid: bool = computed(
        is_valid,
        of.cells,
        of.share,
        about="Both arms have somebody, and sizes that lots give: the probability is at least 0.001; else do not "
        "compare.",
    )
