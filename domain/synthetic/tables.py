"""The columns of the canonical import files, and how a generated column holds its values."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = NDArray[Any]
Table = Mapping[str, Column]
"""Columns of equal length by canonical name."""


class Kind(StrEnum):
    """What an array of a column holds."""

    TEXT = "text"  # UTF-8 bytes (dtype S), empty when missing
    MONEY = "money"  # int64, hundredths of the shop's currency
    NUMBER = "number"  # an integer, never missing
    FLAG = "flag"  # bool
    TIME = "time"  # datetime64[s], local time of Asia/Shanghai (+08:00), NaT when missing


_T, _M, _N, _F, _W = Kind.TEXT, Kind.MONEY, Kind.NUMBER, Kind.FLAG, Kind.TIME

COLUMNS: Mapping[str, Mapping[str, Kind]] = {
    "communities": {"external_id": _T, "name": _T, "city": _T, "leader_external_id": _T, "leader_name": _T},
    "products": {
        "external_id": _T,
        "name": _T,
        "category": _T,
        "unit_price": _M,
        "unit_cost": _M,
        "high_margin": _F,
        "organic": _F,
        "imported": _F,
    },
    "customers": {
        "external_id": _T,
        "name": _T,
        "phone": _T,
        "email": _T,
        "kind": _T,
        "city": _T,
        "registered_at": _W,
        "channel": _T,
        "referred_by": _T,
        "community": _T,
    },
    "orders": {
        "external_id": _T,
        "customer_external_id": _T,
        "placed_at": _W,
        "paid_at": _W,
        "confirmed_at": _W,
        "credit_days": _T,
        "status": _T,
        "channel": _T,
        "net_amount": _M,
        "refunded_amount": _M,
        "delivery_fee": _M,
    },
    "order_lines": {
        "order_external_id": _T,
        "line_no": _N,
        "product_external_id": _T,
        "quantity": _N,
        "net_amount": _M,
    },
}


def texts(*words: str) -> Column:
    """Words as UTF-8 bytes, ready to be picked from by index."""
    return np.array([word.encode() for word in words], dtype="S")


def numbered(prefix: str, numbers: NDArray[np.int64], width: int) -> Column:
    """Identifiers such as C0000042: a prefix and the number, filled with zeros to `width` digits."""
    places = 10 ** np.arange(width - 1, -1, -1, dtype=np.int64)
    digits = (numbers[:, None] // places % 10 + ord("0")).astype(np.uint8)
    head = np.broadcast_to(np.frombuffer(prefix.encode(), np.uint8), (len(numbers), len(prefix)))
    joined = np.ascontiguousarray(np.hstack([head, digits]))
    return joined.view(f"S{joined.shape[1]}").ravel()


def joined(*parts: Column | bytes) -> Column:
    """Texts put together, row by row."""
    whole: Column = np.asarray(parts[0])
    for part in parts[1:]:
        whole = np.strings.add(whole, np.asarray(part))
    return whole
