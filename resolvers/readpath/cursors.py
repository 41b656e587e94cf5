"""Global ids and cursors, made by SQL and by Python alike.

A cursor is the base64 of a JSON array of an entry's order keys: whole numbers for ids and moments
(microseconds since 1970), texts for everything else.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import types

from resolvers.readpath.scalars import read_amount

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DEEPEST_PLACE = 10_000
"""Of a cursor into the answer of a graph question, which is asked from its beginning for each page."""
NOT_A_CURSOR = "This is not a cursor of this list: pass a startCursor or endCursor as it was given."


def decode_id(value: object, prefix: str) -> int | None:
    """`cus_42` -> 42; None for anything else: an id of another type names nothing here."""
    head, _, number = str(value).rpartition("_")
    if head != prefix or not number.isascii() or not number.isdigit() or len(number) > 18:
        return None
    return int(number) if number == str(int(number)) else None


def encode_cursor(keys: Sequence[Any]) -> str:
    text = json.dumps([plain_key(key) for key in keys], ensure_ascii=False)
    return base64.b64encode(text.encode()).decode()


def plain_key(value: Any) -> int | str:
    if isinstance(value, datetime):
        return (value - EPOCH) // timedelta(microseconds=1)
    return value if isinstance(value, int) else str(value)


def decode_cursor(cursor: object, key_types: Sequence[Any]) -> list[Any]:
    """The order keys as values of their SQL types; ValueError for a cursor this server never made."""
    try:
        keys = json.loads(base64.b64decode(str(cursor), validate=True))
    except (ValueError, binascii.Error, RecursionError) as error:
        raise ValueError(NOT_A_CURSOR) from error
    if not isinstance(keys, list) or len(keys) != len(key_types):
        raise ValueError(NOT_A_CURSOR)
    try:
        return [typed_key(key, type_) for key, type_ in zip(keys, key_types, strict=True)]
    except (ValueError, OverflowError) as error:
        raise ValueError(NOT_A_CURSOR) from error


def typed_key(key: Any, type_: Any) -> Any:
    match type_:
        case types.DateTime():
            return EPOCH + timedelta(microseconds=whole(key))
        case types.Integer():
            return whole(key, bits=63 if isinstance(type_, types.BigInteger) else 31)
        case types.Numeric():
            return read_amount(text_key(key))
        case types.Date():
            return date.fromisoformat(text_key(key))
        case _:
            return storable_text(text_key(key))


def whole(key: Any, *, bits: int = 63) -> int:
    """A cursor of another order may hold what this one's column cannot."""
    if type(key) is not int or abs(key) >= 2**bits:
        raise ValueError(NOT_A_CURSOR)
    return key


def text_key(key: Any) -> str:
    if not isinstance(key, str):
        raise ValueError(NOT_A_CURSOR)
    return key


def storable_text(text: str) -> str:
    """The text, if PostgreSQL can hold it: no U+0000 and no half of a surrogate pair."""
    try:
        if b"\0" not in text.encode():
            return text
    except UnicodeEncodeError:
        pass
    raise ValueError("A text holds a character that cannot be stored: U+0000 or half of a pair.")


def storable(value: Any) -> Any:
    """Checks every text inside a value that goes into a statement."""
    if isinstance(value, str):
        storable_text(value)
    elif isinstance(value, list):
        for item in value:
            storable(item)
    return value
