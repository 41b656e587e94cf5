"""The customer: profile, facts, tiers, labels, orders, and who they are related to."""

from datetime import datetime
from operator import eq
from typing import Any

import strawberry
from sqlalchemy import ARRAY, ColumnElement, Text, any_, func, select
from strawberry import ID

from db import tables as t
from domain.customers.profile import CustomerKind, about
from domain.ingest.cleaning import clean_email, clean_phone
from domain.privacy.viewer import Role
from resolvers.access import EVERYBODY, SERVICE, STAFF_AND_CUSTOMERS
from resolvers.basket import BasketPreview
from resolvers.basket_rows import baskets
from resolvers.communities import Community
from resolvers.context import Context
from resolvers.credit import CreditTerms, terms_of
from resolvers.credit_rows import credit_inputs
from resolvers.facts import Facts
from resolvers.facts_filter import FactsFilter
from resolvers.facts_rows import as_of, facts_at_moment, facts_of_customer, facts_of_customers
from resolvers.labels import Label, LabelFilter, labels_of_customers
from resolvers.leaders import Leader, leaders
from resolvers.orders import DateTimeFilter, Order, OrderFilter
from resolvers.profiles import Profile
from resolvers.readpath.declare import (
    argument,
    ask,
    ask_connection,
    column,
    computed,
    connection,
    embed,
    entity,
    global_id,
    many,
    one,
)
from resolvers.readpath.expressions import coded, is_in
from resolvers.readpath.filter_inputs import compares, group, matches, reached, related
from resolvers.readpath.relay import Connection, Node
from resolvers.readpath.weights import costly
from resolvers.recommendations import Recommendation, known_product, recommended_products
from resolvers.refs import ExternalRefInput, refs_with_source
from resolvers.relationships import Relationship, depth, kinds, known_customer, related_customers
from resolvers.standing_rows import standings_at_moment, standings_with_facts
from resolvers.tier_standings import TierFilter, TierStanding, held_tiers
from resolvers.tier_transitions import TierTransition
from resolvers.words import locale

referrers = t.customers.alias("referrers")
phones = t.identities.alias("phones")
emails = t.identities.alias("emails")
referrer_of_customer = (
    select(t.referrals.c.referrer_id)
    .where(t.referrals.c.customer_id == t.customers.c.customer_id)
    .correlate_except(t.referrals)
    .scalar_subquery()
)
customer_refs = refs_with_source(t.customer_refs, t.customer_refs.c.customer_id)
families = argument(
    "families", list[str] | None, "Only of these families; null: all.", sql_type=ARRAY(Text()), default=None
)
policy_code = argument(
    "policy", str | None, "Code of a policy; null: the shop's primary one.", sql_type=Text(), default=None
)


def policy_id_of(code: ColumnElement[Any]) -> ColumnElement[Any]:
    """Of the shop's primary policy where the code is null."""
    primary = select(t.shop.c.primary_policy).scalar_subquery()
    wanted = func.coalesce(code, primary)
    return select(t.tier_policies.c.policy_id).where(t.tier_policies.c.code == wanted).scalar_subquery()


def phone_index(context: Context, phone: str) -> bytes:
    """An unreadable number is nobody's."""
    found = clean_phone(phone)
    return context.cipher.blind_index("PHONE", found) if found else b""


def email_index(context: Context, email: str) -> bytes:
    found = clean_email(email)
    return context.cipher.blind_index("EMAIL", found) if found else b""


