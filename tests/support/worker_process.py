"""A worker as a process of its own over the stores of a test."""

import asyncio
import os
import sys
from pathlib import Path

from project import PROJECT
from shops import TestShop


async def start_worker(
    shop: TestShop, home: Path, redis_url: str, **settings: str
) -> asyncio.subprocess.Process:
    """`settings` by their full names."""
    environment = {
        **os.environ,
        "C360_HOME": str(home),
        "C360_DATABASE_URL": shop.stores.database_url,
        "C360_REDIS_URL": redis_url,
        "C360_CLOCK": shop.now.isoformat(),
        **settings,
    }
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "api.cli",
        "worker",
        cwd=PROJECT,
        env=environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
