"""What one order of a customer looks like, and how evenly they come (S0-8, S0-9)."""

from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, LabelRefresh, customer
from domain.words import Words

_orders = number_fact("orders_90d")
_spend = number_fact("spend_90d")
_stability = number_fact("purchase_stability_13w")

BASKET = (
    LabelDefinition(  # S0-8
        bit=19,
        code="high_order_value_90d",
        words=Words("客单价高（90天平均500及以上）", "High order value: 500 or more on average in 90 days"),
        family="basket",
        unit="CNY",
        window_days=90,
        condition=(_orders >= 1) & (_spend >= _orders * 50_000),
        fits=(customer(orders_90d=2, spend_90d=100_000),),
        does_not_fit=(customer(orders_90d=2, spend_90d=99_999), customer(orders_90d=0, spend_90d=0)),
    ),
    LabelDefinition(  # S0-8
        bit=20,
        code="low_order_value_90d",
        words=Words("客单价低（90天平均不足50）", "Low order value: less than 50 on average in 90 days"),
        family="basket",
        unit="CNY",
        window_days=90,
        condition=(_orders >= 1) & (_spend < _orders * 5_000),
        fits=(customer(orders_90d=2, spend_90d=9_999),),
        does_not_fit=(customer(orders_90d=2, spend_90d=10_000), customer(orders_90d=0, spend_90d=0)),
    ),
    LabelDefinition(  # S0-9
        bit=21,
        code="stable_purchases",
        words=Words("采购稳定", "Stable purchases over 13 weeks"),
        family="basket",
        unit="share",
        window_days=91,
        refresh=LabelRefresh.WEEKLY,
        condition=_stability >= 700_000,
        fits=(customer(purchase_stability_13w=700_000),),
        does_not_fit=(customer(purchase_stability_13w=699_999), customer(purchase_stability_13w=None)),
    ),
    LabelDefinition(  # S0-9
        bit=22,
        code="volatile_purchases",
        words=Words("采购波动大", "Volatile purchases over 13 weeks"),
        family="basket",
        unit="share",
        window_days=91,
        refresh=LabelRefresh.WEEKLY,
        condition=_stability < 300_000,
        fits=(customer(purchase_stability_13w=299_999),),
        does_not_fit=(customer(purchase_stability_13w=300_000), customer(purchase_stability_13w=None)),
    ),
)
