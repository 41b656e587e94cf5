"""Whether two servers gave the same answer: before anything is timed, every peer must."""

import re
from collections.abc import Iterator
from typing import Any

MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?(Z|\+00:00)")
GLOBAL_ID = re.compile(r"(?:cus|ord|prd)_(\d+)")
AMOUNT = re.compile(r"(-?\d+)\.(\d\d)")
UNLIKE = frozenset({"status", "channel", "currencyCode"})
"""Printed by PostGraphile as the numbers that the tables hold, or once instead of with each amount."""


def first_difference(ours: Any, theirs: Any, path: str = "data") -> str | None:
    """Where and how two answers of one schema differ, in words; moments may be written differently."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and ours.keys() == theirs.keys():
        pairs = ((f"{path}.{name}", value, theirs[name]) for name, value in ours.items())
    elif isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs):
        pairs = ((f"{path}[{at}]", *pair) for at, pair in enumerate(zip(ours, theirs, strict=True)))
    else:
        same = type(ours) is type(theirs) and same_moment(ours) == same_moment(theirs)
        return None if same else f"{path}: {str(ours)[:80]!r} here, {str(theirs)[:80]!r} there"
    found = (first_difference(mine, other, where) for where, mine, other in pairs)
    return next((words for words in found if words), None)


def first_missing(ours: Any, theirs: Any) -> str | None:
    """The first value of ours that an answer of another shape does not have anywhere, in words."""
    known = {loosely(value) for _, value in leaves(theirs)}
    for name, value in leaves(ours):
        if name not in UNLIKE and value is not None and loosely(value) not in known:
            return f"{name}: {value!r} is nowhere there"
    return None


def leaves(answer: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Every scalar with the name of its field."""
    if isinstance(answer, dict):
        for key, value in answer.items():
            yield from leaves(value, key)
    elif isinstance(answer, list):
        for value in answer:
            yield from leaves(value, name)
    else:
        yield name, answer


def loosely(value: Any) -> str:
    """Ids without their prefix, amounts in cents, moments without zeros at their end."""
    text = str(same_moment(value))
    if found := GLOBAL_ID.fullmatch(text):
        return found[1]
    if found := AMOUNT.fullmatch(text):
        return str(int(found[1] + found[2]))
    return text


def same_moment(value: Any) -> Any:
    if not isinstance(value, str) or not (found := MOMENT.fullmatch(value)):
        return value
    fraction = (found[2] or "").rstrip("0").rstrip(".")
    return f"{found[1]}{fraction}Z"
