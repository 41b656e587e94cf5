"""Canaries: a version on a stable share of customers, widened, promoted or ended, and the rest as it was."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from own_policy import ACTIVATE, END_CANARY, RETIRE, ROLL_BACK, RULE, changed
from policy_canary import asked, begun, ids, taken, tiers
from policy_life import act, activated, codes, drafted, five_policies, looked_at, work
from retailer import NOW, SOURCE, Retailer

from api.recompute import compare, rebuild_facts, review_store
from api.settings import Settings
from db.business_days import PostgresBusinessDays
from db.policy_canaries import bucket_sql
from domain.privacy.viewer import Role
from domain.standings.open_business_day import open_business_day
from domain.standings.review_customers import review_customers
from domain.tiers.canary import bucket

LENIENT = changed(("tiers", 1, "threshold"), "100")
RENAMED = changed(("tiers", 0, "code"), "VISITOR") | {"neverOrderedTier": "VISITOR"}
INGEST = """mutation M($input: EventIngestInput!) { acted: eventIngest(input: $input) { accepted } }"""
GRADED_BY = "SELECT customer_id, (versions >> 56) & 255 FROM customer_standings ORDER BY 1"
DECIDED = """
SELECT customer_id, kind, reason FROM tier_transitions WHERE policy_id = 7 AND version_id = $1 ORDER BY transition_id
"""
STATUSES = "SELECT array_agg(status ORDER BY number) FROM tier_policy_versions WHERE policy_id = 7"
CANARY = "SELECT share::text, outcome, reason FROM tier_policy_canaries"
WHOLE = """
SELECT (SELECT array_agg(status ORDER BY version_id) FROM tier_policy_versions), (SELECT count(*) FROM dirty_customers),
       (SELECT max(event_id) FROM outbox), (SELECT count(*) FROM audit_log),
       (SELECT array_agg(share) FROM tier_policy_canaries)
