"""Kept answers as clients meet them: a whole service over real stores, asked by HTTP bodies."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cache_stores import until
from own_policy import CREATE, PREVIEW, RULE, changed
from policy_canary import begun, ids, taken
from policy_life import activated, five_policies
from retailer import NOW, SOURCE, Retailer

from api.answer_cache import AnswerCache
from api.caches import open_caches
from api.engine_port import GraphQLRequest
from api.graphql_request import request_from_body
from api.latest_shop import open_shop
from api.recompute import review_store
from api.relay import forget_answers
from api.settings import Settings
from api.wiring import make_engine
from api.worker import review_next
from db.alert_writes import FoundAlert, raise_alerts
from db.live_subscribers import Subscribers
from db.outbox_events import OutboxTable
from db.read_pool import ReadPool
from domain.live.events import LiveEvent
from domain.privacy.viewer import Purpose, Role, Viewer
from domain.watching.alert import AlertKind

OPERATOR = Viewer("olga", Role.OPERATOR)
PROFILE = '{ customer(by: {id: "cus_%d"}) { profile { name } } }'
CITY = '{ customer(by: {id: "cus_%d"}) { profile { address { city } } } }'
GRADED_BY = '{ customer(by: {id: "cus_%d"}) { tier(policy: "own") { policyVersion { status } } } }'
RECOMMENDED = '%s { customer(by: {id: "cus_%d"}) { recommendations(first: 2) { rank product { id } } } }'
"""What a client sends is a body; the same bytes again may be answered from what is kept."""


@dataclass
class Desk:
    """The service's engine as the edge calls it, and how often the stores were asked."""

    retailer: Retailer
    api: Any
    asked: list[list[int]] = field(default_factory=list)

    @property
    def answers(self) -> AnswerCache:
        return self.api.caches.answers

    async def send(self, text: str, viewer: Viewer = OPERATOR, **variables: Any) -> dict[str, Any]:
        raw = json.dumps({"query": text, "variables": variables}).encode()
        kept = await self.api.find(raw, viewer)
        answer = kept or await self.api.execute(request_from_body(raw), viewer)
        await asyncio.sleep(0)
        found: dict[str, Any] = json.loads(answer.body)
        return found


@pytest.fixture
async def desk(retailer: Retailer, own_valkey_url: str, tmp_path: Path) -> AsyncIterator[Desk]:
    settings = Settings(home=tmp_path, clock=NOW, redis_url=own_valkey_url)
    reads, subscribers = ReadPool(retailer.stores.database_url), Subscribers(OutboxTable(retailer.reads))
    shop = await open_shop(retailer.stores)
    desk = Desk(retailer, None)

    async def ask(name: str, keys: list[int], parameters: Any) -> Any:
        desk.asked.append(keys)
        return await retailer.graph.ask(name, keys, parameters)

    async with open_caches(settings, own_valkey_url, ask, lambda: shop.mark) as caches:
        caches.versions.line._wire.expect_within(5.0)
        await caches.versions.everything_changed()
        desk.api = make_engine(
            settings,
            retailer.stores,
            reads,
            None,  # type: ignore[arg-type] - the graph is asked through the caches
            shop,
            subscribers,
            retailer.fallbacks.append,
            caches,
        )
        yield desk
    await reads.close()


async def test_the_same_body_is_answered_from_memory(desk: Desk) -> None:
    first = await desk.send(PROFILE % 1)
    assert await desk.send(PROFILE % 1) == first
    assert (desk.answers.counts.memory_hits, desk.answers.counts.misses) == (1, 1)


async def test_an_event_is_seen_by_the_next_reader(desk: Desk) -> None:
    number, external = await desk.retailer.stores.pool.fetchrow(  # type: ignore[misc]
        "SELECT customer_id, external_id FROM customer_refs ORDER BY customer_id LIMIT 1"
    )
    text = CITY % number
    assert await desk.send(text) == await desk.send(text)
    event = {
        "id": f"kept-{time.time_ns()}",
        "occurredAt": NOW.isoformat(),
        "customer": {"externalId": external},
        "data": {"profileChange": {"city": "Leshan"}},
    }
    taken = await desk.send(
        "mutation($input: EventIngestInput!) { eventIngest(input: $input) { accepted rejected { message } } }",
        input={"source": SOURCE, "events": [event]},
    )
    assert taken["data"]["eventIngest"]["accepted"] == 1, taken
    assert (await desk.send(text))["data"]["customer"]["profile"]["address"]["city"] == "Leshan"


