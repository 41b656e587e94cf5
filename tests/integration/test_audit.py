from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from retailer import Retailer, open_retailer

from api.engine_port import GraphQLRequest
from domain.privacy.viewer import Purpose, Role, Viewer

NAMES = '{ customer(by: {id: "cus_7"}) { profile { name phone } } }'


@pytest.fixture(scope="module")
async def retailer(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Retailer]:
    folder: Path = tmp_path_factory.mktemp("audit")
    async with open_retailer(database_url, folder, customers=30) as opened:
        yield opened


async def ask(retailer: Retailer, viewer: Viewer, query: str = NAMES) -> None:
    await retailer.stores.pool.execute("TRUNCATE audit_log")
    answer = await retailer.api.execute(GraphQLRequest(query=query), viewer)
    assert b'"errors"' not in answer.body


async def test_an_unmasked_read_is_written_down_with_its_purpose(retailer: Retailer) -> None:
    await ask(retailer, Viewer("li.na", Role.AGENT, Purpose.CUSTOMER_SERVICE))

    rows = await retailer.stores.pool.fetch(
        "SELECT customer_id, actor, role, purpose, action, object_kind, fields FROM audit_log"
    )
    expected = (7, "li.na", "AGENT", "CUSTOMER_SERVICE", "READ", "PROFILE", ["name", "phone"])
    assert [tuple(row) for row in rows] == [expected]


async def test_the_audit_holds_no_personal_value(retailer: Retailer) -> None:
    await ask(retailer, Viewer("li.na", Role.AGENT, Purpose.CUSTOMER_SERVICE))

    written = await retailer.value("SELECT string_agg(audit_log::text, ' ') FROM audit_log")
    sealed = await retailer.stores.pool.fetchrow(
        "SELECT data_key, name, phone FROM customers WHERE customer_id = 7"
    )
    cipher = retailer.stores.cipher
    assert cipher.open(sealed["data_key"], sealed["name"], field="name") not in written
    assert cipher.open(sealed["data_key"], sealed["phone"], field="phone") not in written


async def test_a_list_writes_one_row_a_customer(retailer: Retailer) -> None:
    everybody = "{ customers(first: 5) { nodes { profile { name } } } }"
    await ask(retailer, Viewer("li.na", Role.AGENT, Purpose.CUSTOMER_SERVICE), everybody)

    assert await retailer.value("SELECT count(*) FROM audit_log") == 5
    assert await retailer.value("SELECT count(DISTINCT customer_id) FROM audit_log") == 5


@pytest.mark.parametrize(
    ("words", "viewer"),
    [
        ("an agent without a purpose sees masks", Viewer("li.na", Role.AGENT)),
        ("an operator sees masks", Viewer("ops", Role.OPERATOR, Purpose.ANALYTICS)),
        ("customers see their own values", Viewer("c", Role.CUSTOMER, customer_id=7)),
    ],
)
async def test_a_masked_or_own_read_leaves_no_row(retailer: Retailer, words: str, viewer: Viewer) -> None:
    await ask(retailer, viewer)

    assert await retailer.value("SELECT count(*) FROM audit_log") == 0, words
