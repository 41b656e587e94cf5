"""The facts as SQL: the answer to `asOf`, the second reader of the numpy facts, derived facts as expressions.

Windows are counted in hours, never in days: a day of an interval depends on the session's time zone.
"""

from collections.abc import Callable
from typing import Any, assert_never

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY

from db.tables.metadata import MOMENT
from domain.conditions.expression import COMPARISONS
from domain.customers.fact import (
    Comparison,
    DaysSince,
    Derivation,
    FactDefinition,
    FactKind,
    MonthlyAverage,
    Quotient,
    Renamed,
    TenureMonths,
)
from domain.customers.facts import FACT_BY_NAME, STORED_FACTS
from domain.orders.order import MAXIMUM_CATEGORIES, ONLINE_CHANNELS

Expression = sa.ColumnElement[Any]

_COLUMN_TYPES: dict[FactKind, type[sa.types.TypeEngine[Any]]] = {
    FactKind.INTEGER: sa.Integer,
    FactKind.MILLIONTHS: sa.Integer,
    FactKind.CENTS: sa.BigInteger,
    FactKind.SECONDS: sa.BigInteger,
}
_WINDOW_DAYS = {"7d": 7, "30d": 30, "90d": 90, "180d": 180, "365d": 365, "all_time": None}
_ONLINE = ", ".join(str(channel.code) for channel in ONLINE_CHANNELS)


def column_type(fact: FactDefinition) -> sa.types.TypeEngine[Any]:
    """The type of the column that stores a fact."""
    if fact.kind is FactKind.MOMENT:
        return MOMENT
    element = _COLUMN_TYPES[fact.kind]()
    return ARRAY(element, dimensions=1) if fact.per_category else element


def facts_as_of() -> sa.TextualSelect:
    """The stored facts of some customers at any past moment, from their orders.

    Shape: `customer_id` and one column for each stored fact, one row for each customer asked for.
    Parameters: `as_of` (timestamptz), `zone` (of the shop), `customer_ids` (bigint[]).
    Cost: one index range per customer; for millions, measure in numpy instead.
    """
    types = [sa.column("customer_id", sa.BigInteger)]
    types += [sa.column(fact.name, column_type(fact)) for fact in STORED_FACTS]
    return sa.text(_FACTS_AS_OF).columns(*types)


def _inside(days: int | None, test: str = "true") -> str:
    if days is None:
        return ""
    return f" FILTER (WHERE o.counted_at > m.as_of - INTERVAL '{days * 24} hours' AND {test})"


def _sum(column: str, days: int | None, name: str) -> str:
    return f"CAST(coalesce(sum(o.{column}){_inside(days)}, 0) AS bigint) AS {name}"


def _count(days: int | None, name: str, test: str = "true") -> str:
    return f"CAST(count(*){_inside(days, test)} AS integer) AS {name}"


_TOTALS = ",\n       ".join(
    [
        *(_count(days, f"orders_{window}") for window, days in _WINDOW_DAYS.items()),
        *(_sum("net_cents", days, f"spend_{window}") for window, days in _WINDOW_DAYS.items()),
        f"coalesce(max(o.net_cents){_inside(90)}, 0) AS biggest_order_90d",
        "min(o.counted_at) AS first_order_at",
        "max(o.counted_at) AS last_order_at",
        _sum("line_cents", 90, "line_spend_90d"),
        _sum("high_margin_cents", 90, "high_margin_spend_90d"),
        _count(90, "online_orders_90d", f"o.channel IN ({_ONLINE})"),
        _sum("line_cents", 180, "line_spend_180d"),
        _sum("organic_cents", 180, "organic_spend_180d"),
        _sum("imported_cents", 180, "imported_spend_180d"),
        _count(90, "refunded_orders_90d", "o.refunded_cents > 0"),
    ]
)
_JOINED = {
    "median_order_interval": "intervals.median_order_interval",
    "purchase_stability_13w": "stability.purchase_stability_13w",
    "referrals": """(SELECT CAST(count(*) AS integer) FROM referrals AS r CROSS JOIN moment AS m
        WHERE r.referrer_id = asked.customer_id AND r.referred_at <= m.as_of)""",
    "category_orders_180d": "category_totals.category_orders_180d",
    "category_spend_180d": "category_totals.category_spend_180d",
}


