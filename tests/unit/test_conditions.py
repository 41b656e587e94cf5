"""The condition language: bounds, unknowns, exact shares, interning, JSON and explanations."""

import json
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from condition_columns import reader_of
from conditions_made import AS_OF_US, CONDITIONS, EXPRESSIONS, INPUTS, ROWS, plain_number
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.conditions.catalogue import intern, used_facts, used_labels, used_policies
from domain.conditions.explanation import Check, CustomerValues, explain, holds
from domain.conditions.expression import (
    AllOf,
    Condition,
    ConditionRefused,
    Fact,
    HasLabel,
    Moment,
    Number,
    TierIn,
    known,
    number,
    share,
)
from domain.conditions.json_form import from_json, to_json
from domain.conditions.numpy_reader import Column, NumpyReader

LAW = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
ORDERS = Fact("orders_90d", 0, 2**31 - 1, words="Orders in the last 90 days.")
SPEND = Fact("spend_90d", 0, 2**36, unit="cents", words="Spend in the last 90 days.")
HIGH_MARGIN = Fact("high_margin_spend_90d", 0, 2**36, unit="cents")
SILENCE = Fact("days_since_last_order", 0, 40_000, nullable=True)
LAST_ORDER = Moment("last_order_at")


_SPEND_ONLY = frozenset({"spend_90d"})


def _customer(**facts: int | None) -> CustomerValues:
    return CustomerValues(AS_OF_US, facts, labels={"vip"}, tiers={"kuailv_grade": "GOLD"})


@LAW
@given(ROWS, EXPRESSIONS)
def test_arithmetic_equals_plain_python_without_wrapping(rows: list[dict[str, Any]], made: Number) -> None:
    values, is_known = reader_of(rows).number(made)

    for index, row in enumerate(rows):
        expected = plain_number(made, row)
        assert expected is None or made.lo <= expected <= made.hi
        assert (is_known is None or bool(is_known[index])) == (expected is not None)
        if expected is not None:
            assert (values if isinstance(values, int) else int(values[index])) == expected


@LAW
@given(ROWS, CONDITIONS)
def test_not_is_the_complement(rows: list[dict[str, Any]], condition: Condition) -> None:
    reader = reader_of(rows)

    assert (reader.condition(condition) != reader.condition(~condition)).all()


@LAW
@given(ROWS, st.lists(CONDITIONS, max_size=5))
def test_interning_changes_no_answer(rows: list[dict[str, Any]], conditions: list[Condition]) -> None:
    catalogue = intern([*conditions, *conditions])
    shared, plain = reader_of(rows, catalogue.shared), reader_of(rows)

    for interned, condition in zip(catalogue.conditions, [*conditions, *conditions], strict=True):
        assert (shared.condition(interned) == plain.condition(condition)).all()


@LAW
@given(CONDITIONS)
def test_json_round_trips(condition: Condition) -> None:
    assert from_json(json.loads(json.dumps(to_json(condition))), INPUTS) == condition


@LAW
@given(ROWS, CONDITIONS)
def test_one_customer_gets_the_answer_of_the_block(rows: list[dict[str, Any]], condition: Condition) -> None:
    block = reader_of(rows).condition(condition)

    for row, expected in zip(rows, block, strict=True):
        labels = [code for code in ("vip", "dormant") if row[code]]
        customer = CustomerValues(AS_OF_US, {n: row[n] for n in INPUTS}, labels, {"grade": row["tier"]})
        assert holds(condition, customer) == expected
        assert all(isinstance(check, Check) for check in explain(condition, customer))


def test_equal_parts_are_computed_once() -> None:
    first, second = (ORDERS * 5).least(100) >= 10, (ORDERS * 5).least(100) >= 20
    catalogue = intern([first, second])
    left, right = catalogue.conditions

    assert left.left is right.left  # type: ignore[attr-defined]
    assert id(left.left) in catalogue.shared  # type: ignore[attr-defined]


@pytest.mark.parametrize("operator", ["__lt__", "__le__", "__gt__", "__ge__", "equals"])
def test_a_test_of_an_unknown_is_false(operator: str) -> None:
    assert not holds(getattr(SILENCE, operator)(0), _customer(days_since_last_order=None))


def test_known_asks_for_the_unknown() -> None:
    assert holds(~known(SILENCE), _customer(days_since_last_order=None))
    assert holds(known(SILENCE), _customer(days_since_last_order=0))
    assert not holds(known(SILENCE * 2 + 1), _customer(days_since_last_order=None))


@pytest.mark.parametrize(
    ("words", "age_us", "expected"),
    [
        ("exactly N days old is out", 90 * 86_400_000_000, False),
        ("a microsecond younger is in", 90 * 86_400_000_000 - 1, True),
        ("at as_of is in", 0, True),
        ("after as_of is out", -1, False),
    ],
)
def test_windows_are_half_open(words: str, age_us: int, expected: bool) -> None:
    """C3."""
    customer = _customer(last_order_at=AS_OF_US - age_us)

    assert holds(LAST_ORDER.within(90 * 86_400), customer) is expected


