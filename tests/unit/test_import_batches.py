import asyncio

import asyncpg
import pytest

from db.import_batches import side_by_side


async def test_a_full_disk_met_by_one_of_two_is_raised_as_itself() -> None:
    ended = []

    async def full() -> None:
        raise asyncpg.DiskFullError("no space left")

    async def busy() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append("busy")

    with pytest.raises(asyncpg.DiskFullError, match="no space left"):
        await side_by_side([busy(), full()])

    assert ended == ["busy"]