@entity(
    t.customers,
    roles=EVERYBODY,
    scope=t.customers.c.customer_id,
    key=t.customers.c.customer_id,
    id_prefix="cus",
)
class Customer(Node):
    """A customer of the retailer, with everything that is known and computed about them."""

    id: ID = global_id(t.customers.c.customer_id)
    registered_at: datetime = column(
        t.customers.c.registered_at, about("registered_at").words, visible_to=STAFF_AND_CUSTOMERS
    )
    profile: Profile = embed(Profile, "Who they are.", visible_to=STAFF_AND_CUSTOMERS)
    facts: Facts = one(
        "Measured numbers, now or as of any past moment.",
        on=facts_of_customers.c.customer_id == t.customers.c.customer_id,
        rows=facts_of_customer,
        given={as_of: facts_at_moment},
        visible_to=STAFF_AND_CUSTOMERS,
    )
    tier: TierStanding | None = one(
        "Under one policy, now or as of any past moment; null: not graded by it then.",
        on=(standings_with_facts.c.customer_id == t.customers.c.customer_id)
        & (standings_with_facts.c.policy_id == policy_id_of(policy_code)),
        given={as_of: standings_at_moment},
    )
    tiers: list[TierStanding] = many(
        "Under every policy.",
        on=standings_with_facts.c.customer_id == t.customers.c.customer_id,
        order_by=[standings_with_facts.c.policy_id],
    )
    basket_preview: BasketPreview | None = costly(
        5,
        one(
            "What a basket would cost by the tiers held now, why, and what it would earn; null: it cannot be priced. "
            "[S0-20, S2-5]",
            on=baskets.c.customer_id == t.customers.c.customer_id,
            visible_to=STAFF_AND_CUSTOMERS,
        ),
    )
    credit_terms: CreditTerms | None = costly(
        3,
        computed(
            terms_of,
            credit_inputs,
            about="Of a business: days, limit and what is owed; null: a household, which buys nothing on credit. "
            "[S0-20, S3-17]",
            parameters=[locale],
            visible_to=(Role.CUSTOMER, Role.AGENT, Role.OPERATOR),
        ),
    )
    tier_transitions: Connection[TierTransition] = connection(
        "Every decision, newest first.",
        on=t.tier_transitions.c.customer_id == t.customers.c.customer_id,
        order_by=[t.tier_transitions.c.transition_id.desc()],
    )
    labels: list[Label] = many(
        "Every label held, by family.",
        on=(labels_of_customers.c.customer_id == t.customers.c.customer_id)
        & func.coalesce(labels_of_customers.c.family == any_(families), True),
        order_by=[labels_of_customers.c.family, labels_of_customers.c.label_id],
        visible_to=STAFF_AND_CUSTOMERS,
    )
    orders: Connection[Order] = connection(
        "Every order, newest first.",
        on=t.orders.c.customer_id == t.customers.c.customer_id,
        order_by=[t.orders.c.placed_at.desc(), t.orders.c.order_id.desc()],
        where=OrderFilter,
        visible_to=STAFF_AND_CUSTOMERS,
    )
    recommendations: list[Recommendation] | None = ask(
        "Best first; null when the graph is away. [S4-11]",
        recommended_products,
        key=t.customers.c.customer_id,
        only_if=known_product,
        visible_to=STAFF_AND_CUSTOMERS,
    )
    relationships: Connection[Relationship] | None = ask_connection(
        "By kind, then nearest first; null when the graph is away. [S1-15]",
        related_customers,
        key=t.customers.c.customer_id,
        only_if=known_customer,
        parameters=[kinds, depth],
        visible_to=SERVICE,
    )
    community: Community | None = one(
        "Where they buy together; null: nowhere.",
        on=t.communities.c.community_id == t.customers.c.community_id,
        visible_to=STAFF_AND_CUSTOMERS,
    )
    leader: Leader | None = one(
        "Set for a community leader 团长. [S4-14]",
        on=leaders.c.customer_id == t.customers.c.customer_id,
        visible_to=STAFF_AND_CUSTOMERS,
    )
    referred_by: "Customer | None" = one(
        "Who brought them; null: nobody, or nobody this viewer reaches.",
        on=referrers.c.customer_id == referrer_of_customer,
        visible_to=STAFF_AND_CUSTOMERS,
    )


@strawberry.input(one_of=True, description="Exactly one way to name a customer.")
class CustomerBy:
    id: ID | None = matches(t.customers.c.customer_id, eq, "Global id.", id_prefix="cus")
    ref: ExternalRefInput | None = related(
        customer_refs, customer_refs.c.customer_id == t.customers.c.customer_id, "By a source's own id."
    )
    phone: str | None = reached(
        phones,
        (phones.c.customer_id == t.customers.c.customer_id) & (phones.c.namespace == "PHONE"),
        phones.c.value_hash,
        eq,
        "Any spelling of the number; AMBIGUOUS where two customers share it.",
        stored=phone_index,
    )
    email: str | None = reached(
        emails,
        (emails.c.customer_id == t.customers.c.customer_id) & (emails.c.namespace == "EMAIL"),
        emails.c.value_hash,
        eq,
        "E-mail address in any case; AMBIGUOUS where two customers share it.",
        stored=email_index,
    )


@strawberry.input(description="Which customers. All given members must hold.")
class CustomerFilter:
    all: "list[CustomerFilter] | None" = group("all", "Every one of these.")
    any: "list[CustomerFilter] | None" = group("any", "At least one of these.")
    not_: "CustomerFilter | None" = group("not", "Not this.", name="not")
    ids: list[ID] | None = matches(t.customers.c.customer_id, is_in, "One of these.", id_prefix="cus")
    kind: CustomerKind | None = matches(coded(t.customers.c.kind, CustomerKind), eq, "Household or business.")
    city: list[str] | None = matches(t.customers.c.city, is_in, "In one of these cities.")
    registration_channel: list[str] | None = matches(
        t.customers.c.registration_channel, is_in, "Registered through one of these."
    )
    registered_at: DateTimeFilter | None = compares(t.customers.c.registered_at, "When they registered.")
    community: list[str] | None = reached(
        t.communities,
        t.communities.c.community_id == t.customers.c.community_id,
        t.communities.c.external_id,
        is_in,
        "Member of one of these, by code.",
    )
    facts: FactsFilter | None = related(
        facts_of_customers,
        facts_of_customers.c.customer_id == t.customers.c.customer_id,
        "What is measured of them.",
    )
    tier: TierFilter | None = related(
        held_tiers, held_tiers.c.customer_id == t.customers.c.customer_id, "Where they stand."
    )
    label: LabelFilter | None = related(
        labels_of_customers,
        labels_of_customers.c.customer_id == t.customers.c.customer_id,
        "A label they hold.",
    )
