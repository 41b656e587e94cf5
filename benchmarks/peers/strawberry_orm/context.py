"""What resolvers of one request share."""

from dataclasses import dataclass
from decimal import Decimal

import strawberry

from benchmarks.peers.strawberry_orm.loaders import Loaders, Sessions
from db.encryption import LocalCipher
from domain.orders.currency import CurrencyCode


@dataclass(frozen=True, slots=True)
class Context:
    """Of one request."""

    loaders: Loaders
    sessions: Sessions
    cipher: LocalCipher
    currency: CurrencyCode


Info = strawberry.Info[Context, None]


def amount(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2).quantize(Decimal("0.01"))
