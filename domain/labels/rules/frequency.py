"""How often a customer orders, per month of tenure within the last 365 days (S1-3)."""

from domain.conditions.expression import Compare
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, customer
from domain.words import Words

# months = max(1, min(365, tenure days) / 30.4375), kept whole by multiplying with 304,375 and 10,000
_months = (number_fact("days_since_first_order").least(365) * 10_000).greatest(304_375)
_paced_orders = number_fact("orders_365d") * 304_375


def at_least_a_month(orders: int) -> Compare:
    """Whether a customer orders at least so often a month."""
    return _paced_orders >= _months * orders


def less_than_one_in(months: int) -> Compare:
    return _paced_orders * months < _months


FREQUENCY = (
    LabelDefinition(  # S1-2
        bit=13,
        code="high_frequency",
        words=Words("高频（月均3单及以上）", "High frequency: 3 or more orders a month"),
        family="frequency",
        unit="orders",
        window_days=365,
        condition=at_least_a_month(3),
        fits=(
            customer(orders_365d=36, days_since_first_order=365),
            customer(orders_365d=3, days_since_first_order=5),
        ),
        does_not_fit=(
            customer(orders_365d=35, days_since_first_order=365),
            customer(orders_365d=0, days_since_first_order=None),
        ),
    ),
    LabelDefinition(  # S1-3: the middle is all the rest of those who ever ordered
        bit=14,
        code="middle_frequency",
        words=Words("中频", "Middle frequency"),
        family="frequency",
        unit="orders",
        window_days=365,
        condition=(_paced_orders < _months * 3) & (_paced_orders * 3 >= _months),
        fits=(
            customer(orders_365d=35, days_since_first_order=365),
            customer(orders_365d=4, days_since_first_order=365),
        ),
        does_not_fit=(
            customer(orders_365d=36, days_since_first_order=365),
            customer(orders_365d=3, days_since_first_order=365),
            customer(orders_365d=0, days_since_first_order=None),
        ),
    ),
    LabelDefinition(  # S1-2, S1-3
        bit=15,
        code="low_frequency",
        words=Words("低频（每季度不足1单）", "Low frequency: less than one order a quarter"),
        family="frequency",
        unit="orders",
        window_days=365,
        condition=less_than_one_in(3),
        fits=(customer(orders_365d=3, days_since_first_order=900),),
        does_not_fit=(
            customer(orders_365d=4, days_since_first_order=900),
            customer(orders_365d=0, days_since_first_order=None),
        ),
    ),
    LabelDefinition(  # S0-8, section 6.1
        bit=16,
        code="repurchased_90d",
        words=Words("90天内复购", "Bought again within 90 days"),
        family="frequency",
        unit="orders",
        window_days=90,
        condition=number_fact("orders_90d") >= 2,
        fits=(customer(orders_90d=2),),
        does_not_fit=(customer(orders_90d=1),),
    ),
    LabelDefinition(
        bit=17,
        code="one_time_buyer",
        words=Words("只下过一单", "Ordered exactly once"),
        family="frequency",
        unit="orders",
        condition=number_fact("orders_all_time").equals(1),
        fits=(customer(orders_all_time=1),),
        does_not_fit=(customer(orders_all_time=0), customer(orders_all_time=2)),
    ),
    LabelDefinition(  # S0-2: the frequency points are full
        bit=18,
        code="full_frequency_90d",
        words=Words("90天下单20次及以上", "20 or more orders in 90 days"),
        family="frequency",
        unit="orders",
        window_days=90,
        condition=number_fact("orders_90d") >= 20,
        fits=(customer(orders_90d=20),),
        does_not_fit=(customer(orders_90d=19),),
    ),
)