async def test_reading_unmasked_values_is_audited_each_time(desk: Desk) -> None:
    agent = Viewer("anna", Role.AGENT, purpose=Purpose.CUSTOMER_SERVICE)
    count = "SELECT count(*) FROM audit_log"
    before = await desk.retailer.value(count)
    names = [(await desk.send(PROFILE % 1, agent))["data"]["customer"]["profile"]["name"] for _ in range(3)]
    assert len(set(names)) == 1
    assert "*" not in names[0]
    assert await desk.retailer.value(count) == before + 3
    assert desk.answers.counts.memory_hits == 0


async def test_a_masked_answer_never_reaches_one_who_sees_it_whole_nor_the_other_way_round(
    desk: Desk,
) -> None:
    agent = Viewer("anna", Role.AGENT, purpose=Purpose.CUSTOMER_SERVICE)
    masked = await desk.send(PROFILE % 1)
    whole = await desk.send(PROFILE % 1, agent)
    own = await desk.send(PROFILE % 1, Viewer("one", Role.CUSTOMER, customer_id=1))
    other = await desk.send(PROFILE % 1, Viewer("two", Role.CUSTOMER, customer_id=2))
    assert masked != whole == own
    assert other["data"] == {"customer": None}


async def test_what_customers_read_of_themselves_stays_in_the_process(desk: Desk) -> None:
    line = desk.answers.values.versions.line
    await line.ask(b"FLUSHALL")
    for _ in range(2):
        await desk.send(PROFILE % 1, Viewer("one", Role.CUSTOMER, customer_id=1))
    assert desk.answers.counts.memory_hits == 1
    assert await line.ask(b"KEYS", b"c360:c:*") == []


async def test_errors_and_refusals_are_not_kept(desk: Desk) -> None:
    for _ in range(2):
        assert "errors" in await desk.send("{ customers(first: 0) { nodes { id } } }")
        assert "errors" in await desk.send("{ nothing }")
        assert "errors" in await desk.send(PROFILE % 1, Viewer("p", Role.PARTNER))
    assert len(desk.answers.memory) == 0


async def test_a_question_to_the_graph_is_asked_once_and_its_age_is_told(desk: Desk) -> None:
    first = await desk.send(RECOMMENDED % ("query One", 1))
    again = await desk.send(RECOMMENDED % ("query Two", 1))
    assert desk.asked == [[1]]
    assert again == first
    assert set(first["extensions"]["freshness"]) == {"graphComputedAt"}
    assert "freshness" not in (await desk.send(PROFILE % 1))["extensions"]


async def test_subscribers_are_told_the_age_of_what_the_graph_said(desk: Desk) -> None:
    newest = "SELECT event_id FROM outbox WHERE kind = 'TIER_CHANGED' ORDER BY event_id DESC LIMIT 1"
    event_id = await desk.retailer.value(newest)
    event = LiveEvent(event_id=event_id, kind="TIER_CHANGED", customer_id=None, payload={})
    parts = ("customer { recommendations(first: 1) { rank } }", "kind")

    told = []
    for selected in parts:
        request = GraphQLRequest(query=f"subscription {{ tierChanged {{ {selected} }} }}")
        plan, _ = desk.api.prepare(request, desk.api.make_context(OPERATOR))
        told.append(json.loads((await desk.api.run_event(plan, OPERATOR, event)).result.body))

    assert set(told[0]["extensions"]["freshness"]) == {"graphComputedAt"}
    assert told[1].keys() == {"data"}


async def test_who_wants_it_computed_now_gets_that_and_others_what_was_computed(desk: Desk) -> None:
    await desk.send(RECOMMENDED % ("query", 1))
    for _ in range(2):
        await desk.send(RECOMMENDED % ("query @freshness(maxStaleness: 0)", 1))
    assert desk.asked == [[1]] * 3
    await desk.send(RECOMMENDED % ("query Other @freshness(maxStaleness: 60)", 1))
    assert desk.asked == [[1]] * 3


