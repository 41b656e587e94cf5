"""What a change leaves behind for others, in its own transaction: dirty customers, graph keys, versions."""

from typing import Any

import asyncpg

FROM_THE_FIRST_ORDER = "1970-01-01 00:00+00"
"""A file may hold orders of any age, so every decision may have to be corrected."""


async def mark_customers(connection: asyncpg.Connection, changed: str, *parameters: Any) -> None:
    """`changed` is SQL for a relation with `customer_id`, in which customers may repeat.

    A mark that is there already is only locked: the worker, who passes over it until this commits, then sees
    what this changed.
    """
    customers = f"SELECT DISTINCT customer_id FROM {changed} c"
    await connection.execute(
        f"""
        INSERT INTO dirty_customers AS d (customer_id, reason, touched_at)
        SELECT customer_id, 'IMPORT', '{FROM_THE_FIRST_ORDER}' FROM ({customers}) c ORDER BY customer_id
        ON CONFLICT (customer_id) DO UPDATE SET touched_at = excluded.touched_at
        WHERE d.touched_at IS DISTINCT FROM excluded.touched_at
        """,
        *parameters,
    )
    await mark_graph(connection, "CUSTOMER", f"SELECT customer_id AS key FROM ({customers}) c", *parameters)
    await move_versions(connection, f"({customers})", *parameters)


async def move_versions(connection: asyncpg.Connection, customers: str, *parameters: Any) -> None:
    """Of customers who were there before; those who are made now begin with a version of their own."""
    await connection.execute(
        f"""
        UPDATE customers k SET version = k.version + 1, changed_at = now()
        FROM {customers} c WHERE k.customer_id = c.customer_id AND k.changed_at <> now()
        """,
        *parameters,
    )


async def mark_graph(connection: asyncpg.Connection, kind: str, keys: str, *parameters: Any) -> None:
    """`keys` is a SELECT of distinct `key`."""
    await connection.execute(
        f"""
        INSERT INTO dirty_graph_keys (kind, key) SELECT '{kind}', key FROM ({keys}) k ORDER BY key
        ON CONFLICT (kind, key) DO UPDATE SET
            change_id = DEFAULT, marked_at = excluded.marked_at, attempts = 0, problem = NULL
        """,
        *parameters,
    )
