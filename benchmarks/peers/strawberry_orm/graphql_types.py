"""The part of our schema that the benchmark's operations touch, as strawberry's documentation would write it."""

from __future__ import annotations

from datetime import datetime

import strawberry
from sqlalchemy import select
from strawberry import ID

from benchmarks.peers.strawberry_orm import models as m
from benchmarks.peers.strawberry_orm.context import Info
from benchmarks.peers.strawberry_orm.loaders import Page
from benchmarks.peers.strawberry_orm.order_types import OrderConnection, PageInfo, as_order
from benchmarks.peers.strawberry_orm.standing_types import (
    Facts,
    Label,
    TierStanding,
    TierTransitionConnection,
    as_facts,
    as_label,
    as_standing,
    as_transition,
)
from domain.customers.profile import CustomerKind, about

strawberry.enum(CustomerKind)
MASKS = {field: about(field).mask for field in ("name", "phone", "email")}


@strawberry.type
class Address:
    city: str


@strawberry.type
class Profile:
    kind: CustomerKind
    registration_channel: str | None
    row: strawberry.Private[m.Customer]

    @strawberry.field
    def name(self, info: Info) -> str | None:
        return masked(info, self.row, "name")

    @strawberry.field
    def phone(self, info: Info) -> str | None:
        return masked(info, self.row, "phone")

    @strawberry.field
    def email(self, info: Info) -> str | None:
        return masked(info, self.row, "email")

    @strawberry.field
    def address(self) -> Address | None:
        return Address(city=self.row.city) if self.row.city is not None else None


@strawberry.type
class Community:
    name: str
    city: str
    leader_id: strawberry.Private[int | None]

    @strawberry.field
    async def leader(self, info: Info) -> Customer | None:
        if self.leader_id is None:
            return None
        return as_customer(await info.context.loaders.customers.load(self.leader_id))


@strawberry.type
class Customer:
    id: ID
    registered_at: datetime
    row: strawberry.Private[m.Customer]

    @strawberry.field
    def profile(self) -> Profile:
        row = self.row
        return Profile(kind=CustomerKind(row.kind), registration_channel=row.registration_channel, row=row)

    @strawberry.field
    async def facts(self, info: Info) -> Facts:
        return as_facts(*await info.context.loaders.facts.load(self.row.customer_id))

    @strawberry.field
    async def tiers(self, info: Info) -> list[TierStanding]:
        rows = await info.context.loaders.tiers.load(self.row.customer_id)
        return [as_standing(row) for row in rows]

    @strawberry.field
    async def tier_transitions(self, info: Info, first: int) -> TierTransitionConnection:
        rows = await info.context.loaders.transitions.load(Page(self.row.customer_id, first))
        return TierTransitionConnection(nodes=[as_transition(row) for row in rows])

    @strawberry.field
    async def labels(self, info: Info) -> list[Label]:
        return [as_label(held) for held in await info.context.loaders.labels.load(self.row.customer_id)]

    @strawberry.field
    async def orders(self, info: Info, first: int) -> OrderConnection:
        rows = await info.context.loaders.orders.load(Page(self.row.customer_id, first + 1))
        page_info = PageInfo(has_next_page=len(rows) > first)
        return OrderConnection(nodes=[as_order(row) for row in rows[:first]], page_info=page_info)

    @strawberry.field
    async def community(self, info: Info) -> Community | None:
        if self.row.community_id is None:
            return None
        found = await info.context.loaders.communities.load(self.row.community_id)
        if found is None:
            return None
        return Community(name=found.name, city=found.city, leader_id=found.leader_customer_id)

    @strawberry.field
    async def referred_by(self, info: Info) -> Customer | None:
        return as_customer(await info.context.loaders.referrers.load(self.row.customer_id))


@strawberry.type
class CustomerConnection:
    nodes: list[Customer]


@strawberry.input
class CustomerBy:
    id: ID


@strawberry.input
class CustomerFilter:
    ids: list[ID]


@strawberry.type
class Query:
    @strawberry.field
    async def customer(self, info: Info, by: CustomerBy) -> Customer | None:
        return as_customer(await info.context.loaders.customers.load(number_of(by.id)))

    @strawberry.field
    async def customers(self, info: Info, first: int, where: CustomerFilter) -> CustomerConnection:
        wanted = select(m.Customer).where(m.Customer.customer_id.in_([number_of(one) for one in where.ids]))
        newest = wanted.order_by(m.Customer.registered_at.desc(), m.Customer.customer_id.desc()).limit(first)
        async with info.context.sessions() as session:
            rows = (await session.scalars(newest)).all()
        return CustomerConnection(nodes=[one for row in rows if (one := as_customer(row))])


def number_of(global_id: str) -> int:
    return int(global_id.removeprefix("cus_"))


def masked(info: Info, row: m.Customer, field: str) -> str | None:
    sealed, mask = getattr(row, field), MASKS[field]
    if sealed is None or row.data_key is None or mask is None:
        return None
    return mask(info.context.cipher.open(row.data_key, sealed, field=field))


def as_customer(row: m.Customer | None) -> Customer | None:
    if row is None:
        return None
    return Customer(id=ID(f"cus_{row.customer_id}"), registered_at=row.registered_at, row=row)
