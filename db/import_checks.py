"""Every row of a staged file judged at once: typed values, references, and the first thing that is wrong.

The verdict is a table of its own: `reason` is why a row is rejected, `repeats` the earlier row that it equals.
What has neither is good.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import asyncpg

from db.import_expressions import CellReader, Fault, literal
from db.import_staging import SCHEMA, Staged
from domain.ingest.canonical import Column, RecordKind, ValueType
from domain.orders.order import MAXIMUM_SPEND_CENTS

ORDER_IDS = "SELECT pg_get_serial_sequence('orders', 'order_id')"
GOOD = "reason IS NULL AND repeats IS NULL"


@dataclass(frozen=True, slots=True)
class References:
    """What a kind is looked up against. `joins` read `t`; `found` are columns to keep from them."""

    joins: str
    found: str
    faults: tuple[Fault, ...]
    key: tuple[str, ...]
    """Columns of the verdict that name one record."""
    order: str
    """Rows that belong together lie together, so that indexes grow at their ends."""
    stands_for: Mapping[str, str] = field(default_factory=dict)
    """Canonical column, which the verdict need not keep -> the column of `found` that says the same."""


def communities(source_id: int) -> References:
    return References(
        f"LEFT JOIN communities e ON e.source_id = {source_id} AND e.external_id = t.external_id",
        "e.community_id",
        (),
        ("external_id",),
        "row_no",
    )


def products(source_id: int) -> References:
    return References(
        f"LEFT JOIN products e ON e.source_id = {source_id} AND e.external_id = t.external_id",
        "e.product_id",
        (),
        ("external_id",),
        "row_no",
    )


def customers(source_id: int) -> References:
    return References(
        f"LEFT JOIN customer_refs e ON e.source_id = {source_id} AND e.external_id = t.external_id "
        "LEFT JOIN customers k ON k.customer_id = e.customer_id",
        "e.customer_id",
        (
            Fault(
                "k.customer_id IS NOT NULL AND k.data_key IS NULL",
                "'customer \"' || t.external_id || '\" was erased and is not taken in again'",
            ),
        ),
        ("external_id",),
        "row_no",
    )


def orders(source_id: int) -> References:
    return References(
        f"LEFT JOIN customer_refs r ON r.source_id = {source_id} AND r.external_id = t.customer_external_id "
        f"LEFT JOIN orders e ON e.source_id = {source_id} AND e.external_id = t.external_id",
        f"r.customer_id, coalesce(e.order_id, nextval(({ORDER_IDS})::regclass)) AS order_id, "
        "e.order_id IS NULL AS is_new, e.charged_cents AS stored_cents",
        (
            Fault(
                "t.refunded_amount > t.net_amount",
                "'refunded_amount ' || t.raw_refunded_amount || ' is more than net_amount ' || t.raw_net_amount",
            ),
            Fault(
                "r.customer_id IS NULL",
                "'customer \"' || t.customer_external_id || '\" is unknown; import customers first'",
            ),
            Fault(
                "e.customer_id <> r.customer_id",
                "'order \"' || t.external_id || '\" already belongs to another customer'",
            ),
        ),
        ("external_id",),
        "customer_id, placed_at",
    )


def order_lines(source_id: int, coming_orders: str | None) -> References:
    """Orders that are stored, and those of the verdict `coming_orders` that go in together with the lines."""
    coming, customer_id, order_id, is_new = "", "e.customer_id", "e.order_id", "false"
    if coming_orders is not None:
        good = f"(SELECT external_id, customer_id, order_id, is_new FROM {coming_orders} WHERE {GOOD})"
        coming = f"LEFT JOIN {good} n ON n.external_id = t.order_external_id "
        customer_id, order_id = "coalesce(n.customer_id, e.customer_id)", "coalesce(n.order_id, e.order_id)"
        is_new = "coalesce(n.is_new, false)"
    return References(
        f"{coming}LEFT JOIN orders e ON e.source_id = {source_id} AND e.external_id = t.order_external_id "
        f"LEFT JOIN products p ON p.source_id = {source_id} AND p.external_id = t.product_external_id",
        f"{customer_id} AS customer_id, {order_id} AS order_id, p.product_id, {is_new} AS is_new",
        (
            Fault(
                f"{order_id} IS NULL",
                "'order \"' || t.order_external_id || '\" is unknown; import orders first'",
            ),
            Fault(
                "p.product_id IS NULL",
                "'product \"' || t.product_external_id || '\" is unknown; import products first'",
            ),
        ),
        ("order_id", "line_no"),
        "customer_id, order_id, line_no",
        {"order_external_id": "order_id", "product_external_id": "product_id"},
    )


REFERENCES: Mapping[RecordKind, Callable[[int], References]] = {
    RecordKind.COMMUNITIES: communities,
    RecordKind.PRODUCTS: products,
    RecordKind.CUSTOMERS: customers,
    RecordKind.ORDERS: orders,
}


def references_of(kind: RecordKind, source_id: int, coming_orders: str | None) -> References:
    if kind is RecordKind.ORDER_LINES:
        return order_lines(source_id, coming_orders)
    return REFERENCES[kind](source_id)


BY_CUSTOMER = (RecordKind.ORDERS, RecordKind.ORDER_LINES)
"""Taken in by ranges of customers, whose rows lie together: so a batch reads its own part of the verdict."""
NOT_AS_IT_SHOULD_BE = (
    asyncpg.DataError,  # a cell that is not of its type: class 22
    asyncpg.StatementTooComplexError,
)


async def check(
    connection: asyncpg.Connection,
    staged: Staged,
    reader: CellReader,
    *,
    source_id: int,
    temporary: bool,
    coming_orders: str | None = None,
) -> str:
    """The name of the verdict's table. Temporary under the same rule as the staged file."""
    kind = reader.section.kind
    name = f"checked_{kind.value}" if temporary else f"{SCHEMA}.checked_{source_id}_{kind.value}"
    references = references_of(kind, source_id, coming_orders)
    persistence = "TEMPORARY" if temporary else "UNLOGGED"
    await connection.execute(f"DROP TABLE IF EXISTS {name}")
    head = f"CREATE {persistence} TABLE {name} AS "
    try:
        async with connection.transaction():
            await connection.execute(head + verdicts(staged, reader, references))
    except NOT_AS_IT_SHOULD_BE:
        await connection.execute(head + verdicts(staged, replace(reader, careful=True), references))
    if kind in BY_CUSTOMER:
        await connection.execute(
            f"CREATE INDEX ON {name} USING brin (customer_id) WITH (pages_per_range = 16)"
        )
    await connection.execute(f"ANALYZE {name}")
    await settle_repeats(connection, name, reader, references)
    if kind is RecordKind.ORDERS:
        await connection.execute(reject_too_much_spend(name))
    return name


