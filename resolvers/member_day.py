"""Member day: hot items for less, on one weekday, for those who hold a level of a membership. [S2-5]"""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Annotated, Any

import strawberry
from sqlalchemy import JSON, ColumnElement, Date, Integer, cast, extract, func, literal_column, select
from strawberry import ID, Info

from db import tables as t
from domain.errors import DomainError, ErrorCode
from domain.pricing.price_basket import member_day_price
from domain.pricing.rules import ListedProduct, PriceRules
from domain.pricing.rules import MemberDayOffer as Offer
from domain.pricing.set_member_day import HALF, DayOffer, MemberDayList, set_member_day
from resolvers.access import EVERYBODY
from resolvers.context import Context
from resolvers.errors import UserError, user_error
from resolvers.live_moment import last_whole_day
from resolvers.money import Money, cents_in, money
from resolvers.products import Product
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.declare import argument, column, computed, connection, entity, one
from resolvers.readpath.relay import Connection
from resolvers.readpath.sources import SHARED

ISO_WEEKDAY = PriceRules().member_weekday + 1
WEEK = 7

wanted_day = argument(
    "on",
    date | None,
    "A business day of the shop; null: the next member day, which may be today.",
    sql_type=Date(),
    default=None,
)


def days_until_member_day(day: ColumnElement[Any]) -> ColumnElement[Any]:
    return cast((ISO_WEEKDAY + WEEK - extract("isodow", day)) % WEEK, Integer)


asked: ColumnElement[Any] = func.coalesce(wanted_day, last_whole_day + days_until_member_day(last_whole_day))
member_days = (
    select(cast(asked, Date).label("day"))
    .where(extract("isodow", asked) == literal_column(str(ISO_WEEKDAY)))
    .subquery("member_days")
)
offers = (
    select(
        *t.member_day_offers.c,
        t.products.c.unit_price_cents,
        func.json_build_array(
            t.products.c.product_id, t.products.c.unit_price_cents, t.products.c.unit_cost_cents, type_=JSON()
        ).label("product"),
    )
    .join(t.products, t.products.c.product_id == t.member_day_offers.c.product_id)
    .subquery("offers_of_member_days")
)


def member_price(context: Context, product: Sequence[Any], percent: int) -> Money:
    product_id, price, cost = product
    listed = ListedProduct(product_id=product_id, list_price_cents=price, unit_cost_cents=cost)
    cents = member_day_price(listed, Offer(factor=Fraction(percent, 100)), PriceRules())
    return cents_in(context.shop.currency_code, cents)


@entity(offers, roles=EVERYBODY, scope=SHARED)
class MemberDayOffer:
    """A hot item of a member day. [S2-5]"""

    product: Product = one("What.", on=t.products.c.product_id == offers.c.product_id)
    list_price: Money = money(offers.c.unit_price_cents, "Of one unit, today.")
    member_price: Money = computed(
        member_price,
        offers.c.product,
        offers.c.percent,
        about="Of one unit on that day, by today's list price; it never falls below cost and least margin. [S2-6]",
    )
    per_customer_limit: int | None = column(
        offers.c.per_customer_limit, "Units that one customer may take at this price; null: any number."
    )


@entity(member_days, roles=EVERYBODY, scope=SHARED)
class MemberDay:
    """A member day of the shop. [S2-5]"""

    on: date = column(member_days.c.day, "Which business day.")
    offers: Connection[MemberDayOffer] = connection(
        "By product, oldest first.", on=offers.c.day == member_days.c.day, order_by=[offers.c.product_id]
    )


@strawberry.input(description="A hot item. [S2-5]")
class MemberDayOfferInput:
    product: ID = strawberry.field(description="Which product.")
    percent: int = strawberry.field(description="Percent of the list price, 1 to 99.", default=HALF)
    per_customer_limit: int | None = strawberry.field(
        description="Units that one customer may take; null: any number.", default=None
    )


@strawberry.input(description="All offers of one member day.")
class MemberDaySetInput:
    on: date = strawberry.field(description=f"A {PriceRules().weekday_name}, today or within a year.")
    offers: list[MemberDayOfferInput] = strawberry.field(
        description="At most 500, in place of all that are there; empty: none."
    )


@strawberry.type(description="What became of the member day.")
class MemberDaySetPayload:
    changed: bool = strawberry.field(description="False: it was so already, or nothing was changed.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


async def member_day_set(
    info: Info,
    given: Annotated[MemberDaySetInput, strawberry.argument(name="input", description="What is offered.")],
) -> MemberDaySetPayload:
    context: Context = info.context.operation
    try:
        wanted = MemberDayList(
            on=given.on,
            offers=tuple(offer_of(place, offer) for place, offer in enumerate(given.offers)),
            today=context.shop.today,
        )
        changed = await set_member_day(context.member_days, wanted, context.viewer)
    except DomainError as error:
        return MemberDaySetPayload(changed=False, user_errors=[user_error(error)])
    return MemberDaySetPayload(changed=changed, user_errors=[])


def offer_of(place: int, given: MemberDayOfferInput) -> DayOffer:
    product_id = decode_id(given.product, "prd")
    if product_id is None:
        message = "There is no such product: take an id from products."
        raise DomainError(ErrorCode.UNKNOWN_PRODUCT, message, ("offers", str(place), "product"))
    return DayOffer(product_id=product_id, percent=given.percent, per_customer_limit=given.per_customer_limit)
