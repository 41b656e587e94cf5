"""Wanxiang membership by growth value, 1 for each net CNY of 365 days; not the value tiers (S2-3, C6)."""

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

CODE = "wanxiang_member"

GROWTH = TierPart(
    code="growth",
    words=Words("成长值", "Growth value"),
    fact="growth_value_365d",
    slope=Fraction(1, 100),
    cap=None,
)
# S2-4 to S2-6: every member; the source states nothing that differs by level.
MEMBER_BENEFITS = (
    Benefit(
        BenefitKind.MEMBER_DAY,
        Words("周三会员日爆款半价", "Member day on Wednesdays: hot items at half price"),
    ),
    Benefit(BenefitKind.PRICE, Words("会员专享折扣", "Member-exclusive discount")),
    Benefit(BenefitKind.OTHER, Words("积分兑换商品或配送", "Points for goods or delivery")),
)


def _level(code: str, name: Words, rank: int, growth_value: int) -> Tier:
    threshold = Decimal(growth_value) if growth_value else None
    return Tier(code=code, name=name, rank=rank, threshold=threshold, benefits=MEMBER_BENEFITS)


TIERS = (
    _level("COPPER", Words("铜卡", "Copper"), 1, 0),
    _level("SILVER", Words("银卡", "Silver"), 2, 1_000),
    _level("GOLD", Words("金卡", "Gold"), 3, 5_000),
    _level("DIAMOND", Words("钻卡", "Diamond"), 4, 20_000),
)


def wanxiang_member_rule() -> TierRule:
    return TierRule(
        measure=ScoreMeasure((GROWTH,)),
        tiers=TIERS,
        never_ordered_tier="COPPER",
        timing=timings.WANXIANG_MEMBER,
    )


def _example(spend_cny: str, tier: str, *, days: int | None = 3) -> TierExample:
    growth = Decimal(spend_cny)
    return TierExample(
        facts={"growth_value_365d": int(growth * 100), ORDERED_FACT: days},
        points=(growth,),
        score=growth,
        tier=tier,
        never_ordered=days is None,
    )


EXAMPLES = (
    _example("999.99", "COPPER"),
    _example("1000.00", "SILVER"),
    _example("4999.99", "SILVER"),
    _example("5000.00", "GOLD"),
    _example("19999.99", "GOLD"),
    _example("20000.00", "DIAMOND"),
    _example("0", "COPPER", days=None),
)

WANXIANG_MEMBER = shipped_policy(
    code=CODE,
    name=Words("万象生鲜成长会员", "Wanxiang membership"),
    rule=wanxiang_member_rule(),
    examples=EXAMPLES,
)
