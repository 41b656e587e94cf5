"""Relationships with their paths, and recommendations with their reasons, out of a real graph."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from graph_truth import NOON, purchase

from domain.recommendations.ranking import ReasonKind
from domain.recommendations.recommend import recommend
from domain.relationships.edges import Changes, CommunityState, CustomerState, NodeKey, NodeKind, Referral
from domain.relationships.find_relationships import find_relationships
from domain.relationships.relationship import Relationship, RelationshipKind, RelationshipStep
from graph.embedded import EmbeddedGraph


@pytest.fixture
async def graph(tmp_path: Path) -> AsyncIterator[EmbeddedGraph]:
    """1 brought 2, who brought 3; 1 and 2 live in community 7, which 3 leads; 1 and 2 bought alike."""
    opened = await EmbeddedGraph.open(tmp_path / "graph.kgl")
    habit = purchase(10, orders=5, days_ago=8, since_days_ago=36)
    customers = (
        CustomerState(1, None, 7, (habit,)),
        CustomerState(2, Referral(1, NOON), 7, (purchase(10), purchase(11))),
        CustomerState(3, Referral(2, NOON + timedelta(days=1))),
    )
    await opened.apply(Changes(customers=customers, communities=(CommunityState(7, leader_id=3),)))
    yield opened
    await opened.close()


def customer(number: int) -> NodeKey:
    return NodeKey(NodeKind.CUSTOMER, number)


async def test_each_relationship_shows_its_path(graph: EmbeddedGraph) -> None:
    found = await find_relationships(graph, [1, 99], list(RelationshipKind), depth=2)

    kind, home, later = RelationshipKind, NodeKey(NodeKind.COMMUNITY, 7), NOON + timedelta(days=1)
    to_two = RelationshipStep(customer(1), kind.REFERRED, customer(2), NOON)
    to_three = RelationshipStep(customer(2), kind.REFERRED, customer(3), later)
    neighbours = tuple(
        RelationshipStep(start, kind.SAME_COMMUNITY, end)
        for start, end in ((customer(1), home), (home, customer(2)))
    )
    led = tuple(
        RelationshipStep(start, kind.LED_BY, end) for start, end in ((customer(1), home), (home, customer(3)))
    )
    alike = (RelationshipStep(customer(1), kind.BOUGHT_ALIKE, customer(2)),)
    assert found == {
        1: [
            Relationship(1, 2, kind.REFERRED, 1, (to_two,), NOON),
            Relationship(1, 3, kind.REFERRED, 2, (to_two, to_three), later),
            Relationship(1, 2, kind.SAME_COMMUNITY, 1, neighbours),
            Relationship(1, 3, kind.LED_BY, 1, led),
            Relationship(1, 2, kind.BOUGHT_ALIKE, 1, alike, None, (10,), 1),
        ],
        99: [],
    }
    assert [one.words for one in found[1]] == [
        "Was brought by this customer.",
        "Was brought by this customer, through 1 more.",
        "Lives in the same community.",
        "Leads the community this customer lives in.",
        "Bought 1 product this customer bought too.",
    ]


async def test_only_the_kinds_asked_for_come(graph: EmbeddedGraph) -> None:
    found = await find_relationships(graph, [3], [RelationshipKind.LEADS, RelationshipKind.REFERRED_BY])

    assert [(one.kind.value, one.other_id, one.depth) for one in found[3]] == [
        ("REFERRED_BY", 2, 1),
        ("LEADS", 1, 1),
        ("LEADS", 2, 1),
    ]


async def test_recommendations_join_habits_and_discoveries(graph: EmbeddedGraph) -> None:
    found = await recommend(graph, [1, 99], as_of=NOON, first=5)

    summary = [(one.product_id, one.rank, [reason.kind for reason in one.reasons]) for one in found[1]]
    assert summary == [
        (10, 1, [ReasonKind.OWN_FAVOURITE, ReasonKind.DUE_AGAIN]),
        (11, 2, [ReasonKind.BOUGHT_TOGETHER, ReasonKind.SIMILAR_CUSTOMERS]),
    ]
    assert [reason.because_id for reason in found[1][1].reasons] == [10, None]
    assert found[99] == []
