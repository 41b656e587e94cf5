"""The reference reader's connections: reads everything that matches and cuts the page out of it in Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from resolvers.readpath.cursors import decode_cursor, encode_cursor
from resolvers.readpath.reference_rows import given
from resolvers.readpath.relay import COUNT_CAP, Connection, Count, CountPrecision, Edge, PageInfo

Keys = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Entry:
    keys: Keys
    node: Any


@dataclass(frozen=True, slots=True)
class Window:
    """Which part of all entries is asked for. `start` are the keys of the entry the page continues from."""

    size: int
    start: Keys | None
    is_backward: bool


def window_of(arguments: dict[str, Any], key_types: Sequence[Any]) -> Window:
    """ValueError says what makes no sense."""
    first, last = given(arguments, "first"), given(arguments, "last")
    if (first is None) == (last is None):
        raise ValueError("Give exactly one of first and last.")
    is_backward = first is None
    if given(arguments, "after" if is_backward else "before") is not None:
        raise ValueError("after goes with first, before goes with last.")
    size = last if is_backward else first
    if not 1 <= size <= 100:
        raise ValueError(f"{'last' if is_backward else 'first'} must be 1 to 100.")
    cursor = given(arguments, "before" if is_backward else "after")
    start = None if cursor is None else tuple(decode_cursor(cursor, key_types))
    return Window(size, start, is_backward)


def cut(entries: list[Entry], window: Window, *, descending: bool, counted: bool) -> Any:
    """Entries come in their order; the page keeps it, from whichever end it was read."""
    total = len(entries)
    after_start = [entry for entry in entries if is_inside(entry.keys, window, descending)]
    shown = after_start[-window.size :] if window.is_backward else after_start[: window.size]
    more = len(after_start) > window.size
    other = len(after_start) < total
    page_info = PageInfo(
        has_next_page=other if window.is_backward else more,
        has_previous_page=more if window.is_backward else other,
        start_cursor=encode_cursor(shown[0].keys) if shown else None,
        end_cursor=encode_cursor(shown[-1].keys) if shown else None,
    )
    return Connection(
        edges=[Edge(cursor=encode_cursor(entry.keys), node=entry.node) for entry in shown],
        nodes=[entry.node for entry in shown],
        page_info=page_info,
        total_count=count(total) if counted else None,
    )


def is_inside(keys: Keys, window: Window, descending: bool) -> bool:
    if window.start is None:
        return True
    return keys < window.start if descending != window.is_backward else keys > window.start


def count(total: int) -> Count:
    precision = CountPrecision.AT_LEAST if total > COUNT_CAP else CountPrecision.EXACT
    return Count(value=min(total, COUNT_CAP), precision=precision)
