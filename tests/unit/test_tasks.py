import asyncio

import pytest

from api.tasks import end_task


async def test_a_task_that_swallows_a_cancellation_is_ended_all_the_same() -> None:
    swallowed = 0

    async def stubborn() -> None:
        nonlocal swallowed
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                swallowed += 1
                if swallowed == 2:
                    raise

    task = asyncio.create_task(stubborn())
    await asyncio.sleep(0)
    await end_task(task)

    assert (task.cancelled(), swallowed) == (True, 2)


async def test_what_a_task_failed_with_is_not_hidden() -> None:
    async def failing() -> None:
        raise LookupError("lost")

    task = asyncio.create_task(failing())
    await asyncio.sleep(0)

    with pytest.raises(LookupError, match="lost"):
        await end_task(task)