def test_a_share_is_exact_and_false_without_a_whole() -> None:
    prefers = share(HIGH_MARGIN, SPEND, ">=", Fraction(1, 3))

    assert holds(prefers, _customer(high_margin_spend_90d=1, spend_90d=3))
    assert not holds(prefers, _customer(high_margin_spend_90d=333_333, spend_90d=1_000_000))
    assert not holds(prefers, _customer(high_margin_spend_90d=0, spend_90d=0))


def test_what_could_leave_64_bits_is_refused_when_built() -> None:
    with pytest.raises(ConditionRefused, match=r"the result of \* may reach 0\.\.4722366482869645213696"):
        SPEND * SPEND
    with pytest.raises(ConditionRefused):
        share(SPEND, SPEND, ">", Fraction(1, 10**10))
    with pytest.raises(ConditionRefused):
        number(2**63)


@pytest.mark.parametrize("value", [0.5, True, "3"])
def test_only_exact_integers_are_numbers(value: Any) -> None:
    with pytest.raises(ConditionRefused, match="Only exact integers"):
        value <= ORDERS  # noqa: B015


def test_narrow_columns_are_refused_because_they_would_wrap() -> None:
    with pytest.raises(TypeError, match="int32 or int64"):
        Column(np.zeros(3, np.int16))


def test_a_label_without_a_reader_for_labels_is_an_error() -> None:
    with pytest.raises(LookupError, match="vip"):
        NumpyReader({}, AS_OF_US, 1).condition(HasLabel("vip"))


def test_what_a_condition_uses() -> None:
    condition = (ORDERS + SPEND >= 3) & ~LAST_ORDER.within(5) & HasLabel("vip") & TierIn("grade", ("GOLD",))

    assert used_facts(condition) == {"orders_90d", "spend_90d", "last_order_at"}
    assert used_labels(condition) == {"vip"}
    assert used_policies(condition) == {"grade"}


def test_an_explanation_names_each_test_with_what_it_found() -> None:
    condition = (ORDERS >= 3) & ~(SPEND > 100_000) & known(SILENCE)

    checks = explain(condition, _customer(orders_90d=2, spend_90d=123_456, days_since_last_order=None))

    assert checks == (
        Check("Orders in the last 90 days >= 3", ">= 3", "2", False, frozenset({"orders_90d"})),
        Check(
            "Spend in the last 90 days <= 1,000.00",
            "<= 1,000.00",
            "1,234.56",
            False,
            frozenset({"spend_90d"}),
        ),
        Check("days_since_last_order known", "known", None, False, frozenset({"days_since_last_order"})),
    )


def test_labels_tiers_shares_and_moments_explain_themselves() -> None:
    condition = AllOf(
        (
            HasLabel("vip"),
            TierIn("kuailv_grade", ("DIAMOND", "GOLD")),
            share(HIGH_MARGIN, SPEND, ">=", Fraction(2, 5)),
            LAST_ORDER.within(30 * 86_400),
            ~(SILENCE <= 30),
        )
    )
    values = {"high_margin_spend_90d": 40, "spend_90d": 100, "last_order_at": AS_OF_US}

    checks = explain(condition, _customer(**values, days_since_last_order=None))

    assert [check.words for check in checks] == [
        "label vip held",
        "tier of kuailv_grade in DIAMOND, GOLD",
        "high_margin_spend_90d / Spend in the last 90 days >= 0.4",
        "last_order_at within 30 days, 0:00:00",
        "days_since_last_order > 30 or unknown",
    ]
    assert [check.found for check in checks] == [
        "held",
        "GOLD",
        "0.40 / 1.00",
        "2026-11-22T00:00:00+00:00",
        None,
    ]
    assert all(check.passed for check in checks)


@pytest.mark.parametrize(
    ("words", "form"),
    [
        ("not an object", [1]),
        ("two keys", {">=": ["small", 1], "<=": ["small", 2]}),
        ("unknown word", {"like": ["small", 1]}),
        ("unknown fact", {">=": ["unheard_of", 1]}),
        ("a moment is no number", {">=": ["last_at", 1]}),
        ("a number is no moment", {"within": ["small", 1]}),
        ("one side", {">=": ["small"]}),
        ("a float", {">=": ["small", 1.5]}),
        ("a truth value", {">=": ["small", True]}),
        ("unknown arithmetic", {">=": [{"/": ["small", 2]}, 1]}),
        ("no list", {"all": {"known": "small"}}),
        ("a share of nothing", {"share": ["small", "count", ">=", "1/0"]}),
        ("a share by an unknown operator", {"share": ["small", "count", "~", "1/2"]}),
        ("a window of text", {"within": ["last_at", "1 day"]}),
        ("a moment of text", {"moment": ["last_at", ">", "2026-01-01"]}),
        ("a label that is no text", {"label": 3}),
        ("tiers that are no texts", {"tier": ["grade", [1]]}),
        ("set of texts", {"in": ["small", ["a"]]}),
        ("too wide", {">=": [{"*": ["spend", {"*": ["spend", "spend"]}]}, 1]}),
    ],
)
def test_json_that_is_no_condition_is_refused(words: str, form: Any) -> None:
    with pytest.raises(ConditionRefused):
        from_json(form, INPUTS)
