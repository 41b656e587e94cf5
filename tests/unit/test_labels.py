"""The catalogue of labels, its worked examples, and the bit sets made of it."""

import json
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tier_cases import columns_of, unhurried

from domain.conditions.catalogue import used_facts, used_labels
from domain.conditions.explanation import CustomerValues, holds
from domain.conditions.expression import Fact
from domain.conditions.json_form import from_json, to_json
from domain.customers.facts import CONDITION_INPUTS
from domain.labels.bits import (
    WIDTH_BYTES,
    LabelBlock,
    changed_labels,
    held_bits,
    label_bits,
    read_labels,
    reasons,
)
from domain.labels.manual import ManualLabel
from domain.labels.rule import LabelDefinition, LabelExample, LabelKind
from domain.labels.rules import LABELS
from domain.tiers.evaluation import tier_lookup
from domain.tiers.presets.kuailv_grade import kuailv_rule

READING = read_labels(LABELS)
BY_CODE = {label.code: label for label in LABELS}
COMPUTED = [label for label in LABELS if label.condition is not None]
RULES = {"kuailv_grade": kuailv_rule()}
USED = sorted(set().union(*(used_facts(label.condition) for label in COMPUTED if label.condition)))


def _values(example: LabelExample) -> CustomerValues:
    return CustomerValues(0, example.facts, example.labels, dict(example.tiers))


def _block(customers: list[dict[str, int | None]], ranks: list[int], **by_hand: list[bool]) -> LabelBlock:
    return LabelBlock(
        columns=columns_of(customers),
        rows=len(customers),
        as_of_us=0,
        tier_in=tier_lookup(RULES, {"kuailv_grade": np.array(ranks, np.int8)}, rows=len(customers)),
        held_by_hand={code: np.array(mask) for code, mask in by_hand.items()},
    )


def _value_of(name: str) -> st.SearchStrategy[int | None]:
    fact = CONDITION_INPUTS[name]
    assert isinstance(fact, Fact)
    numbers = st.one_of(st.integers(0, min(200, fact.hi)), st.integers(fact.lo, fact.hi))
    return st.one_of(st.none(), numbers) if fact.nullable else numbers


any_customer = st.fixed_dictionaries({name: _value_of(name) for name in USED})


def test_codes_and_bits_are_never_used_twice() -> None:
    assert [code for code, times in Counter(label.code for label in LABELS).items() if times > 1] == []
    assert [bit for bit, times in Counter(label.bit for label in LABELS).items() if times > 1] == []
    assert max(label.bit for label in LABELS) < WIDTH_BYTES * 8
    assert len(LABELS) == 69


@pytest.mark.parametrize("label", COMPUTED, ids=lambda label: label.code)
def test_a_label_holds_for_its_examples_and_not_for_the_others(label: LabelDefinition) -> None:
    assert label.fits
    assert label.does_not_fit
    assert label.condition is not None

    assert [e for e in label.fits if not holds(label.condition, _values(e))] == []
    assert [e for e in label.does_not_fit if holds(label.condition, _values(e))] == []


@pytest.mark.parametrize("label", COMPUTED, ids=lambda label: label.code)
def test_a_condition_survives_json(label: LabelDefinition) -> None:
    assert label.condition is not None

    stored = json.loads(json.dumps(to_json(label.condition)))

    assert from_json(stored, CONDITION_INPUTS) == label.condition


def test_only_labels_given_by_hand_have_no_condition() -> None:
    assert {label.kind for label in LABELS if label.condition is None} == {LabelKind.MANUAL}
    assert {label.kind for label in COMPUTED} == {LabelKind.DYNAMIC}


def test_conditions_ask_only_for_labels_given_by_hand() -> None:
    """So that no label waits for another, and their order means nothing."""
    asked = set().union(*(used_labels(label.condition) for label in COMPUTED if label.condition))

    assert asked <= {label.code for label in LABELS if label.kind is LabelKind.MANUAL}


def test_a_category_label_speaks_the_shop_s_own_names() -> None:
    label = BY_CODE["category_15_preference"]

    assert label.worded({15: "火锅食材"}).zh == "偏好火锅食材"
    assert label.worded({}).en == "Prefers #15"
    assert BY_CODE["active_30d"].worded({15: "火锅食材"}) == BY_CODE["active_30d"].words