"""
AUDIT = """
SELECT action, object_id FROM audit_log WHERE object_kind = 'TIER_POLICY' ORDER BY audit_id DESC LIMIT 1
"""
COMPUTED = "SELECT customer_id, tiers, raw_tiers, versions, tiers_due_on, label_bits, review_on \
FROM customer_standings ORDER BY 1"


@pytest_asyncio.fixture
async def shop(retailer: Retailer) -> AsyncIterator[Retailer]:
    async with five_policies(retailer) as found:
        yield found


async def graded_by(shop: Retailer, number: int) -> set[int]:
    return {row[0] for row in await shop.stores.pool.fetch(GRADED_BY) if row[1] == number}


async def faults(shop: Retailer) -> dict[str, int]:
    found = (await compare(shop.stores)).faults()
    return {name: count for name, count in found.items() if count}


@pytest.mark.parametrize("policy_id", range(8))
async def test_the_database_hashes_as_the_domain_does(retailer: Retailer, policy_id: int) -> None:
    given = [1, 2, 300, 2**31 - 2, 2**31 - 1, 2**31, 2**40 + 7, 2**63 - 1]
    query = f"SELECT {bucket_sql(policy_id)} FROM unnest($1::bigint[]) AS customers (customer_id)"

    assert await retailer.column(query, given) == [bucket(one, policy_id) for one in given]
    assert bucket(np.array(given, np.int64), policy_id).tolist() == [bucket(one, policy_id) for one in given]


async def test_a_canary_grades_its_share_and_nobody_else(shop: Retailer) -> None:
    await activated(shop)
    before, everybody = await tiers(shop), await ids(shop)
    in_it = taken(everybody, 1_000)

    version = await drafted(shop, LENIENT)
    preview = await looked_at(shop, version)
    acted = await act(shop, ACTIVATE, version=version, previewHash=preview["hash"], scope={"share": "0.1"})
    waiting = await shop.column("SELECT customer_id FROM dirty_customers WHERE reason = 'POLICY_CHANGE'")
    await work(shop)

    shown = acted["tierPolicyVersion"]
    assert (acted["userErrors"], shown["status"], shown["scope"]) == ([], "CANARY", {"share": "0.1"})
    assert set(waiting) == in_it
    assert await shop.value(STATUSES) == ["ACTIVE", "CANARY"]
    assert (await graded_by(shop, 2), await graded_by(shop, 1)) == (in_it, set(everybody) - in_it)
    after = await tiers(shop)
    moved = {one for one in everybody if before[one] != after[one]}
    decided = await shop.stores.pool.fetch(DECIDED, int(version[4:]))
    assert moved
    assert moved <= in_it
    assert {row[0] for row in decided} == moved
    assert {(row[1], row[2]) for row in decided} == {("UPGRADED", "POLICY_CHANGE")}
    assert tuple(await shop.stores.pool.fetchrow(AUDIT)) == ("CANARY_BEGUN", "own 2")  # type: ignore[arg-type]
    assert await faults(shop) == {}


async def test_a_standing_says_which_version_grades_the_customer(shop: Retailer) -> None:
    """Also where the canary decided nothing: the thresholds that are shown are its own."""
    await activated(shop)
    await begun(shop, "0.5", changed(("tiers", 2, "threshold"), "1000000"))
    guests = {one for one, tier in (await tiers(shop)).items() if tier == "FRIEND"}
    in_it = taken(await ids(shop), 5_000)
    text = (
        'query ($id: ID!) { customer(by: {id: $id}) { tier(policy: "own") { policyVersion { number status scope { \
share } } progress { nextTier { threshold } gaps { metric required } } } } }'
    )
    found = {}

    for name, members in (("in", guests & in_it), ("out", guests - in_it)):
        answer = await shop.ask(text, variables={"id": f"cus_{min(members)}"})
        found[name] = answer["data"]["customer"]["tier"]

    own = text.replace("status scope { share }", "")
    member = min(guests & in_it)
    mine = await shop.ask(own, Role.CUSTOMER, {"id": f"cus_{member}"}, customer_id=member)
    assert mine["data"]["customer"]["tier"] == found["in"] | {"policyVersion": {"number": 2}}
    assert found["in"]["policyVersion"] == {"number": 2, "status": "CANARY", "scope": {"share": "0.5"}}
    assert found["out"]["policyVersion"] == {"number": 1, "status": "ACTIVE", "scope": None}
    assert found["in"]["progress"]["gaps"][0]["required"] == "1000000.000000"
    assert found["out"]["progress"]["gaps"][0]["required"] == "1000.000000"


async def test_a_wider_share_keeps_whoever_is_in_it(shop: Retailer) -> None:
    await activated(shop)
    version = await begun(shop, "0.1", LENIENT)
    everybody = await ids(shop)

    acted = await asked(shop, version, "0.3")
    waiting = await shop.column("SELECT customer_id FROM dirty_customers")
    await work(shop)

    assert acted["tierPolicyVersion"]["scope"] == {"share": "0.3"}
    assert set(waiting) == taken(everybody, 3_000) - taken(everybody, 1_000)
    assert await graded_by(shop, 2) == taken(everybody, 3_000)
    assert await faults(shop) == {}


async def test_an_ended_canary_leaves_everybody_as_without_it(shop: Retailer) -> None:
    await activated(shop)
    before = await shop.stores.pool.fetch(COMPUTED)
    version = await begun(shop, "0.5", LENIENT)
    during = await shop.stores.pool.fetch(COMPUTED)
    held = await tiers(shop)

    unsaid = await act(shop, END_CANARY, policy="own", reason=" ")
    acted = await act(shop, END_CANARY, policy="own", reason="too many friends")
    await work(shop)
    back = await shop.stores.pool.fetch(DECIDED, int(version[4:]) - 1)
    again = await act(shop, END_CANARY, policy="own", reason="twice")

    assert codes(unsaid) == [(["reason"], "REQUIRED")]
    assert (acted["userErrors"], acted["tierPolicyVersion"]) == (
        [],
        {"number": 2, "status": "RETIRED", "scope": None},
    )
    assert before != during
    assert await shop.stores.pool.fetch(COMPUTED) == before
    assert {row[0] for row in back if row[1] == "DOWNGRADED" and row[2] == "POLICY_CHANGE"} == {
        row[0] for row in await shop.stores.pool.fetch(DECIDED, int(version[4:]))
    }
    assert held != await tiers(shop)
    assert tuple(await shop.stores.pool.fetchrow(CANARY)) == ("0.5", "ENDED", "too many friends")  # type: ignore[arg-type]
    assert codes(again) == [(["policy"], "WRONG_STATE")]
    assert await faults(shop) == {}


async def test_a_promoted_canary_grades_everybody(shop: Retailer) -> None:
    await activated(shop)
    version = await begun(shop, "0.1", LENIENT)

    acted = await asked(shop, version, None)
    await work(shop)
    back = await act(shop, ROLL_BACK, policy="own", reason="after all")

    assert (acted["tierPolicyVersion"]["status"], acted["tierPolicyVersion"]["scope"]) == ("ACTIVE", None)
    assert await shop.value("SELECT outcome FROM tier_policy_canaries") == "PROMOTED"
    assert len(await graded_by(shop, 2)) == 300
    assert back["tierPolicyVersion"] == {"number": 1, "status": "ACTIVE"}
    await work(shop)
    assert await faults(shop) == {}


async def test_what_an_ended_canary_tried_was_never_in_force(shop: Retailer) -> None:
    """Rolling back finds no version before the first one; a retired policy is left on the ladder in force."""
    await activated(shop)
    await begun(shop, "0.2", RENAMED)
    await act(shop, END_CANARY, policy="own", reason="enough")

    back = await act(shop, ROLL_BACK, policy="own", reason="why not")
    await act(shop, RETIRE, policy="own")
    await work(shop)

    assert codes(back) == [(["policy"], "WRONG_STATE")]
    left = await shop.column(
        "SELECT DISTINCT version_id FROM tier_transitions WHERE policy_id = 7 AND kind = 'LEFT'"
    )
    first = await shop.value("SELECT version_id FROM tier_policy_versions WHERE policy_id = 7 AND number = 1")
    assert left == [first]


async def test_a_rebuild_equals_what_the_worker_kept_up(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", RENAMED)
    kept, held = await shop.stores.pool.fetch(COMPUTED), await tiers(shop)

    await rebuild_facts(Settings(clock=NOW), shop.stores)

    assert await shop.stores.pool.fetch(COMPUTED) == kept
    assert await tiers(shop) == held
    assert "VISITOR" in held.values()
    assert "GUEST" in held.values()


async def test_after_a_night_nothing_is_missing_in_either_arm(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.3", changed(("tiers", 1, "threshold"), "100"))

    for nights in (1, 2, 40):
        await open_business_day(PostgresBusinessDays(shop.stores.pool), NOW + timedelta(days=nights))
        await work(shop)
        assert await faults(shop) == {}, nights


async def test_a_ranking_places_its_canary_among_everybody(shop: Retailer) -> None:
    """The top tenth of all, and of those whom the canary has."""
    await activated(shop)
    quantity = {"code": "spend", "words": "消费", "fact": "spend365d"}
    places = [{"code": "REST", "name": "其余"}, {"code": "TOP", "name": "前列", "threshold": "0.1"}]
    rule = {"measure": {"rank": [quantity]}, "tiers": places, "timing": RULE["timing"]}
    top = set(
        await shop.column(
            "SELECT customer_id FROM customer_facts WHERE last_order_at IS NOT NULL ORDER BY spend_365d DESC, "
            "last_order_at DESC, customer_id LIMIT (SELECT count(*) / 10 FROM customer_facts "
            "WHERE last_order_at IS NOT NULL)"
        )
    )

    await begun(shop, "0.4", rule)
    held = await tiers(shop)

    in_it = taken(await ids(shop), 4_000)
    assert {one for one, tier in held.items() if tier == "TOP"} == top & in_it
    await open_business_day(PostgresBusinessDays(shop.stores.pool), NOW + timedelta(days=1))
    await work(shop)
    assert await faults(shop) == {}


async def test_one_canary_at_a_time(shop: Retailer) -> None:
    await activated(shop)
    await begun(shop, "0.1", LENIENT, worked=False)
    other = await drafted(shop, changed(("tiers", 1, "threshold"), "200"))
    seen = (await looked_at(shop, other))["hash"]
    before = await shop.stores.pool.fetchrow(WHOLE)
    later = "2026-06-03T00:00:00+08:00"

    for given in ({"scope": {"share": "0.1"}}, {}, {"effectiveFrom": later}):
        acted = await act(shop, ACTIVATE, version=other, previewHash=seen, **given)
        assert codes(acted) == [(["version"], "WRONG_STATE")], given
    for text, more in ((ROLL_BACK, {"reason": "no"}), (RETIRE, {})):
        assert codes(await act(shop, text, policy="own", **more)) == [(["policy"], "WRONG_STATE")]
    assert await shop.stores.pool.fetchrow(WHOLE) == before


async def test_of_two_that_begin_at_once_one_wins(shop: Retailer) -> None:
    await activated(shop)
    versions = [await drafted(shop, LENIENT), await drafted(shop, LENIENT)]

    both = await asyncio.gather(*(asked(shop, version, "0.1") for version in versions))

    assert sorted(len(one["userErrors"]) for one in both) == [0, 1]
    assert (await shop.value(STATUSES)).count("CANARY") == 1
    assert await shop.value("SELECT count(*) FROM tier_policy_canaries") == 1


@pytest.mark.parametrize(
    ("words", "given", "field", "code"),
    [
        ("nobody", {"scope": {"share": "0"}}, ["scope", "share"], "OUT_OF_RANGE"),
        ("everybody", {"scope": {"share": "1"}}, ["scope", "share"], "OUT_OF_RANGE"),
        ("too many digits", {"scope": {"share": "0.00001"}}, ["scope", "share"], "INVALID"),
        ("not wider", {"scope": {"share": "0.1"}}, ["scope", "share"], "OUT_OF_RANGE"),
        ("later", {"scope": {"share": "0.2"}, "effectiveFrom": "2026-06-03T00:00:00+08:00"}, ["effectiveFrom"],
         "WRONG_STATE"),
        ("promoted later", {"effectiveFrom": "2026-06-03T00:00:00+08:00"}, ["effectiveFrom"], "WRONG_STATE"),
        ("not looked at", {"scope": {"share": "0.2"}, "previewHash": "0"}, ["previewHash"], "PREVIEW_REQUIRED"),
        ("promoted blindly", {"previewHash": "0"}, ["previewHash"], "PREVIEW_REQUIRED"),
    ],
)  # fmt: skip
async def test_a_mistake_is_named_and_changes_nothing(
    shop: Retailer, words: str, given: dict[str, Any], field: list[str], code: str
) -> None:
    await activated(shop)
    version = await begun(shop, "0.1", LENIENT)
    seen = (await looked_at(shop, version))["hash"]
    before = await shop.stores.pool.fetchrow(WHOLE)

    acted = await act(shop, ACTIVATE, **({"version": version, "previewHash": seen} | given))

    assert codes(acted) == [(field, code)], words
    assert await shop.stores.pool.fetchrow(WHOLE) == before


async def test_a_first_version_has_nobody_to_be_compared_with(shop: Retailer) -> None:
    version = await drafted(shop)

    acted = await asked(shop, version, "0.1")

    assert codes(acted) == [(["scope"], "WRONG_STATE")]
    assert await shop.value(STATUSES) == ["DRAFT"]


async def test_no_canary_begins_while_a_version_is_scheduled(shop: Retailer) -> None:
    await activated(shop)
    later, version = await drafted(shop, LENIENT), await drafted(shop, LENIENT)
    seen = (await looked_at(shop, later))["hash"]
    await act(shop, ACTIVATE, version=later, previewHash=seen, effectiveFrom="2026-06-03T00:00:00+08:00")

    acted = await asked(shop, version, "0.1")

    assert codes(acted) == [(["version"], "WRONG_STATE")]
    assert await shop.value(STATUSES) == ["ACTIVE", "SCHEDULED", "DRAFT"]


async def test_what_one_does_by_hand_follows_the_version_that_grades(shop: Retailer) -> None:
    """An override names a tier of the ladder the customer stands on."""
    await activated(shop)
    await begun(shop, "0.3", RENAMED)
    inside = min(taken(await ids(shop), 3_000))
    outside = min(set(await ids(shop)) - taken(await ids(shop), 3_000))
    text = """mutation M($input: TierOverrideCreateInput!) { acted: tierOverrideCreate(input: $input) {
      userErrors { code } } }"""
    found = {}

    for one in (inside, outside):
        given = {"customer": f"cus_{one}", "policy": "own", "tier": "VISITOR", "reasonKind": "OTHER",
                 "reason": "a try", "endsAt": "2026-07-01T00:00:00Z"}  # fmt: skip
        found[one] = (await act(shop, text, **given))["userErrors"]

    assert (found[inside], found[outside]) == ([], [{"code": "UNKNOWN_TIER"}])
    await work(shop)


async def test_a_preview_compares_with_what_is_in_force_for_the_rest(shop: Retailer) -> None:
    """So what a promotion would do to everybody stays the same, whoever is in the canary."""
    await activated(shop)
    version = await drafted(shop, LENIENT)
    alone = await looked_at(shop, version)

    await asked(shop, version, "0.4")
    await work(shop)
    beside = await looked_at(shop, version)

    assert beside == alone
    assert alone["moved"] > 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.OPERATOR])
async def test_only_operators_end_a_canary(retailer: Retailer, role: Role) -> None:
    own_id = {"customer_id": 1} if role is Role.CUSTOMER else {}

    assert "errors" in await retailer.ask(
        END_CANARY, role, {"input": {"policy": "own", "reason": "no"}}, **own_id
    )


async def test_a_worker_that_goes_on_sees_each_step(shop: Retailer) -> None:
    """The same process before, during and after: what it remembers of the rules follows the share."""
    await activated(shop)
    store, everybody = review_store(Settings(clock=NOW), shop.stores), await ids(shop)
    found = []

    async def go_on() -> None:
        while True:
            async with store.next_dirty() as batch:
                await review_customers(batch)
                if batch.size == 0:
                    break
        found.append(await graded_by(shop, 2))

    await go_on()
    version = await begun(shop, "0.1", LENIENT, worked=False)
    await go_on()
    await asked(shop, version, "0.3")
    await go_on()
    await act(shop, END_CANARY, policy="own", reason="enough")
    await go_on()

    assert found == [set(), taken(everybody, 1_000), taken(everybody, 3_000), set()]
    assert await faults(shop) == {}


async def test_first_decisions_of_many_are_taken_by_either_version(shop: Retailer) -> None:
    """Nobody was looked at between the activation and the canary."""
    first = await drafted(shop)
    await act(shop, ACTIVATE, version=first, previewHash=(await looked_at(shop, first))["hash"])
    second = await begun(shop, "0.3", RENAMED)

    joined = await shop.stores.pool.fetch(
        "SELECT version_id, kind, array_agg(customer_id) FROM tier_transitions WHERE policy_id = 7 GROUP BY 1, 2"
    )

    everybody, in_it = set(await ids(shop)), taken(await ids(shop), 3_000)
    assert {(row[0], row[1]): set(row[2]) for row in joined} == {
        (int(first[4:]), "JOINED"): everybody - in_it,
        (int(second[4:]), "JOINED"): in_it,
    }
    held = await tiers(shop)
    assert {one for one in held if held[one] == "VISITOR"} <= in_it
    assert not {one for one in in_it if held[one] == "GUEST"}
    assert await faults(shop) == {}


async def test_a_lost_mark_is_found(shop: Retailer) -> None:
    """Whoever is graded by the wrong side shows in the comparison with a full run."""
    await activated(shop)
    await begun(shop, "0.3", LENIENT, worked=False)
    in_it = taken(await ids(shop), 3_000)

    await shop.stores.pool.execute("DELETE FROM dirty_customers WHERE customer_id = $1", min(in_it))
    await work(shop)

    assert (await faults(shop))["standings that should have moved on"] == 1


async def test_an_order_of_a_customer_in_the_canary_is_decided_by_its_version(shop: Retailer) -> None:
    """200 CNY: a FRIEND where 100 are enough, a GUEST where it takes 300."""
    await activated(shop)
    await begun(shop, "0.5", LENIENT)
    silent = set(await shop.column("SELECT customer_id FROM customer_facts WHERE spend_90d = 0"))
    in_it = taken(await ids(shop), 5_000)
    chosen = (min(silent & in_it), min(silent - in_it))
    refs = "SELECT external_id FROM customer_refs WHERE customer_id = $1"
    paid = {"status": "PAID", "channel": "APP", "netAmount": {"amount": "200", "currencyCode": "CNY"}}

    for one in chosen:
        body = {
            "id": f"bought {one}",
            "occurredAt": NOW.isoformat(),
            "customer": {"externalId": await shop.value(refs, one)},
            "data": {"order": paid | {"externalId": f"bought {one}"}},
        }
        assert (await act(shop, INGEST, source=SOURCE, events=[body]))["accepted"] == 1
    await work(shop)

    held = await tiers(shop)
    assert [held[one] for one in chosen] == ["FRIEND", "GUEST"]
