"""What a basket would do to the tiers of whoever buys it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import BigInteger, Column, ColumnElement, MetaData, SmallInteger, Table

from db import tables as t
from domain.tiers.purchase import Purchase, what_if
from domain.tiers.standing import stand
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.basket_prices import Basket, priced
from resolvers.context import Context
from resolvers.readpath.declare import entity, one
from resolvers.readpath.sources import WITHIN_PARENT
from resolvers.tier_policies import Tier, TierPolicy, tiers_of_policies

tier_changes = Table(
    "tier_changes",
    MetaData(),
    Column("policy_id", SmallInteger, nullable=False),
    Column("version_id", BigInteger, nullable=False),
    Column("before_rank", SmallInteger),
    Column("after_rank", SmallInteger),
)
change = tier_changes.c


def ranked(rank: ColumnElement[Any]) -> ColumnElement[bool]:
    return (tiers_of_policies.c.version_id == change.version_id) & (tiers_of_policies.c.rank == rank)


def rows_of_changes(
    context: Context, basket: Basket, graded_by: Sequence[Sequence[int]], facts: Mapping[str, int | None]
) -> list[tuple[object, ...]]:
    """One order of today on top of what counts; shares, such as that of high-margin goods, are left as they are."""
    bought = Purchase(orders=1, spend_cents=priced(context, basket).total_cents, refreshes=True)
    found: list[tuple[object, ...]] = []
    for policy_id, version_id in graded_by:
        rule = context.shop.versions[version_id].rule
        after = what_if(rule, facts).standing_after(bought)
        found.append((policy_id, version_id, stand(rule, facts).rank, after.rank))
    return found


@entity(tier_changes, roles=STAFF_AND_CUSTOMERS, scope=WITHIN_PARENT)
class TierChangePreview:
    """What a policy measures now and with the order; when a tier follows is for its timing."""

    policy: TierPolicy = one("Which policy.", on=t.tier_policies.c.policy_id == change.policy_id)
    before: Tier | None = one("Now; null: none.", on=ranked(change.before_rank))
    after: Tier | None = one("With the order; null: none.", on=ranked(change.after_rank))
