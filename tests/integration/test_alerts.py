"""Alerts: raised once for kind, subject and period; seen to and resolved by people, with an audit."""

from typing import Any

import pytest
import pytest_asyncio
from retailer import NOW, Retailer
from retailer_operations import comparison_over

from db.alert_writes import FoundAlert, raise_alerts
from db.tier_watch import watch_tiers
from domain.privacy.viewer import Role
from domain.tiers.presets import PRESETS
from domain.watching.alert import AlertKind

LIST = """query ($where: AlertFilter) { alerts(first: 100, where: $where) { nodes {
  id kind severity status words policy { code } tier { code } customer { id } observed expected period
  acknowledgedBy resolvedBy note } } }"""
ACKNOWLEDGE = """mutation ($input: AlertAcknowledgeInput!) { acted: alertAcknowledge(input: $input) {
  changed alert { status acknowledgedBy acknowledgedAt } userErrors { field code message } } }"""
RESOLVE = """mutation ($input: AlertResolveInput!) { acted: alertResolve(input: $input) {
  changed alert { status resolvedBy note } userErrors { field code } } }"""
WHOLE = "SELECT (SELECT json_agg(alerts) FROM alerts)::text, (SELECT count(*) FROM audit_log)"


@pytest_asyncio.fixture
async def watched(retailer: Retailer) -> Retailer:
    """The retailer after tonight's look, with nothing seen to."""
    await retailer.stores.pool.execute("TRUNCATE alerts; DELETE FROM dirty_customers")
    await retailer.stores.pool.execute("DELETE FROM job_runs WHERE job = 'tier_watch'")
    assert await watch_tiers(retailer.stores.pool, NOW)
    return retailer


async def alerts(retailer: Retailer, **where: Any) -> list[dict[str, Any]]:
    answer = await retailer.ask(LIST, Role.ANALYST, {"where": where})
    assert "errors" not in answer, answer
    assert retailer.fallbacks == []
    found: list[dict[str, Any]] = answer["data"]["alerts"]["nodes"]
    return found


async def act(retailer: Retailer, text: str, **given: Any) -> dict[str, Any]:
    answer = await retailer.ask(text, Role.AGENT, {"input": given})
    assert "errors" not in answer, answer
    found: dict[str, Any] = answer["data"]["acted"]
    return found


async def test_the_night_raises_what_the_distribution_shows(watched: Retailer) -> None:
    text = '{ tierDistribution(policy: "xiaoxiang_layer") { tiers { tier { code name } share gap } } }'
    tiers = (await watched.ask(text))["data"]["tierDistribution"]["tiers"]
    wrong = {one["tier"]["code"]: one["share"] for one in tiers if abs(float(one["gap"])) > 5}

    found = [one for one in await alerts(watched) if one["policy"]["code"] == "xiaoxiang_layer"]

    gaps = {one["tier"]["code"]: one["observed"] for one in found if one["kind"] == "TIER_SHARE_GAP"}
    assert wrong
    assert gaps == wrong
    assert {(one["severity"], one["status"], one["period"], one["customer"]) for one in found} == {
        ("WARNING", "OPEN", "2026-06", None)
    }
    names = {one["tier"]["code"]: one["tier"]["name"] for one in tiers}
    assert all(names[one["tier"]["code"]] in one["words"] for one in found if one["tier"])


async def test_a_day_is_watched_once_and_a_month_says_the_same_once(watched: Retailer) -> None:
    before = await alerts(watched)

    assert await watch_tiers(watched.stores.pool, NOW) is None
    await watched.stores.pool.execute("UPDATE job_runs SET period = 'another day' WHERE job = 'tier_watch'")
    assert await watch_tiers(watched.stores.pool, NOW) == len(before)
    await watched.stores.pool.execute("DELETE FROM job_runs WHERE period = 'another day'")

    assert await alerts(watched) == before


async def test_nothing_is_watched_while_the_night_is_at_work(watched: Retailer) -> None:
    pool = watched.stores.pool
    await pool.execute("TRUNCATE alerts; DELETE FROM job_runs WHERE job = 'tier_watch'")
    await pool.execute(
        "INSERT INTO dirty_customers (customer_id, reason, urgency) SELECT min(customer_id), 'NIGHT', 2 FROM customers"
    )

    assert await watch_tiers(pool, NOW) is None
    assert await alerts(watched) == []
    await pool.execute("DELETE FROM dirty_customers")
    assert await watch_tiers(pool, NOW)


