"""GraphQL over HTTP against a real server, with a toy schema behind it."""

import asyncio
import json
from typing import Any

import httpx
import pytest
from live_server import Running, running, toy_parts

from domain.errors import StoreUnavailable
from domain.privacy.viewer import Role, Viewer

JSON = "application/json"
RESPONSE = "application/graphql-response+json"
CODE_OF = {400: "BAD_USER_INPUT", 413: "LIMIT_EXCEEDED", 415: "BAD_USER_INPUT", 406: "BAD_USER_INPUT"}


@pytest.fixture(scope="module")
async def api() -> Any:
    async with running(toy_parts()) as server:
        yield server


async def post(api: Running, body: Any, **headers: str) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = {"content-type": JSON, "accept": RESPONSE, "authorization": api.bearer()}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with httpx.AsyncClient() as client:
        return await client.post(f"{api.url}/graphql", content=content, headers=sent)


async def get(api: Running, path: str, **headers: str) -> httpx.Response:
    sent = {"authorization": api.bearer()}
    sent.update({name.replace("_", "-"): value for name, value in headers.items()})
    async with httpx.AsyncClient() as client:
        return await client.get(f"{api.url}{path}", headers=sent)


def code_of(response: httpx.Response) -> str:
    return str(response.json()["errors"][0]["extensions"]["code"])


async def test_a_query_is_answered_in_the_media_type_that_was_asked_for(api: Running) -> None:
    response = await post(api, {"query": "query Q($n: String) { hello(name: $n) }", "variables": {"n": "Li"}})

    assert response.status_code == 200
    assert response.headers["content-type"] == f"{RESPONSE}; charset=utf-8"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["cache-control"] == "no-store"
    assert "server" not in response.headers
    assert response.json() == {"data": {"hello": "Hello Li"}}


async def test_a_document_with_a_fault_is_400_in_one_media_type_and_200_in_the_other(api: Running) -> None:
    strict = await post(api, {"query": "{ nothing }"})
    plain = await post(api, {"query": "{ nothing }"}, accept=JSON)

    assert (strict.status_code, plain.status_code) == (400, 200)
    assert "data" not in strict.json()


