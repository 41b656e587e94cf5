"""Health, figures and the log, as whoever runs the service meets them."""

import asyncio
import io
import json
import logging
from typing import Any

import httpx
import pytest
from live_server import running, toy_parts

from api.health import HealthDesk, StoreCheck
from api.logs import OperationRecord, configure_logging
from api.metrics import MAX_OPERATION_NAMES, GaugeSource, Metrics
from domain.privacy.viewer import Role, Viewer


async def fine() -> None:
    return


async def refused() -> None:
    raise ConnectionRefusedError("secret-host:5432")


async def endless() -> None:
    await asyncio.sleep(3600)


def store(name: str, ask: Any, *, required: bool = False) -> StoreCheck:
    return StoreCheck(name=name, ask=ask, without=f"no {name}", required=required, limit_seconds=0.1)


@pytest.mark.parametrize(
    ("what", "checks", "http_status", "status", "down"),
    [
        ("all up", (("postgres", fine), ("graph", fine)), 200, "ready", []),
        ("graph gone", (("postgres", fine), ("graph", refused)), 200, "degraded", ["graph"]),
        ("cache hangs", (("postgres", fine), ("cache", endless)), 200, "degraded", ["cache"]),
        ("postgres gone", (("postgres", refused), ("graph", fine)), 503, "down", ["postgres"]),
        ("everything gone", (("postgres", endless), ("graph", endless)), 503, "down", ["postgres", "graph"]),
    ],
)
async def test_readiness_names_the_store_that_is_down(
    what: str, checks: Any, http_status: int, status: str, down: list[str]
) -> None:
    stores = [store(name, ask, required=name == "postgres") for name, ask in checks]
    async with running(toy_parts(stores=stores)) as api, httpx.AsyncClient() as client:
        response = await client.get(f"{api.url}/readyz")

    shown = response.json()
    assert (response.status_code, shown["status"]) == (http_status, status)
    assert [entry["name"] for entry in shown["stores"] if entry["status"] == "down"] == down
    assert [entry["words"] for entry in shown["stores"] if entry["status"] == "down"] == [
        f"No answer: no {name}." for name in down
    ]
    assert "secret-host" not in response.text


async def test_many_who_ask_at_once_share_one_round() -> None:
    asked: list[int] = []

    async def count() -> None:
        asked.append(1)

    desk = HealthDesk([store("postgres", count)])

    await asyncio.gather(*(desk.readiness() for _ in range(50)))

    assert asked == [1]


async def test_figures_count_operations_by_name_and_status() -> None:
    gauges = [GaugeSource("outbox_lag_seconds", "Age of the oldest unpublished event.", lambda: 2.5)]
    async with running(toy_parts(gauges=gauges)) as api, httpx.AsyncClient() as client:
        headers = {"authorization": api.bearer()}
        for query in ("query Whole { hello }", "query Whole { hello }", "query Whole { nothing }"):
            body = {"query": query, "operationName": "Whole"}
            await client.post(f"{api.url}/graphql", json=body, headers=headers)
        text = (await client.get(f"{api.url}/metrics")).text

    assert 'c360_operations_total{kind="query",operation="Whole",status="ok"} 2.0' in text
    assert 'c360_operations_total{kind="query",operation="Whole",status="refused"} 1.0' in text
    assert 'c360_operation_seconds_count{operation="Whole"} 3.0' in text
    assert "c360_outbox_lag_seconds 2.5" in text
    assert "c360_live_connections 0.0" in text


async def test_what_must_be_counted_is_counted_before_figures_are_shown() -> None:
    waiting: list[str] = []

    async def count() -> None:
        waiting.append("one more")

    gauges = [GaugeSource("waiting", "How many wait.", lambda: float(len(waiting)))]
    async with running(toy_parts(gauges=gauges, counting=[count])) as api, httpx.AsyncClient() as client:
        texts = [(await client.get(f"{api.url}/metrics")).text for _ in range(2)]

    assert ["c360_waiting 1.0" in texts[0], "c360_waiting 2.0" in texts[1]] == [True, True]


async def test_figures_are_for_this_machine_or_an_operator() -> None:
    async with running(toy_parts()) as api, httpx.AsyncClient() as client:
        elsewhere = {"x-forwarded-for": "9.9.9.9"}
        agent = {"authorization": api.bearer(Viewer("ann", Role.AGENT))}
        answers = [
            await client.get(f"{api.url}/metrics", headers=headers)
            for headers in (
                {},
                elsewhere,
                {**elsewhere, **agent},
                {**elsewhere, "authorization": api.bearer()},
            )
        ]

    assert [answer.status_code for answer in answers] == [200, 401, 403, 200]


def record(name: str) -> OperationRecord:
    return OperationRecord(
        operation=name,
        kind="query",
        transport="http",
        role="AGENT",
        status="ok",
        duration_ms=1.5,
        request_id="r",
    )


def test_names_that_clients_invent_do_not_fill_the_figures() -> None:
    metrics = Metrics()

    for number in range(MAX_OPERATION_NAMES + 500):
        metrics.count(record(f"Name{number}"))

    lines = metrics.text().decode().splitlines()
    assert sum(line.startswith("c360_operations_total{") for line in lines) == MAX_OPERATION_NAMES + 1
    assert 'c360_operations_total{kind="query",operation="other",status="ok"} 500.0' in lines


async def test_an_operation_writes_one_json_line_without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.StringIO()
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    async with running(toy_parts()) as api, httpx.AsyncClient() as client:
        configure_logging(stream=written)
        await client.post(
            f"{api.url}/graphql",
            json={
                "query": "query Hi($n: String) { hello(name: $n) }",
                "operationName": "Hi",
                "variables": {"n": "13800138000"},
            },
            headers={
                "authorization": api.bearer(),
                "x-request-id": "req-7",
                "apollographql-client-name": "till",
                "graphql-client-version": "1.2",
            },
        )
        root.handlers[:] = before
        root.setLevel(level)

    [line] = [json.loads(text) for text in written.getvalue().splitlines() if '"operation"' in text]
    assert {name: line[name] for name in ("operation", "kind", "transport", "role", "status", "codes")} == {
        "operation": "Hi",
        "kind": "query",
        "transport": "http",
        "role": "OPERATOR",
        "status": "ok",
        "codes": [],
    }
    assert (line["client_name"], line["client_version"], line["request_id"]) == ("till", "1.2", "req-7")
    assert line["duration_ms"] > 0
    assert "13800138000" not in written.getvalue()
