"""The edge around an answer that is there already: everybody is still asked who they are, and is counted."""

import json
import logging
import time
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest
from live_server import OPERATOR, Running, running, toy_parts
from small_engine import SmallEngine
from websockets.asyncio.client import connect
from websockets.typing import Subprotocol

from api.engine_port import GraphQLAnswer
from domain.privacy.viewer import Role, Viewer

PREFLIGHT = "graphql-require-preflight"
BODY = b'{"query":"query Kept { hello }"}'
KEPT = GraphQLAnswer(body=b'{"data":{"hello":"kept"}}', operation_name="Kept")


@pytest.fixture(scope="module")
async def api() -> AsyncIterator[Running]:
    engine = SmallEngine()
    engine.kept[BODY, Role.OPERATOR] = KEPT
    async with running(toy_parts(engine=engine)) as server:
        yield server


async def post(api: Running, body: bytes = BODY, **headers: str) -> httpx.Response:
    sent = {"content-type": "application/json", "accept": "application/json", "authorization": api.bearer()}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with httpx.AsyncClient() as client:
        return await client.post(f"{api.url}/graphql", content=body, headers=sent)


async def test_it_looks_like_any_other_answer(api: Running) -> None:
    kept, made = (
        await post(api, x_request_id="one"),
        await post(api, b'{"query":"{ hello }"}', x_request_id="one"),
    )

    assert kept.content == KEPT.body
    assert kept.status_code == made.status_code == 200
    assert {**kept.headers, "content-length": "", "date": ""} == {
        **made.headers,
        "content-length": "",
        "date": "",
    }
    strict = await post(api, accept="application/graphql-response+json")
    assert strict.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    assert strict.content == KEPT.body


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"authorization": ""}, 401),
        ({"authorization": "Bearer nonsense"}, 401),
        ({"content_type": "text/plain"}, 415),
        ({"accept": "image/png"}, 406),
    ],
)
async def test_nobody_gets_it_whom_the_edge_refuses(
    api: Running, headers: dict[str, str], status: int
) -> None:
    assert (await post(api, **headers)).status_code == status


async def test_nobody_gets_it_with_a_token_that_has_ended(
    api: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ending = f"Bearer {api.parts.tokens.sign(OPERATOR, timedelta(seconds=60))}"
    assert (await post(api, authorization=ending)).content == KEPT.body
    monkeypatch.setattr(api.parts.tokens, "_clock", lambda: time.time() + 60)
    assert (await post(api, authorization=ending)).status_code == 401


async def test_a_query_by_get_and_one_by_websocket_find_theirs(api: Running) -> None:
    assert isinstance(api.engine, SmallEngine)
    api.engine.kept[b"?query=%7B+hello+%7D", Role.OPERATOR] = KEPT
    api.engine.kept[b'ws:{"query":"{ hello }"}', Role.OPERATOR] = KEPT
    headers = {"authorization": api.bearer(), "graphql-require-preflight": "1"}

    async with httpx.AsyncClient() as client:
        got = await client.get(f"{api.url}/graphql?query=%7B+hello+%7D", headers=headers)
        unsafe = await client.get(
            f"{api.url}/graphql?query=%7B+hello+%7D", headers={**headers, PREFLIGHT: ""}
        )
    async with connect(api.socket_url, subprotocols=[Subprotocol("graphql-transport-ws")]) as socket:
        payload = {"authorization": api.bearer()}
        await socket.send(json.dumps({"type": "connection_init", "payload": payload}))
        asked = {"id": "7", "type": "subscribe", "payload": {"query": "{ hello }"}}
        await socket.send(json.dumps(asked))
        told = [json.loads(await socket.recv()) for _ in range(3)]

    assert (got.content, unsafe.status_code) == (KEPT.body, 400)
    assert told[1:] == [
        {"type": "next", "id": "7", "payload": {"data": {"hello": "kept"}}},
        {"type": "complete", "id": "7"},
    ]


async def test_another_role_gets_its_own(api: Running) -> None:
    analyst = api.bearer(Viewer("anna", Role.ANALYST))
    assert (await post(api, authorization=analyst)).json() == {"data": {"hello": "Hello world"}}


async def test_it_is_logged_and_counted_like_any_other(
    api: Running, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "c360.operations"):
        await post(api, graphql_client_name="desk", x_request_id="seven")
    (line,) = [record.fields for record in caplog.records if record.message == "operation"]
    assert (line["operation"], line["kind"], line["status"], line["role"]) == (
        "Kept",
        "query",
        "ok",
        "OPERATOR",
    )
    assert (line["client_name"], line["request_id"], line["transport"]) == ("desk", "seven", "http")
    async with httpx.AsyncClient() as client:
        text = (await client.get(f"{api.url}/metrics")).text
    assert 'c360_operations_total{kind="query",operation="Kept",status="ok"}' in text
    assert 'c360_operation_seconds_count{operation="Kept"}' in text
