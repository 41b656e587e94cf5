"""Two server processes, each with answers of its own: what one acknowledged the other shows, every time."""

import json
import random
import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from demo_process import INGEST, TINY, order_event, token

from benchmarks.demo_process import PROJECT, c360, running_demo, surroundings

CUSTOMERS = 8
NEWEST = "query Newest($id: ID!) { customer(by: {id: $id}) { orders(first: 1) { nodes { externalId } } } }"
ID_OF = "query IdOf($ref: ExternalRefInput!) { customer(by: {ref: $ref}) { id } }"


@dataclass(frozen=True, slots=True)
class Node:
    """One serving process as a client with a connection of its own sees it."""

    url: str
    token: str
    client: httpx.Client

    def ask(self, query: str, **variables: object) -> dict:
        answer = self.client.post(
            f"{self.url}/graphql",
            content=json.dumps({"query": query, "variables": variables}),
            headers={"authorization": f"Bearer {self.token}", "content-type": "application/json"},
        ).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def newest(self, customer_id: str) -> str:
        orders = self.ask(NEWEST, id=customer_id)["customer"]["orders"]["nodes"]
        return orders[0]["externalId"] if orders else ""

    def figure(self, name: str) -> float:
        text = self.client.get(f"{self.url}/metrics").text
        found = re.search(rf"^c360_{name} (\S+)$", text, re.MULTILINE)
        assert found, name
        return float(found[1])


@contextmanager
def serving(home: Path) -> Iterator[str]:
    """A second server over the stores of a running demo."""
    log = home / "second.log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            c360("serve", "--port", "0"), cwd=PROJECT, env=surroundings(home), stdout=written, stderr=written
        )
    try:
        yield address(process, log)
    finally:
        process.terminate()
        process.wait(60)


def address(process: "subprocess.Popen[bytes]", log: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and process.poll() is None:
        if found := re.search(r'"address": "(http://[^"]+)"', log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise AssertionError(log.read_text())


@contextmanager
def two_nodes(home: Path) -> Iterator[tuple[Node, Node]]:
    with running_demo(home, *TINY) as demo, serving(home) as second:
        secret = token(home, "OPERATOR")
        with httpx.Client(timeout=30) as one, httpx.Client(timeout=30) as other:
            yield Node(demo.url, secret, one), Node(second, secret, other)


@contextmanager
def readers(nodes: tuple[Node, Node], ids: list[str]) -> Iterator[None]:
    """Others read the same all the time, so that reads are under way whenever something changes."""
    stop = threading.Event()

    def read(node: Node) -> None:
        with httpx.Client(timeout=30) as client:
            mine = Node(node.url, node.token, client)
            while not stop.is_set():
                for customer_id in ids:
                    mine.newest(customer_id)
                    time.sleep(0.005)

    threads = [threading.Thread(target=read, args=(node,)) for node in nodes]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stop.set()
        for thread in threads:
            thread.join()


def write(node: Node, customer: str, number: str) -> None:
    event = order_event(customer, number, amount="1.00")
    payload = node.ask(INGEST, input={"source": "demo", "events": [event]})["eventIngest"]
    assert payload["accepted"] == 1, payload


def missed(nodes: tuple[Node, Node], rounds: int) -> list[str]:
    """Orders that a read right after their acknowledgement did not show; each is read twice,
    through the process that took it and through the other one."""
    found: list[str] = []
    chance = random.Random(360)
    names = [f"C{at:07}" for at in range(1, CUSTOMERS + 1)]
    ids = {
        name: nodes[0].ask(ID_OF, ref={"source": "demo", "externalId": name})["customer"]["id"]
        for name in names
    }
    with readers(nodes, [ids[name] for name in names[: CUSTOMERS // 2]]):
        for at in range(rounds):
            writer, reader = chance.sample(nodes, 2)
            name = chance.choice(names)
            reader.newest(ids[name])
            write(writer, name, f"{name}-{at}")
            for node, words in ((reader, "other"), (writer, "own")):
                if (newest := node.newest(ids[name])) != f"order-{name}-{at}":
                    found.append(f"{words} process: {newest} instead of order-{name}-{at}")
    return found


def test_one_reads_ones_own_write_through_the_other_process(tmp_path: Path) -> None:
    with two_nodes(tmp_path) as nodes:
        assert missed(nodes, rounds=200) == []
        for node in nodes:
            assert node.figure("answers_from_memory") > 100, "or this test would show nothing"


@pytest.mark.slow
def test_one_reads_ones_own_write_through_the_other_process_ten_thousand_times(tmp_path: Path) -> None:
    with two_nodes(tmp_path) as nodes:
        assert missed(nodes, rounds=10_000) == []
