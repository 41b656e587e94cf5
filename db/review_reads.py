"""What standings are computed from, read for a batch of customers as arrays.

Integers are written into the text of the COPY statements: with parameters asyncpg would ask the server for their
types first, which costs more than reading a small batch.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.binary_copy import WireColumn, read_arrays, read_columns
from db.packed_columns import Field, Part, read_packed
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
(SELECT * FROM orders WHERE {chosen} AND counted_at IS NOT NULL ORDER BY customer_id, counted_at) AS ordered
"""
EACH_ORDER = (Field("net_cents", "net_cents", 31),)
DETAILS = (
    Field("line_cents", "line_cents", 31),
    Field("high_margin_cents", "high_margin_cents", 31),
    Field("is_refunded", "(refunded_cents > 0)::int", 1, is_certain=True),
    Field("organic_cents", "organic_cents", 29),
    Field("imported_cents", "imported_cents", 29),
    Field("channel", "channel", 5),
)
DETAIL_NAMES = (
    "is_refunded",
    "channel",
    "line_cents",
    "high_margin_cents",
    "organic_cents",
    "imported_cents",
)
MOMENT = (WireColumn("counted_at", "timestamptz"),)
CATEGORY_DAYS = "category_days WHERE {chosen} AND day > date '1970-01-01' + {first_day}"
CATEGORY_DAY = (
    Field("day", "day - date '1970-01-01' - {first_day}", 10),
    Field("category_id", "category_id", 6, is_certain=True),
    Field("orders", "orders", 6),
    Field("spend_cents", "spend_cents", 26),
)
STANDINGS = """
SELECT array_agg(customer_id), array_agg(facts_digest), array_agg(tiers), array_agg(raw_tiers), array_agg(versions),
       array_agg(tiers_due_on), string_agg(label_bits, ''::bytea), array_agg(review_on)
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
            category_days=await self._category_days(last_day - WINDOW_DAYS),
            referrals=self._spread({row["customer_id"]: row["referrals"] for row in self._referrals}),
            customer_ids=self.ids,
        )

    async def _orders(self, details_since: datetime | None) -> OrderArrays:
        only = f"counted_at > timestamptz '{details_since.isoformat()}'" if details_since else None
        found = await self._packed([Part(EACH_ORDER, MOMENT), Part(DETAILS, only=only)], ORDERS)
        if details_since:
            is_newer = found["counted_at"] > microseconds(details_since)
            for field in DETAILS:
                found[field.name] = _spread_over(is_newer, found[field.name])
        at, ours = self._ordinals(found["customer"])
        return OrderArrays(at, *(found[name][ours] for name in ("counted_at", "net_cents", *DETAIL_NAMES)))

    async def _category_days(self, first_day: int) -> CategoryDayArrays:
        """Later than `first_day`, from which the days in the words count."""
        fields = tuple(replace(field, sql=field.sql.format(first_day=first_day)) for field in CATEGORY_DAY)
        found = await self._packed([Part(fields)], CATEGORY_DAYS, first_day=first_day)
        at, ours = self._ordinals(found["customer"])
        day, *values = (found[field.name][ours] for field in CATEGORY_DAY)
        return CategoryDayArrays(at, day + first_day, *values)

    async def bare_history(self) -> CustomerHistory:
        found = await self._packed([Part(EACH_ORDER, MOMENT)], ORDERS)
        at, ours = self._ordinals(found["customer"])
        return CustomerHistory(
            customers=self.size,
            orders=OrderArrays.bare(at, found["counted_at"][ours], found["net_cents"][ours]),
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
        query = STANDINGS.format(chosen=self._chosen())
        read = await read_arrays(self.connection, query, STANDING_COLUMNS)
        at, ours = self._ordinals(read.pop("customer_id") - self.ids[0])
        digest, tiers, raw_tiers, versions, due_day, label_bits, review_day = (
            values[ours] for values in read.values()
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

    async def read(self, query: str, columns: tuple[WireColumn, ...]) -> list[Array]:
        """The columns of a query, of which the first becomes the ordinals of customers in this batch."""
        found = await read_columns(self.connection, query.format(chosen=self._chosen()), columns)
        ids, *values = found.values()
        at, ours = self._ordinals(ids - self.ids[0])
        return [at, *(column[ours] for column in values)]

    async def _packed(self, parts: Sequence[Part], rows: str, **literals: int) -> dict[str, Array]:
        """`customer` is the id, counted from the first of the batch."""
        first, last = int(self.ids[0]), int(self.ids[-1])
        bits = max(1, (last - first).bit_length())
        customer = Field("customer", f"customer_id - {first}", bits, is_certain=True)
        head, *others = parts
        head = replace(head, fields=(customer, *head.fields))
        query = rows.format(chosen=self._chosen(), **literals)
        return await read_packed(self.connection, [head, *others], query)

    def _ordinals(self, places: Array) -> tuple[Array, Any]:
        """Of ids counted from the first one: their ordinals, and which of them are in this batch."""
        if not self.is_dense:
            return np.searchsorted(self.ids - self.ids[0], places), slice(None)
        at = self._by_place()[places]
        ours = at >= 0
        return (at, slice(None)) if ours.all() else (at[ours], ours)

    def _by_place(self) -> NDArray[np.int64]:
        """Looking an ordinal up, or -1, is ten times faster than searching."""
        ordinals = np.full(int(self.ids[-1] - self.ids[0]) + 1, -1, np.int64)
        ordinals[self.ids - self.ids[0]] = np.arange(self.size)
        return ordinals

    def _chosen(self) -> str:
        if self.is_dense:
            return f"customer_id BETWEEN {self.ids[0]} AND {self.ids[-1]}"
        return f"customer_id = ANY('{{{','.join(map(str, self.ids.tolist()))}}}'::bigint[])"

    def _spread(self, counts: dict[int, int]) -> NDArray[np.int64]:
        out = np.zeros(self.size, np.int64)
        out[np.searchsorted(self.ids, np.array(list(counts), np.int64))] = list(counts.values())
        return out


def _spread_over(chosen: Booleans, values: Array) -> Array:
    """The values where chosen, 0 elsewhere."""
    found = np.zeros(len(chosen), values.dtype)
    found[chosen] = values
    return found