def verdicts(staged: Staged, reader: CellReader, references: References) -> str:
    faults = [*reader.faults(), *references.faults]
    reason = " ".join(f"WHEN {fault.condition} THEN {fault.words}" for fault in faults)
    kept = [column for column in reader.columns() if column.name not in references.stands_for]
    values = ", ".join(stored_value(column) for column in kept)
    return (
        f"SELECT {references.found}, t.row_no, {values}, CASE {reason} END AS reason, NULL::bigint AS repeats "
        f"FROM {reader.typed_rows(staged.table)} t {references.joins} ORDER BY {references.order}"
    )


def stored_value(column: Column) -> str:
    """Money as whole cents; what is out of its bounds is rejected anyway."""
    value = f"t.{column.name}"
    if column.type is not ValueType.MONEY:
        return value
    return f"CASE WHEN {value} BETWEEN 0 AND {MAXIMUM_SPEND_CENTS} THEN {value}::bigint END AS {column.name}"


async def settle_repeats(
    connection: asyncpg.Connection, table: str, reader: CellReader, references: References
) -> None:
    """Of rows with one key the first is taken; those equal to it are repeats, others are rejected.

    A customer who is named in many rows was registered by the earliest of them.
    """
    key = ", ".join(references.key)
    same_key = " AND ".join(f"c.{name} = f.{name}" for name in references.key)
    names = [column.name for column in reader.columns() if column.name != "registered_at"]
    compared = [references.stands_for.get(name, name) for name in names]
    mine, first = (", ".join(f"{alias}.{name}" for name in compared) for alias in "cf")
    shown = " || '/' || ".join(f"c.{name}" for name in references.key)
    await connection.execute(
        f"""
        WITH repeated AS MATERIALIZED (
            SELECT min(row_no) AS row_no FROM {table} WHERE reason IS NULL GROUP BY {key} HAVING count(*) > 1
        ), firsts AS MATERIALIZED (SELECT f.* FROM {table} f JOIN repeated USING (row_no))
        UPDATE {table} c SET
            repeats = CASE WHEN ({mine}) IS NOT DISTINCT FROM ({first}) THEN f.row_no END,
            reason = CASE WHEN ({mine}) IS DISTINCT FROM ({first})
                THEN {literal(reader.section.kind.value)} || ' "' || {shown} || '" is already in row ' || f.row_no
                     || ' with other values' END
        FROM firsts f WHERE {same_key} AND c.row_no <> f.row_no AND c.reason IS NULL
        """
    )
    if reader.section.kind is RecordKind.CUSTOMERS and "registered_at" in reader.section.origins:
        await connection.execute(
            f"""
            UPDATE {table} c SET registered_at = e.earliest FROM (
                SELECT repeats, min(registered_at) AS earliest FROM {table}
                WHERE repeats IS NOT NULL GROUP BY repeats
            ) e WHERE c.row_no = e.repeats AND e.earliest < c.registered_at
            """
        )


def reject_too_much_spend(table: str) -> str:
    """One customer's orders, those that are stored and those of this file, stay within the bound of scores."""
    most = f"{MAXIMUM_SPEND_CENTS / 100:,.2f}"
    return f"""
        WITH coming AS MATERIALIZED (
            SELECT customer_id, sum(net_amount - coalesce(stored_cents, 0)) AS cents
            FROM {table} WHERE {GOOD} GROUP BY customer_id
        ), stored AS MATERIALIZED (
            SELECT customer_id, sum(charged_cents) AS cents FROM orders
            WHERE customer_id IN (SELECT customer_id FROM coming) GROUP BY customer_id
        ), too_much AS MATERIALIZED (
            SELECT customer_id FROM coming LEFT JOIN stored USING (customer_id)
            WHERE coming.cents + coalesce(stored.cents, 0) > {MAXIMUM_SPEND_CENTS}
        )
        UPDATE {table} t SET reason =
            'the orders of customer "' || t.customer_external_id || '" would come to more than {most}'
        FROM too_much m WHERE t.customer_id = m.customer_id AND {GOOD}
    """
