"""What the graph holds, as the present state of each node with the edges it owns. [S1-15]

Each edge belongs to exactly one node, so that a node's state can be applied alone, again, and in any order:

    Customer  owns  (referrer)-REFERRED->(it), (it)-MEMBER_OF->(community), (it)-BOUGHT->(product)
    Product   owns  (it)-IN_CATEGORY->(category)
    Community owns  (leader)-LEADS->(it)

Only numbers are held, never names or other personal text.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class NodeKind(StrEnum):
    CUSTOMER = "CUSTOMER"
    PRODUCT = "PRODUCT"
    CATEGORY = "CATEGORY"
    COMMUNITY = "COMMUNITY"


@dataclass(frozen=True, slots=True, order=True)
class NodeKey:
    """A node of the graph: `id` is the bigint of its table."""

    kind: NodeKind
    id: int


@dataclass(frozen=True, slots=True)
class Referral:
    """Who brought the customer."""

    referrer_id: int
    referred_at: datetime


@dataclass(frozen=True, slots=True)
class Purchase:
    """All counted orders of one customer that contain one product."""

    product_id: int
    orders: int
    amount_cents: int
    first_at: datetime
    last_at: datetime


@dataclass(frozen=True, slots=True)
class CustomerState:
    customer_id: int
    referral: Referral | None = None
    community_id: int | None = None
    purchases: tuple[Purchase, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductState:
    product_id: int
    category_id: int


@dataclass(frozen=True, slots=True)
class CategoryState:
    category_id: int


@dataclass(frozen=True, slots=True)
class CommunityState:
    community_id: int
    leader_id: int | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """Present states to mirror and nodes to remove; one graph transaction.

    `watermark` says that with them the graph holds everything PostgreSQL had committed by that moment.
    """

    customers: tuple[CustomerState, ...] = ()
    products: tuple[ProductState, ...] = ()
    categories: tuple[CategoryState, ...] = ()
    communities: tuple[CommunityState, ...] = ()
    gone: tuple[NodeKey, ...] = ()
    watermark: datetime | None = None
