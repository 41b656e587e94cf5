"""The whole schema: the roots, and every type that hangs on them."""

import strawberry
from sqlalchemy import Text, func, select
from strawberry.schema.config import StrawberryConfig

from db import tables as t
from domain.privacy.viewer import Role
from resolvers.access import EVERYBODY, STAFF, STAFF_AND_CUSTOMERS, STAFF_AND_PARTNERS
from resolvers.alerts import RULE_READERS, Alert, AlertFilter, AlertRule
from resolvers.alerts import alert_rules as rules_in_force
from resolvers.communities import Community
from resolvers.customer_order import customer_orders
from resolvers.customers import Customer, CustomerBy, CustomerFilter
from resolvers.distribution import WATCHERS, TierDistribution
from resolvers.facts import FactDefinitionAnswer
from resolvers.freshness import freshness
from resolvers.house import Shop, Viewer, fact_definitions, viewer
from resolvers.labels import LabelDefinition
from resolvers.member_day import MemberDay
from resolvers.mutations import Mutation
from resolvers.notices import Message
from resolvers.orders import Order, OrderBy
from resolvers.products import Category, Product, ProductBy, ProductFilter
from resolvers.readpath.declare import (
    argument,
    by_global_id,
    by_global_ids,
    computed,
    connection,
    lookup,
    many,
    one,
    roots,
)
from resolvers.readpath.relay import Connection, Node
from resolvers.readpath.scalars import scalar_map
from resolvers.readpath.weights import costly
from resolvers.subscriptions import Subscription
from resolvers.tier_comparison import TierPolicyComparison
from resolvers.tier_migration import TierMigration
from resolvers.tier_policies import TierPolicy, TierPolicyVersion
from resolvers.tier_transitions import TierTransition

policy = argument("policy", str | None, "Code of a policy; null: all.", sql_type=Text(), default=None)
community_code = argument("code", str, "Its code.", sql_type=Text())
city = argument("city", str | None, "Only in this city; null: anywhere.", sql_type=Text(), default=None)
family = argument("family", str | None, "Only of this family; null: all.", sql_type=Text(), default=None)
wanted_policy = select(t.tier_policies.c.policy_id).where(t.tier_policies.c.code == policy).scalar_subquery()
policy_is_wanted = policy.is_(None) | (t.tier_transitions.c.policy_id == wanted_policy)


@roots
class Query:
    """Everything about the customers of a fresh-food retailer."""

    node: Node | None = by_global_id("Anything by its global id.", visible_to=EVERYBODY)
    nodes: list[Node | None] = by_global_ids("Several by their global ids.", visible_to=EVERYBODY)
    customer: Customer | None = lookup("One customer.", by=CustomerBy, visible_to=EVERYBODY)
    customers: Connection[Customer] = connection(
        "Customers, newest first.",
        order_by=[t.customers.c.registered_at.desc(), t.customers.c.customer_id.desc()],
        where=CustomerFilter,
        orders=customer_orders,
        visible_to=STAFF_AND_PARTNERS,
    )
    order: Order | None = lookup("One order.", by=OrderBy, visible_to=STAFF_AND_CUSTOMERS)
    product: Product | None = lookup("One product.", by=ProductBy, visible_to=EVERYBODY)
    products: Connection[Product] = connection(
        "The assortment, oldest first.",
        order_by=[t.products.c.product_id],
        where=ProductFilter,
        visible_to=EVERYBODY,
    )
    community: Community | None = one(
        "A community by its code; null: no such community.",
        on=t.communities.c.external_id == community_code,
        visible_to=STAFF,
    )
    communities: Connection[Community] = connection(
        "Communities, oldest first.",
        on=func.coalesce(t.communities.c.city == city, True),
        order_by=[t.communities.c.community_id],
        visible_to=STAFF,
    )
    categories: list[Category] = many(
        "All categories.", order_by=[t.categories.c.category_id], visible_to=EVERYBODY
    )
    member_day: MemberDay | None = one(
        "A member day with its offers; null: the day is none. [S2-5]",
        visible_to=(Role.CUSTOMER, Role.AGENT, Role.MARKETER, Role.OPERATOR),
    )
    tier_policies: list[TierPolicy] = many(
        "Every policy.", order_by=[t.tier_policies.c.policy_id], visible_to=EVERYBODY
    )
    tier_distribution: TierDistribution | None = costly(
        50, one("How customers are spread over the tiers; null: no such policy.", visible_to=WATCHERS)
    )
    tier_migration: TierMigration | None = costly(
        50,
        one(
            "Who moved between the tiers; null: no such policy, or `from` lies after `to`.",
            visible_to=WATCHERS,
        ),
    )
    tier_policy_comparison: TierPolicyComparison | None = costly(
        100,
        one(
            "The canary of a policy against the rest, or the last that ran; null: none ever did.",
            visible_to=WATCHERS,
        ),
    )
    tier_transitions: Connection[TierTransition] = connection(
        "Catch-up for subscribers of tierChanged: the same cursors, oldest first.",
        on=policy_is_wanted,
        order_by=[t.tier_transitions.c.transition_id],
        visible_to=STAFF_AND_PARTNERS,
    )
    alerts: Connection[Alert] = connection(
        "What somebody should look at, newest first.",
        order_by=[t.alerts.c.alert_id.desc()],
        where=AlertFilter,
        visible_to=STAFF,
    )
    alert_rules: list[AlertRule] = many(
        "When alerts are raised, by policy in force.",
        order_by=[rules_in_force.c.policy_id, rules_in_force.c.place],
        visible_to=RULE_READERS,
    )
    label_definitions: list[LabelDefinition] = many(
        "Every label.",
        on=func.coalesce(t.label_definitions.c.family == family, True),
        order_by=[t.label_definitions.c.label_id],
        visible_to=STAFF_AND_PARTNERS,
    )
    fact_definitions: list[FactDefinitionAnswer] = computed(
        fact_definitions, about="Every fact.", visible_to=STAFF_AND_PARTNERS
    )
    viewer: Viewer = computed(viewer, about="Who asks.", visible_to=EVERYBODY)
    shop: Shop = one("The retailer.", visible_to=EVERYBODY)


schema = strawberry.Schema(
    query=Query,
    mutation=Mutation,
    subscription=Subscription,
    directives=[freshness],
    types=[Alert, Message, Order, Product, Customer, TierPolicy, TierPolicyVersion, TierTransition],
    config=StrawberryConfig(scalar_map=scalar_map()),
)