async def test_an_alert_is_seen_to_and_resolved_with_an_audit(watched: Retailer) -> None:
    one = (await alerts(watched))[0]["id"]

    first = await act(watched, ACKNOWLEDGE, id=one)
    again = await act(watched, ACKNOWLEDGE, id=one)
    solved = await act(watched, RESOLVE, id=one, note="  called them ")
    closed = await act(watched, RESOLVE, id=one, note="other words")

    assert (first["changed"], first["alert"]["status"], first["alert"]["acknowledgedBy"]) == (
        True,
        "ACKNOWLEDGED",
        "somebody",
    )
    assert (again["changed"], again["alert"]) == (False, first["alert"])
    assert (solved["changed"], solved["alert"]) == (
        True,
        {"status": "RESOLVED", "resolvedBy": "somebody", "note": "called them"},
    )
    assert (closed["changed"], closed["alert"]) == (False, solved["alert"])
    audit = "SELECT action FROM audit_log WHERE object_kind = 'ALERT' AND object_id = $1 ORDER BY audit_id"
    assert await watched.column(audit, one) == ["ALERT_ACKNOWLEDGED", "ALERT_RESOLVED"]
    assert one not in {alert["id"] for alert in await alerts(watched, status=["OPEN"])}


@pytest.mark.parametrize(
    ("text", "given", "expected"),
    [
        (ACKNOWLEDGE, {"id": "alt_999999"}, (["id"], "NOT_FOUND")),
        (ACKNOWLEDGE, {"id": "cus_1"}, (["id"], "NOT_FOUND")),
        (RESOLVE, {"id": "alt_1", "note": " "}, (["note"], "REQUIRED")),
        (RESOLVE, {"id": "alt_1", "note": "x" * 501}, (["note"], "TOO_LONG")),
    ],
)
async def test_a_mistake_is_said_as_data_and_changes_nothing(
    watched: Retailer, text: str, given: dict[str, Any], expected: tuple[list[str], str]
) -> None:
    before = await watched.stores.pool.fetchrow(WHOLE)

    acted = await act(watched, text, **given)

    assert [(error["field"], error["code"]) for error in acted["userErrors"]] == [expected]
    assert (acted["changed"], acted["alert"]) == (False, None)
    assert await watched.stores.pool.fetchrow(WHOLE) == before


async def test_what_is_resolved_is_not_seen_to(watched: Retailer) -> None:
    one = (await alerts(watched))[0]["id"]
    await act(watched, RESOLVE, id=one, note="done")

    acted = await act(watched, ACKNOWLEDGE, id=one)

    assert [error["code"] for error in acted["userErrors"]] == ["WRONG_STATE"]


async def test_lists_are_chosen_by_every_member_of_the_filter(watched: Retailer) -> None:
    key = await watched.value("SELECT min(customer_id) FROM customers")
    risk = FoundAlert(
        kind=AlertKind.TOP_TIER_CHURN_RISK,
        subject="a customer",
        period="2026-05-01",
        policy_id=0,
        version_id=1,
        rank=5,
        customer_id=key,
    )
    async with watched.stores.pool.acquire() as connection, connection.transaction():
        await raise_alerts(connection, [risk], as_of=NOW, raised_at=NOW)

    (found,) = await alerts(watched, customer=f"cus_{key}")

    assert (found["kind"], found["customer"]["id"], found["observed"]) == (
        "TOP_TIER_CHURN_RISK",
        f"cus_{key}",
        None,
    )
    assert await alerts(watched, severity=["CRITICAL"]) == [found]
    assert await alerts(watched, kinds=["TOP_TIER_CHURN_RISK"], status=["OPEN"]) == [found]
    assert await alerts(watched, kinds=["DORMANT_SHARE"], severity=["CRITICAL"]) == []
    assert (await alerts(watched))[0] == found


async def test_rules_say_what_each_policy_in_force_raises(watched: Retailer) -> None:
    text = "{ alertRules { policy { code } kind words threshold unit active } }"

    rules = (await watched.ask(text, Role.ANALYST))["data"]["alertRules"]

    assert [rule["policy"]["code"] for rule in rules[::6]] == [preset.code for preset in PRESETS]
    assert [rule["kind"] for rule in rules] == [kind.value for kind in AlertKind] * 5
    assert rules[3] == {
        "policy": {"code": "kuailv_grade"},
        "kind": "TOP_TIER_CHURN_RISK",
        "words": "铂金及以上客户 25 天未下单",
        "threshold": "25",
        "unit": "days",
        "active": True,
    }
    active = {(rule["policy"]["code"], rule["kind"]) for rule in rules if rule["active"]}
    raised = await watched.stores.pool.fetch(
        "SELECT code, kind FROM alerts JOIN tier_policies USING (policy_id)"
    )
    assert {tuple(row) for row in raised} <= active
    assert watched.fallbacks == []


async def test_both_readers_agree_on_alerts(watched: Retailer) -> None:
    comparison = await comparison_over(watched, ["alerts", "alertRules"])

    await comparison.run(15, seed=1)

    assert comparison.disagreements == []
    assert watched.fallbacks == []
