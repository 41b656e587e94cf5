"""A demo that is ended in any way starts again with everything in it; several live side by side."""

import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from demo_process import TINY, customers_below_gold, ingest, order_event, token

from benchmarks.demo_process import PROJECT, DemoProcess, c360, running_demo, start_demo, surroundings

ORDERS = "query Orders($id: ID!) { customer(by: {id: $id}) { orders(first: 1) { totalCount { value } } } }"


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of a demo that was filled and ended."""
    home = tmp_path_factory.mktemp("life")
    with running_demo(home, *TINY):
        return home


def orders_of(demo: DemoProcess, identity: str) -> int:
    answer = demo.ask(ORDERS, {"id": identity})
    return int(answer["data"]["customer"]["orders"]["totalCount"]["value"])


@pytest.mark.parametrize(
    "number",
    [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow), signal.SIGKILL],
    ids=lambda one: one.name,
)
def test_a_demo_ended_in_any_way_starts_again_with_all_it_had(filled: Path, number: signal.Signals) -> None:
    demo = start_demo(filled, *TINY)
    name, identity = next(iter(customers_below_gold(demo, 1).items()))
    before = orders_of(demo, identity)
    ingest(demo, order_event(name, f"life-{number.name}"))
    ended = demo.stop(number)

    with running_demo(filled, *TINY) as again:
        sys.stdout.write(f"after {number.name}: ready again in {again.ready_seconds:.1f} s\n")
        assert orders_of(again, identity) == before + 1
        assert httpx.get(f"{again.url}/readyz").json()["status"] == "ready"
    assert ended == (-number if number is signal.SIGKILL else 0)


@pytest.mark.slow
def test_two_demos_live_side_by_side_and_the_second_takes_the_next_port(filled: Path, tmp_path: Path) -> None:
    shutil.copytree(filled / "data", tmp_path / "data")  # saves inventing the same retailer again
    with running_demo(filled, *TINY) as first:
        port = first.url.rpartition(":")[2]
        with running_demo(tmp_path, "--port", port, "--profile", "tiny") as second:
            name, identity = next(iter(customers_below_gold(second, 1).items()))
            before = orders_of(first, identity), orders_of(second, identity)
            ingest(second, order_event(name, "side-by-side"))

            assert (orders_of(first, identity), orders_of(second, identity)) == (before[0], before[1] + 1)
    said = (tmp_path / "demo.log").read_text()
    assert second.url != first.url
    assert f"Port {port} is taken; this demo takes the next free one." in said


@pytest.fixture
def server_beside(filled: Path) -> Iterator[str]:
    """Address of `c360 serve` over the stores of a running demo, which owns the graph."""
    with running_demo(filled, *TINY):
        log = filled / "serve.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                c360("serve", "--port", "0"),
                cwd=PROJECT,
                env=surroundings(filled),
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        yield address_in(log)
        process.terminate()
        assert process.wait(30) == 0


def address_in(log: Path) -> str:
    """What the server says when it listens, once it answers there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        found = re.search(r'"address": "(http[^"]+)"', log.read_text())
        if found and answers(found[1]):
            return found[1]
        time.sleep(0.1)
    raise AssertionError(log.read_text())


def answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz").is_success
    except httpx.TransportError:
        return False


def test_a_server_that_does_not_own_the_graph_answers_everything_else(
    server_beside: str, filled: Path
) -> None:
    query = """{ customer(by: {id: "cus_1"}) {
        id tier { tier { code } } relationships(first: 5) { nodes { kind } }
        recommendations(first: 5) { product { name } } } }"""
    headers = {"authorization": f"Bearer {token(filled, 'OPERATOR')}"}
    with httpx.Client(base_url=server_beside, headers=headers, timeout=30) as client:
        client.post("/graphql", json={"query": "{ shop { name } }"})

        answer = client.post("/graphql", json={"query": query})
        ready = client.get("/readyz")

    customer = answer.json()["data"]["customer"]
    assert customer["id"] == "cus_1"
    assert customer["tier"]["tier"]["code"]
    assert (customer["relationships"], customer["recommendations"]) == (None, None)
    found = {
        (error["path"][-1], error["extensions"]["code"], error["extensions"]["store"])
        for error in answer.json()["errors"]
    }
    assert found == {
        ("relationships", "STORE_UNAVAILABLE", "graph"),
        ("recommendations", "STORE_UNAVAILABLE", "graph"),
    }
    stores = {store["name"]: store["status"] for store in ready.json()["stores"]}
    assert (ready.status_code, ready.json()["status"]) == (200, "degraded")
    assert stores == {"postgres": "up", "cache": "up", "graph": "down"}
    sys.stdout.write(f"answered without the graph in {answer.elapsed.total_seconds() * 1000:.0f} ms\n")