async def test_a_limit_may_come_as_a_variable(desk: Desk) -> None:
    text = RECOMMENDED % ("query($seconds: Int!) @freshness(maxStaleness: $seconds)", 1)
    for seconds in (60, 60, 0, 0):
        await desk.send(text, seconds=seconds)
    assert desk.asked == [[1]] * 3


async def test_what_the_graph_learned_of_a_customer_is_asked_anew(desk: Desk) -> None:
    await desk.send(RECOMMENDED % ("query", 1))
    await desk.send(RECOMMENDED % ("query", 2))
    await desk.api.caches.versions.graph_changed([1])
    await desk.send(RECOMMENDED % ("query", 1))
    await desk.send(RECOMMENDED % ("query", 2))
    assert desk.asked == [[1], [2], [1]]


async def test_what_crossed_the_graph_is_kept_no_longer_than_that_may_be(desk: Desk) -> None:
    desk.api.caches.questions.seconds = 100
    now = time.time()
    desk.api.caches.questions.clock = lambda: now - 99
    await desk.send(RECOMMENDED % ("query", 1))
    (kept,) = desk.answers.memory._kept.values()
    assert kept.expires_at - time.monotonic() <= desk.api.caches.graph_seconds - 98
    desk.api.caches.questions.clock = lambda: now + 2
    await desk.send(RECOMMENDED % ("query Later", 1))
    assert desk.asked == [[1], [1]]


async def test_relationships_are_the_same_from_the_cache(desk: Desk) -> None:
    number = await desk.retailer.value("SELECT customer_id FROM referrals LIMIT 1")
    text = (
        '%s { customer(by: {id: "cus_%d"}) { relationships(first: 9, depth: 2) '
        "{ nodes { kind depth since path { words } customer { id } } } } }"
    )
    agent = Viewer("anna", Role.AGENT)
    first = await desk.send(text % ("query One", number), agent)
    assert first["data"]["customer"]["relationships"]["nodes"]
    assert await desk.send(text % ("query Two", number), agent) == first
    assert desk.asked == [[number]]


