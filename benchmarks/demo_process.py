"""A demo in a process of its own, started as a person starts it; scenario tests use it as well."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from benchmarks.processes import family

PROJECT = Path(__file__).parents[1]
START_SECONDS = 180.0
STOP_SECONDS = 60.0
ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+(?=/graphql)")
LAST_LINE = "Ctrl-C stops everything."


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoProcess:
    """`url` has no slash at its end; `ready_seconds`: from the start to the first healthy answer."""

    process: subprocess.Popen[bytes]
    home: Path
    url: str
    ready_seconds: float

    @property
    def socket_url(self) -> str:
        return self.url.replace("http", "ws", 1) + "/graphql"

    def ask(self, query: str, variables: dict[str, Any] | None = None, token: str = "") -> Any:
        """The whole answer, with its errors."""
        return httpx.post(
            f"{self.url}/graphql",
            json={"query": query, "variables": variables or {}},
            headers=bearer(token),
            timeout=30,
        ).json()

    def pids(self, program: str) -> list[int]:
        """The processes of one program that this demo started, itself included."""
        return [one.pid for one in family(self.process.pid) if one.name == program]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Its exit code; minus the signal's number where the signal ended it."""
        self.process.send_signal(number)
        return self.process.wait(STOP_SECONDS)


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"} if token else {}


def surroundings(home: Path, **more: str) -> dict[str, str]:
    """An environment with settings of our own only. Without npm: GraphiQL would come over the network."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("C360_")}
    return {**kept, "PATH": "", "C360_HOME": str(home), "COLUMNS": "300", **more}


def c360(*words: str) -> list[str]:
    return [sys.executable, "-P", "-m", "api.cli", *words]


def start_demo(home: Path, *options: str, **more: str) -> DemoProcess:
    """Returns when it answers; `more` are variables of its environment. Raises RuntimeError with its last words."""
    home.mkdir(parents=True, exist_ok=True)
    output = home / "demo.log"
    started = time.perf_counter()
    with output.open("wb") as log:
        process = subprocess.Popen(
            c360("demo", *options),
            cwd=PROJECT,
            env=surroundings(home, **more),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        url = _wait_until_ready(process, output)
    except RuntimeError:
        process.kill()
        raise
    return DemoProcess(process=process, home=home, url=url, ready_seconds=time.perf_counter() - started)


@contextmanager
def running_demo(home: Path, *options: str, **more: str) -> Iterator[DemoProcess]:
    demo = start_demo(home, *options, **more)
    try:
        yield demo
    finally:
        with suppress(ProcessLookupError):
            demo.stop()


def _wait_until_ready(process: subprocess.Popen[bytes], output: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        said = output.read_text(errors="replace")
        found = ADDRESS.search(said)
        if LAST_LINE in said and found and _answers(found[0]):
            return found[0]
        time.sleep(0.05)
    raise RuntimeError(f"The demo did not start: {output.read_text(errors='replace')[-2_000:]}")


def _answers(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=1).is_success
    except httpx.TransportError:  # it is bound but does not listen yet
        return False
