"""Demos for scenario tests: the process, tokens of its home, orders to send, and what a subscriber hears."""

import asyncio
import json
import subprocess
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchmarks.demo_process import PROJECT, DemoProcess, c360, surroundings

TINY = ("--port", "0", "--profile", "tiny")
WAIT_SECONDS = 20
INGEST = """mutation Ingest($input: EventIngestInput!) {
  eventIngest(input: $input) {
    accepted duplicates cursor rejected { index message } userErrors { code message }
  }
}"""
TIER_FEED = """subscription TierFeed($after: String) {
  tierChanged(policy: "kuailv_grade", after: $after) { cursor kind customer { id } from { code } to { code } }
}"""


def run_c360(home: Path, *words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    """One verb to its end, in a home."""
    return subprocess.run(
        c360(*words),
        cwd=PROJECT,
        env=surroundings(home, **more),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def token(home: Path, role: str, *more: str) -> str:
    printed = run_c360(home, "token", "--role", role, *more)
    assert printed.returncode == 0, printed.stderr
    return printed.stdout.strip()


def order_event(customer: str, number: str, *, amount: str = "100000.00") -> dict[str, Any]:
    """A paid order of today, without lines. 100,000 CNY lift anybody below gold to gold at least (S0-1 to S0-4)."""
    return {
        "id": f"event-{number}",
        "occurredAt": datetime.now(UTC).isoformat(),
        "customer": {"externalId": customer},
        "data": {
            "order": {
                "externalId": f"order-{number}",
                "status": "PAID",
                "channel": "STORE",
                "netAmount": {"amount": amount},
            }
        },
    }


def ingest(demo: DemoProcess, *events: dict[str, Any], token: str = "") -> Any:
    """The payload; everything must have been taken, now or before."""
    answer = demo.ask(INGEST, {"input": {"source": "demo", "events": list(events)}}, token)
    assert "errors" not in answer, answer
    payload = answer["data"]["eventIngest"]
    assert (payload["rejected"], payload["userErrors"]) == ([], []), payload
    assert payload["accepted"] + payload["duplicates"] == len(events)
    return payload


def customers_below_gold(demo: DemoProcess, count: int, *, beginning: int = 1) -> dict[str, str]:
    """Global id by the source's own id."""
    found: dict[str, str] = {}
    for start in range(beginning, beginning + 1_000, 20):
        names = [f"C{number:07}" for number in range(start, start + 20)]
        fields = (
            f'{name}: customer(by: {{ref: {{source: "demo", externalId: "{name}"}}}}) '
            "{ id tier { tier { rank } } }"
            for name in names
        )
        for name, customer in demo.ask("{" + " ".join(fields) + "}")["data"].items():
            if customer and customer["tier"]["tier"]["rank"] < 3:
                found[name] = customer["id"]
        if len(found) >= count:
            return dict(list(found.items())[:count])
    raise AssertionError("too few customers below gold")


async def next_changes(payloads: AsyncGenerator[Any, None], count: int) -> list[Any]:
    """The next tier changes that a subscriber hears."""
    async with asyncio.timeout(WAIT_SECONDS):
        return [(await anext(payloads))["data"]["tierChanged"] for _ in range(count)]


async def sse_changes(lines: AsyncGenerator[str, None], count: int) -> list[tuple[str, Any]]:
    """The next tier changes of a stream of events, each with its `id:`."""
    heard: list[tuple[str, Any]] = []
    identity = ""
    async with asyncio.timeout(WAIT_SECONDS):
        while len(heard) < count:
            name, _, value = (await anext(lines)).partition(": ")
            if name == "id":
                identity = value
            elif name == "data":
                heard.append((identity, json.loads(value)["data"]["tierChanged"]))
    return heard