def _chosen(fact: FactDefinition) -> str:
    if fact.name in _JOINED:
        return f"{_JOINED[fact.name]} AS {fact.name}"
    source = f"totals.{fact.name}"
    return f"{source if fact.nullable else f'coalesce({source}, 0)'} AS {fact.name}"


_FACTS_AS_OF = f"""
WITH moment AS MATERIALIZED (
  SELECT as_of, CAST(as_of AT TIME ZONE zone AS date) - 1 AS last_day, zone
  FROM (SELECT CAST(:as_of AS timestamptz) AS as_of, CAST(:zone AS text) AS zone) AS given
), asked AS (
  SELECT DISTINCT unnest(CAST(:customer_ids AS bigint[])) AS customer_id
), past AS MATERIALIZED (
  SELECT o.* FROM asked JOIN orders AS o USING (customer_id) CROSS JOIN moment AS m
  WHERE o.counted_at <= m.as_of
), totals AS (
  SELECT o.customer_id,
       {_TOTALS}
  FROM past AS o CROSS JOIN moment AS m GROUP BY o.customer_id
), steps AS (
  SELECT customer_id,
         counted_at - lag(counted_at) OVER (PARTITION BY customer_id ORDER BY counted_at) AS step
  FROM past
), intervals AS (
  SELECT customer_id, percentile_disc(0.5) WITHIN GROUP (
           ORDER BY CAST(floor(extract(epoch FROM step)) AS bigint)) AS median_order_interval
  FROM steps WHERE step IS NOT NULL GROUP BY customer_id HAVING count(*) >= 3
), days AS (
  SELECT o.customer_id, o.net_cents, m.last_day,
         CAST((o.counted_at - INTERVAL '1 microsecond') AT TIME ZONE m.zone AS date) AS day
  FROM past AS o CROSS JOIN moment AS m WHERE o.counted_at > m.as_of - INTERVAL '2500 hours'
), weeks AS (
  SELECT customer_id, net_cents, (day - DATE '1970-01-01' + 3) / 7 AS week,
         (last_day - DATE '1970-01-01' + 4) / 7 - 1 AS last_week
  FROM days
), weekly AS (
  SELECT customer_id, CAST(sum(net_cents) AS bigint) AS spend,
         CAST(sum(sum(net_cents)) OVER (PARTITION BY customer_id) AS bigint) AS total
  FROM weeks WHERE week > last_week - 13 AND week <= last_week GROUP BY customer_id, week
), shares AS (
  SELECT customer_id, (spend << 26) / total AS share FROM weekly WHERE total > 0
), variation AS (
  SELECT customer_id, CAST(floor(sqrt(
           CAST(13 * sum(share * share) - sum(share) * sum(share) AS numeric(40, 20)))) AS bigint) AS root
  FROM shares GROUP BY customer_id
), stability AS (
  SELECT customer_id,
         CAST(greatest(1000000 - ((root * 1000000) >> 26), 0) AS integer) AS purchase_stability_13w
  FROM variation
), category_sums AS (
  SELECT c.customer_id, c.category_id, sum(c.orders) AS orders, sum(c.spend_cents) AS spend
  FROM asked JOIN category_days AS c USING (customer_id) CROSS JOIN moment AS m
  WHERE c.day > m.last_day - 180 AND c.day <= m.last_day GROUP BY c.customer_id, c.category_id
), category_totals AS (
  SELECT asked.customer_id,
         array_agg(CAST(coalesce(s.orders, 0) AS integer) ORDER BY n.category_id) AS category_orders_180d,
         array_agg(CAST(coalesce(s.spend, 0) AS bigint) ORDER BY n.category_id) AS category_spend_180d
  FROM asked CROSS JOIN generate_series(0, {MAXIMUM_CATEGORIES - 1}) AS n(category_id)
  LEFT JOIN category_sums AS s ON s.customer_id = asked.customer_id AND s.category_id = n.category_id
  GROUP BY asked.customer_id
)
SELECT asked.customer_id,
       {", ".join(_chosen(fact) for fact in STORED_FACTS)}
FROM asked
LEFT JOIN totals ON totals.customer_id = asked.customer_id
LEFT JOIN intervals ON intervals.customer_id = asked.customer_id
LEFT JOIN stability ON stability.customer_id = asked.customer_id
LEFT JOIN category_totals ON category_totals.customer_id = asked.customer_id
"""


