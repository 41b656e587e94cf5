"""`c360 neo4j`: a real Neo4j for this machine, brought from Maven Central; needs Java 17 and Maven, no Docker."""

import signal
import threading

import typer

from api.neo4j_server import can_run_neo4j, start_neo4j
from api.settings import read_settings
from domain.errors import SetupError

PORT = 7687


def run() -> None:
    """Start Neo4j and keep it until Ctrl-C; the first time Maven fetches about 155 MB."""
    if not can_run_neo4j():
        raise SetupError(
            "Neo4j needs Java 17 or newer and Maven: install both (Debian: default-jdk and maven)."
        )
    server = start_neo4j(read_settings().home / "neo4j", port=PORT)
    typer.echo(
        f"Neo4j answers at {server.url}. In another terminal: C360_NEO4J_URL={server.url} ./c360 serve"
    )
    ended = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    try:
        ended.wait()
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
