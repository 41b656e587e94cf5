"""What one event to thousands of subscribers costs one server process.

The server, a worker and the subscribers are processes of their own. Each event is one paid order that lifts a
customer to gold at least; everybody is subscribed to the tier changes of that policy with the same text. The
same with one subscriber is measured beside it: what is left is the price of fanning out.
"""

import asyncio
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks.cpu import spent_ns
from benchmarks.figures import Figure, percentile, publish
from benchmarks.filled_shop import AS_OF, FilledShop, filled_shop
from benchmarks.freshness import HEAR, SEND, Candidate, order_of
from benchmarks.http_load import ask_once
from benchmarks.processes import resident_bytes
from benchmarks.read_peers import own_server
from benchmarks.servers import PYTHON, Peer, Running, end, exchange, start, wait_until_quiet, wait_until_ready
from domain.errors import SetupError

SUBSCRIBERS = (1, 1_000, 5_000)
SMOKE_SUBSCRIBERS = (1, 20)
EVENTS = 10
WARM_UP = 2
PATIENCE_SECONDS = 60
BELOW_GOLD = """
SELECT r.external_id, c.customer_id FROM customers c
JOIN customer_refs r USING (customer_id) JOIN sources s USING (source_id)
JOIN tier_standings t USING (customer_id) JOIN tier_policies p USING (policy_id)
WHERE s.code = 'demo' AND p.code = 'kuailv_grade' AND t.rank <= 2 ORDER BY c.customer_id
"""


@dataclass(frozen=True, slots=True)
class Delivery:
    """Seconds from the start of the request that caused it; CPU of the server, all it did for the event."""

    first: float
    last: float
    cpu_ns: int


@dataclass(frozen=True, slots=True)
class Crowd:
    """What one number of subscribers came to. `bytes_a_subscriber`: of the server's resident memory."""

    subscribers: int
    deliveries: list[Delivery]
    bytes_a_subscriber: float


def run(*, customers: int, json_path: Path | None, smoke: bool = False) -> None:
    """Prints the figures. Raises SetupError when an event did not reach everybody."""
    allow_many_sockets()
    events = 1 if smoke else EVENTS
    with filled_shop(customers, orders_at_least=1) as shop, serving(shop) as server:
        waiting = iter(asyncio.run(below_gold(shop)))
        crowds = [
            measure(shop, server, waiting, subscribers=number, events=events)
            for number in (SMOKE_SUBSCRIBERS if smoke else SUBSCRIBERS)
        ]
    alone, *many = crowds
    figures = [figure for crowd in crowds for figure in figures_of(crowd)]
    figures += [figure for crowd in many for figure in figures_beside(alone, crowd)]
    publish(f"fanout: {events} events, {customers:,} customers", figures, json_path)


