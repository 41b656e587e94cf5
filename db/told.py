"""Who is told which customers a change touched: after the commit, before anybody hears that it was made."""

from collections.abc import Awaitable, Callable, Collection
from typing import TypeAlias

Changed: TypeAlias = Callable[[Collection[int]], Awaitable[bool]]
"""False: what is kept about these customers could not be dropped everywhere."""


async def tell_nobody(_: Collection[int]) -> bool:
    """Nobody keeps anything that a change would spoil."""
    return True
