"""Stores for the tests: one PostgreSQL and one Valkey a run, a fresh database a module.

Under xdist the controlling process owns the servers and tells its workers where they are; without it the one
process there is owns them. They end with their owner, even if it is killed, and their folder goes with them.
"""

import asyncio
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import needs
import pytest
from hypothesis import HealthCheck, settings
from run_stores import RunStores

from db import migrations
from db.embedded_postgres import EmbeddedPostgres

MIGRATED = "migrated"
GRAPH_TESTS = "tests/integration/graph_conformance/"
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")  # laws are about results; on a busy machine an example may take any time
stores_key = pytest.StashKey[RunStores]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="Run the tests marked slow as well.")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    needs.skip_what_cannot_run(config, items)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in needs.lines_about_skipped(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(line)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """The tests of a file share its database, and those of the graph one Neo4j, which a person may have named.

    xdist's own groups are not seen by this version of pytest.
    """
    from xdist.scheduler import LoadFileScheduling

    class ByStores(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return GRAPH_TESTS if nodeid.startswith(GRAPH_TESTS) else super()._split_scope(nodeid)

    return ByStores(config, log)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Runs in xdist's controlling process, once a worker."""
    node.workerinput["stores"] = _stores_of(node.config).addresses()


def pytest_unconfigure(config: pytest.Config) -> None:
    if stores := config.stash.get(stores_key, None):
        stores.stop()


def _stores_of(config: pytest.Config) -> RunStores:
    if stores_key not in config.stash:
        config.stash[stores_key] = RunStores()
    return config.stash[stores_key]


@pytest.fixture(scope="session")
def store_addresses(pytestconfig: pytest.Config) -> dict[str, str]:
    """Where the run keeps its `folder`, the sockets of `postgres`, and the URL of `valkey`."""
    given: dict[str, dict[str, str]] = getattr(pytestconfig, "workerinput", {})
    return given.get("stores") or _stores_of(pytestconfig).addresses()


@pytest.fixture(scope="session")
def run_folder(store_addresses: dict[str, str]) -> Path:
    """A folder of this run, in memory where there is some; it goes with the run."""
    return Path(store_addresses["folder"])


@pytest.fixture(scope="session")
def postgres_server(store_addresses: dict[str, str]) -> str:
    """Socket folder of the run's PostgreSQL."""
    return store_addresses["postgres"]


@pytest.fixture(scope="module")
def valkey_url(store_addresses: dict[str, str]) -> str:
    """URL of the Valkey that all workers share: use keys with a prefix of your own."""
    return store_addresses["valkey"]


@pytest.fixture(scope="module")
def database_url(postgres_server: str) -> Iterator[str]:
    """URL of an empty database, one for each test module."""
    yield from _database(postgres_server, template="template1")


@pytest.fixture(scope="session")
def migrated_template(postgres_server: str) -> str:
    """Name of the database that has all tables; the first worker to ask makes it."""
    asyncio.run(_ensure_template(EmbeddedPostgres(Path(postgres_server))))
    return MIGRATED


@pytest.fixture(scope="module")
def migrated_database_url(postgres_server: str, migrated_template: str) -> Iterator[str]:
    """URL of a database with all tables and no rows, one for each test module: a clone of the template."""
    yield from _database(postgres_server, template=migrated_template)


def _database(sockets: str, *, template: str) -> Iterator[str]:
    server, name = EmbeddedPostgres(Path(sockets)), f"test_{uuid.uuid4().hex[:12]}"
    asyncio.run(_execute(server.url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"'))
    yield server.database_url(name)
    asyncio.run(_execute(server.url, f'DROP DATABASE "{name}" WITH (FORCE)'))


async def _execute(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    await connection.execute(statement)
    await connection.close()


async def _ensure_template(server: EmbeddedPostgres) -> None:
    """Under a lock of the server, and under its name only when it is whole."""
    connection = await asyncpg.connect(server.url)
    await connection.execute("SELECT pg_advisory_lock(360)")
    if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", MIGRATED):
        await connection.execute("DROP DATABASE IF EXISTS migrating WITH (FORCE)")
        await connection.execute("CREATE DATABASE migrating")
        await asyncio.to_thread(migrations.upgrade, server.database_url("migrating"))
        await connection.execute(f"ALTER DATABASE migrating RENAME TO {MIGRATED}")
    await connection.close()
