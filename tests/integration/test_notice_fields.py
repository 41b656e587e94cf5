"""What the API shows of notices, and to whom."""

import json
from typing import Any

import pytest
import pytest_asyncio
from retailer import Retailer
from retailer_operations import comparison_over

from db.notice_feed import NoticeFeed
from db.told import tell_nobody
from domain.privacy.viewer import Role

TOLD = "SELECT customer_id, event_id FROM notices ORDER BY notice_id LIMIT 1"
OF_CUSTOMER = """query ($id: ID!) { customer(by: {id: $id}) { tierTransitions(first: 100) {
  nodes { id kind notices { %s } } } } }"""
CHANGES = """{ tierTransitions(policy: "kuailv_grade", last: 100) {
  nodes { kind from { code } to { code } notices { channel } } } }"""
FIELDS = "id kind channel status sentAt customer { id }"
STAFF_FIELDS = f"{FIELDS} attempts problem nextAttemptAt"
STAFF = {Role.AGENT, Role.MARKETER, Role.ANALYST, Role.OPERATOR}


@pytest_asyncio.fixture
async def told(retailer: Retailer) -> Retailer:
    """Every change of the primary policy is queued for two channels; the texts are sent, all else waits."""
    pool = retailer.stores.pool
    await pool.execute("TRUNCATE notices; DELETE FROM feed_positions")
    await pool.execute("INSERT INTO feed_positions VALUES ('notices', 0)")
    feed = NoticeFeed(pool, tell_nobody, channels=["SMS", "APP_PUSH"])
    while await feed.queue():
        pass
    await pool.execute("UPDATE notices SET status = 'SENT', settled_at = now() WHERE channel = 'SMS'")
    return retailer


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", [])]


async def notices(told: Retailer, fields: str, role: Role, **more: Any) -> list[dict[str, Any]]:
    """Of the decision that the first notice is about."""
    customer_id, event_id = await told.stores.pool.fetchrow(TOLD)  # type: ignore[misc]
    if role is Role.CUSTOMER:
        more = {"customer_id": customer_id}
    answer = await told.ask(OF_CUSTOMER % fields, role, {"id": f"cus_{customer_id}"}, **more)
    assert "errors" not in answer, answer
    decisions = answer["data"]["customer"]["tierTransitions"]["nodes"]
    (found,) = [decision["notices"] for decision in decisions if decision["id"] == f"ttr_{event_id}"]
    shown: list[dict[str, Any]] = found
    return shown


async def test_a_change_shows_its_notices_by_channel(told: Retailer) -> None:
    push, sms = await notices(told, STAFF_FIELDS, Role.AGENT)

    customer = {"id": f"cus_{(await told.stores.pool.fetchrow(TOLD))['customer_id']}"}  # type: ignore[index]
    assert {name: push[name] for name in ("kind", "channel", "status", "sentAt", "attempts", "problem")} == {
        "kind": "TIER_CHANGED",
        "channel": "APP_PUSH",
        "status": "QUEUED",
        "sentAt": None,
        "attempts": 0,
        "problem": None,
    }
    assert (sms["channel"], sms["status"], sms["nextAttemptAt"]) == ("SMS", "SENT", None)
    assert sms["sentAt"] is not None
    assert push["nextAttemptAt"] is not None
    assert push["customer"] == sms["customer"] == customer
    assert told.fallbacks == []


async def test_every_change_has_its_notices_and_a_first_tier_has_none(told: Retailer) -> None:
    nodes = (await told.ask(CHANGES))["data"]["tierTransitions"]["nodes"]

    changed = [one for one in nodes if one["from"] is not None and one["from"] != one["to"]]
    assert changed
    assert all([n["channel"] for n in one["notices"]] == ["APP_PUSH", "SMS"] for one in changed)
    assert all(one["notices"] == [] for one in nodes if one not in changed)


async def test_a_notice_is_found_by_its_id(told: Retailer) -> None:
    (_, sms) = await notices(told, FIELDS, Role.OPERATOR)

    answer = await told.ask(f'{{ node(id: "{sms["id"]}") {{ ... on Message {{ {FIELDS} }} }} }}')

    assert answer["data"]["node"] == sms


@pytest.mark.parametrize("role", list(Role))
async def test_partners_see_no_notices_and_reasons_are_for_staff(told: Retailer, role: Role) -> None:
    own = {"customer_id": 1} if role is Role.CUSTOMER else {}
    seen = codes(await told.ask(OF_CUSTOMER % "status", role, {"id": "cus_1"}, **own))
    reasons = codes(await told.ask(OF_CUSTOMER % "problem", role, {"id": "cus_1"}, **own))

    assert seen == (["FORBIDDEN"] if role is Role.PARTNER else [])
    assert reasons == ([] if role in STAFF else ["FORBIDDEN"])


async def test_customers_see_what_they_were_told_and_nobody_else_was(told: Retailer) -> None:
    own = await notices(told, FIELDS, Role.CUSTOMER)
    other = await told.ask(
        f'{{ node(id: "{own[0]["id"]}") {{ id }} }}', Role.CUSTOMER, customer_id=own_id(own) + 1
    )

    assert [one["channel"] for one in own] == ["APP_PUSH", "SMS"]
    assert other == {"data": {"node": None}}


def own_id(shown: list[dict[str, Any]]) -> int:
    return int(shown[0]["customer"]["id"].removeprefix("cus_"))


async def test_what_is_stored_to_be_sent_holds_ids_and_tiers_only(told: Retailer) -> None:
    contents = [json.loads(text) for text in await told.column("SELECT DISTINCT content FROM notices")]

    assert {name for content in contents for name in content} == {
        "policy",
        "transition",
        "change",
        "from",
        "to",
        "effectiveAt",
    }


async def test_both_readers_agree_on_notices(told: Retailer) -> None:
    comparison = await comparison_over(told, ["tierTransitions", "node"])

    await comparison.run(25, seed=5)

    assert comparison.disagreements == []
    assert told.fallbacks == []
