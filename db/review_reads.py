"""What standings are computed from, read for a batch of customers as arrays.

Integers are written into the text of the COPY statements: with parameters asyncpg would ask the server for their
types first, which costs more than reading a small batch.
"""

from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn, read_columns
from domain.calendar import microseconds
from domain.conditions.numpy_reader import Booleans
from domain.customers.measure_orders import CATEGORY_DAYS as WINDOW_DAYS
from domain.customers.order_arrays import CategoryDayArrays, CustomerHistory, OrderArrays
from domain.labels.bits import WIDTH_BYTES
from domain.labels.rules import LABELS
from domain.standings.compute_standings import NEVER_US, POLICY_SLOTS, BesideOrders, Rules
from domain.standings.stored import StoredStandings
from domain.tiers.life_days import NEVER_DAY

Array = NDArray[Any]
Ids = NDArray[np.int64]

ORDERS = """
SELECT customer_id, counted_at, net_cents, refunded_cents, channel, line_cents, high_margin_cents, organic_cents,
       imported_cents
FROM orders WHERE {chosen} AND counted_at > {since} ORDER BY customer_id, counted_at
"""
OLDER_ORDERS = """
SELECT customer_id, counted_at, net_cents FROM orders WHERE {chosen} AND counted_at <= {since}
ORDER BY customer_id, counted_at
"""
ORDER_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("counted_at", "timestamptz"),
    WireColumn("net_cents", "int8"),
    WireColumn("refunded_cents", "int8"),
    WireColumn("channel", "int2"),
    WireColumn("line_cents", "int8"),
    WireColumn("high_margin_cents", "int8"),
    WireColumn("organic_cents", "int8"),
    WireColumn("imported_cents", "int8"),
)
CATEGORY_DAYS = """
SELECT customer_id, day, category_id, orders, spend_cents FROM category_days
WHERE {chosen} AND day > date '1970-01-01' + {first_day}
"""
CATEGORY_DAY_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("day", "date"),
    WireColumn("category_id", "int2"),
    WireColumn("orders", "int4"),
    WireColumn("spend_cents", "int8"),
)
STANDINGS = """
SELECT customer_id, facts_digest, tiers, raw_tiers, versions, tiers_due_on, label_bits, review_on
FROM customer_standings WHERE {chosen}
"""
STANDING_COLUMNS = (
    WireColumn("customer_id", "int8"),
    WireColumn("facts_digest", "int8"),
    WireColumn("tiers", "int8"),
    WireColumn("raw_tiers", "int8"),
    WireColumn("versions", "int8"),
    WireColumn("tiers_due_on", "date"),
    WireColumn("label_bits", "bytea", width=WIDTH_BYTES),
    WireColumn("review_on", "date"),
)
REFERRALS = """
SELECT referrer_id AS customer_id, count(*) FILTER (WHERE referred_at <= $1) AS referrals,
       min(referred_at) FILTER (WHERE referred_at > $1) AS next_at
FROM referrals WHERE referrer_id {chosen} GROUP BY referrer_id
"""
HELD_BY_HAND = """
SELECT customer_id, label_id, least(expires_at, removed_at) AS until FROM manual_labels
WHERE customer_id {chosen} AND given_at <= $1 AND (expires_at IS NULL OR expires_at > $1)
  AND (removed_at IS NULL OR removed_at > $1)
"""
ONE_OF, BETWEEN = "= ANY($2::bigint[])", "BETWEEN $2 AND $3"
ALWAYS, EVER = "timestamptz '-infinity'", "timestamptz 'infinity'"


