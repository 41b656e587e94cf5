"""Shares of a whole, exactly rounded."""

from typing import Any

from sqlalchemy import Numeric, cast, func, type_coerce

SIX_DIGITS = Numeric(12, 6)


def share(part: Any, whole: Any) -> Any:
    """0..1, six digits; 0 of nothing."""
    return type_coerce(func.coalesce(share_or_null(part, whole), 0), SIX_DIGITS)


def share_or_null(part: Any, whole: Any) -> Any:
    """0..1, six digits; null of nothing."""
    return type_coerce(func.round(cast(part, Numeric) / func.nullif(whole, 0), 6), SIX_DIGITS)
