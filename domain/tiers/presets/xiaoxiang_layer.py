"""Xiaoxiang layers: a place among everybody by orders and spend, with gates of recency (S4-1 to S4-6)."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np

from domain.tiers.measure import ORDERED_FACT, Cut, Gate, Quantity, RankMeasure
from domain.tiers.policy import (
    Benefit,
    BenefitKind,
    Tier,
    TierExample,
    TierRule,
    shipped_policy,
)
from domain.tiers.presets import timings
from domain.tiers.ranking import FrozenRanking, Place, RankedFact
from domain.words import Words

CODE = "xiaoxiang_layer"

FREQUENCY = Quantity(code="F", words=Words("累计下单次数", "orders ever"), fact="orders_all_time")
MONEY = Quantity(code="M", words=Words("累计消费", "spend ever"), fact="spend_all_time")
SILENCE = Quantity(
    code="R", words=Words("距上次下单天数", "days since the last order"), fact="days_since_last_order"
)


def _within(days: int) -> tuple[Gate, ...]:
    return (Gate(SILENCE, Cut("<=", Fraction(days))),)


# 加倍 is twice; stated of gold alone, and a higher layer is never worse (as S0-20).
DOUBLE_POINTS = Benefit(BenefitKind.POINTS_MULTIPLIER, Words("积分加倍", "Double points"), Decimal(2))
# S4-1 shares, S4-2 layers of silence, S4-4 gates, S4-9 benefits, S4-10 the coupon of the dormant.
TIERS = (
    Tier(
        code="LOST",
        name=Words("流失", "Lost"),
        rank=1,
        target_share=Decimal("0.05"),
        target_share_max=Decimal("0.10"),
    ),
    Tier(
        code="DORMANT",
        name=Words("沉睡", "Dormant"),
        rank=2,
        gates=_within(180),
        target_share=Decimal("0.10"),
        target_share_max=Decimal("0.15"),
        benefits=(Benefit(BenefitKind.COUPON, Words("唤醒券", "Wake-up coupon")),),
    ),
    Tier(
        code="SILVER",
        name=Words("白银", "Silver"),
        rank=3,
        gates=_within(90),
        target_share=Decimal("0.50"),
        target_share_max=Decimal("0.60"),
        benefits=(
            Benefit(BenefitKind.OTHER, Words("基础积分", "Base points")),
            Benefit(BenefitKind.COUPON, Words("普通优惠券", "Ordinary coupons")),
        ),
    ),
    Tier(
        code="GOLD",
        name=Words("黄金", "Gold"),
        rank=4,
        threshold=Decimal("0.25"),
        gates=_within(60),
        target_share=Decimal("0.15"),
        target_share_max=Decimal("0.20"),
        benefits=(
            Benefit(BenefitKind.MEMBER_DAY, Words("会员日折扣", "Member-day discount")),
            DOUBLE_POINTS,
        ),
    ),
    Tier(
        code="PLATINUM",
        name=Words("铂金", "Platinum"),
        rank=5,
        threshold=Decimal("0.05"),
        gates=_within(30),
        target_share=Decimal("0.05"),
        benefits=(
            Benefit(BenefitKind.FREE_DELIVERY, Words("免配送费", "Free delivery")),
            Benefit(BenefitKind.DEDICATED_AGENT, Words("专属客服", "Dedicated agent")),
            Benefit(BenefitKind.NEW_PRODUCT_TRIAL, Words("新品试吃", "New-product tasting")),
            DOUBLE_POINTS,
        ),
    ),
)


def xiaoxiang_rule() -> TierRule:
    """S4-6: whoever never ordered is a new user and has no layer."""
    return TierRule(
        measure=RankMeasure((FREQUENCY, MONEY)),
        tiers=TIERS,
        never_ordered_tier=None,
        timing=timings.XIAOXIANG_LAYER,
    )


def _example_ranking() -> FrozenRanking:
    """100 customers: customer n has n orders of 10 CNY, the last one at moment n. Places 96 to 100 are the
    top 5 %, 76 to 100 the top 25 %."""
    upto = np.arange(1, 101, dtype=np.int64)
    facts = (RankedFact(upto, upto), RankedFact(upto * 1_000, upto))
    return FrozenRanking(0, 100, facts, {"GOLD": Place(4 * 76, 76, -76), "PLATINUM": Place(4 * 96, 96, -96)})


def _example(
    number: int, days: int, tier: str, *, at: int | None = None, like: int | None = None
) -> TierExample:
    """Customer `number` with `days` since the last order. `like`: with the orders and spend of that one.
    `at`: with that moment of the last order."""
    orders = like or number
    points = Decimal(orders)
    return TierExample(
        facts={
            "orders_all_time": orders,
            "spend_all_time": orders * 1_000,
            ORDERED_FACT: days,
            "last_order_at": number if at is None else at,
            "customer_id": number,
        },
        points=(points, points),
        score=points,
        tier=tier,
    )


EXAMPLES = (
    _example(100, 0, "PLATINUM"),
    _example(96, 30, "PLATINUM"),
    _example(96, 31, "GOLD"),
    _example(95, 0, "GOLD"),
    _example(76, 60, "GOLD"),
    _example(76, 61, "SILVER"),
    _example(100, 61, "SILVER"),
    _example(75, 0, "SILVER"),
    _example(100, 90, "SILVER"),
    _example(100, 91, "DORMANT"),
    _example(100, 180, "DORMANT"),
    _example(100, 181, "LOST"),
    # S4-4, ties at the cut: bought later, then the lower id
    _example(200, 0, "PLATINUM", at=97, like=96),
    _example(200, 0, "GOLD", at=96, like=96),
    _example(95, 0, "PLATINUM", at=96, like=96),
    _example(95, 0, "GOLD", at=95, like=96),
    TierExample(
        facts={
            "orders_all_time": 0,
            "spend_all_time": 0,
            ORDERED_FACT: None,
            "last_order_at": None,
            "customer_id": 101,
        },
        tier=None,
        never_ordered=True,
    ),
)

XIAOXIANG_LAYER = replace(
    shipped_policy(
        code=CODE,
        name=Words("小象买菜用户分层", "Xiaoxiang customer layer"),
        rule=xiaoxiang_rule(),
        examples=EXAMPLES,
    ),
    example_ranking=_example_ranking(),
)
