"""Measures everybody without writing: what a first ranking is made of, before any facts are stored."""

import asyncio
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.customers.measure_orders import BESIDE_ORDERS, detailed_since, measure_customers
from domain.standings.columns import condition_columns
from domain.standings.compare import StoredBatch, StoredCustomers
from domain.standings.recompute import Progress

Arrays = dict[str, NDArray[Any]]


async def measure_population(customers: StoredCustomers, names: Sequence[str], progress: Progress) -> Arrays:
    """The columns of those names, one entry for each customer who has ordered.

    *Cost*: reads all orders, about half of a full run; a quarter where the names need no more than amounts."""
    of_all = await customers.blocks()
    found: dict[str, list[NDArray[Any]]] = {name: [] for name in names}
    for number in range(of_all):
        async with customers.stored_block(number) as batch:
            if batch.size:
                for name, values in (await measured(batch, names)).items():
                    found[name].append(values)
        progress(number + 1, of_all)
    nothing = np.zeros(0, np.int64)
    return {name: np.concatenate([nothing, *parts]) for name, parts in found.items()}


async def measured(batch: StoredBatch, names: Sequence[str]) -> Arrays:
    needs_all = any(name.partition("[")[0] in BESIDE_ORDERS for name in names)
    history = await (batch.history(detailed_since(batch.as_of)) if needs_all else batch.bare_history())

    def measure() -> Arrays:
        facts = measure_customers(history, as_of=batch.as_of, calendar=batch.rules.calendar)
        has_ordered = facts["last_order_at"].known
        columns = condition_columns(facts, history.customer_ids, microseconds(batch.as_of))
        return {name: columns[name].values[has_ordered] for name in names}

    return await asyncio.to_thread(measure)
