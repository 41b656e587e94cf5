"""Ending tasks: background ones for certain, the one that runs in time."""

import asyncio
from types import TracebackType
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


class Deadline:
    """`asyncio.timeout` at a third of its cost, for what begins a thousand times a second: raises TimeoutError."""

    __slots__ = ("_cancelling", "_is_over", "_seconds", "_task", "_timer")

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._is_over = False

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        task = asyncio.current_task(loop)
        assert task is not None
        self._task, self._cancelling = task, task.cancelling()
        self._timer = loop.call_later(self._seconds, self._end)

    def _end(self) -> None:
        self._is_over = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._is_over and self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from fault
