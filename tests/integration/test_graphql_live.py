"""Subscriptions over WebSocket and SSE against a real server: what clients rely on beyond the protocol suites."""

import asyncio
import json
import socket
from typing import Any

import httpx
import pytest
from live_server import Running, running, toy_parts
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from api import live_connections, server

PROTOCOL: Any = ["graphql-transport-ws"]


@pytest.fixture(scope="module")
async def api() -> Any:
    async with running(toy_parts()) as server:
        yield server


async def opened(api: Running, **payload: str) -> ClientConnection:
    connection = await connect(api.socket_url, subprotocols=PROTOCOL)
    given = payload or {"authorization": api.bearer()}
    await connection.send(json.dumps({"type": "connection_init", "payload": given}))
    return connection


async def acknowledged(api: Running, **payload: str) -> ClientConnection:
    connection = await opened(api, **payload)
    assert await told(connection) == {"type": "connection_ack"}
    return connection


async def told(connection: ClientConnection) -> Any:
    async with asyncio.timeout(8):
        return json.loads(await connection.recv())


async def closed(connection: ClientConnection) -> tuple[int, str]:
    """The code and reason with which the server ends, whatever it says before."""
    with pytest.raises(ConnectionClosed):  # noqa: PT012
        async with asyncio.timeout(8):
            while True:
                await connection.recv()
    return connection.close_code or 0, connection.close_reason or ""


async def subscribe(connection: ClientConnection, identity: str, query: str) -> None:
    await connection.send(json.dumps({"id": identity, "type": "subscribe", "payload": {"query": query}}))


async def test_a_forged_token_closes_the_socket_with_4403(api: Running) -> None:
    connection = await opened(api, authorization="Bearer forged")

    code, reason = await closed(connection)

    assert code == 4403
    assert "token" in reason


async def test_no_token_closes_the_socket_with_4403(api: Running) -> None:
    connection = await connect(api.socket_url, subprotocols=PROTOCOL)
    await connection.send(json.dumps({"type": "connection_init"}))

    assert (await closed(connection))[0] == 4403


async def test_a_bare_token_in_the_payload_is_enough(api: Running) -> None:
    connection = await acknowledged(api, Authorization=api.bearer().removeprefix("Bearer "))

    await subscribe(connection, "1", "subscription { count(to: 1) }")
    assert (await told(connection))["payload"]["data"] == {"count": 0}
    await connection.close()


async def test_an_expired_token_closes_a_live_socket_within_five_seconds(api: Running) -> None:
    connection = await acknowledged(api, authorization=api.bearer(seconds=2))
    await subscribe(connection, "1", "subscription { count(to: 100000) }")

    assert await closed(connection) == (4403, "The token has expired")


async def test_a_foreign_origin_is_refused_before_the_socket_opens(api: Running) -> None:
    with pytest.raises(InvalidStatus) as refused:
        await connect(api.socket_url, subprotocols=PROTOCOL, origin="https://evil.example")  # type: ignore[arg-type]

    assert refused.value.response.status_code == 403


async def test_the_demo_refuses_a_socket_by_another_name() -> None:
    async with running(toy_parts(demo=True)) as api:
        with pytest.raises(InvalidStatus) as refused:
            await connect(api.socket_url, subprotocols=PROTOCOL, additional_headers={"Host": "evil.example"})

    assert refused.value.response.status_code == 403


async def test_the_51st_operation_of_a_socket_is_an_error_and_the_socket_lives(api: Running) -> None:
    connection = await acknowledged(api)
    for number in range(51):
        await subscribe(connection, f"s{number}", "subscription { count(to: 100000) }")

    while (message := await told(connection))["type"] != "error":
        assert message["type"] == "next"

    assert message["id"] == "s50"
    assert message["payload"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
    await connection.close()


async def test_a_store_that_goes_away_ends_the_subscription_with_its_name(api: Running) -> None:
    connection = await acknowledged(api)
    await subscribe(connection, "1", "subscription { gone }")

    first, second = await told(connection), await told(connection)

    assert first["type"] == "next"
    assert second["type"] == "error"
    assert second["payload"][0]["extensions"] == {"code": "STORE_UNAVAILABLE", "store": "postgres"}
    await connection.close()


async def test_a_closed_socket_stops_its_subscriptions(api: Running) -> None:
    api.engine.root.stopped.clear()
    connection = await acknowledged(api)
    await subscribe(connection, "1", "subscription { count(to: 100000) }")
    await told(connection)
    await connection.close()

    for _ in range(100):
        if api.engine.root.stopped:
            break
        await asyncio.sleep(0.05)
    assert api.engine.root.stopped == ["count"]


async def test_a_reader_that_does_not_read_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_connections, "STUCK_SECONDS", 1.0)
    async with running(toy_parts()) as api:
        connection = await acknowledged(api)
        await subscribe(connection, "1", "subscription { big(kilobytes: 64) }")
        connection.transport.pause_reading()

        for _ in range(200):
            if api.engine.root.stopped and not len(api.parts.connections):
                break
            await asyncio.sleep(0.05)

        assert api.engine.root.stopped == ["big"]
        assert len(api.parts.connections) == 0
        connection.transport.resume_reading()  # late, but it hears why
        assert await closed(connection) == (1013, "SLOW_CONSUMER")