async def test_a_mutation_that_does_not_tell_what_it_changed_drops_everything(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.engine.TELLING", frozenset())
    await desk.send(PROFILE % 1)
    assert len(desk.answers.memory) == 1
    await desk.send('mutation { eventIngest(input: {source: "nobody", events: []}) { accepted } }')
    assert len(desk.answers.memory) == 0


async def test_a_list_of_alerts_follows_what_is_done_about_them_and_customers_stay(desk: Desk) -> None:
    """Nobody in particular changed, so what is kept about one customer is still good."""
    listed = "{ alerts(first: 1) { nodes { id status } } }"
    await desk.retailer.stores.pool.execute(
        "INSERT INTO alerts (alert_id, kind, severity, subject, period, policy_id, as_of, raised_at) "
        "VALUES (1000000, 'DORMANT_SHARE', 'WARNING', 'of a test', '2026-06', 0, now(), now())"
    )
    await desk.send(PROFILE % 1)
    (before,) = (await desk.send(listed))["data"]["alerts"]["nodes"]
    acknowledge = 'mutation { alertAcknowledge(input: {id: "%s"}) { changed userErrors { code } } }'

    acted = await desk.send(acknowledge % before["id"])

    assert acted["data"] == {"alertAcknowledge": {"changed": True, "userErrors": []}}
    assert len(desk.answers.memory) == 1
    after = (await desk.send(listed))["data"]["alerts"]["nodes"]
    assert after == [{"id": before["id"], "status": "ACKNOWLEDGED"}]


async def test_who_hears_of_an_alert_about_no_customer_finds_it_in_the_list(desk: Desk) -> None:
    listed = "{ alerts(first: 1, where: {kinds: [TIER_SHARE_GAP]}) { nodes { kind } } }"
    assert (await desk.send(listed))["data"]["alerts"]["nodes"] == []
    found = FoundAlert(
        kind=AlertKind.TIER_SHARE_GAP,
        subject="of a test",
        period="2026-06",
        policy_id=0,
        version_id=1,
        rank=1,
    )
    async with desk.retailer.stores.pool.acquire() as connection, connection.transaction():
        await raise_alerts(connection, [found], as_of=NOW, raised_at=NOW)

    await forget_answers(desk.api.caches.versions, ())

    assert (await desk.send(listed))["data"]["alerts"]["nodes"] == [{"kind": "TIER_SHARE_GAP"}]


async def test_everything_is_answered_while_the_cache_is_away(desk: Desk) -> None:
    first = await desk.send(RECOMMENDED % ("query", 1))
    desk.api.caches.versions.line.drop("a test")
    again = await desk.send(RECOMMENDED % ("query", 1))
    assert again["data"] == first["data"]
    await until(lambda: desk.api.caches.versions.line.is_up)


async def test_what_has_no_body_is_not_kept(desk: Desk) -> None:
    for _ in range(2):
        await desk.api.execute(GraphQLRequest(query=PROFILE % 1), OPERATOR)
    assert len(desk.answers.memory) == 0


async def test_a_drafted_policy_is_seen_at_once_and_a_preview_drops_nothing(desk: Desk) -> None:
    """Policies belong to nobody: they move with the house. A preview changes nothing that an answer shows."""
    listed = "{ tierPolicies { code versions(first: 1) { nodes { measure { kind } } } } }"
    before = await desk.send(listed)

    acted = await desk.send(CREATE, input={"code": "own", "name": "自有", "rule": RULE})
    after = await desk.send(listed)
    version = acted["data"]["acted"]["tierPolicyVersion"]["id"]
    kept = len(desk.answers.memory)
    preview = await desk.send(PREVIEW, input={"policy": "own", "candidate": {"version": version}})

    assert [one["code"] for one in before["data"]["tierPolicies"]].count("own") == 0
    assert after["data"]["tierPolicies"][-1] == {
        "code": "own",
        "versions": {"nodes": [{"measure": {"kind": "SCORE"}}]},
    }
    assert preview["data"]["acted"]["customers"] == 300
    assert len(desk.answers.memory) == kept == 1


async def test_a_canary_that_decides_nothing_is_seen_all_the_same(desk: Desk) -> None:
    """The version that grades a customer is shown, so it moves with the look at them."""
    async with five_policies(desk.retailer) as shop:
        await activated(shop)
        nobody_moves = changed(("tiers", 2, "threshold"), "1001")
        one = min(taken(await ids(shop), 5_000))
        before = [await desk.send(GRADED_BY % one) for _ in range(2)]

        await begun(shop, "0.5", nobody_moves, worked=False)
        store = review_store(Settings(clock=NOW), shop.stores)
        while await review_next(store, desk.api.caches.versions):
            pass
        after = await desk.send(GRADED_BY % one)

    shown = [found["data"]["customer"]["tier"]["policyVersion"]["status"] for found in (*before, after)]
    assert shown == ["ACTIVE", "ACTIVE", "CANARY"]
    assert desk.answers.counts.memory_hits == 1


BASKET = """query B($lines: [BasketLineInput!]!, $at: DateTime) { customer(by: {id: "cus_1"}) {
  basketPreview(lines: $lines, at: $at) { lines { unitPrice { amount } } } } }"""
SET_DAY = "mutation S($input: MemberDaySetInput!) { memberDaySet(input: $input) { changed } }"


async def test_a_price_is_another_once_a_member_day_is_set(desk: Desk) -> None:
    """Products and offers belong to nobody: what is kept of any customer's basket goes."""
    await desk.retailer.stores.pool.execute(
        "UPDATE products SET unit_price_cents = 1000 WHERE product_id = 1"
    )
    asked = {"lines": [{"product": "prd_1", "quantity": "1"}], "at": "2026-06-03T12:00:00+08:00"}
    offers = {"on": "2026-06-03", "offers": [{"product": "prd_1", "percent": 30}]}
    before = await desk.send(BASKET, **asked)
    assert await desk.send(BASKET, **asked) == before
    assert desk.answers.counts.memory_hits == 1

    await desk.send(SET_DAY, input=offers)
    after = await desk.send(BASKET, **asked)

    assert before != after
    assert after["data"]["customer"]["basketPreview"]["lines"][0]["unitPrice"] == {"amount": "3.00"}
