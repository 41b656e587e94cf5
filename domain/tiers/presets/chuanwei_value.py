"""Chuanwei value layers: spend, frequency and recency, each high, mid or low, taken together (S1-2 to S1-5)."""

from decimal import Decimal
from fractions import Fraction

from domain.tiers.measure import (
    ORDERED_FACT,
    TENURE,
    BandsMeasure,
    Combination,
    Cut,
    CutOperator,
    Dimension,
    Quantity,
    Step,
)
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

CODE = "chuanwei_value"


def _steps(operators: tuple[CutOperator, CutOperator], mid: Fraction, high: Fraction) -> tuple[Step, ...]:
    return Step("MID", Cut(operators[0], mid)), Step("HIGH", Cut(operators[1], high))


SPEND = Dimension(  # S1-2: more than 50,000 CNY a year is high, more than 10,000 mid
    Quantity(code="spend", words=Words("近一年消费", "spend of the last year"), fact="spend_365d"),
    _steps((">", ">"), Fraction(1_000_000), Fraction(5_000_000)),
)
FREQUENCY = Dimension(  # S1-3: 3 orders a month are high, fewer than one a quarter low, the rest mid
    Quantity(code="frequency", words=Words("月均下单次数", "orders a month"), fact="orders_365d", per=TENURE),
    _steps((">=", ">="), Fraction(1, 3), Fraction(3)),
)
RECENCY = Dimension(  # S1-4: day 30 is high, day 31 mid, day 90 mid, day 91 low
    Quantity(code="recency", words=Words("距上次下单天数", "days since the last order"), fact=ORDERED_FACT),
    _steps(("<=", "<="), Fraction(90), Fraction(30)),
)

# 加倍 is twice; stated of mid alone, and a higher layer is never worse (as S0-20).
DOUBLE_POINTS = Benefit(BenefitKind.POINTS_MULTIPLIER, Words("积分加倍", "Double points"), Decimal(2))
# S1-12 and S1-14 benefits; no shares are stated.
TIERS = (
    Tier(
        code="LOW",
        name=Words("低价值", "Low value"),
        rank=1,
        benefits=(
            Benefit(BenefitKind.NEWCOMER_PACK, Words("新人礼包", "Newcomer pack")),
            Benefit(BenefitKind.COUPON, Words("通用优惠券", "Generic coupons")),
            Benefit(BenefitKind.OTHER, Words("基础服务", "Basic service")),
        ),
    ),
    Tier(
        code="MID",
        name=Words("中价值", "Mid value"),
        rank=2,
        benefits=(
            Benefit(
                BenefitKind.COUPON, Words("定向优惠券、满减", "Targeted coupons and threshold discounts")
            ),
            DOUBLE_POINTS,
            Benefit(BenefitKind.CONTENT, Words("社群与内容", "Community and content")),
        ),
    ),
    Tier(
        code="HIGH",
        name=Words("高价值（VIP）", "High value (VIP)"),
        rank=3,
        benefits=(
            Benefit(BenefitKind.MEMBER_DAY, Words("会员日特权", "Member-day privilege")),
            Benefit(BenefitKind.NEW_PRODUCT_TRIAL, Words("新品优先体验", "First access to new products")),
            Benefit(BenefitKind.BIRTHDAY_GIFT, Words("生日礼遇", "Birthday gift")),
            Benefit(BenefitKind.DEDICATED_AGENT, Words("一对一专属服务", "1-to-1 service")),
            Benefit(BenefitKind.PRIORITY_DELIVERY, Words("加急配送", "Express delivery")),
            DOUBLE_POINTS,
        ),
    ),
)


def chuanwei_rule(combination: Combination = Combination.MEDIAN) -> TierRule:
    """S1-5: with FIRST, spend decides."""
    return TierRule(
        measure=BandsMeasure((SPEND, FREQUENCY, RECENCY), combination),
        tiers=TIERS,
        never_ordered_tier="LOW",
        timing=timings.CHUANWEI_VALUE,
    )


def _example(spend_cny: int, orders: int, days: tuple[int, int], tiers: str, tier: str) -> TierExample:
    """`days` since the first and the last order; `tiers` of spend, frequency and recency."""
    facts = {
        "spend_365d": spend_cny * 100,
        "orders_365d": orders,
        "days_since_first_order": days[0],
        ORDERED_FACT: days[1],
    }
    return TierExample(facts=facts, tier=tier, part_tiers=tuple(tiers.split()))


EXAMPLES = (
    # S1-5: 60,000 and 18 orders in 365 days (1.5 a month), 20 days ago
    _example(60_000, 18, (400, 20), "HIGH MID HIGH", "HIGH"),
    _example(60_000, 2, (400, 100), "HIGH LOW LOW", "LOW"),
    _example(60_000, 12, (400, 100), "HIGH MID LOW", "MID"),
    # S1-2: exactly 50,000 is mid, exactly 10,000 low
    _example(50_000, 12, (400, 40), "MID MID MID", "MID"),
    _example(10_000, 2, (400, 40), "LOW LOW MID", "LOW"),
    # S1-3: of 365 days 36 orders make 3.002 a month, 35 make 2.92; 4 make 0.33355, 3 make 0.25
    _example(0, 36, (365, 31), "LOW HIGH MID", "MID"),
    _example(0, 35, (365, 31), "LOW MID MID", "MID"),
    _example(0, 4, (365, 91), "LOW MID LOW", "LOW"),
    _example(20_000, 3, (365, 91), "MID LOW LOW", "LOW"),
    # a tenure under a month counts as one
    _example(20_000, 3, (5, 5), "MID HIGH HIGH", "HIGH"),
    # S1-4
    _example(20_000, 12, (400, 30), "MID MID HIGH", "MID"),
    _example(20_000, 2, (400, 90), "MID LOW MID", "MID"),
    TierExample(
        facts={"spend_365d": 0, "orders_365d": 0, "days_since_first_order": None, ORDERED_FACT: None},
        tier="LOW",
        part_tiers=("LOW", "LOW", "LOW"),
        never_ordered=True,
    ),
)

CHUANWEI_VALUE = shipped_policy(
    code=CODE,
    name=Words("川味冻品价值分层", "Chuanwei value layer"),
    rule=chuanwei_rule(),
    examples=EXAMPLES,
)
