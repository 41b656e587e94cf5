"""Previews a policy over everybody from the facts that are stored: nothing is measured again, locked or changed."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans, Column, chosen_rows
from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.standings.columns import columns_of_stored, cut, row_of, stored_names
from domain.standings.compute_standings import BLOCK_ROWS
from domain.tiers.calibration import TierCut, calibrate, can_calibrate
from domain.tiers.evaluation import Evaluation, RuleReading, evaluate, read_rule
from domain.tiers.measure import ORDERED_FACT, PLACE_FACTS
from domain.tiers.policy import TierRule
from domain.tiers.policy_preview import Moves, Preview, PreviewBase, Sample, same_tiers
from domain.tiers.policy_store import HeldPolicy, PolicyStore
from domain.tiers.rank_population import frozen_ranking, ranked_facts

SPEND = "spend_90d"
MAXIMUM_SAMPLES = 100


@dataclass(frozen=True, slots=True, eq=False)
class StoredFactsBlock:
    """Customers as stored: facts by stored name, and the rank that the measure in force gives, 0 for none."""

    customer_ids: NDArray[np.int64]
    facts: Mapping[str, Column]
    ranks: NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Readings:
    """`in_force` None: what it gives is stored."""

    candidate: RuleReading
    in_force: RuleReading | None

    def fact_names(self) -> tuple[str, ...]:
        rules = [reading.rule for reading in (self.candidate, self.in_force) if reading]
        return (*(name for rule in rules for name in rule.fact_names()), ORDERED_FACT, SPEND, *PLACE_FACTS)


class StoredBase(Protocol):
    """Everybody, as of one moment."""

    def blocks(self, facts: Sequence[str], policy_id: int) -> AsyncIterator[StoredFactsBlock]:
        """Block by block; each is read at one moment, and nothing is held between them."""


class LiveBase(StoredBase, Protocol):
    """Everybody, as stored."""

    def at(self, moment: datetime) -> StoredBase:
        """Everybody as they were, measured again from their orders. Their ranks are unknown: all 0."""


class ChosenCustomers(Protocol):
    """Some of everybody, by a condition."""

    async def among(self, customer_ids: NDArray[np.int64]) -> Booleans:
        """Which of these, ascending."""

    async def everybody(self) -> NDArray[np.int64]:
        """All of them, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewScope:
    """`chosen` None: everybody; `as_of` None: the live moment. Only both can be activated."""

    samples: int = 10
    chosen: ChosenCustomers | None = None
    as_of: datetime | None = None

    @property
    def is_whole(self) -> bool:
        return self.chosen is None and self.as_of is None


@dataclass(frozen=True, slots=True)
class ChosenBase:
    """`StoredBase`, of some."""

    base: StoredBase
    chosen: ChosenCustomers

    async def blocks(self, facts: Sequence[str], policy_id: int) -> AsyncIterator[StoredFactsBlock]:
        async for block in self.base.blocks(facts, policy_id):
            mask = await self.chosen.among(block.customer_ids)
            facts_of_chosen = chosen_rows(block.facts, mask)
            yield StoredFactsBlock(block.customer_ids[mask], facts_of_chosen, block.ranks[mask])


async def preview_version(
    policies: PolicyStore,
    live: LiveBase,
    *,
    policy: str,
    version_id: int,
    scope: PreviewScope,
    viewer: Viewer,
) -> Preview:
    """Of a saved version; recorded, if it is of everybody now, so that it may be activated.

    *Errors*: DomainError UNKNOWN_POLICY, NOT_FOUND, OUT_OF_RANGE, IN_THE_FUTURE."""
    held = await policies.find(policy)
    version = held.find(version_id)
    if version is None:
        message = f"{policy} has no such version: take an id from its versions."
        raise DomainError(ErrorCode.NOT_FOUND, message, ("candidate", "version"))
    found = await preview(
        live, held, version.rule, scope=scope, version_id=version_id if scope.is_whole else None
    )
    if scope.is_whole:
        await policies.record_preview(found, held, viewer)
    return found


async def preview_rule(
    policies: PolicyStore, live: LiveBase, *, policy: str, rule: TierRule, scope: PreviewScope
) -> Preview:
    """Of a rule that nobody has saved. *Errors*: DomainError UNKNOWN_POLICY, OUT_OF_RANGE, IN_THE_FUTURE."""
    return await preview(live, await policies.find(policy), rule, scope=scope)


async def preview(
    live: LiveBase,
    policy: HeldPolicy,
    rule: TierRule,
    *,
    scope: PreviewScope,
    version_id: int | None = None,
) -> Preview:
    """*Cost*: see docs/policies.md; a ranking reads the base twice, and places among everybody whoever is chosen.
    Computes in a thread, block by block."""
    require_scope(scope, policy)
    stored: StoredBase = live
    if scope.as_of is not None:
        stored, policy = live.at(scope.as_of), replace(policy, live_as_of=scope.as_of)
    active = policy.active
    before = active.rule if active else None
    base = PreviewBase(
        policy_id=policy.policy_id,
        version_id=version_id,
        active_version_id=active.version_id if active else None,
        live_as_of=policy.live_as_of,
    )
    rule, *others = await all_placed(stored, policy, [rule, *measured_again(policy, scope)])
    readings = Readings(read_rule(rule), read_rule(others[0]) if others else None)
    moves = Moves(scope.samples, same_tiers(before, rule))
    shown = ChosenBase(stored, scope.chosen) if scope.chosen else stored
    async for block in shown.blocks(stored_names(readings.fact_names()), base.policy_id):
        await asyncio.to_thread(add_block, moves, block, readings, microseconds(base.live_as_of))
    cuts = await asyncio.to_thread(calibrated, rule, moves)
    return Preview(base=base, before=before, rule=rule, moves=moves, cuts=cuts)