@pytest.mark.parametrize(
    ("what", "body", "headers", "status"),
    [
        ("cut JSON", b"{", {}, 400),
        ("a list", b"[]", {}, 400),
        ("a batch", b'[{"query":"{hello}"}]', {}, 400),
        ("null", b"null", {}, 400),
        ("a number", b"1", {}, 400),
        ("a string", b'"x"', {}, 400),
        ("NaN", b'{"query":"{hello}","variables":{"a":NaN}}', {}, 400),
        ("not UTF-8", b'{"query":"\xff"}', {}, 400),
        ("a single surrogate", b'{"query":"{hello}","variables":{"a":"\\ud800"}}', {}, 400),
        ("a number of 5,000 digits", b'{"query":"{hello}","variables":{"a":' + b"1" * 5000 + b"}}", {}, 400),
        ("nesting without end", b'{"query":' + b"[" * 100_000 + b"]" * 100_000 + b"}", {}, 400),
        ("no body", b"", {}, 400),
        ("no query", b"{}", {}, 400),
        ("an empty query", b'{"query":""}', {}, 400),
        ("a query that is no string", b'{"query":7}', {}, 400),
        ("variables that are no object", b'{"query":"{hello}","variables":"x"}', {}, 400),
        ("an operation name that is no string", b'{"query":"{hello}","operationName":7}', {}, 400),
        ("a body over the limit", b'{"query":"#' + b"x" * 262_144 + b'"}', {}, 413),
        ("form data", b"query={hello}", {"content_type": "application/x-www-form-urlencoded"}, 415),
        ("a look-alike", b'{"query":"{hello}"}', {"content_type": "application/jsonx"}, 415),
        ("a list of types", b'{"query":"{hello}"}', {"content_type": "text/plain, application/json"}, 415),
        ("text", b'{"query":"{hello}"}', {"content_type": "text/plain"}, 415),
        ("another charset", b'{"query":"{hello}"}', {"content_type": "application/json; charset=gbk"}, 415),
        ("only HTML accepted", b'{"query":"{hello}"}', {"accept": "text/html"}, 406),
    ],
)  # fmt: skip
async def test_what_is_not_a_request_is_refused_and_nothing_runs(
    api: Running, what: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    before = len(api.engine.seen)

    response = await post(api, body, **headers)

    assert (response.status_code, code_of(response)) == (status, CODE_OF[status])
    assert len(api.engine.seen) == before


async def test_a_body_that_does_not_say_its_length_is_still_bounded(api: Running) -> None:
    async def endless() -> Any:
        for _ in range(100):
            yield b"x" * 10_000

    async with httpx.AsyncClient() as client:
        response = await client.post(
            f"{api.url}/graphql",
            content=endless(),
            headers={"content-type": JSON, "authorization": api.bearer()},
        )

    assert response.status_code == 413


async def test_a_get_query_needs_a_header_that_foreign_pages_cannot_send(api: Running) -> None:
    without = await get(api, "/graphql?query=%7Bhello%7D", accept=RESPONSE)
    with_it = await get(api, "/graphql?query=%7Bhello%7D", accept=RESPONSE, graphql_require_preflight="1")

    assert (without.status_code, code_of(without)) == (400, "BAD_USER_INPUT")
    assert with_it.json() == {"data": {"hello": "Hello world"}}


async def test_a_mutation_by_get_is_405_and_does_nothing(api: Running) -> None:
    response = await get(api, "/graphql?query=mutation%7Badd(number:5)%7D", graphql_require_preflight="1")

    assert (response.status_code, response.headers["allow"]) == (405, "POST")
    assert api.engine.root.sum == 0


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods_are_405(api: Running, method: str) -> None:
    async with httpx.AsyncClient() as client:
        response = await client.request(method, f"{api.url}/graphql", headers={"authorization": api.bearer()})

    assert (response.status_code, response.headers["allow"]) == (405, "GET, POST")


async def test_a_subscription_without_a_stream_is_told_how_to_ask(api: Running) -> None:
    response = await post(api, {"query": "subscription { greetings }"})

    assert response.status_code == 400
    assert "text/event-stream" in response.json()["errors"][0]["message"]


@pytest.mark.parametrize("authorization", ["", "Bearer abc", "Basic YTpi", "Bearer"])
async def test_without_a_good_token_nothing_answers_but_health(api: Running, authorization: str) -> None:
    headers = {"authorization": authorization, "graphql-require-preflight": "1"}
    async with httpx.AsyncClient(headers=headers) as client:
        posted = await client.post(f"{api.url}/graphql", json={"query": "{hello}"})
        got = await client.get(f"{api.url}/graphql?query=%7Bhello%7D")
        schema = await client.get(f"{api.url}/schema.graphql")
        page = await client.get(f"{api.url}/graphql", headers={"accept": "text/html"})
        health = await client.get(f"{api.url}/healthz")
        ready = await client.get(f"{api.url}/readyz")

    refused = (posted, got, schema, page)
    assert [response.status_code for response in refused] == [401] * 4
    assert {code_of(response) for response in refused} == {"UNAUTHENTICATED"}
    assert posted.headers["www-authenticate"].startswith("Bearer")
    assert (health.status_code, ready.status_code) == (200, 200)


async def test_the_role_of_the_token_reaches_the_engine(api: Running) -> None:
    viewer = Viewer("app", Role.CUSTOMER, None, 42)

    response = await post(api, {"query": "{ role }"}, authorization=api.bearer(viewer))

    assert response.json() == {"data": {"role": "CUSTOMER"}}


async def test_an_expired_token_is_401(api: Running) -> None:
    response = await post(api, {"query": "{ hello }"}, authorization=api.bearer(seconds=-1))

    assert (response.status_code, code_of(response)) == (401, "UNAUTHENTICATED")


async def test_headers_for_resuming_and_repeating_reach_the_engine(api: Running) -> None:
    await post(api, {"query": "{ hello }"}, last_event_id="41", idempotency_key="k-1")

    assert (api.engine.seen[-1].resume_after, api.engine.seen[-1].idempotency_key) == ("41", "k-1")


async def test_the_schema_is_served_as_text(api: Running) -> None:
    response = await get(api, "/schema.graphql")

    assert response.text.startswith('\n"""A toy."""\ntype Query {')


async def test_a_fault_of_ours_shows_an_id_and_nothing_else() -> None:
    async with running(toy_parts()) as api:
        api.engine.fault = RuntimeError("password=hunter2")

        response = await post(api, {"query": "{ hello }"})

        assert (response.status_code, code_of(response)) == (500, "INTERNAL")
        assert "hunter2" not in response.text
        assert response.json()["errors"][0]["extensions"]["id"] in response.json()["errors"][0]["message"]


async def test_a_missing_store_is_named() -> None:
    async with running(toy_parts()) as api:
        api.engine.fault = StoreUnavailable("postgres", "secret host")

        response = await post(api, {"query": "{ hello }"})

        assert (response.status_code, code_of(response)) == (503, "STORE_UNAVAILABLE")
        assert response.json()["errors"][0]["extensions"]["store"] == "postgres"
        assert "secret host" not in response.text


async def test_a_client_that_hangs_up_stops_its_query(api: Running) -> None:
    with pytest.raises(httpx.ReadTimeout):
        async with httpx.AsyncClient(timeout=0.4) as client:
            await client.post(
                f"{api.url}/graphql",
                json={"query": "{ slow(seconds: 30) }"},
                headers={"authorization": api.bearer()},
            )

    for _ in range(100):
        if api.engine.root.stopped:
            break
        await asyncio.sleep(0.05)
    assert api.engine.root.stopped == ["slow"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "localhost.evil.example", "192.168.0.7"])
