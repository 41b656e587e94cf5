"""Who asks, the shop itself, and the catalogue of facts."""

from datetime import datetime

import strawberry

from db import tables as t
from domain.customers.facts import FACTS
from domain.privacy.viewer import Purpose, Role
from resolvers.access import EVERYBODY
from resolvers.context import Context
from resolvers.fact_values import FactDefinitionAnswer, definition_of
from resolvers.money import CurrencyCode
from resolvers.readpath.declare import column, entity, one
from resolvers.readpath.expressions import coded
from resolvers.readpath.sources import SHARED
from resolvers.tier_policies import TierPolicy

strawberry.enum(Role, name="ViewerRole", description="A right to a field belongs to a role.")
strawberry.enum(Purpose, description="Why personal data is used. [PIPL 13]")


@strawberry.type(description="Who asks, by the token.")
class Viewer:
    subject: str = strawberry.field(description="As the token names it.")
    roles: list[Role] = strawberry.field(description="What the token allows.")
    purpose: Purpose | None = strawberry.field(
        description="What personal data is used for; null: it is masked."
    )


@entity(t.shop, roles=EVERYBODY, scope=SHARED, key=t.shop.c.shop_id)
class Shop:
    """The retailer."""

    name: str = column(t.shop.c.name, "What it is called.")
    currency_code: CurrencyCode = column(coded(t.shop.c.currency_code, CurrencyCode), "Of all amounts.")
    time_zone: str = column(t.shop.c.time_zone, "Days and months are cut here. [C1]")
    primary_tier_policy: TierPolicy = one(
        "Used where no policy is given.", on=t.tier_policies.c.code == t.shop.c.primary_policy
    )
    live_as_of: datetime = column(
        t.shop.c.live_as_of, "Live facts, tiers and labels hold for this moment: the end of the business day."
    )


def viewer(context: Context) -> Viewer:
    asking = context.viewer
    return Viewer(subject=asking.subject, roles=[asking.role], purpose=asking.purpose)


def fact_definitions(context: Context) -> list[FactDefinitionAnswer]:  # noqa: ARG001
    return [definition_of(fact) for fact in FACTS]
