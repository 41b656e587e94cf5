"""What comparing a canary with the rest costs: everybody at once, by orders and decisions.

PostgreSQL writes the shop itself: customers with ten orders each in 560 days, the first decisions of five policies with
their evidence, and a canary of the first policy on a tenth of the customers. It began 30 days ago, and every third
customer has moved since. Nothing is kept between the rounds; the process and PostgreSQL count, in CPU of the operating
system.
"""

import asyncio
import json
import os
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from api.engine import ReadPathEngine
from api.engine_port import GraphQLRequest
from api.house import prepare_house
from api.latest_shop import open_shop
from api.settings import Settings
from api.stores import Stores, open_stores
from api.wiring import make_engine
from benchmarks.cpu import cpu_of_family, spent_ns
from benchmarks.figures import Figure, percentile, publish
from db.live_subscribers import Subscribers
from db.outbox_events import OutboxTable
from db.read_pool import ReadPool, ReadSettings
from domain.privacy.viewer import Role, Viewer
from graph.embedded import EmbeddedGraph

NOW = datetime(2026, 6, 30, 4, tzinfo=UTC)
BEGAN = NOW - timedelta(days=30)
TIMES = 3
PATIENT = ReadSettings(statement_seconds=120.0)
ASKED = """{ tierPolicyComparison(policy: "kuailv_grade") {
  share arms { kind customers tiers { tierCode customers share } moves { fromCode toCode customers } }
  metrics { kpi control treatment difference interval { min max } pValue } sampleRatioPValue valid } }"""
CUSTOMERS = """
INSERT INTO customers (kind, registered_at, city)
SELECT CASE WHEN one % 2 = 0 THEN 'BUSINESS' ELSE 'HOUSEHOLD' END, $2::timestamptz - interval '1 year', '成都'
FROM generate_series(1, $1::bigint) AS one
"""
ORDERS = """
INSERT INTO orders (customer_id, source_id, external_id, placed_at, paid_at, status, stated_at, channel,
  charged_cents)
SELECT customer_id, 1, customer_id || ' ' || place, at, at, 2, at, 1,
  1000 + (customer_id * 7919 + place * 104729) % 50000
FROM customers, generate_series(1, 10) AS place, LATERAL (
  SELECT $1::timestamptz - (customer_id * 7919 + place * 4838407) % 48384000 * interval '1 second' AS at) AS moment
ORDER BY at
"""
EVIDENCE = """
jsonb_build_object('facts', jsonb_build_object('orders_90d', customer_id % 20, 'spend_90d', customer_id * 977 % 9000000,
  'days_since_last_order', customer_id % 50, 'last_order_at', '2026-06-01T00:00:00+00:00'), 'parts', jsonb_build_array(
  jsonb_build_object('code', 'R', 'points', '80.000000'), jsonb_build_object('code', 'F', 'points', '55.000000'),
  jsonb_build_object('code', 'M', 'points', '20.500000')), 'thresholds', jsonb_build_array(40, 60, 75, 90))
"""
DECISIONS = f"""
INSERT INTO tier_transitions (customer_id, transition_id, policy_id, version_id, kind, from_rank, to_rank, reason,
  score, evidence, as_of, decided_at, effective_at, since, measured_rank, base_rank, before_rank, base_on, base_since,
  joined_on, falls)
SELECT customer_id, $1::bigint + customer_id * 5 + policy_id, policy_id, $2, $3, $4,
  coalesce($4::smallint, 0) + 1 + customer_id % 4, 'EVENT', 55.5,
  {EVIDENCE}, $5::timestamptz, $5, $5, $5, 1, 1, 0, $5::timestamptz::date, $5, $5::timestamptz::date, 0
FROM customers, generate_series(0, 4) AS policy (policy_id)
WHERE policy_id = ANY($6::int[]) AND customer_id % $7 = 0 ORDER BY customer_id
"""
CANDIDATE = """
INSERT INTO tier_policy_versions (policy_id, number, status, rule)
SELECT policy_id, 2, 'CANARY', rule FROM tier_policy_versions WHERE version_id = $1 RETURNING version_id
"""
LADDER = """
INSERT INTO tiers SELECT $2, rank, code, name, threshold, threshold_inclusive, target_share, target_share_max, is_goal
FROM tiers WHERE version_id = $1
"""
CANARY = """
INSERT INTO tier_policy_canaries (version_id, policy_id, control_version_id, share, began_at, share_since,
  share_event_id)
VALUES ($1, 0, $2, 0.1, $3, $3, $4)
"""