@settings(unhurried, max_examples=15)
@given(customers=st.lists(st.tuples(any_customer, st.integers(0, 5), st.booleans()), min_size=1, max_size=9))
def test_many_at_once_have_the_labels_each_has_alone(customers: list[tuple[Any, int, bool]]) -> None:
    facts = [customer for customer, _, _ in customers]
    ranks = [rank for _, rank, _ in customers]
    block = _block(facts, ranks, vip_by_hand=[by_hand for _, _, by_hand in customers])

    found = label_bits(READING, block)

    assert found.shape == (len(customers), WIDTH_BYTES)
    for row, (values, rank, by_hand) in zip(found, customers, strict=True):
        assert set(held_bits(row.tobytes())) == _labels_alone(values, rank, by_hand)


def _labels_alone(facts: dict[str, int | None], rank: int, by_hand: bool) -> set[int]:
    tier = kuailv_rule().tiers[rank - 1].code if rank else None
    one = CustomerValues(0, facts, ("vip_by_hand",) if by_hand else (), {"kuailv_grade": tier})
    held = {label.bit for label in COMPUTED if label.condition and holds(label.condition, one)}
    return held | ({BY_CODE["vip_by_hand"].bit} if by_hand else set())


@unhurried
@given(facts=any_customer, days=st.integers(0, 400), tenure_days=st.integers(0, 400))
def test_everybody_is_in_exactly_one_stage_of_life(
    facts: dict[str, Any], days: int, tenure_days: int
) -> None:
    """S4-13. Whoever has a last order has a first one."""
    ordered = facts | {"days_since_last_order": days, "days_since_first_order": max(days, tenure_days)}
    never = facts | {"days_since_last_order": None, "days_since_first_order": None}
    stages = {label.bit for label in LABELS if label.family == "lifecycle"}

    found = label_bits(READING, _block([ordered, never], [0, 0]))

    assert [len(stages & set(held_bits(row.tobytes()))) for row in found] == [1, 1]


@given(st.lists(st.tuples(st.binary(min_size=38, max_size=38), st.booleans()), min_size=1, max_size=6))
def test_changes_lead_from_the_old_labels_to_the_new(pairs: list[tuple[bytes, bool]]) -> None:
    new = np.array([list(bits) for bits, _ in pairs], np.uint8)
    old = np.array([[0] * 38 if differs else list(bits) for bits, differs in pairs], np.uint8)

    changes = changed_labels(old, new)

    held = [set(held_bits(row.tobytes())) for row in old]
    for row, bit, entered in zip(changes.rows, changes.bits, changes.entered, strict=True):
        assert (bit not in held[row]) == entered
        held[row] = held[row] | {int(bit)} if entered else held[row] - {int(bit)}
    assert held == [set(held_bits(row.tobytes())) for row in new]


def test_labels_that_left_are_changes_too() -> None:
    old, new = (np.zeros((3, WIDTH_BYTES), np.uint8) for _ in range(2))
    old[1, 4], new[2, 0] = 0b10000001, 0b10

    changes = changed_labels(old, new)

    assert changes.rows.tolist() == [1, 1, 2]
    assert changes.bits.tolist() == [32, 39, 1]
    assert changes.entered.tolist() == [False, False, True]


def test_a_label_says_what_it_wanted_and_what_it_found() -> None:
    example = LabelExample({"organic_spend_180d": 4_000, "line_spend_180d": 10_000, "orders_180d": 5})

    checks = reasons(BY_CODE["organic_preference"], _values(example))

    assert [(c.wanted, c.found, c.passed) for c in checks] == [
        (">= 0.3", "40.00 / 100.00", True),
        (">= 3", "5", True),
    ]
    assert reasons(BY_CODE["office_worker"], _values(example)) == ()


@pytest.mark.parametrize(
    ("words", "expires", "removed", "held"),
    [
        ("open", None, None, True),
        ("ends later", 23, None, True),
        ("ends at this moment", 22, None, False),
        ("removed before its end", 23, 21, False),
    ],
)
def test_a_label_given_by_hand_is_held_until_it_ends(
    words: str, expires: int | None, removed: int | None, held: bool
) -> None:
    """S4-8."""
    label = ManualLabel(
        customer_id=1,
        code="vip_by_hand",
        author="li",
        note="signed the yearly contract",
        given_at=datetime(2026, 11, 1, tzinfo=UTC),
        expires_at=datetime(2026, 11, expires, tzinfo=UTC) if expires else None,
        removed_at=datetime(2026, 11, removed, tzinfo=UTC) if removed else None,
    )

    assert label.is_held(as_of=datetime(2026, 11, 22, tzinfo=UTC)) is held
    assert not label.is_held(as_of=datetime(2026, 10, 31, tzinfo=UTC))
