"""Where a customer orders: one side at 80% of the orders of 90 days, else both (S0-9, S1-7)."""

from fractions import Fraction

from domain.conditions.expression import share
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, customer
from domain.words import Words

_online = number_fact("online_orders_90d")
_orders = number_fact("orders_90d")

CHANNEL = (
    LabelDefinition(
        bit=23,
        code="online_buyer",
        words=Words("线上客户", "Online: 80% of orders or more"),
        family="channel",
        unit="share",
        window_days=90,
        condition=share(_online, _orders, ">=", Fraction(80, 100)),
        fits=(customer(online_orders_90d=4, orders_90d=5),),
        does_not_fit=(
            customer(online_orders_90d=3, orders_90d=4),
            customer(online_orders_90d=0, orders_90d=0),
        ),
    ),
    LabelDefinition(
        bit=24,
        code="offline_buyer",
        words=Words("线下客户", "Offline: 80% of orders or more"),
        family="channel",
        unit="share",
        window_days=90,
        condition=share(_online, _orders, "<=", Fraction(20, 100)),
        fits=(customer(online_orders_90d=1, orders_90d=5),),
        does_not_fit=(
            customer(online_orders_90d=1, orders_90d=4),
            customer(online_orders_90d=0, orders_90d=0),
        ),
    ),
    LabelDefinition(
        bit=25,
        code="mixed_channels",
        words=Words("全渠道客户", "Mixed: neither online nor offline reaches 80%"),
        family="channel",
        unit="share",
        window_days=90,
        condition=share(_online, _orders, ">", Fraction(20, 100))
        & share(_online, _orders, "<", Fraction(80, 100)),
        fits=(customer(online_orders_90d=1, orders_90d=2),),
        does_not_fit=(
            customer(online_orders_90d=4, orders_90d=5),
            customer(online_orders_90d=0, orders_90d=0),
        ),
    ),
)
