"""How long ago the last order was, against fixed limits and against the customer's own rhythm."""

from domain.conditions.expression import known
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, LabelRefresh, customer
from domain.words import Words

DAY_SECONDS = 86_400

_days = number_fact("days_since_last_order")
_interval = number_fact("median_order_interval")

RECENCY = (
    LabelDefinition(  # S1-6
        bit=0,
        code="active_30d",
        words=Words("活跃客户（30天内下单）", "Active: ordered within 30 days"),
        family="recency",
        unit="days",
        window_days=30,
        refresh=LabelRefresh.DAILY,
        condition=_days <= 30,
        fits=(customer(days_since_last_order=0), customer(days_since_last_order=30)),
        does_not_fit=(customer(days_since_last_order=31), customer(days_since_last_order=None)),
    ),
    LabelDefinition(  # S1-6
        bit=1,
        code="at_risk",
        words=Words("流失风险客户（31至90天未下单）", "At risk: last order 31 to 90 days ago"),
        family="recency",
        unit="days",
        window_days=90,
        refresh=LabelRefresh.DAILY,
        condition=_days.between(31, 90),
        fits=(customer(days_since_last_order=31), customer(days_since_last_order=90)),
        does_not_fit=(
            customer(days_since_last_order=30),
            customer(days_since_last_order=91),
            customer(days_since_last_order=None),
        ),
    ),
    LabelDefinition(  # S1-6
        bit=2,
        code="lost_90d",
        words=Words("流失客户（超过90天未下单）", "Lost: no order for more than 90 days"),
        family="recency",
        unit="days",
        window_days=90,
        refresh=LabelRefresh.DAILY,
        condition=_days > 90,
        fits=(customer(days_since_last_order=91),),
        does_not_fit=(customer(days_since_last_order=90), customer(days_since_last_order=None)),
    ),
    LabelDefinition(  # C8, S1-6
        bit=3,
        code="never_ordered",
        words=Words("从未下单", "Never ordered"),
        family="recency",
        condition=~known(_days),
        fits=(customer(days_since_last_order=None),),
        does_not_fit=(customer(days_since_last_order=0), customer(days_since_last_order=4_000)),
    ),
    LabelDefinition(  # S0-1: the recency points are used up
        bit=4,
        code="silent_50d",
        words=Words("50天及以上未下单", "Silent for 50 days or more"),
        family="recency",
        unit="days",
        window_days=50,
        refresh=LabelRefresh.DAILY,
        condition=_days >= 50,
        fits=(customer(days_since_last_order=50),),
        does_not_fit=(customer(days_since_last_order=49), customer(days_since_last_order=None)),
    ),
    LabelDefinition(  # S3-14; the interval is unknown below 3 intervals
        bit=5,
        code="repurchase_due",
        words=Words("到达个人复购周期", "Due by the customer's own interval"),
        family="recency",
        unit="days",
        refresh=LabelRefresh.DAILY,
        condition=_days * DAY_SECONDS >= _interval,
        fits=(customer(days_since_last_order=7, median_order_interval=7 * DAY_SECONDS),),
        does_not_fit=(
            customer(days_since_last_order=6, median_order_interval=7 * DAY_SECONDS),
            customer(days_since_last_order=60, median_order_interval=None),
        ),
    ),
    LabelDefinition(  # S3-14, twice the interval
        bit=6,
        code="repurchase_overdue",
        words=Words("超过两倍个人复购周期", "Overdue: twice the customer's own interval has passed"),
        family="recency",
        unit="days",
        refresh=LabelRefresh.DAILY,
        condition=_days * DAY_SECONDS > _interval * 2,
        fits=(customer(days_since_last_order=15, median_order_interval=7 * DAY_SECONDS),),
        does_not_fit=(
            customer(days_since_last_order=14, median_order_interval=7 * DAY_SECONDS),
            customer(days_since_last_order=400, median_order_interval=None),
        ),
    ),
)
