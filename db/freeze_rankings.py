"""Freezes the rankings of a business day from the stored facts, and marks whoever stands otherwise under them.

It reads everybody once in one stream and writes one row; nobody's orders are read again. Customers who were due
anyway are marked by their review day; a ranking moves others, too, and they are found here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn, read_columns
from db.ranking_store import write_ranking
from db.review_writes import WIRE_TYPES
from domain.calendar import microseconds
from domain.conditions.numpy_reader import Column
from domain.customers.facts import FACT_BY_NAME
from domain.standings.columns import columns_of_stored, stored_names
from domain.standings.compute_standings import POLICY_SLOTS, ActivePolicy, Rules
from domain.tiers.evaluation import read_rule
from domain.tiers.measure import ORDERED_FACT
from domain.tiers.policy import TierRule
from domain.tiers.rank_population import frozen_ranking, ranked_facts, ranks_of

POPULATION = """
SELECT {names}, s.raw_tiers FROM customer_facts AS f JOIN customer_standings AS s USING (customer_id)
WHERE f.last_order_at IS NOT NULL
"""
MARK = """
WITH marked AS (
  INSERT INTO dirty_customers (customer_id, reason, urgency)
  SELECT customer_id, 'NIGHT', 2 FROM unnest($1::bigint[]) AS customer_id ORDER BY customer_id
  ON CONFLICT DO NOTHING RETURNING customer_id
)
SELECT count(*) FROM marked
"""

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Night:
    """From one live moment to the next; `day` is the business day that begins, from 1970."""

    before: datetime
    as_of: datetime
    day: int


async def freeze_rankings(connection: Any, rules: Rules, night: Night) -> int:
    """How many more customers were marked. `rules` are those of the day before.

    *Cost*: about 4 s of CPU for a million customers and one policy that ranks; nothing without one.
    """
    marked = 0
    for policy in (*rules.policies, *(canary.policy for canary in rules.canaries)):
        if ranked_facts(policy.version.rule):
            moved = await freeze_ranking(connection, policy, night)
            graded = rules.versions_of(moved)[:, policy.policy_id] == policy.version_byte
            marked += await connection.fetchval(MARK, moved[graded].tolist())
    return marked


async def freeze_ranking(connection: Any, policy: ActivePolicy, night: Night) -> NDArray[np.int64]:
    """The customers whose rank is another under the new ranking, or is not the stored one."""
    rule = policy.version.rule
    population = await read_population(connection, rule)
    now = rule_columns(population, night.as_of)
    frozen = frozen_ranking(rule, {name: column.values for name, column in now.items()}, day=night.day)
    await write_ranking(connection, policy.version_id, frozen)
    before = rule_columns(population, night.before)
    old = ranks_of(policy.reading, before, as_of_us=microseconds(night.before))
    new = ranks_of(read_rule(rule.with_ranking(frozen)), now, as_of_us=microseconds(night.as_of))
    stored = (
        population["raw_tiers"].astype("<i8").view(np.uint8).reshape(-1, POLICY_SLOTS)[:, policy.policy_id]
    )
    moved: NDArray[np.int64] = population["customer_id"][(new != old) | (new != stored)]
    return moved


async def read_population(connection: Any, rule: TierRule) -> Arrays:
    """What a rule reads of all who have ordered, as stored, with their packed tiers."""
    names = stored_names((*rule.fact_names(), ORDERED_FACT))
    wire = [WireColumn(name, WIRE_TYPES[FACT_BY_NAME[name].kind]) for name in names]
    columns = [WireColumn("customer_id", "int8"), *wire, WireColumn("raw_tiers", "int8")]
    text = ", ".join(f"f.{name}" for name in ("customer_id", *names))
    return await read_columns(connection, POPULATION.format(names=text), columns)


def rule_columns(population: Arrays, as_of: datetime) -> dict[str, Column]:
    """The columns a rule is evaluated over, from stored facts."""
    stored = {name: Column(values) for name, values in population.items()}
    return columns_of_stored(stored, population["customer_id"], microseconds(as_of))
