"""How soon a partner hears of a tier change: an order event in over HTTP, the change out over WebSocket.

The demo runs as a process of its own. Each event is one paid order of 100,000 CNY today of a customer below
gold: 30 points for its day, 30 for the money, 2 for the order (S0-1 to S0-3) make 62, and 60 is gold. It is a large
order, so the tier follows at once (S0-12).
"""

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

import httpx

from benchmarks.demo_process import DemoProcess, running_demo
from benchmarks.figures import Figure, percentile, publish
from benchmarks.live import subscribed
from benchmarks.processes import cpu_by_program
from domain.errors import SetupError

EVENTS = 200
WARM_UP = 5
PACE_SECONDS = 0.05
PATIENCE_SECONDS = 20.0
LOOKED_UP_TOGETHER = 20
SEND = """mutation Send($input: EventIngestInput!) {
  eventIngest(input: $input) { accepted rejected { message } userErrors { message } }
}"""
HEAR = 'subscription { tierChanged(policy: "kuailv_grade") { customer { id } to { code } } }'
BELOW_GOLD = ("BRONZE", "SILVER")


@dataclass(frozen=True, slots=True)
class Candidate:
    customer: str
    external_id: str


@dataclass(slots=True)
class Watch:
    """Who waits for whose change, and when it came (`time.perf_counter`)."""

    heard: dict[str, asyncio.Future[float]] = field(default_factory=dict)

    def expect(self, customer: str) -> asyncio.Future[float]:
        return self.heard.setdefault(customer, asyncio.get_running_loop().create_future())

    async def listen(self, payloads: AsyncGenerator[Any, None]) -> None:
        async for payload in payloads:
            moment = time.perf_counter()
            waiting = self.heard.get(payload["data"]["tierChanged"]["customer"]["id"])
            if waiting and not waiting.done():
                waiting.set_result(moment)


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds from the start of the request to its answer, and to the change at the subscriber."""

    accepted: float
    heard: float


@dataclass(frozen=True, slots=True)
class Phase:
    name: str
    timings: list[Timing]
    seconds: float
    cpu: Counter[str]


def run(*, customers: int, json_path: Path | None, events: int = EVENTS) -> None:
    """Prints the figures. Raises SetupError when a change did not arrive."""
    with (
        tempfile.TemporaryDirectory() as home,
        running_demo(Path(home), "--port", "0", "--customers", str(customers)) as demo,
    ):
        phases = asyncio.run(measure(demo, events))
    title = f"freshness: {events} orders a phase, {customers:,} customers"
    publish(title, [figure for phase in phases for figure in figures_of(phase)], json_path)


async def measure(demo: DemoProcess, events: int) -> list[Phase]:
    chosen = islice(candidates(demo), WARM_UP + 2 * events)
    customers = await asyncio.to_thread(list, chosen)
    async with clients(demo) as (client, watch):
        for candidate in customers[:WARM_UP]:
            await send(client, watch, candidate)
        first, second = customers[WARM_UP : WARM_UP + events], customers[WARM_UP + events :]
        return [
            await phase("one after another", demo, one_by_one(client, watch, first)),
            await phase(f"{1 / PACE_SECONDS:.0f} a second", demo, at_a_pace(client, watch, second)),
        ]


@asynccontextmanager
async def clients(demo: DemoProcess) -> AsyncGenerator[tuple[httpx.AsyncClient, Watch], None]:
    """A till that sends and a partner who listens."""
    watch = Watch()
    async with (
        httpx.AsyncClient(base_url=demo.url, timeout=PATIENCE_SECONDS) as client,
        subscribed(demo.socket_url, HEAR) as payloads,
    ):
        listening = asyncio.create_task(watch.listen(payloads))
        try:
            yield client, watch
        finally:
            listening.cancel()


def candidates(demo: DemoProcess) -> Iterator[Candidate]:
    """Customers below gold, by the numbers the demo gave them."""
    for start in count(1, LOOKED_UP_TOGETHER):
        names = [f"C{number:07}" for number in range(start, start + LOOKED_UP_TOGETHER)]
        fields = [
            f'{name}: customer(by: {{ref: {{source: "demo", externalId: "{name}"}}}}) '
            '{ id tier(policy: "kuailv_grade") { tier { code } } }'
            for name in names
        ]
        found = demo.ask("{" + " ".join(fields) + "}")["data"]
        if not any(found.values()):
            raise SetupError("There are too few customers below gold for so many events: add --customers.")
        for name, customer in found.items():
            if customer and customer["tier"]["tier"]["code"] in BELOW_GOLD:
                yield Candidate(customer["id"], name)


async def phase(name: str, demo: DemoProcess, sending: Any) -> Phase:
    before, started = cpu_by_program(demo.process.pid), time.perf_counter()
    timings = await sending
    seconds = time.perf_counter() - started
    return Phase(name, timings, seconds, cpu_by_program(demo.process.pid) - before)


async def one_by_one(client: httpx.AsyncClient, watch: Watch, customers: list[Candidate]) -> list[Timing]:
    return [await send(client, watch, candidate) for candidate in customers]


async def at_a_pace(client: httpx.AsyncClient, watch: Watch, customers: list[Candidate]) -> list[Timing]:
    """Sent when it is their time, whether or not earlier ones have been answered."""
    started = time.perf_counter()
    sent = []
    for number, candidate in enumerate(customers):
        await asyncio.sleep(max(0.0, started + number * PACE_SECONDS - time.perf_counter()))
        sent.append(asyncio.create_task(send(client, watch, candidate)))
    return list(await asyncio.gather(*sent))


async def send(client: httpx.AsyncClient, watch: Watch, candidate: Candidate) -> Timing:
    heard = watch.expect(candidate.customer)
    body = {"query": SEND, "variables": {"input": order_of(candidate, datetime.now(UTC))}}
    started = time.perf_counter()
    answer = (await client.post("/graphql", json=body)).json()
    accepted = time.perf_counter()
    if answer.get("errors") or answer["data"]["eventIngest"]["accepted"] != 1:
        raise SetupError(f"An event was not accepted: {answer}")
    try:
        arrived = await asyncio.wait_for(heard, PATIENCE_SECONDS)
    except TimeoutError:
        message = f"The change of {candidate.customer} did not arrive within {PATIENCE_SECONDS:.0f} s."
        raise SetupError(message) from None
    return Timing(accepted - started, arrived - started)


def order_of(candidate: Candidate, occurred_at: datetime) -> dict[str, Any]:
    amount = {"amount": "100000.00"}
    line = {"lineNo": 1, "product": "P00001", "quantity": "1", "netAmount": amount}
    order = {
        "externalId": f"bench-order-{candidate.external_id}",
        "status": "PAID",
        "channel": "STORE",
        "netAmount": amount,
        "lines": [line],
    }
    event = {
        "id": f"bench-{candidate.external_id}",
        "occurredAt": occurred_at.isoformat(),
        "customer": {"externalId": candidate.external_id},
        "data": {"order": order},
    }
    return {"source": "demo", "events": [event]}


def figures_of(phase: Phase) -> list[Figure]:
    heard = [timing.heard * 1_000 for timing in phase.timings]
    accepted = [timing.accepted * 1_000 for timing in phase.timings]
    spent = [
        Figure(f"{phase.name}: CPU an event, {program}", milliseconds / len(heard), "ms")
        for program, milliseconds in sorted(phase.cpu.items())
    ]
    return [
        Figure(f"{phase.name}: accepted p50", percentile(accepted, 0.5), "ms"),
        Figure(f"{phase.name}: accepted p95", percentile(accepted, 0.95), "ms"),
        Figure(f"{phase.name}: at the subscriber p50", percentile(heard, 0.5), "ms"),
        Figure(f"{phase.name}: at the subscriber p95", percentile(heard, 0.95), "ms"),
        Figure(f"{phase.name}: at the subscriber max", max(heard), "ms"),
        Figure(f"{phase.name}: events a second", len(heard) / phase.seconds, "1/s"),
        *spent,
    ]
