"""The catalogue of facts and the values it shows."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from domain.conditions.expression import Fact, Moment
from domain.customers.fact import FactKind, FactType
from domain.customers.fact_values import value_of
from domain.customers.facts import (
    CONDITION_INPUTS,
    FACT_BY_NAME,
    FACTS,
    STORED_FACTS,
    moment_fact,
    number_fact,
)

AS_OF = datetime(2026, 11, 22, 16, tzinfo=UTC)


def _stored(**known: Any) -> dict[str, Any]:
    empty = {fact.name: None if fact.nullable else 0 for fact in STORED_FACTS}
    assert known.keys() <= empty.keys()
    return {**empty, **known}


def _shown(name: str, **known: Any) -> Any:
    return value_of(FACT_BY_NAME[name], _stored(**known), AS_OF)


def test_names_are_unique_and_words_are_sentences() -> None:
    assert [name for name, count in Counter(fact.name for fact in FACTS).items() if count > 1] == []
    assert [fact.name for fact in FACTS if not (fact.words[0].isupper() and fact.words.endswith("."))] == []


def test_facts_have_one_name_each_and_derived_ones_come_from_stored_ones() -> None:
    sources = {
        getattr(fact.derivation, part)
        for fact in FACTS
        for part in ("moment", "part", "whole", "total", "fact")
        if hasattr(fact.derivation, part)
    }

    assert len(FACTS) == 41
    assert sources <= {fact.name for fact in STORED_FACTS}


def test_ages_are_never_stored_because_they_would_change_every_row_each_night() -> None:
    assert [fact.name for fact in STORED_FACTS if fact.name.startswith("days_since")] == []


@pytest.mark.parametrize(
    ("name", "graphql_name"),
    [
        ("spend_90d", "spend90d"),
        ("orders_all_time", "ordersAllTime"),
        ("purchase_stability_13w", "purchaseStability13w"),
        ("days_since_last_order", "daysSinceLastOrder"),
    ],
)
def test_graphql_names_are_camel_case(name: str, graphql_name: str) -> None:
    assert FACT_BY_NAME[name].graphql_name == graphql_name


def test_conditions_read_integers_and_moments_and_each_category() -> None:
    assert number_fact("spend_90d") == Fact(
        "spend_90d", 0, 2**36, unit="cents", words="Spend in the last 90 days, net of discounts and refunds."
    )
    assert isinstance(moment_fact("last_order_at"), Moment)
    assert number_fact("category_spend_180d[63]").hi == 2**36
    assert "category_spend_180d[64]" not in CONDITION_INPUTS
    assert "high_margin_share_90d" not in CONDITION_INPUTS


def test_a_moment_is_not_a_number() -> None:
    with pytest.raises(TypeError, match="last_order_at is a moment"):
        number_fact("last_order_at")
    with pytest.raises(TypeError, match="orders_90d is a number"):
        moment_fact("orders_90d")


@pytest.mark.parametrize(
    ("name", "stored", "value"),
    [
        ("orders_90d", {"orders_90d": 7}, 7),
        ("spend_90d", {"spend_90d": 123_456}, Decimal("1234.56")),
        ("growth_value_365d", {"spend_365d": 99_950}, Decimal("999.50")),
        ("never_ordered", {}, True),
        ("never_ordered", {"orders_all_time": 1}, False),
        ("repurchased_90d", {"orders_90d": 1}, False),
        ("repurchased_90d", {"orders_90d": 2}, True),
        ("average_order_value_90d", {}, None),
        ("average_order_value_90d", {"spend_90d": 10_000, "orders_90d": 3}, Decimal("33.333333")),
        ("high_margin_share_90d", {"high_margin_spend_90d": 2, "line_spend_90d": 3}, Decimal("0.666667")),
        ("high_margin_share_90d", {"spend_90d": 5}, None),
        ("online_share_90d", {"online_orders_90d": 1, "orders_90d": 8}, Decimal("0.125000")),
        ("return_rate_90d", {"refunded_orders_90d": 0, "orders_90d": 3}, Decimal("0.000000")),
        ("median_order_interval", {}, None),
        ("median_order_interval", {"median_order_interval": 129_600}, Decimal("1.500000")),
        ("purchase_stability_13w", {"purchase_stability_13w": 750_000}, Decimal("0.750000")),
        ("days_since_last_order", {}, None),
        ("days_since_last_order", {"last_order_at": AS_OF}, 0),
        ("days_since_last_order", {"last_order_at": AS_OF - timedelta(days=1, microseconds=-1)}, 0),
        ("days_since_last_order", {"last_order_at": AS_OF - timedelta(days=1)}, 1),
        ("last_order_at", {"last_order_at": AS_OF}, AS_OF),
        ("monthly_average_orders", {}, Decimal("0.000000")),
    ],
)
def test_a_fact_is_shown_exactly(name: str, stored: dict[str, Any], value: Any) -> None:
    assert _shown(name, **stored) == value


def test_a_future_order_is_no_days_ago() -> None:
    """C2."""
    assert _shown("days_since_last_order", last_order_at=AS_OF + timedelta(days=3)) == 0


@pytest.mark.parametrize(
    ("words", "tenure_days", "monthly"),
    [
        ("less than a month counts as one", 3, Decimal("12.000000")),
        ("61 days are 2.004 months", 61, Decimal("5.987705")),
        ("a year", 365, Decimal("1.000685")),
        ("more than a year counts as a year", 4000, Decimal("1.000685")),
    ],
)
def test_monthly_averages_divide_by_tenure_in_the_year(
    words: str, tenure_days: int, monthly: Decimal
) -> None:
    """S1-3."""
    first_order_at = AS_OF - timedelta(days=tenure_days)

    assert _shown("monthly_average_orders", orders_365d=12, first_order_at=first_order_at) == monthly
    assert _shown("monthly_average_spend", spend_365d=1200, first_order_at=first_order_at) == monthly


def test_types_follow_from_kinds() -> None:
    assert {fact.kind: fact.type for fact in FACTS} == {
        FactKind.INTEGER: FactType.INTEGER,
        FactKind.CENTS: FactType.DECIMAL,
        FactKind.SECONDS: FactType.DECIMAL,
        FactKind.MILLIONTHS: FactType.DECIMAL,
        FactKind.DECIMAL: FactType.DECIMAL,
        FactKind.BOOLEAN: FactType.BOOLEAN,
        FactKind.MOMENT: FactType.MOMENT,
    }