def require_scope(scope: PreviewScope, policy: HeldPolicy) -> None:
    if not 0 <= scope.samples <= MAXIMUM_SAMPLES:
        message = f"Ask for 0 to {MAXIMUM_SAMPLES} samples."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("samples",))
    if scope.as_of is not None and scope.as_of > policy.live_as_of:
        message = f"What will be bought is not known: choose a moment until {policy.live_as_of.isoformat()}."
        raise DomainError(ErrorCode.IN_THE_FUTURE, message, ("asOf",))


def measured_again(policy: HeldPolicy, scope: PreviewScope) -> list[TierRule]:
    """What is in force, if what it gives is not what is stored: while a canary runs some ranks are its own, and of the
    past there are none."""
    is_stored = policy.canary is None and scope.as_of is None
    return [] if is_stored or policy.active is None else [policy.active.rule]


def calibrated(rule: TierRule, moves: Moves) -> tuple[TierCut, ...]:
    if not moves.micro_scores:
        return ()
    return calibrate(rule, np.concatenate(moves.micro_scores))


async def placed(stored: StoredBase, policy: HeldPolicy, rule: TierRule) -> TierRule:
    """The rule, if it ranks, bound to the places that everybody has now."""
    (found,) = await all_placed(stored, policy, [rule])
    return found


async def all_placed(stored: StoredBase, policy: HeldPolicy, rules: Sequence[TierRule]) -> list[TierRule]:
    """*Cost*: one read of the base for all that rank, none without."""
    names = {name for rule in rules for name in ranked_facts(rule)}
    if not names:
        return list(rules)
    columns = await population(stored, policy, sorted(names))
    day = policy.calendar.last_whole_day(microseconds(policy.live_as_of))
    return [await asyncio.to_thread(bound, rule, columns, day) for rule in rules]


def bound(rule: TierRule, columns: Mapping[str, NDArray[Any]], day: int) -> TierRule:
    return rule.with_ranking(frozen_ranking(rule, columns, day=day)) if ranked_facts(rule) else rule


async def population(
    stored: StoredBase, policy: HeldPolicy, ranked: Sequence[str]
) -> dict[str, NDArray[Any]]:
    """The columns that rankings by these facts are made of. *Memory*: 8 bytes a column and customer."""
    names = (*ranked, *PLACE_FACTS)
    found: dict[str, list[NDArray[Any]]] = {name: [np.zeros(0, np.int64)] for name in names}
    async for block in stored.blocks(stored_names(names), policy.policy_id):
        columns = columns_of_stored(block.facts, block.customer_ids, microseconds(policy.live_as_of))
        has_ordered = columns["last_order_at"].known
        for name in names:
            found[name].append(columns[name].values[has_ordered])
    return {name: np.concatenate(parts) for name, parts in found.items()}


def add_block(moves: Moves, block: StoredFactsBlock, readings: Readings, as_of_us: int) -> None:
    columns = columns_of_stored(block.facts, block.customer_ids, as_of_us)
    for start in range(0, len(block.ranks), BLOCK_ROWS):
        stop = min(start + BLOCK_ROWS, len(block.ranks))
        some = cut(columns, start, stop)
        found = evaluate(readings.candidate, some, as_of_us=as_of_us, rows=stop - start)
        before = block.ranks[start:stop]
        if readings.in_force:
            measured = evaluate(readings.in_force, some, as_of_us=as_of_us, rows=stop - start)
            before = measured.ranks.astype(np.uint8)
        moves.add(before, found.ranks, some[SPEND].values.astype(np.int64))
        if can_calibrate(readings.candidate.rule):
            moves.micro_scores.append(found.micro_scores[found.ranks > 0])
        keep_samples(moves, before, found, some, readings.candidate.rule)


def keep_samples(
    moves: Moves,
    before: NDArray[np.uint8],
    found: Evaluation,
    columns: Mapping[str, Column],
    rule: TierRule,
) -> None:
    """The first rows of each kind of move, until there are enough of it."""
    for row in first_rows(moves, before, found.ranks):
        old, new = int(before[row]), int(found.ranks[row])
        if moves.wants(old, new):
            names = {*rule.fact_names(), ORDERED_FACT, *PLACE_FACTS}
            facts = row_of({name: columns[name] for name in names}, row)
            moves.keep(Sample(int(columns["customer_id"].values[row]), old, new, facts))


def first_rows(moves: Moves, before: NDArray[np.uint8], after: NDArray[np.int8]) -> list[int]:
    rows = np.flatnonzero(~moves.stays[before, after])
    kinds = before[rows].astype(np.intp) * 256 + after[rows]
    return [int(row) for kind in np.unique(kinds) for row in rows[kinds == kind][: moves.wanted]]
