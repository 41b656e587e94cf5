"""A retailer that serves, one for each test module that asks for it."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest
from retailer import Retailer, open_retailer

from db.embedded_valkey import start_valkey


@pytest.fixture(scope="module")
async def retailer(
    migrated_database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Retailer]:
    for name in ("customer360.readpath", "strawberry.execution"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    async with open_retailer(migrated_database_url, tmp_path_factory.mktemp("retailer")) as opened:
        yield opened


@pytest.fixture(scope="module")
def own_valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Valkey of the module's own, where nobody else's changes are pushed."""
    server = start_valkey(tmp_path_factory.mktemp("valkey"))
    yield server.url
    server.stop()
