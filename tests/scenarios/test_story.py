"""One demo, asked over HTTP, WebSocket and SSE as frontends, tills and partners would."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from browser import browser_page
from demo_process import (
    TIER_FEED,
    TINY,
    customers_below_gold,
    ingest,
    next_changes,
    order_event,
    sse_changes,
    token,
)

from api.examples import load_examples
from benchmarks.demo_process import DemoProcess, bearer, running_demo
from benchmarks.live import subscribed

STANDING = """query Standing($id: ID!) {
  customer(by: {id: $id}) { facts { orders90d spend90d } tier { tier { code } } }
}"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    with running_demo(tmp_path_factory.mktemp("story"), *TINY) as process:
        yield process


def example(name: str) -> str:
    return next(one.query for one in load_examples() if f" {name}" in one.query)


async def standing_of(demo: DemoProcess, identity: str, tier: str) -> dict[str, object]:
    """Facts and tier, once the tier is there."""
    async with asyncio.timeout(20):
        while True:
            answer = await asyncio.to_thread(demo.ask, STANDING, {"id": identity})
            if answer["data"]["customer"]["tier"]["tier"]["code"] == tier:
                customer: dict[str, object] = answer["data"]["customer"]
                return customer
            await asyncio.sleep(0.1)


def test_a_whole_customer_comes_in_one_query_without_errors(demo: DemoProcess) -> None:
    answer = demo.ask(example("WholeCustomer"), {"id": "cus_1"})

    assert "errors" not in answer
    customer = answer["data"]["customer"]
    assert customer["id"] == "cus_1"
    assert "phone" in customer["profile"]["maskedFields"]
    assert {standing["policy"]["code"] for standing in customer["tiers"]} >= {
        "kuailv_grade",
        "xiaoxiang_layer",
    }
    assert customer["recommendations"] != []  # right after the first start


async def test_an_order_changes_the_tier_and_both_kinds_of_subscriber_hear_of_it(demo: DemoProcess) -> None:
    (name, identity), *_ = customers_below_gold(demo, 1).items()
    before = demo.ask(STANDING, {"id": identity})["data"]["customer"]
    headers = {"accept": "text/event-stream", "content-type": "application/json"}
    async with (
        subscribed(demo.socket_url, TIER_FEED) as payloads,
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{demo.url}/graphql", json={"query": TIER_FEED}, headers=headers) as stream,
    ):
        await asyncio.to_thread(ingest, demo, order_event(name, "story-1"))
        [by_socket] = await next_changes(payloads, 1)
        [(event, by_stream)] = await sse_changes(stream.aiter_lines(), 1)  # type: ignore[arg-type]

    assert by_socket["customer"]["id"] == identity
    assert (by_socket["kind"], by_socket["to"]["code"]) == ("UPGRADED", "GOLD")
    assert by_stream == by_socket
    assert event == by_socket["cursor"]
    after = await standing_of(demo, identity, "GOLD")
    assert after["facts"] == {
        "orders90d": before["facts"]["orders90d"] + 1,
        "spend90d": f"{float(before['facts']['spend90d']) + 100_000:.2f}",
    }


async def test_the_same_event_again_counts_once(demo: DemoProcess) -> None:
    name, identity = next(iter(customers_below_gold(demo, 1, beginning=100).items()))
    event = order_event(name, "story-once")

    first = ingest(demo, event)
    again = ingest(demo, event)

    assert (first["accepted"], first["duplicates"]) == (1, 0)
    assert (again["accepted"], again["duplicates"]) == (0, 1)
    before = await standing_of(demo, identity, "GOLD")
    assert demo.ask(STANDING, {"id": identity})["data"]["customer"] == before


async def test_a_subscriber_that_comes_back_misses_nothing_and_hears_nothing_twice(demo: DemoProcess) -> None:
    customers = customers_below_gold(demo, 6, beginning=200)
    names = list(customers)
    async with subscribed(demo.socket_url, TIER_FEED) as payloads:
        await asyncio.to_thread(ingest, demo, *(order_event(name, f"resume-{name}") for name in names[:2]))
        first = await next_changes(payloads, 2)
    await asyncio.to_thread(ingest, demo, *(order_event(name, f"resume-{name}") for name in names[2:4]))
    for name in names[2:4]:
        await standing_of(demo, customers[name], "GOLD")

    async with subscribed(demo.socket_url, TIER_FEED, {"after": first[0]["cursor"]}) as payloads:
        await asyncio.to_thread(ingest, demo, *(order_event(name, f"resume-{name}") for name in names[4:]))
        rest = await next_changes(payloads, 5)

    heard = [change["customer"]["id"] for change in [first[0], *rest]]
    assert sorted(heard) == sorted(customers.values())
    assert rest[0] == first[1]
    assert len({change["cursor"] for change in rest}) == 5


