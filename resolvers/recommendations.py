"""What to offer a customer, and why. The graph answers; PostgreSQL adds the products."""

import enum
from collections.abc import Mapping, Sequence
from typing import Any

import strawberry
from sqlalchemy import JSON, BigInteger, Column, Integer, MetaData, Table, Text, exists

from db import tables as t
from domain.recommendations.ranking import ReasonKind
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.context import Context
from resolvers.products import Product
from resolvers.readpath.declare import column, computed, entity, one
from resolvers.readpath.expressions import coded
from resolvers.readpath.sources import WITHIN_PARENT

strawberry.enum(
    ReasonKind, name="RecommendationReasonKind", description="Why a product is offered. May grow."
)


class RecommendationBasis(enum.Enum):
    """Whether the customer's own data was used. [S3-20]"""

    PERSONALISED = "PERSONALISED"
    NON_PERSONALISED = "NON_PERSONALISED"


strawberry.enum(RecommendationBasis, description="Whether the customer's own data was used. [S3-20]")


@strawberry.type(description="Why a product is offered, with what stands behind it.")
class RecommendationReason:
    kind: ReasonKind = strawberry.field(description="Kind of reason.")
    words: str = strawberry.field(description="In English.")
    evidence: int | None = strawberry.field(description="How many customers, orders or days stand behind it.")


recommended_products = Table(
    "recommended_products",
    MetaData(),
    Column("product_id", BigInteger, nullable=False),
    Column("rank", Integer, nullable=False),
    Column("basis", Text, nullable=False),
    Column("reasons", JSON, nullable=False),
)
known_product = exists().where(t.products.c.product_id == recommended_products.c.product_id)


def reasons(context: Context, stored: Sequence[Mapping[str, Any]]) -> list[RecommendationReason]:  # noqa: ARG001
    return [
        RecommendationReason(kind=ReasonKind(one["kind"]), words=one["words"], evidence=one["evidence"])
        for one in stored
    ]


@entity(recommended_products, roles=STAFF_AND_CUSTOMERS, scope=WITHIN_PARENT)
class Recommendation:
    """A product this customer will probably want."""

    product: Product = one("What.", on=t.products.c.product_id == recommended_products.c.product_id)
    rank: int = column(recommended_products.c.rank, "1 is the best.")
    basis: RecommendationBasis = column(
        coded(recommended_products.c.basis, RecommendationBasis), "Whether own data was used. [S3-20]"
    )
    reasons: list[RecommendationReason] = computed(
        reasons, recommended_products.c.reasons, about="Strongest first, at most one of each kind."
    )
