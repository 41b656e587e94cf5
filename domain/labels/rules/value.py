"""How much a customer spends. Money is in cents; the limits are those of the rules."""

from domain.conditions.expression import known
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, customer
from domain.words import Words

_year = number_fact("spend_365d")
_month = number_fact("spend_30d")
_days = number_fact("days_since_last_order")

VALUE = (
    LabelDefinition(  # S1-2
        bit=7,
        code="high_annual_spend",
        words=Words("年消费高（超过50,000）", "High annual spend: more than 50,000"),
        family="value",
        unit="CNY",
        window_days=365,
        condition=_year > 5_000_000,
        fits=(customer(spend_365d=5_000_001),),
        does_not_fit=(customer(spend_365d=5_000_000),),
    ),
    LabelDefinition(  # S1-2
        bit=8,
        code="middle_annual_spend",
        words=Words("年消费中（10,000至50,000）", "Middle annual spend: 10,000 to 50,000"),
        family="value",
        unit="CNY",
        window_days=365,
        condition=(_year > 1_000_000) & (_year <= 5_000_000),
        fits=(customer(spend_365d=1_000_001), customer(spend_365d=5_000_000)),
        does_not_fit=(customer(spend_365d=1_000_000), customer(spend_365d=5_000_001)),
    ),
    LabelDefinition(  # S1-2
        bit=9,
        code="low_annual_spend",
        words=Words("年消费低（10,000及以下）", "Low annual spend: 10,000 or less"),
        family="value",
        unit="CNY",
        window_days=365,
        condition=(_year <= 1_000_000) & known(_days),
        fits=(customer(spend_365d=1_000_000, days_since_last_order=3),),
        does_not_fit=(
            customer(spend_365d=1_000_001, days_since_last_order=3),
            customer(spend_365d=0, days_since_last_order=None),
        ),
    ),
    LabelDefinition(  # S2-1
        bit=10,
        code="monthly_spend_above_2000",
        words=Words("月消费超过2,000", "More than 2,000 in 30 days"),
        family="value",
        unit="CNY",
        window_days=30,
        condition=_month > 200_000,
        fits=(customer(spend_30d=200_001),),
        does_not_fit=(customer(spend_30d=200_000),),
    ),
    LabelDefinition(  # S2-1: both ends belong to the middle
        bit=11,
        code="monthly_spend_500_to_2000",
        words=Words("月消费500至2,000", "500 to 2,000 in 30 days"),
        family="value",
        unit="CNY",
        window_days=30,
        condition=_month.between(50_000, 200_000),
        fits=(customer(spend_30d=50_000), customer(spend_30d=200_000)),
        does_not_fit=(customer(spend_30d=49_999), customer(spend_30d=200_001)),
    ),
    LabelDefinition(  # S0-12
        bit=12,
        code="big_order_90d",
        words=Words("90天内有大额订单（10,000及以上）", "An order of 10,000 or more in 90 days"),
        family="value",
        unit="CNY",
        window_days=90,
        condition=number_fact("biggest_order_90d") >= 1_000_000,
        fits=(customer(biggest_order_90d=1_000_000),),
        does_not_fit=(customer(biggest_order_90d=999_999),),
    ),
)