class PostgresCustomerBatch:
    """`domain.standings.review_customers.CustomerBatch`: customers `ids`, ascending.

    `is_dense`: they are nearly all that lie between the first and the last, and are read as that range.
    """

    def __init__(self, connection: Any, ids: Ids, *, as_of: datetime, rules: Rules) -> None:
        self.connection = connection
        self.ids = ids
        self.is_dense = False
        self._as_of = as_of
        self._rules = rules

    @property
    def size(self) -> int:
        return len(self.ids)

    @property
    def as_of(self) -> datetime:
        return self._as_of

    @property
    def rules(self) -> Rules:
        return self._rules

    async def history(self, details_since: datetime | None = None) -> CustomerHistory:
        self._referrals = await self._rows_of(REFERRALS)
        last_day = self._rules.calendar.last_whole_day(microseconds(self._as_of))
        return CustomerHistory(
            customers=self.size,
            orders=await self._orders(details_since),
            category_days=CategoryDayArrays(
                *await self.read(CATEGORY_DAYS, CATEGORY_DAY_COLUMNS, first_day=last_day - WINDOW_DAYS)
            ),
            referrals=self._spread({row["customer_id"]: row["referrals"] for row in self._referrals}),
            customer_ids=self.ids,
        )

    async def _orders(self, details_since: datetime | None) -> OrderArrays:
        if details_since is None:
            return OrderArrays(*await self.read(ORDERS, ORDER_COLUMNS, since=ALWAYS))
        since = f"timestamptz '{details_since.isoformat()}'"
        newer = OrderArrays(*await self.read(ORDERS, ORDER_COLUMNS, since=since))
        return OrderArrays.in_two_parts(await self._bare_orders(since), newer)

    async def _bare_orders(self, since: str) -> OrderArrays:
        return OrderArrays.bare(*await self.read(OLDER_ORDERS, ORDER_COLUMNS[:3], since=since))

    async def bare_history(self) -> CustomerHistory:
        return CustomerHistory(
            customers=self.size,
            orders=await self._bare_orders(EVER),
            category_days=CategoryDayArrays.none(),
            referrals=np.zeros(self.size, np.int64),
            customer_ids=self.ids,
        )

    async def _rows_of(self, query: str) -> list[Any]:
        """Of a question about moments before or after `as_of`."""
        if self.is_dense:
            bounds = (int(self.ids[0]), int(self.ids[-1]))
            rows = await self.connection.fetch(query.format(chosen=BETWEEN), self._as_of, *bounds)
            ours = set(self.ids.tolist()) if rows else set()
            return [row for row in rows if row["customer_id"] in ours]
        return list(await self.connection.fetch(query.format(chosen=ONE_OF), self._as_of, self.ids.tolist()))

    async def beside(self) -> BesideOrders:
        """Ask for the history first: referrals of the future come with it."""
        held: dict[str, Booleans] = {}
        codes = {label.bit: label.code for label in LABELS if label.condition is None}
        changes = [(row["customer_id"], row["next_at"]) for row in self._referrals]
        for row in await self._rows_of(HELD_BY_HAND):
            if row["label_id"] in codes:
                mask = held.setdefault(codes[row["label_id"]], np.zeros(self.size, np.bool_))
                mask[np.searchsorted(self.ids, row["customer_id"])] = True
                changes.append((row["customer_id"], row["until"]))
        next_change_us = np.full(self.size, NEVER_US, np.int64)
        for customer_id, at in changes:
            if at is not None:
                place = np.searchsorted(self.ids, customer_id)
                next_change_us[place] = min(next_change_us[place], microseconds(at))
        return BesideOrders(held_by_hand=held, next_change_us=next_change_us)

    async def stored(self) -> StoredStandings:
        at, digest, tiers, raw_tiers, versions, due_day, label_bits, review_day = await self.read(
            STANDINGS, STANDING_COLUMNS
        )
        known = np.zeros(self.size, np.bool_)
        known[at] = True
        found = StoredStandings(
            known=known,
            facts_digest=np.zeros(self.size, np.int64),
            ranks=self._bytes_of_policies(at, tiers),
            raw_ranks=self._bytes_of_policies(at, raw_tiers),
            versions=self._bytes_of_policies(at, versions),
            tiers_due_day=np.full(self.size, NEVER_DAY, np.int64),
            label_bits=np.zeros((self.size, WIDTH_BYTES), np.uint8),
            review_day=np.zeros(self.size, np.int64),
        )
        found.facts_digest[at] = digest
        found.tiers_due_day[at] = due_day
        found.label_bits[at] = label_bits
        found.review_day[at] = review_day
        return found

    def _bytes_of_policies(self, at: Array, packed: Array) -> NDArray[np.uint8]:
        """A row of bytes a customer, 0 for those without a standing."""
        found = np.zeros((self.size, POLICY_SLOTS), np.uint8)
        found[at] = packed.astype("<i8").view(np.uint8).reshape(-1, POLICY_SLOTS)
        return found

    async def read(self, query: str, columns: tuple[WireColumn, ...], **literals: int | str) -> list[Array]:
        """The columns of a query, of which the first becomes the ordinals of customers in this batch."""
        found = await read_columns(self.connection, query.format(chosen=self._chosen(), **literals), columns)
        ids, *values = found.values()
        if not self.is_dense:
            return [np.searchsorted(self.ids, ids), *values]
        at = self._places()[ids - self.ids[0]]
        ours = at >= 0
        return [at, *values] if ours.all() else [column[ours] for column in (at, *values)]

    def _places(self) -> NDArray[np.int64]:
        """By id, counted from the first one: the ordinal, or -1. Looking up is ten times faster than searching."""
        places = np.full(int(self.ids[-1] - self.ids[0]) + 1, -1, np.int64)
        places[self.ids - self.ids[0]] = np.arange(self.size)
        return places

    def _chosen(self) -> str:
        if self.is_dense:
            return f"customer_id BETWEEN {self.ids[0]} AND {self.ids[-1]}"
        return f"customer_id = ANY('{{{','.join(map(str, self.ids.tolist()))}}}'::bigint[])"

    def _spread(self, counts: dict[int, int]) -> NDArray[np.int64]:
        out = np.zeros(self.size, np.int64)
        out[np.searchsorted(self.ids, np.array(list(counts), np.int64))] = list(counts.values())
        return out
