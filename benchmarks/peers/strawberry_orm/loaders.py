"""One batch function a relation; each borrows a session of its own, since fields run side by side."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import BigInteger, Integer, Select, func, literal_column, select, true, tuple_
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.sql.expression import bindparam
from strawberry.dataloader import DataLoader

from benchmarks.peers.strawberry_orm import models as m

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")
Sessions = async_sessionmaker[AsyncSession]


class Page(NamedTuple):
    """The first so many of a customer."""

    customer_id: int
    first: int


class OrderKey(NamedTuple):
    customer_id: int
    order_id: int


class HeldLabel(NamedTuple):
    definition: m.LabelDefinition
    entered_at: datetime


@dataclass(frozen=True, slots=True)
class Batches:
    """What loaders call with the keys of one tick."""

    sessions: Sessions

    async def customers(self, ids: list[int]) -> list[m.Customer | None]:
        found = await self._all(select(m.Customer).where(m.Customer.customer_id.in_(ids)))
        by_id = {one.customer_id: one for one in found}
        return [by_id.get(one) for one in ids]

    async def facts(self, ids: list[int]) -> list[Any]:
        found = await self._rows(
            select(m.CustomerFacts, m.Shop.live_as_of)
            .join(m.Shop, true())
            .where(m.CustomerFacts.__table__.c.customer_id.in_(ids))
        )
        by_id = {row[0].customer_id: row for row in found}
        return [by_id.get(one) for one in ids]

    async def tiers(self, ids: list[int]) -> list[list[m.TierStanding]]:
        found = await self._all(
            select(m.TierStanding)
            .options(joinedload(m.TierStanding.policy), joinedload(m.TierStanding.tier))
            .where(m.TierStanding.customer_id.in_(ids))
            .order_by(m.TierStanding.__table__.c.policy_id)
        )
        return grouped(ids, ((one.customer_id, one) for one in found))

    async def transitions(self, pages: list[Page]) -> list[list[m.TierTransition]]:
        latest = first_of_each(m.TierTransition, lambda row: [row.transition_id.desc()])
        options = joinedload(latest.entity.from_tier), joinedload(latest.entity.to_tier)
        rows = await self._rows(latest.statement.options(*options), as_arrays(pages))
        return grouped(range(1, len(pages) + 1), ((row.position, row[0]) for row in rows))

    async def labels(self, ids: list[int]) -> list[list[HeldLabel]]:
        standing, definition, change = m.CustomerStanding, m.LabelDefinition, m.LabelChange
        entered = (
            select(func.max(change.changed_at))
            .where(change.customer_id == standing.customer_id, change.label_id == definition.label_id)
            .where(change.entered)
            .correlate(standing, definition)
            .scalar_subquery()
        )
        held = func.get_bit(standing.label_bits, definition.label_id) == literal_column("1")
        rows = await self._rows(
            select(standing.customer_id, definition, func.coalesce(entered, standing.loaded_at))
            .join(definition, held)
            .where(standing.customer_id.in_(ids))
            .order_by(definition.family, definition.label_id)
        )
        return grouped(ids, ((row[0], HeldLabel(row[1], row[2])) for row in rows))

    async def orders(self, pages: list[Page]) -> list[list[m.Order]]:
        latest = first_of_each(m.Order, lambda row: [row.placed_at.desc(), row.order_id.desc()])
        rows = await self._rows(latest.statement, as_arrays(pages))
        return grouped(range(1, len(pages) + 1), ((row.position, row[0]) for row in rows))

    async def lines(self, keys: list[OrderKey]) -> list[list[m.OrderLine]]:
        key = tuple_(m.OrderLine.customer_id, m.OrderLine.order_id)
        found = await self._all(select(m.OrderLine).where(key.in_(keys)).order_by(m.OrderLine.line_no))
        return grouped(keys, ((OrderKey(one.customer_id, one.order_id), one) for one in found))

    async def products(self, ids: list[int]) -> list[m.Product | None]:
        found = await self._all(select(m.Product).where(m.Product.product_id.in_(ids)))
        by_id = {one.product_id: one for one in found}
        return [by_id.get(one) for one in ids]

    async def communities(self, ids: list[int]) -> list[m.Community | None]:
        found = await self._all(select(m.Community).where(m.Community.community_id.in_(ids)))
        by_id = {one.community_id: one for one in found}
        return [by_id.get(one) for one in ids]

    async def referrers(self, ids: list[int]) -> list[m.Customer | None]:
        rows = await self._rows(
            select(m.Referral.customer_id, m.Customer)
            .join(m.Customer, m.Customer.customer_id == m.Referral.referrer_id)
            .where(m.Referral.customer_id.in_(ids))
        )
        by_id = {row[0]: row[1] for row in rows}
        return [by_id.get(one) for one in ids]

    async def _all(self, statement: Select[V]) -> Sequence[V]:
        async with self.sessions() as session:
            return (await session.scalars(statement)).all()

    async def _rows(self, statement: Any, parameters: dict[str, Any] | None = None) -> Sequence[Any]:
        async with self.sessions() as session:
            rows: Sequence[Any] = (await session.execute(statement, parameters)).all()
            return rows


@dataclass(frozen=True, slots=True)
class Latest:
    statement: Select[Any]
    entity: Any


def first_of_each(model: Any, order: Callable[[Any], list[Any]]) -> Latest:
    """The first rows of each customer asked for, with the position of the question; no join changes their order."""
    asked = (
        func.unnest(
            bindparam("customer_ids", type_=ARRAY(BigInteger)), bindparam("firsts", type_=ARRAY(Integer))
        )
        .table_valued("customer_id", "first", with_ordinality="position")
        .render_derived()
    )
    rows = (
        select(model)
        .where(model.customer_id == asked.c.customer_id)
        .order_by(*order(model))
        .limit(asked.c.first)
        .lateral()
    )
    entity = aliased(model, rows)
    chosen = select(entity, asked.c.position).select_from(asked).join(rows, true())
    return Latest(chosen.order_by(asked.c.position, *order(entity)), entity)


def as_arrays(pages: list[Page]) -> dict[str, list[int]]:
    return {"customer_ids": [one.customer_id for one in pages], "firsts": [one.first for one in pages]}


def grouped(keys: Iterable[K], found: Iterable[tuple[K, V]]) -> list[list[V]]:
    groups: defaultdict[K, list[V]] = defaultdict(list)
    for key, value in found:
        groups[key].append(value)
    return [groups[key] for key in keys]


class Loaders:
    """Of one request."""

    def __init__(self, batches: Batches) -> None:
        self.customers = DataLoader(batches.customers)
        self.facts = DataLoader(batches.facts)
        self.tiers = DataLoader(batches.tiers)
        self.transitions = DataLoader(batches.transitions)
        self.labels = DataLoader(batches.labels)
        self.orders = DataLoader(batches.orders)
        self.lines = DataLoader(batches.lines)
        self.products = DataLoader(batches.products)
        self.communities = DataLoader(batches.communities)
        self.referrers = DataLoader(batches.referrers)
