"""What a query costs, nothing cached: ours against servers that others write, over the same database.

Each operation in `documents/` is asked of every server by turns, in one run. Everybody answers the same
selected fields with equal values, which is checked before anything is timed, and opens and masks the same
personal values. CPU is that of the server's processes and of PostgreSQL's, as Linux counts it. While it is not
its turn a server is stopped.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import read_peers as peers
from benchmarks.answers import first_difference, first_missing, leaves
from benchmarks.costs import Row, Tally, cost_of, figures_of, show, take_turn
from benchmarks.figures import keep
from benchmarks.filled_shop import FilledShop, filled_shop
from benchmarks.operations import CUSTOMER_LIST, EXAMPLE, IMPERSONAL, TINY, WHOLE_CUSTOMER, Dialect, Operation
from benchmarks.servers import Peer, Running, running
from domain.errors import SetupError

CHECKED_ANSWERS = 20
LEARNT_STATEMENTS = 500
LONGEST_WARM_UP_SECONDS = 20
"""Who is slow is measured after that, warm or not."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long a run is. For each operation a server warms up: until it has answered so many requests."""

    warm_up_seconds: float
    warm_up_requests: int
    turn_seconds: float
    rounds: int
    connections: int = 32


FULL = Length(warm_up_seconds=4, warm_up_requests=3_000, turn_seconds=2, rounds=4)
SMOKE = Length(warm_up_seconds=0.2, warm_up_requests=0, turn_seconds=0.2, rounds=1, connections=4)


def run(*, customers: int, json_path: Path | None, smoke: bool = False) -> None:
    """Prints a table an operation. Raises SetupError where a peer's answer is not ours."""
    length = SMOKE if smoke else FULL
    figures = []
    with filled_shop(customers) as shop:
        for operation, asked in smoke_plan(shop) if smoke else full_plan(shop):
            rows = measure(shop, operation, asked, length)
            show(operation.words, rows, base=peers.OURS, many=length.connections)
            figures += figures_of(operation.words, rows, base=peers.OURS, many=length.connections)
    keep(f"read: {customers:,} customers, nothing cached", figures, json_path)


def smoke_plan(shop: FilledShop) -> list[tuple[Operation, list[Peer]]]:
    return [(TINY, [peers.own_server(shop), *peers.node_peers(shop, Console().print)[:1]])]


def full_plan(shop: FilledShop) -> list[tuple[Operation, list[Peer]]]:
    """Who is asked what. Ours is first: the first process gets the embedded graph.

    The naive reference takes longer for a list than a request may. The example reads the graph, which nobody
    else has.
    """
    say = Console().print
    own, reference = peers.own_server(shop), peers.reference_reader(shop)
    others = [*peers.node_peers(shop, say), *peers.postgraphile(shop, say), peers.strawberry_orm(shop)]
    return [
        (WHOLE_CUSTOMER, [own, *others, reference]),
        (CUSTOMER_LIST, [own, *others]),
        (TINY, [own, *others, reference]),
        (IMPERSONAL, [own]),
        (EXAMPLE, [own]),
    ]


def measure(shop: FilledShop, operation: Operation, asked: list[Peer], length: Length) -> list[Row]:
    with tempfile.TemporaryDirectory() as logs, running(asked, Path(logs)) as servers:
        answer = asyncio.run(check_answers(servers, operation, shop.customers))
        with floors(shop, operation, answer, Path(logs)) as below:
            return asyncio.run(measure_by_turns([*servers, *below], operation, shop.customers, length))


@contextmanager
def floors(shop: FilledShop, operation: Operation, answer: bytes, folder: Path) -> Iterator[list[Running]]:
    """The constant is as long as one of our answers."""
    (folder / "answer").write_bytes(answer)
    bodies = operation.bodies(shop.customers, Dialect.OURS, seed=0)
    (folder / "bodies").write_bytes(b"\n".join(islice(bodies, LEARNT_STATEMENTS)))
    chosen = peers.constant_floors(shop, folder / "answer")
    if not operation.reads_graph:  # only one process has the embedded graph
        chosen.append(peers.statement_floor(shop, folder / "bodies"))
    with running(chosen, folder) as started:
        yield started


async def check_answers(servers: list[Running], operation: Operation, customers: list[int]) -> bytes:
    """One of our answers, after those of everybody have been compared with ours."""
    own, *others = servers
    for at in range(CHECKED_ANSWERS if operation.customers == 1 else 1):
        asked = customers[at : at + operation.customers]
        expected = await own.ask(operation.body(asked, Dialect.OURS))
        for other in others:
            given = await other.ask(operation.body(asked, other.peer.dialect))
            compare = first_difference if other.peer.dialect is Dialect.OURS else first_missing
            if found := compare(parsed(own, expected), parsed(other, given)):
                raise SetupError(
                    f"{other.peer.name} answers {operation.words} of {asked[0]} otherwise: {found}"
                )
    values = sum(1 for _ in leaves(parsed(own, expected)))
    Console().print(f"{operation.words}: an answer has {values} values in {len(expected):,} bytes")
    return expected


def parsed(one: Running, answer: bytes) -> Any:
    """Raises SetupError where it holds errors."""
    content = json.loads(answer)
    if content.get("errors"):
        raise SetupError(f"{one.peer.name} answers with errors: {str(content['errors'])[:500]}")
    return content["data"]


async def measure_by_turns(
    servers: list[Running], operation: Operation, customers: list[int], length: Length
) -> list[Row]:
    """The order is turned around every round, so that nobody always follows the same neighbour."""
    await warm_up(servers, operation, customers, length)
    levels = (1, length.connections)
    tallies = {(one.peer.name, connections): Tally() for one in servers for connections in levels}
    for number in range(1, length.rounds + 1):
        for one in servers if number % 2 else reversed(servers):
            for connections in levels:
                bodies = operation.bodies(customers, one.peer.dialect, seed=number)
                tally = tallies[one.peer.name, connections]
                await take_turn(one, bodies, tally, connections=connections, seconds=length.turn_seconds)
    tell_failures(tallies)
    return [row_of(one, *(tallies[one.peer.name, connections] for connections in levels)) for one in servers]


async def warm_up(servers: list[Running], operation: Operation, customers: list[int], length: Length) -> None:
    """Documents are compiled, statements prepared, and just-in-time compilers have seen enough."""
    for one in servers:
        bodies = operation.bodies(customers, one.peer.dialect, seed=0)
        tally, seconds = Tally(), length.warm_up_seconds
        await take_turn(one, bodies, tally, connections=length.connections, seconds=seconds)
        while len(tally.latencies) < length.warm_up_requests and tally.seconds < LONGEST_WARM_UP_SECONDS:
            await take_turn(one, bodies, tally, connections=length.connections, seconds=seconds)


def tell_failures(tallies: Mapping[tuple[str, int], Tally]) -> None:
    for (name, connections), tally in tallies.items():
        if tally.failed:
            share = f"{tally.failed} of {len(tally.latencies)} answers"
            Console().print(f"{name}, {connections} at once: something failed in {share}")


def row_of(one: Running, alone: Tally, busy: Tally) -> Row:
    return Row(one.peer.name, alone=cost_of(alone), busy=cost_of(busy), is_floor=one.peer.is_floor)
