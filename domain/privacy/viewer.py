"""Who asks, in which role, and for which purpose."""

from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """A right to a field belongs to a role; the role is decided by the token."""

    __hash__ = object.__hash__  # there is one of each; Enum's own is computed in Python, many times a request

    CUSTOMER = "CUSTOMER"
    AGENT = "AGENT"
    MARKETER = "MARKETER"
    ANALYST = "ANALYST"
    PARTNER = "PARTNER"
    OPERATOR = "OPERATOR"
    PRIVACY_OFFICER = "PRIVACY_OFFICER"


class Purpose(Enum):
    """Why personal data is used. [PIPL 13]"""

    __hash__ = object.__hash__

    ORDER_FULFILMENT = "ORDER_FULFILMENT"
    CUSTOMER_SERVICE = "CUSTOMER_SERVICE"
    MARKETING = "MARKETING"
    PROFILING = "PROFILING"
    ANALYTICS = "ANALYTICS"
    CREDIT = "CREDIT"
    PARTNER_SHARING = "PARTNER_SHARING"
    LEGAL_DUTY = "LEGAL_DUTY"


@dataclass(frozen=True, slots=True)
class Viewer:
    """`customer_id` is set for CUSTOMER alone: the only customer this viewer reaches."""

    subject: str
    role: Role
    purpose: Purpose | None = None
    customer_id: int | None = None

    def __post_init__(self) -> None:
        if (self.role is Role.CUSTOMER) != (self.customer_id is not None):
            raise ValueError("a customer id belongs to role CUSTOMER, and only to it")
