"""`c360 worker`: computes dirty customers until it is told to stop."""

import asyncio
import signal

from api.caches import open_versions
from api.logs import configure_logging
from api.relay import relaying
from api.settings import Settings, read_settings
from api.stores import open_stores
from api.worker import run_worker

CONNECTIONS = 4


def run() -> None:
    """Stops at SIGTERM or Ctrl-C, after the batch at hand."""
    configure_logging()
    asyncio.run(work(read_settings()))


async def work(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with (
        open_stores(settings, connections=CONNECTIONS) as stores,
        open_versions(stores.redis_url) as versions,
        relaying(stores, versions),
    ):
        await run_worker(settings, stores, stop, versions)