def shown_fact(fact: FactDefinition, column: Callable[[str], Expression], as_of: Expression) -> Expression:
    """The value that `value_of` shows, over `column(name)` of the stored facts; divisions exactly rounded."""
    if fact.derivation is not None:
        return _derived(fact.derivation, column, as_of)
    return _shown_stored(fact.kind, column(fact.name))


def _shown_stored(kind: FactKind, stored: Expression) -> Expression:
    match kind:
        case FactKind.CENTS:
            return sa.cast(stored, sa.Numeric) * sa.literal_column("0.01")
        case FactKind.MILLIONTHS:
            return sa.cast(stored, sa.Numeric) * sa.literal_column("0.000001")
        case FactKind.SECONDS:
            return _six_digits(stored, sa.literal_column("86400"))
    return stored


def _derived(derivation: Derivation, column: Callable[[str], Expression], as_of: Expression) -> Expression:
    match derivation:
        case DaysSince(moment):
            return days_since(column(moment), as_of)
        case Quotient(part, whole):
            divisor = column(whole) * _cents_in(part, whole)
            return sa.case((column(whole) > 0, _six_digits(column(part), divisor)))
        case MonthlyAverage(total):
            return _monthly_average(total, column, as_of)
        case TenureMonths():
            return _six_digits(_tenure_months(column, as_of), sa.literal_column("304375"))
        case Renamed(name):
            return shown_fact(FACT_BY_NAME[name], column, as_of)
        case Comparison(name, operator, value):
            compared: Expression = COMPARISONS[operator](column(name), sa.literal_column(str(value)))
            return compared
    assert_never(derivation)


def days_since(moment: Expression, as_of: Expression) -> Expression:
    """Whole periods of 24 h, never below 0 (C2); NULL for NULL."""
    days = sa.func.div(sa.extract("epoch", as_of - moment), 86_400)
    return sa.case((moment.is_not(None), sa.cast(sa.func.greatest(days, 0), sa.Integer)))


def _monthly_average(total: str, column: Callable[[str], Expression], as_of: Expression) -> Expression:
    months = _tenure_months(column, as_of)
    return _six_digits(column(total) * 304_375, months * _cents_in(total))


def _tenure_months(column: Callable[[str], Expression], as_of: Expression) -> Expression:
    """max(1, days / 30.4375), taken 10,000 * 30.4375 times."""
    tenure_days = sa.func.coalesce(days_since(column("first_order_at"), as_of), 0)
    return sa.func.greatest(sa.func.least(tenure_days, 365) * 10_000, 304_375)


def _cents_in(part: str, whole: str | None = None) -> int:
    is_money = FACT_BY_NAME[part].kind is FactKind.CENTS
    return 100 if is_money and not (whole and FACT_BY_NAME[whole].kind is FactKind.CENTS) else 1


def _six_digits(part: Expression, whole: Expression) -> Expression:
    """Rounded half up without an inexact division in between: `div` of numerics is exact."""
    a, b = sa.cast(part, sa.Numeric), sa.cast(whole, sa.Numeric)
    return sa.func.div(a * 2_000_000 + b, b * 2, type_=sa.Numeric) * sa.literal_column("0.000001")
