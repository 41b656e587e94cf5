"""Both engines keep the promises of the GraphStore port."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from graph_dump import dump, without_watermark
from graph_truth import NOON, purchase

from domain.relationships.edges import (
    CategoryState,
    Changes,
    CommunityState,
    CustomerState,
    NodeKey,
    NodeKind,
    ProductState,
    Referral,
)
from domain.relationships.ports import GraphRefused, GraphStore
from graph.questions import catalogue

MS = 1_772_366_400_000  # NOON
SHOP = Changes(
    categories=(CategoryState(0), CategoryState(1)),
    products=(ProductState(1, 0), ProductState(2, 0), ProductState(3, 1), ProductState(4, 1)),
    communities=(CommunityState(7, leader_id=5),),
    customers=(
        CustomerState(1, community_id=7, purchases=(purchase(1, orders=5), purchase(2))),
        CustomerState(2, Referral(1, NOON), 7, (purchase(1, orders=2), purchase(3))),
        CustomerState(
            3, Referral(2, NOON + timedelta(days=1)), None, (purchase(1), purchase(2), purchase(4))
        ),
        CustomerState(4, Referral(3, NOON + timedelta(days=2))),
        CustomerState(5, Referral(4, NOON + timedelta(days=3)), community_id=7),
    ),
)
MANY = {
    "keys": [1, 2, 3, 4, 5, 99],
    "depth": 3,
    "limit": 50,
    "hub": 100,
    "peers": 20,
    "favourites": 5,
    "buyers": 20,
}

UNKNOWN = (None, None, None, None, None)


async def rows(graph: GraphStore, question: str, **parameters: object) -> list[tuple[object, ...]]:
    """Answers as tuples of the declared columns, which must be the ones that come."""
    statement = catalogue()[question]
    given = {name: parameters.get(name, MANY.get(name)) for name in statement.parameters}
    answers = await graph.ask(question, **given)  # type: ignore[arg-type]
    assert all(tuple(answer) == statement.columns for answer in answers)
    return [tuple(answer.values()) for answer in answers]


async def test_an_empty_graph_answers_nothing_and_has_no_watermark(graph: GraphStore) -> None:
    questions = [name for name, statement in catalogue().items() if statement.folder == "questions"]

    answers = [await rows(graph, question) for question in questions]

    assert answers == [[] for _ in questions]
    assert await graph.watermark() is None


async def test_the_same_changes_twice_are_the_same_as_once(graph: GraphStore) -> None:
    await graph.apply(SHOP)
    once = await dump(graph)

    await graph.apply(SHOP)

    assert await dump(graph) == once
    assert [len(part) for part in once] == [12, 19]


async def test_a_referral_is_followed_downwards_with_its_path(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, "related_referred", keys=[1, 4])

    day = 86_400_000
    assert found == [
        (1, 2, 1, MS, None, None, None, MS, None, None, 1),
        (1, 3, 2, MS + day, 2, None, None, MS, MS + day, None, 1),
        (1, 4, 3, MS + 2 * day, 2, 3, None, MS, MS + day, MS + 2 * day, 1),
        (4, 5, 1, MS + 3 * day, None, None, None, MS + 3 * day, None, None, 1),
    ]


async def test_a_referral_is_followed_upwards_no_further_than_asked(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, "related_referred_by", keys=[4], depth=2)

    day = 86_400_000
    assert found == [
        (4, 3, 1, MS + 2 * day, None, None, None, MS + 2 * day, None, None, 1),
        (4, 2, 2, MS + day, 3, None, None, MS + 2 * day, MS + day, None, 1),
    ]


async def test_a_ring_of_referrals_never_leads_back_to_the_customer(graph: GraphStore) -> None:
    ring = (
        CustomerState(1, Referral(2, NOON)),
        CustomerState(2, Referral(1, NOON)),
        CustomerState(3, Referral(1, NOON)),
    )
    await graph.apply(Changes(customers=ring))

    found = await rows(graph, "related_referred", keys=[1])

    assert [(key, other, depth) for key, other, depth, *_ in found] == [(1, 2, 1), (1, 3, 1)]


@pytest.mark.parametrize(
    ("words", "question", "expected"),
    [
        ("neighbours", "related_same_community", [(1, 2), (1, 5), (2, 1), (2, 5), (5, 1), (5, 2)]),
        ("a leader's members", "related_leads", [(5, 1), (5, 2)]),
        ("a member's leaders", "related_led_by", [(1, 5), (2, 5)]),
    ],
)
async def test_a_community_relates_its_customers(
    graph: GraphStore, words: str, question: str, expected: list[tuple[int, int]]
) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, question)

    assert found == [(key, other, 1, None, 7, *UNKNOWN, 1) for key, other in expected], words


async def test_customers_alike_come_with_what_they_share(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, "related_bought_alike", keys=[1])

    assert found == [(1, 3, 1, None, 1, 2, *UNKNOWN[1:], 2), (1, 2, 1, None, 1, *UNKNOWN, 1)]


async def test_a_product_everybody_buys_makes_nobody_alike(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, "related_bought_alike", keys=[1], hub=2)

    assert found == [(1, 3, 1, None, 2, *UNKNOWN, 1)]


async def test_each_customer_has_an_own_limit(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, "related_same_community", keys=[1, 2], limit=1)

    assert [(key, other) for key, other, *_ in found] == [(1, 2), (2, 1)]


async def test_own_purchases_come_most_often_first(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    assert await rows(graph, "own_purchases", keys=[1]) == [(1, 1, 5, 5000, MS, MS), (1, 2, 1, 1000, MS, MS)]


async def test_customers_alike_suggest_what_is_not_bought_yet(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    assert await rows(graph, "bought_by_similar_customers", keys=[1]) == [(1, 4, 2, 1), (1, 3, 1, 1)]


async def test_a_favourite_suggests_what_its_buyers_buy_too(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    found = await rows(graph, "bought_together", keys=[1])

    assert found == [(1, 4, 2, 500, 1), (1, 3, 1, 333, 1), (1, 4, 1, 333, 1)]


async def test_of_many_buyers_every_second_is_asked_and_counts_twice(graph: GraphStore) -> None:
    buyers = tuple(CustomerState(number, purchases=(purchase(1), purchase(2))) for number in range(2, 6))
    await graph.apply(Changes(customers=(CustomerState(1, purchases=(purchase(1),)), *buyers)))

    assert await rows(graph, "bought_together", keys=[1], buyers=4) == [(1, 2, 1, 800, 2)]


async def test_what_a_state_no_longer_says_is_taken_away(graph: GraphStore) -> None:
    await graph.apply(SHOP)
    less = Changes(
        customers=(CustomerState(2, Referral(3, NOON), None, (purchase(4),)),),
        communities=(CommunityState(7, leader_id=None),),
        products=(ProductState(1, 1),),
    )

    await graph.apply(less)

    _, edges = await dump(graph)
    about_two = {(e["kind"], e["from_key"], e["to_key"]) for e in edges if e["kind"] != "IN_CATEGORY"}
    assert {edge for edge in about_two if 2 in edge[1:2]} == {("REFERRED", 2, 3), ("BOUGHT", 2, 4)}
    assert ("REFERRED", 3, 2) in about_two
    assert ("REFERRED", 1, 2) not in about_two
    assert not [e for e in edges if e["kind"] == "LEADS"]
    assert [e["to_key"] for e in edges if e["kind"] == "IN_CATEGORY" and e["from_key"] == 1] == [1]


async def test_a_node_that_is_gone_takes_its_edges_along(graph: GraphStore) -> None:
    await graph.apply(SHOP)

    await graph.apply(Changes(gone=tuple(NodeKey(kind, 1) for kind in NodeKind)))

    nodes, edges = await dump(graph)
    assert {(*node["labels"], node["key"]) for node in nodes if node["key"] == 1} == set()
    assert not [e for e in edges if (e["from_label"], e["from_key"]) == ("Customer", 1) or e["to_key"] == 1]
    assert len(nodes) == 9


async def test_the_watermark_moves_forward_only(graph: GraphStore) -> None:
    await graph.apply(replace(SHOP, watermark=NOON))
    await graph.apply(Changes(watermark=NOON - timedelta(days=1)))
    assert await graph.watermark() == NOON

    await graph.apply(Changes(watermark=NOON + timedelta(seconds=1)))

    assert await graph.watermark() == NOON + timedelta(seconds=1)


async def test_clearing_leaves_nothing(graph: GraphStore) -> None:
    await graph.apply(replace(SHOP, watermark=NOON))

    await graph.clear()

    assert await dump(graph) == ([], [])
    assert await graph.watermark() is None


async def test_a_refused_change_changes_nothing(graph: GraphStore) -> None:
    await graph.apply(SHOP)
    before = await dump(graph)
    too_much = replace(purchase(1), amount_cents=2**63)

    with pytest.raises(GraphRefused):
        await graph.apply(Changes(customers=(CustomerState(1), CustomerState(9, purchases=(too_much,)))))

    assert await dump(graph) == before


@pytest.mark.parametrize(
    ("words", "question", "parameters"),
    [
        ("a write", "delete_customers", {"rows": []}),
        ("an unknown question", "everything", {}),
        ("a missing parameter", "own_purchases", {"keys": [1]}),
        ("a parameter too many", "own_purchases", {"keys": [1], "limit": 1, "hub": 1}),
        ("a key that is no key", "own_purchases", {"keys": ['["1"]'], "limit": 1}),
        ("a float", "own_purchases", {"keys": [1.0], "limit": 1}),
        ("a number beyond 64 bits", "own_purchases", {"keys": [2**63], "limit": 1}),
    ],
)
async def test_only_catalogued_questions_are_asked(
    graph: GraphStore, words: str, question: str, parameters: dict[str, object]
) -> None:
    await graph.apply(SHOP)
    before = await without_watermark(graph)

    with pytest.raises(ValueError, match=question):
        await graph.ask(question, **parameters)  # type: ignore[arg-type]

    assert await without_watermark(graph) == before, words


async def test_a_healthy_graph_says_so(graph: GraphStore) -> None:
    asked = asyncio.ensure_future(graph.health())
    await asyncio.wait({asked})

    assert asked.exception() is None
