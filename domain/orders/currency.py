"""The currencies a shop can have; a shop has one."""

from enum import Enum

from domain.errors import DomainError, ErrorCode


class CurrencyCode(Enum):
    """ISO 4217. May grow."""

    CNY = "CNY"
    USD = "USD"
    EUR = "EUR"


def known_currency(code: str) -> str:
    """The code itself. Raises DomainError WRONG_UNIT for one that no shop can have."""
    if code not in CurrencyCode.__members__:
        known = ", ".join(CurrencyCode.__members__)
        raise DomainError(
            ErrorCode.WRONG_UNIT, f"No shop can have the currency {code!r}; choose from {known}."
        )
    return code
