"""Who asks in the example, and what its computed fields do."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import UTC, datetime

import strawberry


class Role(enum.Enum):
    CUSTOMER = "CUSTOMER"
    AGENT = "AGENT"
    ANALYST = "ANALYST"
    PARTNER = "PARTNER"


EVERYBODY = tuple(Role)
STAFF = (Role.AGENT, Role.ANALYST)


@dataclass(frozen=True, slots=True)
class ExampleViewer:
    role: Role
    customer_id: int | None = None


@dataclass(frozen=True, slots=True)
class ExampleContext:
    viewer: ExampleViewer
    as_of: datetime = field(default=datetime(2026, 11, 1, tzinfo=UTC))


def reveal(context: ExampleContext, secret: bytes | None) -> str | None:
    """Fails on the broken rows, as a cipher would."""
    if secret is None:
        return None
    if secret == b"broken":
        raise RuntimeError("password=hunter2")
    text = secret.decode()
    return text if context.viewer.role in (Role.AGENT, Role.CUSTOMER) else text[:1] + "***"


def hash_phone(context: ExampleContext, phone: str) -> str:
    return f"hash:{phone}"


@strawberry.type(description="One reason of a score.")
class Reason:
    words: str = strawberry.field(description="In words.")
    at: datetime | None = strawberry.field(description="When it became true.")


def explain(context: ExampleContext, orders: int, last_order_at: datetime | None) -> list[Reason]:
    return [Reason(words=f"{orders} orders", at=last_order_at), Reason(words="as of", at=context.as_of)]
