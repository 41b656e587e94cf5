"""`c360 verify`: computes everything again and compares it with what is stored; fails where they differ."""

import asyncio

import typer
from rich.console import Console

from api.commands.progress import blocks_bar, counts_table
from api.recompute import compare
from api.settings import Settings, read_settings
from api.stores import open_stores


def run() -> None:
    if not asyncio.run(verify(read_settings())):
        raise typer.Exit(1)


async def verify(settings: Settings) -> bool:
    """Whether stored and computed state are equal. Writes nothing."""
    console = Console()
    async with open_stores(settings) as stores:
        with blocks_bar(console, "Comparing with what is stored") as advance:
            found = await compare(stores, progress=advance)
    faults = found.faults()
    seen = {"customers compared": found.customers, "waiting for the worker": found.waiting}
    console.print(counts_table("verified", seen | faults))
    if any(faults.values()):
        console.print(
            "Stored and computed state differ: run c360 rebuild facts, and report how it came about."
        )
        return False
    return True
