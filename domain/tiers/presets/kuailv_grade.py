"""Kuailv grading of business customers: recency, frequency and spend of 90 days in one score (S0-1 to 20)."""

from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from domain.tiers.measure import ScoreMeasure, TierPart
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

CODE = "kuailv_grade"


class HighMarginMode(StrEnum):
    """How the optional part P enters the score (S0-5). OFF is what the source's own code does."""

    OFF = "OFF"
    WEIGHTED = "WEIGHTED"
    BONUS_CAPPED = "BONUS_CAPPED"


RECENCY = TierPart(  # S0-1
    code="R",
    words=Words("最近下单", "Recency of the last order"),
    fact="days_since_last_order",
    base=Fraction(100),
    slope=Fraction(-2),
    weight=Fraction("0.3"),
)
FREQUENCY = TierPart(  # S0-2
    code="F",
    words=Words("90天下单次数", "Orders in 90 days"),
    fact="orders_90d",
    slope=Fraction(5),
    weight=Fraction("0.4"),
)
MONEY = TierPart(  # S0-3: one point for each 1,000 CNY
    code="M",
    words=Words("90天消费金额", "Spend in 90 days"),
    fact="spend_90d",
    slope=Fraction(1, 100_000),
    weight=Fraction("0.3"),
)
HIGH_MARGIN = TierPart(  # S0-5: lines are divided by lines
    code="P",
    words=Words("90天高毛利商品占比", "High-margin share of purchases in 90 days"),
    fact="high_margin_spend_90d",
    per="line_spend_90d",
    slope=Fraction(100),
    weight=Fraction("0.2"),
)


def _benefit(kind: BenefitKind, zh: str, en: str, value: str | None = None) -> Benefit:
    return Benefit(kind, Words(zh, en), None if value is None else Decimal(value))


def _credit(days: int, limit_cny: int) -> Benefit:
    words = Words(f"账期{days}天，额度{limit_cny}元", f"{days} days to pay, up to CNY {limit_cny:,}")
    return Benefit(BenefitKind.CREDIT, words, Decimal(limit_cny), days)


def _points() -> Benefit:
    """加倍 is twice. Stated of gold alone; a higher tier is never worse, so they have it too (S0-20)."""
    return _benefit(BenefitKind.POINTS_MULTIPLIER, "积分加倍", "Double points", "2")


# S0-4 thresholds, S0-10 target shares, S0-19 benefits; their figures are ours (S0-20).
TIERS = (
    Tier(
        code="BRONZE",
        name=Words("青铜", "Bronze"),
        rank=1,
        threshold=None,
        target_share=Decimal("0.10"),
        benefits=(_benefit(BenefitKind.COUPON, "激活奖励", "Activation reward"),),
    ),
    Tier(
        code="SILVER",
        name=Words("白银", "Silver"),
        rank=2,
        threshold=Decimal(40),
        target_share=Decimal("0.40"),
        benefits=(_benefit(BenefitKind.OTHER, "基础服务", "Basic service"),),
    ),
    Tier(
        code="GOLD",
        name=Words("黄金", "Gold"),
        rank=3,
        threshold=Decimal(60),
        target_share=Decimal("0.30"),
        benefits=(
            _points(),
            _benefit(BenefitKind.BIRTHDAY_GIFT, "生日礼", "Birthday gift"),
            _benefit(BenefitKind.PRICE, "等级价99折", "Tier price: 1 % off", "0.99"),
            _credit(7, 10_000),
        ),
    ),
    Tier(
        code="PLATINUM",
        name=Words("铂金", "Platinum"),
        rank=4,
        threshold=Decimal(75),
        target_share=Decimal("0.15"),
        benefits=(
            _benefit(BenefitKind.PRIORITY_DELIVERY, "优先配送", "Priority delivery"),
            _benefit(BenefitKind.MONTHLY_BILL, "月度账单", "Monthly bill"),
            _benefit(BenefitKind.PRICE, "等级价97折", "Tier price: 3 % off", "0.97"),
            _points(),
            _credit(15, 50_000),
        ),
    ),
    Tier(
        code="DIAMOND",
        name=Words("钻石", "Diamond"),
        rank=5,
        threshold=Decimal(90),
        target_share=Decimal("0.05"),
        benefits=(
            _benefit(BenefitKind.PRICE, "专属价格95折", "Exclusive price: 5 % off", "0.95"),
            _benefit(BenefitKind.FREE_DELIVERY, "免费配送", "Free delivery"),
            _benefit(BenefitKind.NEW_PRODUCT_TRIAL, "新品试用", "New-product trial"),
            _points(),
            _credit(30, 100_000),
        ),
    ),
)


def kuailv_rule(mode: HighMarginMode = HighMarginMode.OFF) -> TierRule:
    return TierRule(
        measure=ScoreMeasure(_parts(mode)),
        tiers=TIERS,
        never_ordered_tier="BRONZE",
        almost_there_gap=Fraction(5),  # S0-16
        timing=timings.KUAILV_GRADE,
    )


def _parts(mode: HighMarginMode) -> tuple[TierPart, ...]:
    base = (RECENCY, FREQUENCY, MONEY)
    if mode is HighMarginMode.OFF:
        return base
    if mode is HighMarginMode.BONUS_CAPPED:
        return (*base, replace(HIGH_MARGIN, bonus=True))
    weighted = (*base, HIGH_MARGIN)
    total = sum(part.weight for part in weighted)
    return tuple(replace(part, weight=part.weight / total) for part in weighted)


def _example(facts: tuple[int, int, int], points: tuple[str, str, str], score: str, tier: str) -> TierExample:
    days, orders, spend_cny = facts
    return TierExample(
        facts={"days_since_last_order": days, "orders_90d": orders, "spend_90d": spend_cny * 100},
        points=tuple(map(Decimal, points)),
        score=Decimal(score),
        tier=tier,
    )


EXAMPLES = (
    _example((0, 20, 100_000), ("100", "100", "100"), "100", "DIAMOND"),
    _example((5, 18, 95_000), ("90", "90", "95"), "91.5", "DIAMOND"),
    _example((0, 15, 100_000), ("100", "75", "100"), "90", "DIAMOND"),
    _example((0, 20, 16_666), ("100", "100", "16.666"), "74.9998", "GOLD"),
    _example((0, 20, 16_667), ("100", "100", "16.667"), "75.0001", "PLATINUM"),
    _example((10, 15, 60_000), ("80", "75", "60"), "72", "GOLD"),
    _example((0, 8, 0), ("100", "40", "0"), "46", "SILVER"),
    _example((30, 5, 4_000), ("40", "25", "4"), "23.2", "BRONZE"),
    _example((50, 19, 100_000), ("0", "95", "100"), "68", "GOLD"),
    TierExample(
        facts={"days_since_last_order": None, "orders_90d": 0, "spend_90d": 0},
        points=(Decimal(0), Decimal(0), Decimal(0)),
        score=Decimal(0),
        tier="BRONZE",
        never_ordered=True,
    ),
    # C5: exactly 60, which binary floating point puts at 59.999…
    _example((4, 15, 8_000), ("92", "75", "8"), "60", "GOLD"),
)

KUAILV_GRADE = shipped_policy(
    code=CODE,
    name=Words("快驴客户分级", "Kuailv customer grade"),
    rule=kuailv_rule(),
    examples=EXAMPLES,
)
