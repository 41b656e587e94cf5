"""Nothing that was acknowledged is lost or counted twice, whatever is killed in the middle of taking events in."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from demo_process import INGEST, TINY, run_c360

from benchmarks.demo_process import PROJECT, DemoProcess, c360, start_demo, surroundings

pytestmark = pytest.mark.slow

EVENTS, CUSTOMERS, BATCH, KILLS, SENDERS = 5_000, 250, 20, 20, 4
PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 240
SOURCE = "demo"
AMOUNTS = [f"{(100 + number) / 100:.2f}" for number in range(EVENTS // CUSTOMERS)]
OWN_ROWS = """{ customer(by: {ref: {source: "demo", externalId: "kill-%s"}}) {
  facts { orders365d spend365d }
  orders(first: 100) { nodes { netAmount { amount } } }
} }"""


@dataclass(slots=True)
class Till:
    """Sends every batch until it is acknowledged; the same events each time."""

    address: Callable[[], str]
    waiting: list[list[dict[str, Any]]]
    accepted: int = 0
    duplicates: int = 0
    retries: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> None:
        while True:
            with self.lock:
                if not self.waiting:
                    return
                batch = self.waiting.pop()
            payload = self.send_until_acknowledged(batch)
            with self.lock:
                self.accepted += payload["accepted"]
                self.duplicates += payload["duplicates"]

    def send_until_acknowledged(self, batch: list[dict[str, Any]]) -> dict[str, Any]:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            if payload := self.send(batch):
                assert payload["rejected"] == []
                return payload
            with self.lock:
                self.retries += 1
            time.sleep(PAUSE_SECONDS)
        raise AssertionError("a batch was not taken in time")

    def send(self, batch: list[dict[str, Any]]) -> dict[str, Any] | None:
        body = {"query": INGEST, "variables": {"input": {"source": SOURCE, "events": batch}}}
        try:
            answer = httpx.post(f"{self.address()}/graphql", json=body, timeout=20).json()
        except (httpx.TransportError, ValueError):
            return None
        payload: dict[str, Any] | None = (answer.get("data") or {}).get("eventIngest")
        return payload if payload and not payload["userErrors"] else None


def customers() -> Iterator[dict[str, Any]]:
    moment = datetime.now(UTC).isoformat()
    for number in range(CUSTOMERS):
        key = {"externalId": f"kill-{number}"}
        change = {"profileChange": {"kind": "HOUSEHOLD"}}
        yield {"id": f"kill-customer-{number}", "occurredAt": moment, "customer": key, "data": change}


def orders() -> Iterator[dict[str, Any]]:
    """Twenty of each customer, of 1.00, 1.01, … CNY."""
    moment = datetime.now(UTC).isoformat()
    for number in range(EVENTS):
        order = {
            "externalId": f"kill-order-{number}",
            "status": "PAID",
            "channel": "APP",
            "netAmount": {"amount": AMOUNTS[number // CUSTOMERS]},
        }
        key = {"externalId": f"kill-{number % CUSTOMERS}"}
        yield {"id": f"kill-{number}", "occurredAt": moment, "customer": key, "data": {"order": order}}


@dataclass(slots=True)
class Victims:
    """A demo, and a worker as a process of its own beside it; whatever is killed is started again."""

    home: Path
    demo: DemoProcess
    worker: "subprocess.Popen[bytes]"

    def kill_server(self) -> None:
        self.demo.stop(signal.SIGKILL)
        self.demo = start_demo(self.home, *TINY)

    def kill_worker(self) -> None:
        self.worker.kill()
        self.worker.wait()
        self.worker = start_worker(self.home)

    def kill_postgres(self) -> None:
        for pid in self.demo.pids("postgres"):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:  # it went with the one before
                continue


def start_worker(home: Path) -> "subprocess.Popen[bytes]":
    """It attaches to the demo's stores, or owns them where the demo is just dead."""
    with (home / "worker.log").open("ab") as log:
        return subprocess.Popen(
            c360("worker"), cwd=PROJECT, env=surroundings(home), stdout=log, stderr=subprocess.STDOUT
        )


@pytest.fixture
def victims(tmp_path: Path) -> Iterator[Victims]:
    """They end before the test looks at what they left."""
    began = Victims(tmp_path, start_demo(tmp_path, *TINY), start_worker(tmp_path))
    try:
        yield began
    finally:
        began.worker.terminate()
        began.worker.wait(60)
        began.demo.stop()


def test_twenty_kills_lose_nothing_and_double_nothing(victims: Victims) -> None:
    randomness = random.Random(360)
    events = list(orders())
    randomness.shuffle(events)
    till = Till(lambda: victims.demo.url, [events[at : at + BATCH] for at in range(0, EVENTS, BATCH)])
    till.send_until_acknowledged(list(customers()))
    senders = [threading.Thread(target=till.run, daemon=True) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()

    kill_in_between(victims, till, randomness)
    for sender in senders:
        sender.join(PATIENCE_SECONDS)

    sys.stdout.write(f"{till.accepted} accepted, {till.duplicates} known before, {till.retries} retries\n")
    assert till.accepted + till.duplicates == EVENTS
    wait_until_computed(victims.demo)
    for number in range(CUSTOMERS):
        customer = victims.demo.ask(OWN_ROWS % number)["data"]["customer"]
        assert sorted(order["netAmount"]["amount"] for order in customer["orders"]["nodes"]) == AMOUNTS
        assert customer["facts"] == {"orders365d": EVENTS // CUSTOMERS, "spend365d": "21.90"}
    verified = run_c360(victims.home, "verify")
    assert verified.returncode == 0, verified.stdout + verified.stderr


def kill_in_between(victims: Victims, till: Till, randomness: random.Random) -> None:
    """Evenly over the batches, in turn, each at some moment of a batch."""
    batches = len(till.waiting)
    kills = (victims.kill_server, victims.kill_worker, victims.kill_postgres)
    for number in range(KILLS):
        while len(till.waiting) > batches * (KILLS - number) // (KILLS + 1):
            time.sleep(0.005)
        time.sleep(randomness.uniform(0, 0.05))
        kills[number % len(kills)]()


def wait_until_computed(demo: DemoProcess) -> None:
    """Every customer's facts know every order."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    for number in range(CUSTOMERS):
        while demo.ask(OWN_ROWS % number)["data"]["customer"]["facts"]["orders365d"] < EVENTS // CUSTOMERS:
            assert time.monotonic() < deadline, "the worker did not catch up"
            time.sleep(0.2)
