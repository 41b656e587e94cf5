"""Everybody as they were at another moment: facts measured again from the orders, for previews of the past."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

import numpy as np

from domain.customers.measure_orders import detailed_since, measure_customers
from domain.standings.compare import StoredCustomers
from domain.standings.preview_policy import StoredFactsBlock
from domain.standings.review_customers import CustomerBatch


@dataclass(frozen=True, slots=True)
class MeasuredBase:
    """`domain.standings.preview_policy.StoredBase`. *Cost*: reads all orders, about half of a full run."""

    customers: StoredCustomers

    async def blocks(self, facts: Sequence[str], policy_id: int) -> AsyncIterator[StoredFactsBlock]:  # noqa: ARG002
        for number in range(await self.customers.blocks()):
            async with self.customers.stored_block(number) as batch:
                if batch.size:
                    yield await measured_block(batch, facts)


async def measured_block(batch: CustomerBatch, facts: Sequence[str]) -> StoredFactsBlock:
    history = await batch.history(detailed_since(batch.as_of))
    measured = await asyncio.to_thread(
        measure_customers, history, as_of=batch.as_of, calendar=batch.rules.calendar
    )
    ranks = np.zeros(batch.size, np.uint8)
    return StoredFactsBlock(history.customer_ids, {name: measured[name] for name in facts}, ranks)
