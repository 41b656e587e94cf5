"""What can be bought: categories and products."""

from operator import eq

import strawberry
from strawberry import ID

from db import tables as t
from resolvers.access import EVERYBODY
from resolvers.money import Money, money
from resolvers.readpath.declare import column, connection, entity, global_id, one
from resolvers.readpath.expressions import is_in
from resolvers.readpath.filter_inputs import matches, reached, related
from resolvers.readpath.relay import Connection, Node
from resolvers.readpath.sources import SHARED
from resolvers.refs import ExternalRefInput, refs_with_source


@entity(t.categories, roles=EVERYBODY, scope=SHARED, key=t.categories.c.category_id)
class Category:
    """A category of fresh food, such as leafy greens."""

    code: str = column(t.categories.c.code, "Its stable code.")
    name: str = column(t.categories.c.name, "Its name, as the source gave it.")
    products: Connection["Product"] = connection(
        "Its products, oldest first.",
        on=t.products.c.category_id == t.categories.c.category_id,
        order_by=[t.products.c.product_id],
    )


@entity(t.products, roles=EVERYBODY, scope=SHARED, key=t.products.c.product_id, id_prefix="prd")
class Product(Node):
    """A product of the assortment."""

    id: ID = global_id(t.products.c.product_id)
    external_id: str = column(t.products.c.external_id, "The source's own id of it.")
    name: str = column(t.products.c.name, "Name on the shelf label.")
    category: Category = one("Where it belongs.", on=t.categories.c.category_id == t.products.c.category_id)
    unit_price: Money = money(t.products.c.unit_price_cents, "List price of one unit, today.")
    high_margin: bool = column(t.products.c.high_margin, "Counts for the high-margin share. [S0-5]")
    organic: bool = column(t.products.c.organic, "Certified organic, as the source says. [S3-4]")
    imported: bool = column(t.products.c.imported, "From abroad, as the source says. [S3-4]")


@strawberry.input(description="Which products. All given members must hold.")
class ProductFilter:
    categories: list[str] | None = reached(
        t.categories,
        t.categories.c.category_id == t.products.c.category_id,
        t.categories.c.code,
        is_in,
        "In one of these categories.",
    )
    organic: bool | None = matches(t.products.c.organic, eq, "Organic or not.")
    imported: bool | None = matches(t.products.c.imported, eq, "Imported or not.")
    high_margin: bool | None = matches(t.products.c.high_margin, eq, "High margin or not.")


product_refs = refs_with_source(t.products, t.products.c.product_id)


@strawberry.input(one_of=True, description="Exactly one way to name a product.")
class ProductBy:
    id: ID | None = matches(t.products.c.product_id, eq, "Global id.", id_prefix="prd")
    ref: ExternalRefInput | None = related(
        product_refs, product_refs.c.product_id == t.products.c.product_id, "By a source's own id."
    )