async def test_a_reader_that_never_reads_again_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_connections, "STUCK_SECONDS", 1.0)
    monkeypatch.setattr(server, "LINGER_SECONDS", 0.2)
    async with running(toy_parts()) as api:
        connection = await acknowledged(api)
        await subscribe(connection, "1", "subscription { big(kilobytes: 64) }")
        connection.transport.pause_reading()

        for _ in range(200):
            if not api.server.server_state.connections:
                break
            await asyncio.sleep(0.05)

        assert not api.server.server_state.connections
        connection.transport.abort()


async def test_the_end_of_the_process_tells_subscribers_where_to_resume() -> None:
    async with running(toy_parts()) as api:
        connection = await acknowledged(api)
        await subscribe(connection, "1", "subscription { count(to: 100000) }")
        await told(connection)
        api.server.should_exit = True

        with pytest.raises(ConnectionClosed):  # noqa: PT012
            while (message := await told(connection))["type"] != "nothing":
                last = message

        assert last["type"] == "ping"
        assert last["payload"]["code"] == "SERVER_SHUTDOWN"
        assert int(last["payload"]["resumeAfter"]["1"]) >= 1
        assert (connection.close_code, connection.close_reason) == (1001, "SERVER_SHUTDOWN")


async def stream(api: Running, query: str, **headers: str) -> str:
    sent = {"accept": "text/event-stream", "authorization": api.bearer(), **headers}
    async with httpx.AsyncClient(timeout=15) as client:
        return (await client.post(f"{api.url}/graphql", json={"query": query}, headers=sent)).text


async def test_an_event_stream_carries_ids_and_ends_with_complete(api: Running) -> None:
    text = await stream(api, "subscription { greetings }")

    assert text.startswith(':\n\nevent: next\nid: 1\ndata: {"data": {"greetings": "Hi"}}\n\n')
    assert text.endswith("event: complete\ndata:\n\n")


async def test_an_event_stream_resumes_after_the_last_id(api: Running) -> None:
    text = await stream(api, "subscription { greetings }", **{"last-event-id": "40"})

    assert "id: 41\n" in text
    assert api.engine.seen[-1].resume_after == "40"


async def test_an_event_source_of_our_own_page_needs_no_header_and_a_foreign_one_is_refused() -> None:
    async with running(toy_parts(demo=True)) as api, httpx.AsyncClient() as client:
        url = f"{api.url}/graphql?query=subscription%7Bgreetings%7D"
        ours = {"accept": "text/event-stream", "sec-fetch-site": "same-origin"}
        own = await client.get(url, headers=ours)
        foreign = await client.get(url, headers={**ours, "sec-fetch-site": "cross-site"})

    assert (own.status_code, foreign.status_code) == (200, 400)


async def test_an_expired_token_ends_a_stream_with_a_coded_error(api: Running) -> None:
    sent = api.bearer(seconds=2)  # of whole seconds: of one, nothing may be left when it is read

    text = await stream(api, "subscription { count(to: 100000) }", authorization=sent)

    assert '"code":"UNAUTHENTICATED"' in text
    assert text.endswith("event: complete\ndata:\n\n")


async def test_the_end_of_the_process_ends_a_stream_without_complete() -> None:
    async with running(toy_parts()) as api:
        reading = asyncio.create_task(stream(api, "subscription { count(to: 100000) }"))
        await asyncio.sleep(0.5)
        api.server.should_exit = True

        text = await reading

    assert "event: next" in text
    assert text.endswith("retry: 1000\n: SERVER_SHUTDOWN, come back with the last id\n\n")


async def test_a_socket_that_breaks_leaves_nothing_behind(api: Running) -> None:
    connection = await acknowledged(api)
    await subscribe(connection, "1", "subscription { count(to: 100000) }")
    raw: socket.socket = connection.transport.get_extra_info("socket")
    assert raw is not None
    connection.transport.abort()

    for _ in range(100):
        if not len(api.parts.connections):
            break
        await asyncio.sleep(0.05)
    assert len(api.parts.connections) == 0
