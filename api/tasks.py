"""Ending background tasks for certain."""

import asyncio
from typing import Any

PATIENCE_SECONDS = 0.5


async def end_task(task: "asyncio.Future[Any]") -> None:
    """Cancels until the task has ended: a driver that is connecting may swallow a cancellation.

    Raises what the task raised, except its being cancelled."""
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=PATIENCE_SECONDS)
    if not task.cancelled():
        task.result()
