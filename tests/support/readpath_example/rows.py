"""Fills the example's tables: 300 customers, 1,500 orders, and what makes readers disagree if they can."""

from __future__ import annotations

import asyncpg
from readpath_example.tables import metadata
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import CreateIndex, CreateTable

CUSTOMERS = 300

FILL = """
INSERT INTO customers SELECT i, 'M' || i, CASE WHEN i % 5 = 0 THEN 'BUSINESS' ELSE 'HOUSEHOLD' END,
  CASE WHEN i % 7 = 0 THEN NULL ELSE (ARRAY['Beijing','上海','Xi''an "old"', E'Line\\nbreak'])[1 + i % 4] END,
  timestamptz '2025-01-01' + i * interval '7 hours' + (i % 3) * interval '120 ms',
  CASE WHEN i % 4 = 0 THEN i / 4 END,
  CASE WHEN i % 9 > 0 THEN 'hash:' || (13800000000 + i % 150)::text END,
  CASE WHEN i % 11 = 0 THEN NULL WHEN i % 31 = 0 THEN 'broken'::bytea
       ELSE convert_to('secret ' || i, 'UTF8') END,
  CASE WHEN i % 5 = 0 THEN 'Company ' || i END,
  CASE WHEN i % 3 = 0 THEN jsonb_build_object('a', i, 'b', jsonb_build_array(1, NULL, 'x')) END
FROM generate_series(1, 300) i;
INSERT INTO products
SELECT i, (ARRAY['Apple "Fuji"', 'Milk', 'Rice 米', E'Tab\\t'])[1 + i % 4] || ' ' || i, i * 37
FROM generate_series(1, 40) i;
INSERT INTO orders SELECT 1 + (i * i) % 300, 1000 + i,
  timestamptz '2026-01-01' + ((i * 7919) % 300) * interval '1 day', 1 + i % 3, (i * 7907) % 90000
FROM generate_series(1, 1500) i;
INSERT INTO order_lines SELECT customer_id, order_id, l,
  CASE WHEN order_id % 250 = 0 THEN 999 ELSE 1 + (order_id * l) % 40 END, net_cents / 2
FROM orders, generate_series(1, 2) l WHERE order_id % 10 > 0;
INSERT INTO facts SELECT customer_id, count(*), sum(net_cents), max(placed_at)
FROM orders WHERE customer_id % 13 > 0 GROUP BY 1;
INSERT INTO tickets SELECT i, 1 + i % 300, 'Ticket ' || i || ' \\ "quoted"',
  timestamptz '2026-01-01' + ((i * 6007) % 300) * interval '1 day' FROM generate_series(1, 400) i;
INSERT INTO labels SELECT c, 'label_' || k, 'family_' || k % 3
FROM generate_series(1, 300) c, generate_series(1, 6) k WHERE (c + k) % 3 > 0;
INSERT INTO transitions SELECT i, 1 + i % 300, 'GOLD', timestamptz '2026-02-01' + i * interval '1 hour'
FROM generate_series(1, 100) i;
"""


async def fill(database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    dialect = postgresql.dialect()
    for table in metadata.sorted_tables:
        await connection.execute(str(CreateTable(table).compile(dialect=dialect)))
        for index in table.indexes:
            await connection.execute(str(CreateIndex(index).compile(dialect=dialect)))
    await connection.execute(FILL)
    await connection.execute("ANALYZE")
    await connection.close()
