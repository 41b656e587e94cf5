"""Wanxiang value tiers by spend of a month, which are the last 30 days (S2-1, S2-2)."""

from decimal import Decimal
from fractions import Fraction

from domain.tiers.measure import ORDERED_FACT, ScoreMeasure, TierPart
from domain.tiers.policy import (
    Benefit,
    BenefitKind,
    Tier,
    TierExample,
    TierRule,
    shipped_policy,
)
from domain.tiers.presets import timings
from domain.words import Words

CODE = "wanxiang_value"

SPEND = TierPart(  # one point for each CNY
    code="spend",
    words=Words("近30天消费", "Spend in 30 days"),
    fact="spend_30d",
    slope=Fraction(1, 100),
    cap=None,
)
TIERS = (
    Tier(
        code="POTENTIAL",
        name=Words("潜力", "Potential"),
        rank=1,
        benefits=(
            Benefit(BenefitKind.NEWCOMER_PACK, Words("新人礼包", "Newcomer pack")),
            Benefit(BenefitKind.OTHER, Words("社交裂变奖励", "Referral incentive")),
        ),
    ),
    Tier(
        code="GOLD",
        name=Words("黄金", "Gold"),
        rank=2,
        threshold=Decimal(500),
        benefits=(
            Benefit(BenefitKind.COUPON, Words("定向优惠券", "Targeted coupons")),
            Benefit(BenefitKind.CONTENT, Words("健康食谱", "Health recipes")),
        ),
    ),
    Tier(
        code="DIAMOND",
        name=Words("钻石", "Diamond"),
        rank=3,
        threshold=Decimal(2_000),
        threshold_inclusive=False,
        benefits=(
            Benefit(BenefitKind.DEDICATED_AGENT, Words("专属客服", "Dedicated agent")),
            Benefit(BenefitKind.NEW_PRODUCT_TRIAL, Words("新品品鉴", "New-product tasting")),
        ),
    ),
)


def wanxiang_value_rule() -> TierRule:
    return TierRule(
        measure=ScoreMeasure((SPEND,)),
        tiers=TIERS,
        never_ordered_tier="POTENTIAL",
        timing=timings.WANXIANG_VALUE,
    )


def _example(spend_cny: str, tier: str, *, days: int | None = 3) -> TierExample:
    spend = Decimal(spend_cny)
    return TierExample(
        facts={"spend_30d": int(spend * 100), ORDERED_FACT: days},
        points=(spend,),
        score=spend,
        tier=tier,
        never_ordered=days is None,
    )


EXAMPLES = (
    _example("499.99", "POTENTIAL"),
    _example("500.00", "GOLD"),
    _example("2000.00", "GOLD"),
    _example("2000.01", "DIAMOND"),
    _example("0", "POTENTIAL", days=45),
    _example("0", "POTENTIAL", days=None),
)

WANXIANG_VALUE = shipped_policy(
    code=CODE,
    name=Words("万象生鲜价值分级", "Wanxiang value tier"),
    rule=wanxiang_value_rule(),
    examples=EXAMPLES,
)
