"""From histories to standings: facts, tiers, labels and the day of the next look, for any number of customers."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.calendar import DAY_US, microseconds
from domain.conditions.numpy_reader import Booleans, Column
from domain.customers.facts import STORED_FACTS
from domain.customers.measure_orders import measure_customers
from domain.customers.order_arrays import CustomerHistory
from domain.customers.review_on import AgeThresholds, review_days
from domain.labels.bits import WIDTH_BYTES, LabelBlock, label_bits
from domain.labels.silence import HORIZON_DAYS, days_until_flip
from domain.standings.columns import condition_columns, cut
from domain.standings.rules import POLICY_SLOTS as POLICY_SLOTS
from domain.standings.rules import ActivePolicy as ActivePolicy
from domain.standings.rules import Rules as Rules
from domain.standings.rules import active_policies as active_policies
from domain.standings.rules import active_policy as active_policy
from domain.standings.rules import make_rules as make_rules
from domain.tiers.evaluation import evaluate

BLOCK_ROWS = 12_288
"""At most so many: temporaries of a block stay in the processor's cache, and each block costs a few ms in itself."""

NEVER_US = 2**62
YEAR_DAYS = HORIZON_DAYS - 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BesideOrders:
    """`held_by_hand`: who holds a manual label, by its code; labels that nobody holds may be missing.

    `next_change_us`: when something changes that is known beforehand, such as the end of a manual label;
    NEVER_US otherwise.
    """

    held_by_hand: Mapping[str, Booleans]
    next_change_us: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Lives:
    """What became of the standings: ranks in effect, a column for each policy id, and when to look again."""

    ranks: NDArray[np.uint8]
    due_day: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Measures:
    """What follows from the histories alone, one row a customer.

    `raw_ranks` has a column for each policy id, 0 = no tier: what the measure gives before a standing's life;
    `micro_scores` has a row for each, in millionths of a point, cut. `versions`: what gave them, a byte each.
    """

    as_of: datetime
    facts: Mapping[str, Column]
    facts_digest: NDArray[np.int64]
    columns: Mapping[str, Column]
    raw_ranks: NDArray[np.uint8]
    micro_scores: NDArray[np.int64]
    versions: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Standings:
    """One row a customer. `ranks` are those in effect; days count from 1970.

    `tiers_due_day`: when the life of a standing goes on by itself; `review_day` is never behind it.
    """

    facts: Mapping[str, Column]
    facts_digest: NDArray[np.int64]
    columns: Mapping[str, Column]
    ranks: NDArray[np.uint8]
    raw_ranks: NDArray[np.uint8]
    versions: NDArray[np.uint8]
    tiers_due_day: NDArray[np.int64]
    label_bits: NDArray[np.uint8]
    review_day: NDArray[np.int64]


