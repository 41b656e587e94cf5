"""`alertRaised`: every alert once, over WebSocket and SSE, resumed by its cursor, for those who may read alerts."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx
import pytest
import pytest_asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from live_server import serving
from retailer import NOW, Retailer, viewer

from api.app import AppParts
from api.auth import Tokens
from api.engine_port import GraphQLRequest, OperationRefused
from benchmarks.live import subscribed
from db.alert_writes import FoundAlert, raise_alerts
from db.live_stream import StreamReader, connect_stream
from db.outbox_events import OutboxTable
from domain.privacy.viewer import Role
from domain.watching.alert import AlertKind

FEED = """subscription ($kinds: [AlertKind!], $after: String) {
  alertRaised(kinds: $kinds, after: $after) { cursor id kind severity status words customer { id } observed } }"""
LISTED = "{ alerts(first: 10) { nodes { cursor id kind severity status words customer { id } observed } } }"
TOLD = """
SELECT customer_id, payload->>'policy', payload->>'alert' FROM outbox WHERE event_id = ANY($1) ORDER BY event_id
"""
STAFF = {Role.AGENT, Role.MARKETER, Role.ANALYST, Role.OPERATOR}
GAP, DORMANT, CHURN = AlertKind.TIER_SHARE_GAP, AlertKind.DORMANT_SHARE, AlertKind.TOP_TIER_CHURN_RISK


@pytest_asyncio.fixture
async def calm(retailer: Retailer) -> Retailer:
    """Nothing was raised yet."""
    await retailer.stores.pool.execute("DELETE FROM alerts; DELETE FROM outbox WHERE kind = 'ALERT_RAISED'")
    return retailer


async def raised(retailer: Retailer, *kinds: AlertKind, period: str = "2026-06") -> list[int]:
    """Their events, oldest first. Those of high tiers are about customer 1."""
    found = [
        FoundAlert(
            kind=kind,
            subject=kind.value,
            period=period,
            policy_id=0,
            version_id=1,
            rank=1,
            customer_id=1 if kind is CHURN else None,
        )
        for kind in kinds
    ]
    async with retailer.stores.pool.acquire() as connection, connection.transaction():
        await raise_alerts(connection, found, as_of=NOW, raised_at=NOW)
    return await retailer.column("SELECT event_id FROM outbox WHERE kind = 'ALERT_RAISED' ORDER BY 1")


async def heard(
    retailer: Retailer, number: int, text: str = FEED, role: Role = Role.ANALYST, **variables: Any
) -> list[dict[str, Any]]:
    """The next so many, from a retailer of whom nobody tells anything new: replayed."""
    request = GraphQLRequest(query=text, variables=variables)
    found = []
    async with aclosing(retailer.api.subscribe(request, viewer(role))) as results, asyncio.timeout(15):
        while len(found) < number:
            found.append(json.loads((await anext(results)).body)["data"]["alertRaised"])
    return found


async def before(retailer: Retailer) -> str:
    """The cursor of the newest decision: an event of another kind is as good to continue behind."""
    text = "{ tierTransitions(last: 1) { nodes { cursor } } }"
    cursor: str = (await retailer.ask(text))["data"]["tierTransitions"]["nodes"][0]["cursor"]
    return cursor


async def follow(retailer: Retailer) -> None:
    """Until everything that was committed is known to this process."""
    outbox = OutboxTable(retailer.reads)
    for event in await outbox.read_after(retailer.subscribers.position or 0, 500):
        retailer.subscribers.deliver(event)


async def test_an_alert_is_published_with_its_own_id_and_once_in_its_period(calm: Retailer) -> None:
    first = await raised(calm, GAP, CHURN)

    again = await raised(calm, GAP, CHURN)
    later = await raised(calm, GAP, period="2026-07")

    assert len(first) == 2
    assert again == first
    assert later[:2] == first
    assert len(later) == 3
    assert await calm.column("SELECT alert_id FROM alerts ORDER BY 1") == later
    assert [tuple(row) for row in await calm.stores.pool.fetch(TOLD, first)] == [
        (None, "kuailv_grade", "TIER_SHARE_GAP"),
        (1, "kuailv_grade", "TOP_TIER_CHURN_RISK"),
    ]


async def test_what_is_sent_is_what_the_list_shows(calm: Retailer) -> None:
    start = await before(calm)
    await raised(calm, GAP, DORMANT, CHURN)
    await follow(calm)

    found = await heard(calm, 3, after=start)

    assert [one["kind"] for one in found] == ["TIER_SHARE_GAP", "DORMANT_SHARE", "TOP_TIER_CHURN_RISK"]
    assert found == (await calm.ask(LISTED))["data"]["alerts"]["nodes"][::-1]
    assert [one["customer"] for one in found] == [None, None, {"id": "cus_1"}]
    assert calm.fallbacks == []


async def test_who_comes_back_continues_behind_the_last_one(calm: Retailer) -> None:
    start = await before(calm)
    await raised(calm, GAP, DORMANT, CHURN)
    await follow(calm)
    first, second, third = await heard(calm, 3, after=start)

    assert await heard(calm, 2, after=first["cursor"]) == [second, third]
    assert await heard(calm, 1, after=second["cursor"]) == [third]


async def test_only_the_kinds_that_are_asked_for_are_sent(calm: Retailer) -> None:
    start = await before(calm)
    await raised(calm, GAP, DORMANT, CHURN)
    await follow(calm)
    literal = f'subscription {{ alertRaised(kinds: [DORMANT_SHARE], after: "{start}") {{ kind }} }}'

    given = await heard(calm, 2, kinds=["TOP_TIER_CHURN_RISK", "DORMANT_SHARE"], after=start)

    assert [one["kind"] for one in given] == ["DORMANT_SHARE", "TOP_TIER_CHURN_RISK"]
    assert await heard(calm, 1, literal) == [{"kind": "DORMANT_SHARE"}]


@pytest.mark.parametrize("role", list(Role))
async def test_who_may_not_read_alerts_may_not_hear_of_them(calm: Retailer, role: Role) -> None:
    start = await before(calm)
    await raised(calm, GAP)
    await follow(calm)
    mine = {"customer_id": 1} if role is Role.CUSTOMER else {}
    request = GraphQLRequest(query=FEED, variables={"after": start})
    async with aclosing(calm.api.subscribe(request, viewer(role, **mine))) as results, asyncio.timeout(15):
        if role in STAFF:
            assert b"TIER_SHARE_GAP" in (await anext(results)).body
            return
        with pytest.raises(OperationRefused) as refused:
            await anext(results)

    assert [error["extensions"]["code"] for error in refused.value.errors] == ["FORBIDDEN"]


@pytest.mark.parametrize(
    ("after", "code"), [("nonsense", "BAD_USER_INPUT"), ("WzQyNDI0MjQyXQ==", "STREAM_GAP")]
)
async def test_a_place_that_never_was_is_refused(calm: Retailer, after: str, code: str) -> None:
    request = GraphQLRequest(query=FEED, variables={"after": after})
    async with aclosing(calm.api.subscribe(request, viewer(Role.OPERATOR))) as results, asyncio.timeout(15):
        with pytest.raises(OperationRefused) as refused:
            await anext(results)

    assert [error["extensions"]["code"] for error in refused.value.errors] == [code]


@asynccontextmanager
async def served(retailer: Retailer) -> AsyncIterator[str]:
    """The retailer on a port of this machine, following the outbox."""
    parts = AppParts(engine=retailer.api, tokens=Tokens(Ed25519PrivateKey.generate()), sdl="", demo=True)
    reader = StreamReader(
        lambda: connect_stream("redis://127.0.0.1:1/0"), OutboxTable(retailer.reads), retailer.subscribers
    )
    following = asyncio.create_task(reader.run())
    async with serving(parts) as (url, _):
        yield url
    following.cancel()
    await asyncio.gather(following, return_exceptions=True)


async def test_a_socket_hears_of_it_and_a_stream_resumes_behind_it(calm: Retailer) -> None:
    async with served(calm) as url:
        async with subscribed(url.replace("http", "ws") + "/graphql", FEED) as payloads, asyncio.timeout(15):
            await raised(calm, CHURN)
            first = (await anext(payloads))["data"]["alertRaised"]
        await raised(calm, GAP)
        async with (
            httpx.AsyncClient(timeout=15) as client,
            client.stream(
                "POST",
                f"{url}/graphql",
                json={"query": FEED},
                headers={"accept": "text/event-stream", "last-event-id": first["cursor"]},
            ) as stream,
        ):
            lines = stream.aiter_lines()
            told = [line async for line in until_told(lines)]

    second = json.loads(told[-1].removeprefix("data: "))["data"]["alertRaised"]
    assert (first["kind"], second["kind"]) == ("TOP_TIER_CHURN_RISK", "TIER_SHARE_GAP")
    assert f"id: {second['cursor']}" in told


async def until_told(lines: AsyncIterator[str]) -> AsyncIterator[str]:
    async for line in lines:
        yield line
        if line.startswith("data: {"):
            return
