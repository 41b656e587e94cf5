"""Servers under test: started as processes of their own, stopped in their tracks while it is not their turn."""

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.cpu import Reading, cpu_of_family, spent_ns
from benchmarks.http_load import HttpFault, Target, Turn, ask_once, connect, drive
from benchmarks.operations import Dialect
from domain.errors import SetupError

PROJECT = Path(__file__).parents[1]
START_SECONDS = 60.0
STOP_SECONDS = 20.0
QUIET_SECONDS = 120.0
QUIET_NS_A_SECOND = 50_000_000
PYTHON = (sys.executable,)


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """A server to start. It gets its port as PORT, and as `{port}` in its command."""

    name: str
    command: tuple[str, ...]
    folder: Path = PROJECT
    surroundings: Mapping[str, str] = field(default_factory=dict)
    headers: tuple[tuple[str, str], ...] = ()
    dialect: Dialect = Dialect.OURS
    is_floor: bool = False
    speaks_http: bool = True
    most_connections: int = 1_000
    """More would wait longer than the server lets a request take."""


@dataclass(frozen=True, slots=True)
class Running:
    """A peer's process."""

    peer: Peer
    process: "subprocess.Popen[bytes]"
    target: Target

    def pause(self) -> None:
        """It does nothing on its own, and costs nothing, until it is resumed."""
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def cpu(self) -> Reading:
        return cpu_of_family(self.process.pid)

    async def turn(self, bodies: Iterator[bytes], *, connections: int, seconds: float) -> Turn:
        connections = min(connections, self.peer.most_connections)
        if self.peer.speaks_http:
            return await drive(self.target, bodies, connections=connections, seconds=seconds)
        wanted = {"connections": connections, "seconds": seconds}
        answer = await asyncio.to_thread(exchange, self.process, wanted)
        return Turn(answer["latencies"], answer["seconds"])

    async def ask(self, body: bytes) -> bytes:
        """One answer, out of turn."""
        self.resume()
        try:
            return await ask_once(self.target, body)
        finally:
            self.pause()


@contextmanager
def running(peers: list[Peer], logs: Path) -> Iterator[list[Running]]:
    """All of them, ready and paused; ended afterwards. Raises SetupError with the last words of one that fails."""
    with ExitStack() as stack:
        started = []
        for peer in peers:
            one = start(peer, logs / f"{peer.name.replace(' ', '_')}.log")
            stack.callback(end, one)
            wait_until_ready(one, logs / f"{peer.name.replace(' ', '_')}.log")
            one.pause()
            started.append(one)
        yield started


def start(peer: Peer, log: Path) -> Running:
    port = free_port()
    kept = {name: value for name, value in os.environ.items() if not name.startswith("C360_")}
    with log.open("wb") as output:
        process = subprocess.Popen(
            [word.replace("{port}", str(port)) for word in peer.command],
            cwd=peer.folder,
            env={**kept, **peer.surroundings, "PORT": str(port)},
            stdin=subprocess.DEVNULL if peer.speaks_http else subprocess.PIPE,
            stdout=output if peer.speaks_http else subprocess.PIPE,
            stderr=subprocess.STDOUT if peer.speaks_http else output,
        )
    return Running(peer, process, Target(f"http://127.0.0.1:{port}/graphql", peer.headers))


def end(one: Running) -> None:
    with suppress(ProcessLookupError):
        one.resume()
        one.process.terminate()
    try:
        one.process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        one.process.kill()
        one.process.wait()
    for pipe in (one.process.stdin, one.process.stdout):
        if pipe:
            pipe.close()


def wait_until_ready(one: Running, log: Path) -> None:
    """Until it answers, and what it does at its start is done."""
    try:
        if one.peer.speaks_http:
            _wait_until_listening(one)
        else:
            exchange(one.process, None)
    except (TimeoutError, ValueError):
        one.process.kill()
        said = log.read_text(errors="replace")[-2_000:]
        raise SetupError(f"{one.peer.name} did not start: {said}") from None
    wait_until_quiet(one)


def exchange(process: "subprocess.Popen[bytes]", message: dict[str, Any] | None) -> Any:
    """Sends one line, if any, and reads one. Raises ValueError where the process has ended."""
    assert process.stdin is not None
    assert process.stdout is not None
    if message is not None:
        process.stdin.write(json.dumps(message).encode() + b"\n")
        process.stdin.flush()
    return json.loads(process.stdout.readline())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _wait_until_listening(one: Running) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and one.process.poll() is None:
        with suppress(OSError, HttpFault):
            asyncio.run(_greet(one.target))
            return
        time.sleep(0.05)
    raise TimeoutError


async def _greet(target: Target) -> None:
    (await connect(target)).close()


def wait_until_quiet(one: Running) -> None:
    """Our server reads the graph in at its start; measuring begins when that is over."""
    deadline = time.monotonic() + QUIET_SECONDS
    while time.monotonic() < deadline:
        before = one.cpu()
        time.sleep(1)
        if spent_ns(before, one.cpu()) < QUIET_NS_A_SECOND:
            return
