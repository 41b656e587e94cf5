"""What an answer costs that was given before: ours against the response caches of others.

A few hundred customers are asked for again and again with one text, so that after a first round every answer is
known. Admission is on for ours: a token is verified and its expiry checked on each request; the others check
nothing. Their caches are in memory, which is their fastest form. Mercurius is not among them: what it offers
keeps the results of single resolvers, not answers.
"""

import asyncio
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from benchmarks import read_peers as peers
from benchmarks.costs import Row, figures_of, show
from benchmarks.figures import keep
from benchmarks.filled_shop import FilledShop, filled_shop
from benchmarks.operations import WHOLE_CUSTOMER
from benchmarks.read import FULL, SMOKE, Length, check_answers, measure_by_turns
from benchmarks.servers import Peer, Running, running

HOT_CUSTOMERS = 500
WITH_A_CACHE = ("Yoga with JIT", "Apollo Server")
IN_PROCESS = "ours, kept in the process"
OUR_CACHES: Mapping[str, Mapping[str, str]] = {
    IN_PROCESS: {"C360_CACHE": "true"},
    "ours, kept in Valkey": {"C360_CACHE": "true", "C360_CACHE_MEMORY_MB": "0"},
    "ours, computed each time": {},
}
"""Ways in which our server answers again, with the settings that make it do so; the first is the base."""


def run(*, customers: int, json_path: Path | None, smoke: bool = False) -> None:
    """Prints the table. Raises SetupError where a peer's answer is not ours."""
    length = SMOKE if smoke else FULL
    title = f"{WHOLE_CUSTOMER.words}, cached"
    with filled_shop(customers) as shop:
        rows = measure(shop, length, smoke=smoke)
    show(title, rows, base=IN_PROCESS, many=length.connections)
    figures = figures_of(title, rows, base=IN_PROCESS, many=length.connections)
    keep(f"cache: {customers:,} customers", figures, json_path)


def measure(shop: FilledShop, length: Length, *, smoke: bool) -> list[Row]:
    hot = shop.customers[:HOT_CUSTOMERS]
    with (
        tempfile.TemporaryDirectory() as folder,
        running(chosen_peers(shop, smoke=smoke), Path(folder)) as servers,
    ):
        answer = asyncio.run(check_answers(servers, WHOLE_CUSTOMER, hot))
        asyncio.run(fill(servers, hot))
        (Path(folder) / "answer").write_bytes(answer)
        with running(peers.constant_floors(shop, Path(folder) / "answer"), Path(folder)) as floors:
            return asyncio.run(measure_by_turns([*servers, *floors], WHOLE_CUSTOMER, hot, length))


def chosen_peers(shop: FilledShop, *, smoke: bool) -> list[Peer]:
    own = [peers.own_server(shop, name, **settings) for name, settings in OUR_CACHES.items()]
    found = peers.node_peers(shop, Console().print, RESPONSE_CACHE="1")
    others = [
        replace(peer, name=f"{peer.name}, response cache") for peer in found if peer.name in WITH_A_CACHE
    ]
    return [*own, *(others[:1] if smoke else others)]


async def fill(servers: list[Running], customers: list[int]) -> None:
    """Every server gives each answer once."""
    for one in servers:
        for customer in customers:
            await one.ask(WHOLE_CUSTOMER.body([customer], one.peer.dialect))
