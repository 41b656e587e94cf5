"""How two customers are related, as a path of steps that can be shown."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from domain.relationships.edges import NodeKey, NodeKind


class RelationshipKind(StrEnum):
    """What the other one is to this customer. May grow."""

    REFERRED = "REFERRED"
    REFERRED_BY = "REFERRED_BY"
    SAME_COMMUNITY = "SAME_COMMUNITY"
    LEADS = "LEADS"
    LED_BY = "LED_BY"
    BOUGHT_ALIKE = "BOUGHT_ALIKE"


DEEPEST = 3
"""Referrals are followed this far; every other kind is a depth of 1."""


@dataclass(frozen=True, slots=True)
class RelationshipStep:
    start: NodeKey
    kind: RelationshipKind
    end: NodeKey
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Relationship:
    """One way in which `other_id` is related to `customer_id`."""

    customer_id: int
    other_id: int
    kind: RelationshipKind
    depth: int
    steps: tuple[RelationshipStep, ...]
    since: datetime | None = None
    shared_product_ids: tuple[int, ...] = ()
    """Up to three of the products both bought."""
    strength: int = 1
    """How many products both bought; 1 for every other kind."""

    @property
    def words(self) -> str:
        """One sentence without names."""
        return WORDS[self.kind].format(
            through="" if self.depth == 1 else f", through {self.depth - 1} more",
            strength=f"{self.strength} product{'' if self.strength == 1 else 's'}",
        )


WORDS = {
    RelationshipKind.REFERRED: "Was brought by this customer{through}.",
    RelationshipKind.REFERRED_BY: "Brought this customer{through}.",
    RelationshipKind.SAME_COMMUNITY: "Lives in the same community.",
    RelationshipKind.LEADS: "Lives in a community this customer leads.",
    RelationshipKind.LED_BY: "Leads the community this customer lives in.",
    RelationshipKind.BOUGHT_ALIKE: "Bought {strength} this customer bought too.",
}


def referral_path(
    customers: tuple[int, ...], times: tuple[datetime | None, ...], kind: RelationshipKind
) -> tuple[RelationshipStep, ...]:
    """Steps along a chain of customers; `times` has one moment a step."""
    keys = [NodeKey(NodeKind.CUSTOMER, customer_id) for customer_id in customers]
    hops = zip(keys, keys[1:], times, strict=False)  # the chain ends where its customers do
    return tuple(RelationshipStep(start, kind, end, at) for start, end, at in hops)


def community_path(
    customer_id: int, community_id: int, other_id: int, kind: RelationshipKind
) -> tuple[RelationshipStep, ...]:
    """To the community and from there to the other customer."""
    community = NodeKey(NodeKind.COMMUNITY, community_id)
    return (
        RelationshipStep(NodeKey(NodeKind.CUSTOMER, customer_id), kind, community),
        RelationshipStep(community, kind, NodeKey(NodeKind.CUSTOMER, other_id)),
    )
