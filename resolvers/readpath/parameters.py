"""Parameters of a statement while it is put together: marks, numbered when all is printed."""

from __future__ import annotations

import re

PARAMETER = re.compile("\x00p([0-9]+)\x00")


def parameter_mark(number: int) -> str:
    return f"\x00p{number}\x00"


def numbered(text: str) -> tuple[str, list[int]]:
    """With $1, $2.. in place of the marks of parameters, and their numbers in that order."""
    places: dict[int, int] = {}

    def put(mark: re.Match[str]) -> str:
        return f"${places.setdefault(int(mark[1]), len(places) + 1)}"

    return PARAMETER.sub(put, text), list(places)
