"""Scopes of canaries that cannot be: each mistake is named, and nothing is changed."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from own_policy import ACTIVATE, changed
from policy_canary import BUSINESS, WHOLE, asked, begun
from policy_life import act, activated, codes, drafted, five_policies, looked_at
from retailer import Retailer

LENIENT = changed(("tiers", 1, "threshold"), "100")


@pytest_asyncio.fixture
async def shop(retailer: Retailer) -> AsyncIterator[Retailer]:
    async with five_policies(retailer) as found:
        await activated(found)
        yield found


@pytest.mark.parametrize(
    ("words", "scope", "field", "code"),
    [
        ("nothing said", {}, ["scope"], "REQUIRED"),
        ("no share", {"share": None}, ["scope"], "REQUIRED"),
        ("an empty filter", {"where": {}}, ["scope", "where"], "REQUIRED"),
        ("nobody", {"where": {"city": ["Atlantis"]}}, ["scope", "where"], "UNSATISFIABLE"),
        ("a share without anybody", {"share": "0.0001", "where": BUSINESS}, ["scope", "share"], "UNSATISFIABLE"),
        ("no part of a group", {"share": "0", "where": BUSINESS}, ["scope", "share"], "OUT_OF_RANGE"),
        ("more than a group", {"share": "1.5", "where": BUSINESS}, ["scope", "share"], "OUT_OF_RANGE"),
        ("unknown label", {"where": {"any": [BUSINESS, {"label": {"code": "rich"}}]}},
         ["scope", "where", "any", "1", "label", "code"], "UNKNOWN_LABEL"),
        ("unknown policy", {"where": {"not": {"tier": {"policy": "grade"}}}},
         ["scope", "where", "not", "tier", "policy"], "UNKNOWN_POLICY"),
        ("unknown tier", {"where": {"tier": {"policy": "kuailv_grade", "in": ["GOLD", "TIN"]}}},
         ["scope", "where", "tier", "in"], "UNKNOWN_TIER"),
        ("unreadable", {"where": {"city": ["a\0b"]}}, ["scope", "where"], "INVALID"),
    ],
)  # fmt: skip
async def test_a_scope_that_cannot_be_is_named_and_changes_nothing(
    shop: Retailer, words: str, scope: dict[str, Any], field: list[str], code: str
) -> None:
    version = await drafted(shop, LENIENT)
    seen = (await looked_at(shop, version))["hash"]
    before = await shop.stores.pool.fetchrow(WHOLE)

    acted = await act(shop, ACTIVATE, version=version, previewHash=seen, scope=scope)

    assert codes(acted) == [(field, code)], words
    assert await shop.stores.pool.fetchrow(WHOLE) == before


async def test_an_unknown_fact_is_no_member_of_the_filter(shop: Retailer) -> None:
    version = await drafted(shop, LENIENT)
    scope = {"where": {"facts": {"spendEver": {"gte": 1}}}}
    before = await shop.stores.pool.fetchrow(WHOLE)

    answer = await shop.ask(
        ACTIVATE, variables={"input": {"version": version, "previewHash": "", "scope": scope}}
    )

    assert answer["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"
    assert "spendEver" in answer["errors"][0]["message"]
    assert await shop.stores.pool.fetchrow(WHOLE) == before


@pytest.mark.parametrize(
    ("running", "wanted", "field", "code"),
    [
        (("0.5", BUSINESS), ("0.6", {"kind": "HOUSEHOLD"}), ["scope", "where"], "WRONG_STATE"),
        (("0.5", None), ("0.6", BUSINESS), ["scope", "where"], "WRONG_STATE"),
        (("0.5", BUSINESS), ("0.4", BUSINESS), ["scope", "share"], "OUT_OF_RANGE"),
        (("0.5", BUSINESS), ("0.4", None), ["scope", "share"], "OUT_OF_RANGE"),
        ((None, BUSINESS), ("0.9", None), ["scope", "share"], "OUT_OF_RANGE"),
    ],
)
async def test_nobody_is_taken_out_of_a_canary_that_runs(
    shop: Retailer, running: Any, wanted: Any, field: list[str], code: str
) -> None:
    version = await begun(shop, running[0], LENIENT, where=running[1])
    before = await shop.stores.pool.fetchrow(WHOLE)

    acted = await asked(shop, version, wanted[0], where=wanted[1])

    assert codes(acted) == [(field, code)]
    assert await shop.stores.pool.fetchrow(WHOLE) == before
