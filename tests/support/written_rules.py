"""A rule as an operator would write it: the input of `tierPolicyVersionCreate` that means the same."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from domain.customers.facts import FACT_BY_NAME
from domain.tiers.checks import COMPARISONS
from domain.tiers.measure import (
    BandsMeasure,
    Cut,
    Dimension,
    Gate,
    Measure,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.policy import Benefit, Tier, TierRule
from domain.tiers.shown_quantity import is_money, unit_of
from domain.tiers.timing import TierTiming

Json = dict[str, Any]
DIGITS = Decimal("0.000001")
"""More of them leave no room for the largest facts in 64 bits."""


def written_rule(rule: TierRule) -> Json:
    """Exact but for fractions that no decimal is, such as a third: those have six digits."""
    return {
        "measure": written_measure(rule.measure),
        "tiers": [written_tier(tier) for tier in rule.tiers],
        "timing": written_timing(rule.timing, rule),
        "neverOrderedTier": rule.never_ordered_tier,
        "almostThereGap": None if rule.almost_there_gap is None else number(rule.almost_there_gap),
    }


def written_measure(measure: Measure) -> Json:
    match measure:
        case ScoreMeasure(parts, cap):
            return {"score": {"parts": [written_part(part) for part in parts], "cap": number(cap)}}
        case BandsMeasure(dimensions, combination):
            bands = [written_dimension(one) for one in dimensions]
            return {"bands": {"dimensions": bands, "combine": combination.value}}
        case RankMeasure(quantities):
            return {"rank": [written_quantity(one) for one in quantities]}


def written_part(part: TierPart) -> Json:
    quantity = Quantity(code=part.code, words=part.words, fact=part.fact, per=part.per)
    return {
        "quantity": written_quantity(quantity),
        "base": number(part.base),
        "slope": number(part.slope * (100 if is_money(quantity) else 1)),
        "floor": number(part.floor),
        "cap": None if part.cap is None else number(part.cap),
        "weight": number(part.weight),
        "bonus": part.bonus,
    }


def written_dimension(one: Dimension) -> Json:
    steps = [{"tier": step.tier, **written_cut(one.quantity, step.cut)} for step in one.steps]
    return {"quantity": written_quantity(one.quantity), "steps": steps}


def written_quantity(one: Quantity) -> Json:
    return {
        "code": one.code,
        "words": one.words.zh,
        "wordsEn": one.words.en,
        "fact": FACT_BY_NAME[one.fact].graphql_name,
        "per": None if one.per is None else FACT_BY_NAME[one.per].graphql_name,
        "unit": unit_of(one),
    }


def written_gate(gate: Gate) -> Json:
    return {"quantity": written_quantity(gate.quantity), **written_cut(gate.quantity, gate.cut)}


def written_cut(quantity: Quantity, cut: Cut) -> Json:
    value = cut.value / (100 if is_money(quantity) else 1)
    return {"comparison": COMPARISONS[cut.operator].value, "value": number(value)}


def written_tier(tier: Tier) -> Json:
    return {
        "code": tier.code,
        "name": tier.name.zh,
        "nameEn": tier.name.en,
        "threshold": optional(tier.threshold),
        "inclusive": tier.threshold_inclusive,
        "gates": [written_gate(gate) for gate in tier.gates],
        "targetShare": optional(tier.target_share),
        "targetShareMax": optional(tier.target_share_max),
        "benefits": [written_benefit(benefit) for benefit in tier.benefits],
    }


def written_benefit(benefit: Benefit) -> Json:
    return {
        "kind": benefit.kind.value,
        "words": benefit.words.zh,
        "wordsEn": benefit.words.en,
        "value": optional(benefit.value),
        "days": benefit.days,
    }


def written_timing(timing: TierTiming, rule: TierRule) -> Json:
    large, trial = timing.large_order, timing.trial
    alarmed = timing.silence_alarm_days is not None
    return {
        "cadence": timing.cadence.value,
        "qualificationDays": timing.qualification_days,
        "upgrade": timing.upgrade.value,
        "largeOrder": large
        and {"amount": number(Fraction(large.cents, 100)), "timesOwnMean": large.times_own_mean},
        "upperReviews": timing.upper_reviews,
        "downgrade": timing.downgrade.value,
        "lowerReviews": timing.lower_reviews,
        "marginPercent": timing.margin_percent,
        "validityDays": timing.validity_days,
        "expiryAnchor": timing.expiry_anchor.value,
        "graceDays": timing.grace_days,
        "trial": trial and {"days": trial.days, "onceInDays": trial.once_in_days},
        "silenceAlarmDays": timing.silence_alarm_days,
        "silenceAlarmTier": rule.tiers[timing.silence_alarm_rank - 1].code if alarmed else None,
    }


def number(value: Fraction) -> str:
    return format((Decimal(value.numerator) / value.denominator).quantize(DIGITS), "f")


def optional(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
