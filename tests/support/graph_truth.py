"""A small PostgreSQL in memory, as the graph sees it: the truth, and what of it changed."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from domain.relationships.edges import (
    CategoryState,
    Changes,
    CommunityState,
    CustomerState,
    NodeKey,
    NodeKind,
    ProductState,
    Purchase,
    Referral,
)
from domain.relationships.ports import DirtyKey, Lag

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIELD = {
    NodeKind.CUSTOMER: "customers",
    NodeKind.PRODUCT: "products",
    NodeKind.CATEGORY: "categories",
    NodeKind.COMMUNITY: "communities",
}


def purchase(
    product_id: int, *, orders: int = 1, days_ago: int = 0, since_days_ago: int | None = None
) -> Purchase:
    """Orders worth 10.00 each."""
    last_at = NOON - timedelta(days=days_ago)
    first_at = last_at if since_days_ago is None else NOON - timedelta(days=since_days_ago)
    return Purchase(product_id, orders, orders * 1000, first_at, last_at)


@dataclass
class Truth:
    """Present states by node, and the changes not yet followed."""

    states: dict[NodeKey, Any] = field(default_factory=dict)
    dirty: dict[NodeKey, int] = field(default_factory=dict)
    problems: dict[NodeKey, str] = field(default_factory=dict)
    changes: int = 0
    now: datetime = NOON

    def put(self, *states: CustomerState | ProductState | CategoryState | CommunityState) -> None:
        for state in states:
            key = key_of(state)
            self.states[key] = state
            self.mark(key)

    def remove(self, key: NodeKey) -> None:
        """Takes the node away, and whatever pointed to it."""
        self.states.pop(key, None)
        self.mark(key)
        self.put(*[changed for state in self.states.values() if (changed := without(state, key)) != state])

    def mark(self, key: NodeKey) -> None:
        self.changes += 1
        self.dirty[key] = self.changes
        self.problems.pop(key, None)

    def of(self, kind: NodeKind) -> list[int]:
        return sorted(key.id for key in self.states if key.kind is kind)


def key_of(state: Any) -> NodeKey:
    match state:
        case CustomerState():
            return NodeKey(NodeKind.CUSTOMER, state.customer_id)
        case ProductState():
            return NodeKey(NodeKind.PRODUCT, state.product_id)
        case CategoryState():
            return NodeKey(NodeKind.CATEGORY, state.category_id)
    return NodeKey(NodeKind.COMMUNITY, state.community_id)


def without(state: Any, gone: NodeKey) -> Any:
    """The state when that node is gone."""
    if isinstance(state, CustomerState):
        if gone.kind is NodeKind.CUSTOMER and state.referral and state.referral.referrer_id == gone.id:
            return replace(state, referral=None)
        if gone.kind is NodeKind.COMMUNITY and state.community_id == gone.id:
            return replace(state, community_id=None)
        if gone.kind is NodeKind.PRODUCT:
            return replace(state, purchases=tuple(p for p in state.purchases if p.product_id != gone.id))
    if isinstance(state, CommunityState) and gone == NodeKey(NodeKind.CUSTOMER, state.leader_id or -1):
        return replace(state, leader_id=None)
    return state


@dataclass
class TruthSnapshot:
    """One moment of the truth."""

    truth: Truth

    @property
    def at(self) -> datetime:
        return self.truth.now

    async def dirty(self, *, limit: int, after: int = 0) -> list[DirtyKey]:
        waiting = sorted((change, key) for key, change in self.truth.dirty.items() if change > after)
        return [DirtyKey(key, change) for change, key in waiting if key not in self.truth.problems][:limit]

    async def states(self, keys: Sequence[NodeKey]) -> Changes:
        return changes_of(self.truth, keys)

    async def keys(self, *, batch: int) -> AsyncIterator[list[NodeKey]]:
        keys = sorted(self.truth.states)
        for start in range(0, len(keys), batch):
            yield keys[start : start + batch]


def changes_of(truth: Truth, keys: Sequence[NodeKey]) -> Changes:
    found: dict[str, list[Any]] = {name: [] for name in FIELD.values()}
    for key in keys:
        if key in truth.states:
            found[FIELD[key.kind]].append(truth.states[key])
    gone = tuple(key for key in keys if key not in truth.states)
    return Changes(**{name: tuple(states) for name, states in found.items()}, gone=gone)


@dataclass
class TruthFeed:
    """The feed of that truth; `busy` means that another applier holds it."""

    truth: Truth
    busy: bool = False
    during_round: Any = None

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[TruthSnapshot | None]:
        moment = replace(self.truth, states=dict(self.truth.states), dirty=dict(self.truth.dirty))
        yield None if self.busy else TruthSnapshot(moment)
        if self.during_round:
            self.during_round()

    async def settle(self, applied: Sequence[DirtyKey]) -> None:
        for one in applied:
            if self.truth.dirty.get(one.key) == one.change_id:
                del self.truth.dirty[one.key]

    async def put_aside(self, dirty: DirtyKey, problem: str) -> None:
        if self.truth.dirty.setdefault(dirty.key, dirty.change_id) == dirty.change_id:
            self.truth.problems[dirty.key] = problem

    async def lag(self) -> Lag:
        waiting = len(self.truth.dirty.keys() - self.truth.problems.keys())
        return Lag(
            pending=waiting, oldest_marked_at=NOON if waiting else None, put_aside=len(self.truth.problems)
        )


def random_change(truth: Truth, dice: random.Random) -> None:
    """One of the things that happen to a shop."""
    kind = dice.choices(list(NodeKind), weights=(12, 3, 1, 2))[0]
    key = NodeKey(kind, dice.randrange(1, {NodeKind.CUSTOMER: 13, NodeKind.PRODUCT: 9}.get(kind, 4)))
    if dice.random() < 0.15 and kind is not NodeKind.CATEGORY:
        truth.remove(key)
    elif kind is NodeKind.CUSTOMER:
        truth.put(random_customer(truth, key.id, dice))
    elif kind is NodeKind.PRODUCT:
        truth.put(CategoryState(category := dice.randrange(1, 4)), ProductState(key.id, category))
    elif kind is NodeKind.COMMUNITY:
        truth.put(CommunityState(key.id, dice.choice([None, *truth.of(NodeKind.CUSTOMER)])))
    else:
        truth.put(CategoryState(key.id))


def random_customer(truth: Truth, customer_id: int, dice: random.Random) -> CustomerState:
    others = [one for one in truth.of(NodeKind.CUSTOMER) if one != customer_id]
    referral = Referral(dice.choice(others), NOON - timedelta(days=dice.randrange(9))) if others else None
    products = truth.of(NodeKind.PRODUCT)
    bought = dice.sample(products, dice.randrange(len(products) + 1))
    return CustomerState(
        customer_id,
        referral=dice.choice([None, referral]),
        community_id=dice.choice([None, *truth.of(NodeKind.COMMUNITY)]),
        purchases=tuple(
            purchase(one, orders=dice.randrange(1, 5), days_ago=dice.randrange(60)) for one in bought
        ),
    )