def packed(ranks: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Byte n is the rank under policy n."""
    return np.ascontiguousarray(ranks).view("<i8")[:, 0]


def measure_standings(history: CustomerHistory, rules: Rules, *, as_of: datetime) -> Measures:
    """Rows follow the ordinals of `history`."""
    facts = measure_customers(history, as_of=as_of, calendar=rules.calendar)
    as_of_us = microseconds(as_of)
    columns = condition_columns(facts, history.customer_ids, as_of_us)
    raw_ranks = np.zeros((history.customers, POLICY_SLOTS), np.uint8)
    micro_scores = np.zeros((POLICY_SLOTS, history.customers), np.int64)
    for block in _blocks(history.customers):
        found = cut(columns, block.start, block.stop)
        for policy, graded in rules.all_arms(found["customer_id"].values):
            evaluation = evaluate(policy.reading, found, as_of_us=as_of_us, rows=len(graded))
            np.copyto(raw_ranks[block, policy.policy_id], evaluation.ranks, where=graded, casting="unsafe")
            np.copyto(micro_scores[policy.policy_id, block], evaluation.micro_scores, where=graded)
    return Measures(
        as_of=as_of,
        facts=facts,
        facts_digest=digest(facts, history.customers),
        columns=columns,
        raw_ranks=raw_ranks,
        micro_scores=micro_scores,
        versions=rules.versions_of(history.customer_ids),
    )


def compute_standings(
    measures: Measures, history: CustomerHistory, beside: BesideOrders, rules: Rules, lives: Lives
) -> Standings:
    """Labels follow from facts and from the tiers in effect."""
    as_of_us = microseconds(measures.as_of)
    bits = np.zeros((history.customers, WIDTH_BYTES), np.uint8)
    for block in _blocks(history.customers):
        held = {code: mask[block] for code, mask in beside.held_by_hand.items()}
        columns = cut(measures.columns, block.start, block.stop)
        bits[block] = _label_bits(columns, lives.ranks[block], held, rules, as_of_us)
    review_day = review_days(
        history, measures.facts, AgeThresholds(), as_of=measures.as_of, calendar=rules.calendar
    )
    review_day = np.minimum(review_day, _flip_days(measures.columns, beside, rules, as_of_us, review_day))
    yearly = _yearly_days(measures.facts_digest, rules.calendar.last_whole_day(as_of_us))
    return Standings(
        facts=measures.facts,
        facts_digest=measures.facts_digest,
        columns=measures.columns,
        ranks=lives.ranks,
        raw_ranks=measures.raw_ranks,
        versions=measures.versions,
        tiers_due_day=lives.due_day,
        label_bits=bits,
        review_day=np.minimum(np.minimum(review_day, yearly), lives.due_day),
    )


def _blocks(rows: int) -> list[slice]:
    """Of even size."""
    count = -(-rows // BLOCK_ROWS)
    return [slice(rows * n // count, rows * (n + 1) // count) for n in range(count)]


def _yearly_days(facts_digest: NDArray[np.int64], last_day: int) -> NDArray[np.int64]:
    """Nobody waits beyond what `days_until_flip` looks ahead. The day follows from the facts, not from today, so
    that computing somebody early gives the same day again; and not all have the same one."""
    following = last_day + 1
    return following + (facts_digest - following) % YEAR_DAYS


def _flip_days(
    columns: Mapping[str, Column],
    beside: BesideOrders,
    rules: Rules,
    as_of_us: int,
    before: NDArray[np.int64],
) -> NDArray[np.int64]:
    """The day on which a tier or label changes because an age grows, or something known beforehand happens; exact
    where that is before the day `before`.

    A flip after n days comes after n - 1: that bound is exact where days have 24 h, and a day early at most
    where clocks change.
    """
    rows = len(beside.next_change_us)
    # two days more than between the days: a clock that is put back makes a day of 25 h
    at_most = before - rules.calendar.last_whole_day(as_of_us) + 2
    days = days_until_flip(rules.silence, columns, rows=rows, as_of_us=as_of_us, at_most=at_most)
    for canary in rules.canaries:
        own = days_until_flip(canary.silence, columns, rows=rows, as_of_us=as_of_us, at_most=at_most)
        days = np.where(canary.takes(columns["customer_id"].values), np.minimum(days, own), days)
    flip_us = np.minimum(as_of_us + (days - 1) * DAY_US + 1, beside.next_change_us)
    return rules.calendar.day_numbers(flip_us)


def _label_bits(
    columns: Mapping[str, Column],
    ranks: NDArray[np.uint8],
    held: Mapping[str, Booleans],
    rules: Rules,
    as_of_us: int,
) -> NDArray[np.uint8]:
    def tier_in(policy_code: str, codes: tuple[str, ...]) -> Booleans:
        policy = next((one for one in rules.policies if one.version.policy_code == policy_code), None)
        return _holds_tier(rules, policy, ranks, columns["customer_id"].values, codes)

    block = LabelBlock(
        columns=columns, rows=len(ranks), as_of_us=as_of_us, tier_in=tier_in, held_by_hand=held
    )
    return label_bits(rules.labels, block)


def _holds_tier(
    rules: Rules,
    policy: ActivePolicy | None,
    ranks: NDArray[np.uint8],
    customer_ids: NDArray[np.int64],
    codes: tuple[str, ...],
) -> Booleans:
    """By code on the ladder that grades each. Nobody, where the policy is not in force."""
    holds = np.zeros(len(ranks), np.bool_)
    for version, graded in rules.arms(policy, customer_ids) if policy else ():
        wanted = [tier.rank for tier in version.version.rule.tiers if tier.code in codes]
        holds |= graded & np.isin(ranks[:, version.policy_id], np.array(wanted, np.uint8))
    return holds


def digest(facts: Mapping[str, Column], rows: int) -> NDArray[np.int64]:
    """64 bits of all stored facts: equal rows have equal digests, and a change is missed once in 2**64."""
    mixed = np.full(rows, 0x9E3779B97F4A7C15, np.uint64)
    for fact in STORED_FACTS:
        if fact.per_category:
            continue
        column = facts[fact.name]
        values = column.values if column.known is None else np.where(column.known, column.values, -1)
        mixed = (mixed ^ values.astype(np.int64, copy=False).view(np.uint64)) * np.uint64(0xFF51AFD7ED558CCD)
        mixed ^= mixed >> np.uint64(33)
    return mixed.view(np.int64)