def allow_many_sockets() -> None:
    """For this process and those it starts."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@contextmanager
def serving(shop: FilledShop) -> Iterator[Running]:
    """A server and a worker."""
    with tempfile.TemporaryDirectory() as logs:
        server = start(own_server(shop), Path(logs) / "server.log")
        worker_command = (*PYTHON, "-P", "-m", "api.cli", "worker")
        worker = Peer(name="worker", command=worker_command, surroundings=shop.surroundings())
        working = start(worker, Path(logs) / "worker.log")
        try:
            wait_until_ready(server, Path(logs) / "server.log")
            yield server
        finally:
            end(working)
            end(server)


async def below_gold(shop: FilledShop) -> list[Candidate]:
    connection = await asyncpg.connect(shop.database_url)
    try:
        rows = await connection.fetch(BELOW_GOLD)
    finally:
        await connection.close()
    return [Candidate(f"cus_{row['customer_id']}", row["external_id"]) for row in rows]


def measure(
    shop: FilledShop, server: Running, waiting: Iterator[Candidate], *, subscribers: int, events: int
) -> Crowd:
    before = resident_bytes(server.process.pid)
    with subscribed(shop, server, subscribers) as crowd:
        wait_until_quiet(server)
        grown = resident_bytes(server.process.pid) - before
        chosen = list(islice(waiting, WARM_UP + events))
        if len(chosen) < WARM_UP + events:
            raise SetupError("There are too few customers below gold for so many events: add --customers.")
        deliveries = [deliver(server, crowd, candidate, to=subscribers) for candidate in chosen]
    return Crowd(subscribers, deliveries[WARM_UP:], grown / subscribers)


@contextmanager
def subscribed(shop: FilledShop, server: Running, subscribers: int) -> Iterator[Running]:
    """A process with so many subscribers, once the server has them all."""
    host, port = server.target.url.split("/")[2].split(":")
    command = (*PYTHON, "-m", "benchmarks.subscribers", host, port)
    with tempfile.TemporaryDirectory() as logs:
        log = Path(logs) / "subscribers.log"
        crowd = start(Peer(name="subscribers", command=command, speaks_http=False), log)
        asked = {"subscribers": subscribers, "query": HEAR, "token": shop.token}
        try:
            exchange(crowd.process, asked)
            yield crowd
        except ValueError:
            raise SetupError(f"The subscribers failed: {log.read_text()[-2_000:]}") from None
        finally:
            end(crowd)


def deliver(server: Running, crowd: Running, candidate: Candidate, *, to: int) -> Delivery:
    """Sends one order and waits until everybody has heard."""
    order = order_of(candidate, AS_OF - timedelta(hours=1))
    body = json.dumps({"query": SEND, "variables": {"input": order}}).encode()
    before, sent = server.cpu(), time.perf_counter()
    answer = json.loads(asyncio.run(ask_once(server.target, body)))
    if answer.get("errors") or answer["data"]["eventIngest"]["accepted"] != 1:
        raise SetupError(f"An event was not accepted: {answer}")
    heard: dict[str, Any] = exchange(crowd.process, {"seconds": PATIENCE_SECONDS})
    cpu_ns = spent_ns(before, server.cpu())
    if heard["messages"] != to:
        reached = f"{heard['messages']} of {to} subscribers"
        raise SetupError(f"The change of {candidate.customer} reached {reached} in {PATIENCE_SECONDS} s.")
    return Delivery(heard["first"] - sent, heard["last"] - sent, cpu_ns)


def figures_of(crowd: Crowd) -> list[Figure]:
    name = f"{crowd.subscribers:,} subscribers"
    first = [one.first * 1_000 for one in crowd.deliveries]
    last = [one.last * 1_000 for one in crowd.deliveries]
    spread = [one.last - one.first for one in crowd.deliveries]
    return [
        Figure(f"{name}: order sent, first has heard, p50", percentile(first, 0.5), "ms"),
        Figure(f"{name}: order sent, last has heard, p50", percentile(last, 0.5), "ms"),
        Figure(f"{name}: order sent, last has heard, max", max(last), "ms"),
        Figure(f"{name}: from first to last, p50", percentile(spread, 0.5) * 1_000, "ms"),
        Figure(f"{name}: CPU of the server an event", cpu_ns(crowd) / 1e6, "ms"),
    ]


def figures_beside(alone: Crowd, crowd: Crowd) -> list[Figure]:
    """What each further subscriber adds."""
    name = f"{crowd.subscribers:,} subscribers"
    more = (cpu_ns(crowd) - cpu_ns(alone)) / (crowd.subscribers - alone.subscribers)
    return [
        Figure(f"{name}: CPU of the server a delivery", more / 1_000, "us"),
        Figure(f"{name}: memory of the server a subscriber", crowd.bytes_a_subscriber / 1_024, "KB"),
    ]


def cpu_ns(crowd: Crowd) -> float:
    return percentile([float(one.cpu_ns) for one in crowd.deliveries], 0.5)
