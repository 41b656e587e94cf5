"""The stage of life a customer is in: exactly one at any time (S4-13, with S4-2 for dormant and lost)."""

from domain.conditions.expression import Condition, known
from domain.customers.facts import number_fact
from domain.labels.rule import LabelDefinition, LabelExample, LabelRefresh, customer
from domain.words import Words

DAY_SECONDS = 86_400

_days = number_fact("days_since_last_order")
_tenure_days = number_fact("days_since_first_order")
_orders = number_fact("orders_all_time")
_month = number_fact("orders_30d")
_quarter = number_fact("orders_90d")
_interval = number_fact("median_order_interval")

_is_present = _days <= 90
_is_new = (_tenure_days <= 30) | (_orders < 2)
_is_silent_for_long = _days * DAY_SECONDS > (_interval * 2).greatest(21 * DAY_SECONDS)
# 30-day orders below half the pace of the 60 days before: x < 1/2 * (90 d - x) / 2
_has_slowed = _month * 4 < _quarter - _month
_is_declining = _is_silent_for_long | _has_slowed
_is_settled = _is_present & ~_is_new & ~_is_declining


def _example(
    *, days: int | None, tenure: int | None, orders: int, month: int, quarter: int, interval_days: int | None
) -> LabelExample:
    return customer(
        days_since_last_order=days,
        days_since_first_order=tenure,
        orders_all_time=orders,
        orders_30d=month,
        orders_90d=quarter,
        median_order_interval=None if interval_days is None else interval_days * DAY_SECONDS,
    )


_PROSPECT = _example(days=None, tenure=None, orders=0, month=0, quarter=0, interval_days=None)
_NEW = _example(days=3, tenure=30, orders=4, month=4, quarter=4, interval_days=8)
_BOUGHT_ONCE = _example(days=80, tenure=80, orders=1, month=0, quarter=1, interval_days=None)
_GROWING = _example(days=5, tenure=179, orders=12, month=3, quarter=9, interval_days=10)
_MATURE = _example(days=5, tenure=180, orders=12, month=3, quarter=9, interval_days=10)
_SILENT = _example(days=22, tenure=400, orders=60, month=3, quarter=9, interval_days=7)
_SLOWED = _example(days=5, tenure=400, orders=60, month=1, quarter=6, interval_days=10)
_DORMANT = _example(days=91, tenure=400, orders=60, month=0, quarter=0, interval_days=7)
_LOST = _example(days=181, tenure=400, orders=60, month=0, quarter=0, interval_days=7)
_ALL = (_PROSPECT, _NEW, _BOUGHT_ONCE, _GROWING, _MATURE, _SILENT, _SLOWED, _DORMANT, _LOST)


def _stage(bit: int, code: str, words: Words, condition: Condition, *fits: LabelExample) -> LabelDefinition:
    """A stage fits its own examples and none of the others', because stages exclude each other."""
    return LabelDefinition(
        bit=bit,
        code=code,
        words=words,
        family="lifecycle",
        refresh=LabelRefresh.DAILY,
        condition=condition,
        fits=fits,
        does_not_fit=tuple(example for example in _ALL if example not in fits),
    )


LIFECYCLE = (
    _stage(31, "lifecycle_prospect", Words("潜在客户", "Prospect: no order yet"), ~known(_days), _PROSPECT),
    _stage(32, "lifecycle_new", Words("新用户", "New"), _is_present & _is_new, _NEW, _BOUGHT_ONCE),
    _stage(33, "lifecycle_growing", Words("成长期", "Growing"), _is_settled & (_tenure_days < 180), _GROWING),
    _stage(34, "lifecycle_mature", Words("成熟期", "Mature"), _is_settled & (_tenure_days >= 180), _MATURE),
    _stage(
        35,
        "lifecycle_declining",
        Words("衰退期", "Declining"),
        _is_present & ~_is_new & _is_declining,
        _SILENT,
        _SLOWED,
    ),
    _stage(36, "lifecycle_dormant", Words("沉睡", "Dormant"), _days.between(91, 180), _DORMANT),
    _stage(37, "lifecycle_lost", Words("流失", "Lost"), _days > 180, _LOST),
)