async def test_the_demo_refuses_other_names_of_this_machine(host: str) -> None:
    async with running(toy_parts(demo=True)) as api, httpx.AsyncClient() as client:
        foreign = await client.post(
            f"{api.url}/graphql", json={"query": "mutation{add(number:1)}"}, headers={"host": host}
        )

        assert (foreign.status_code, code_of(foreign)) == (403, "FORBIDDEN")
        assert "http://localhost" in foreign.json()["errors"][0]["message"]
        assert api.engine.root.sum == 0


async def test_the_demo_answers_this_machine_as_operator_without_a_token() -> None:
    async with running(toy_parts(demo=True)) as api, httpx.AsyncClient() as client:
        home = await client.post(f"{api.url}/graphql", json={"query": "{role}"})
        foreign_page = await client.post(
            f"{api.url}/graphql", json={"query": "{role}"}, headers={"origin": "http://evil.example"}
        )
        through_proxy = await client.post(
            f"{api.url}/graphql", json={"query": "{role}"}, headers={"x-forwarded-for": "9.9.9.9"}
        )
        bad_token = await client.post(
            f"{api.url}/graphql", json={"query": "{role}"}, headers={"authorization": "Bearer x"}
        )

    assert home.json() == {"data": {"role": "OPERATOR"}}
    assert (foreign_page.status_code, through_proxy.status_code, bad_token.status_code) == (403, 403, 401)


async def test_a_listed_origin_may_ask_from_a_browser() -> None:
    origin = "https://app.example"
    async with running(toy_parts(allowed_origins=(origin,))) as api, httpx.AsyncClient() as client:
        asked = {"origin": origin, "access-control-request-method": "POST"}
        preflight = await client.options(f"{api.url}/graphql", headers=asked)
        foreign = await client.options(
            f"{api.url}/graphql", headers={**asked, "origin": "https://evil.example"}
        )

    assert preflight.headers["access-control-allow-origin"] == origin
    assert "access-control-allow-origin" not in foreign.headers