def run(*, customers: int, json_path: Path | None, smoke: bool = False) -> None:
    """Over embedded stores that are gone afterwards."""
    del smoke  # fewer customers, nothing else
    with tempfile.TemporaryDirectory() as folder:
        figures = asyncio.run(measure(Settings(home=Path(folder), clock=NOW), customers))
    publish(f"comparison of {customers:,} customers", figures, json_path)


async def measure(settings: Settings, customers: int) -> list[Figure]:
    async with open_stores(settings) as stores:
        await fill(stores, settings, customers)
        async with asking(settings, stores) as api:
            await ask(api, customers)  # plans it, and warms what can be warm
            rounds = [await ask(api, customers) for _ in range(TIMES)]
    cpu, wall = (percentile(list(one), 0.5) for one in zip(*rounds, strict=True))
    return [Figure("CPU: Python and PostgreSQL", cpu, "s"), Figure("until the answer", wall, "s")]


async def ask(api: ReadPathEngine, customers: int) -> tuple[float, float]:
    """Seconds of CPU, and of waiting."""
    before, begun = cpu_of_family(os.getpid()), time.perf_counter()
    answer = await api.execute(GraphQLRequest(query=ASKED), Viewer("benchmark", Role.ANALYST))
    wall, cpu = time.perf_counter() - begun, spent_ns(before, cpu_of_family(os.getpid())) / 1e9
    found = json.loads(answer.body)
    arms = found["data"]["tierPolicyComparison"]["arms"]
    assert sum(arm["customers"] for arm in arms) == customers, found
    return cpu, wall


@asynccontextmanager
async def asking(settings: Settings, stores: Stores) -> AsyncIterator[ReadPathEngine]:
    """The engine as a server has it, without caches, and with time enough to be measured."""
    async with AsyncExitStack() as stack:
        graph = await EmbeddedGraph.open(settings.home / "graph", ask_seconds=1.0)
        stack.push_async_callback(graph.close)
        reads = ReadPool(stores.database_url, PATIENT)
        stack.push_async_callback(reads.close)
        shop, subscribers = await open_shop(stores), Subscribers(OutboxTable(reads))
        api = make_engine(settings, stores, reads, graph, shop, subscribers, print)
        yield api


async def fill(stores: Stores, settings: Settings, customers: int) -> None:
    async with stores.pool.acquire() as connection:
        await connection.execute("ALTER SYSTEM SET autovacuum = off")
        await connection.execute("SELECT pg_reload_conf()")
        await prepare_house(connection, settings, sources=["bench"])
        await connection.execute(CUSTOMERS, customers, NOW)
        await connection.execute(ORDERS, NOW)
        await decide(connection, customers)
        await connection.execute("VACUUM (ANALYZE)")
        await connection.execute("CHECKPOINT")


async def decide(connection: Any, customers: int) -> None:
    """First of all under every policy, then a third of them under the canary of the first."""
    first = await connection.fetchval("SELECT version_id FROM tier_policy_versions WHERE policy_id = 0")
    policies, before = list(range(5)), BEGAN - timedelta(days=60)
    await connection.execute(DECISIONS, 0, first, "JOINED", None, before, policies, 1)
    tried = await connection.fetchval(CANDIDATE, first)
    await connection.execute(LADDER, first, tried)
    since = 5 * customers + 10
    await connection.execute(CANARY, tried, first, BEGAN, since)
    await connection.execute(DECISIONS, since, tried, "UPGRADED", 1, NOW - timedelta(days=9), [0], 3)