async def test_an_event_stream_goes_on_behind_its_last_event_id(demo: DemoProcess) -> None:
    customers = customers_below_gold(demo, 2, beginning=300)
    headers = {"accept": "text/event-stream"}
    async with subscribed(demo.socket_url, TIER_FEED) as payloads:
        await asyncio.to_thread(ingest, demo, *(order_event(name, f"sse-{name}") for name in customers))
        first, second = await next_changes(payloads, 2)

    headers["last-event-id"] = first["cursor"]
    body = {"query": TIER_FEED}
    async with (
        httpx.AsyncClient(timeout=30) as client,
        client.stream("POST", f"{demo.url}/graphql", json=body, headers=headers) as stream,
    ):
        heard = await sse_changes(stream.aiter_lines(), 1)  # type: ignore[arg-type]

    assert heard == [(second["cursor"], second)]


def test_a_partner_sees_tiers_and_no_profile(demo: DemoProcess) -> None:
    partner = token(demo.home, "PARTNER")

    allowed = demo.ask('{ customer(by: {id: "cus_1"}) { id tier { tier { code } } } }', token=partner)
    refused = demo.ask('{ customer(by: {id: "cus_1"}) { id profile { name } } }', token=partner)

    assert allowed["data"]["customer"]["id"] == "cus_1"
    assert "data" not in refused or refused["data"] is None
    assert [error["extensions"]["code"] for error in refused["errors"]] == ["FORBIDDEN"]


def test_a_customer_sees_themselves_and_nobody_else(demo: DemoProcess) -> None:
    mine = token(demo.home, "CUSTOMER", "--customer", "cus_7")
    both = '{ me: customer(by: {id: "cus_7"}) { id } other: customer(by: {id: "cus_8"}) { id } }'

    answer = demo.ask(both, token=mine)
    everybody = demo.ask("{ customers(first: 5) { nodes { id } } }", token=mine)

    assert answer["data"] == {"me": {"id": "cus_7"}, "other": None}
    listed = (everybody.get("data") or {}).get("customers") or {"nodes": []}
    assert {customer["id"] for customer in listed["nodes"]} <= {"cus_7"}


@pytest.mark.parametrize("role", ["AGENT", "OPERATOR"])
def test_staff_see_profiles(demo: DemoProcess, role: str) -> None:
    staff = token(demo.home, role)

    answer = demo.ask('{ customer(by: {id: "cus_1"}) { profile { name } } }', token=staff)

    assert "errors" not in answer
    assert answer["data"]["customer"]["profile"]["name"]


def test_a_token_of_somebody_else_is_refused(demo: DemoProcess) -> None:
    headers = bearer("eyJhbGciOiJFZERTQSJ9.e30.AAAA")

    answer = httpx.post(f"{demo.url}/graphql", json={"query": "{ shop { name } }"}, headers=headers)

    assert answer.status_code == 401
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"


@pytest.mark.browser
async def test_a_person_opens_the_query_page_and_runs_the_first_example(
    demo: DemoProcess, tmp_path: Path
) -> None:
    async with browser_page(tmp_path) as page:
        await page.open(f"{demo.url}/graphql")
        await page.wait_for("document.querySelectorAll('#types .entry').length > 20")
        await page.evaluate("document.getElementById('run').click()")
        shown = await page.wait_for(
            "document.getElementById('result').textContent.includes('kuailv_grade')"
            " && document.getElementById('result').textContent"
        )
        names = await page.evaluate(
            "[...document.querySelectorAll('#example option')].map(one => one.textContent)"
        )

        assert "maskedFields" in shown
        assert await page.evaluate("document.getElementById('errors').textContent") == ""
        assert len([name for name in names if name]) >= 8
        assert [asked for asked in page.requests if not asked.startswith((demo.url, "data:"))] == []
        assert page.complaints == []


def readiness(demo: DemoProcess) -> dict[str, str]:
    stores = httpx.get(f"{demo.url}/readyz", timeout=10).json()["stores"]
    return {store["name"]: store["status"] for store in stores}


def wait_for_readiness(demo: DemoProcess, store: str, status: str) -> dict[str, str]:
    deadline = time.monotonic() + 30
    while (found := readiness(demo))[store] != status:
        assert time.monotonic() < deadline, found
        time.sleep(0.1)
    return found


async def test_without_valkey_everything_goes_on_and_it_comes_back_by_itself(demo: DemoProcess) -> None:
    customers = customers_below_gold(demo, 3, beginning=400)
    [killed] = demo.pids("valkey-server")
    first, second, third = customers
    async with subscribed(demo.socket_url, TIER_FEED) as payloads:
        os.kill(killed, signal.SIGKILL)
        await asyncio.to_thread(ingest, demo, order_event(first, "no-valkey-1"))
        [heard] = await next_changes(payloads, 1)
        assert heard["customer"]["id"] == customers[first]
        await asyncio.to_thread(wait_for_readiness, demo, "cache", "up")
        for name in (second, third):
            await asyncio.to_thread(ingest, demo, order_event(name, f"valkey-{name}"))
        rest = await next_changes(payloads, 2)

    assert sorted(change["customer"]["id"] for change in rest) == sorted(
        [customers[second], customers[third]]
    )
    assert demo.pids("valkey-server") != [killed]
