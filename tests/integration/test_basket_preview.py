"""What a basket costs through the API: steps, member day, limits, floors, bad input; nobody pays for who they are."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import pytest
from compare_readers import comparable
from retailer import Retailer

from domain.privacy.viewer import Role
from resolvers.readpath.engine import Request

PREVIEW = """query P($id: ID!, $lines: [BasketLineInput!]!, $at: DateTime) { customer(by: {id: $id}) {
  basketPreview(lines: $lines, at: $at) { total { amount currencyCode } pointsEarned
    lines { product { id } quantity unitPrice { amount } lineTotal { amount }
      steps(locale: "en") { kind rule words applied unitPrice { amount } } } } } }"""
SET = """mutation S($input: MemberDaySetInput!) { acted: memberDaySet(input: $input) {
  changed userErrors { field code message } } }"""
DAY = """query D($on: Date) { memberDay(on: $on) { on offers(first: 5) { nodes {
  product { id } listPrice { amount } memberPrice { amount } perCustomerLimit } } } }"""
WEDNESDAY, NOON = "2026-06-03", "2026-06-03T12:00:00+08:00"
AUDIT = "SELECT count(*) FROM audit_log WHERE action = 'MEMBER_DAY_SET'"


@pytest.fixture(autouse=True)
async def prices(retailer: Retailer) -> None:
    """Round list prices of the first products, and an empty member day."""
    await retailer.stores.pool.execute("UPDATE products SET unit_price_cents = 1000, unit_cost_cents = NULL")
    await retailer.stores.pool.execute("DELETE FROM member_day_offers")


async def holding(retailer: Retailer, tier: str) -> str:
    key = await retailer.value(
        "SELECT min(s.customer_id) FROM tier_standings s JOIN tiers t USING (version_id, rank) "
        "WHERE s.policy_id = 0 AND t.code = $1",
        tier,
    )
    assert key, f"nobody is {tier}"
    return f"cus_{key}"


ALONE = """
WITH added AS (INSERT INTO customers (kind, registered_at) VALUES ('BUSINESS', now()) RETURNING customer_id)
INSERT INTO tier_standings
SELECT (jsonb_populate_record(s, jsonb_build_object('customer_id', added.customer_id))).*
FROM added, tier_standings s WHERE s.customer_id = $1 AND s.policy_id = 0 RETURNING customer_id
"""


async def holding_alone(retailer: Retailer, tier: str) -> str:
    """Somebody new with this grade and no tier of another policy."""
    like = await holding(retailer, tier)
    return f"cus_{await retailer.value(ALONE, int(like[4:]))}"


def line(product: int, quantity: str = "1") -> dict[str, str]:
    return {"product": f"prd_{product}", "quantity": quantity}


async def preview(retailer: Retailer, customer: str, *lines: Mapping[str, str], at: str | None = None) -> Any:
    answer = await retailer.ask(PREVIEW, Role.OPERATOR, {"id": customer, "lines": list(lines), "at": at})
    assert "errors" not in answer, answer
    return answer["data"]["customer"]["basketPreview"]


async def set_day(retailer: Retailer, offers: Sequence[Mapping[str, Any]], on: str = WEDNESDAY) -> Any:
    answer = await retailer.ask(SET, Role.OPERATOR, {"input": {"on": on, "offers": list(offers)}})
    return answer["data"]["acted"]


def offer(product: int, **more: Any) -> dict[str, Any]:
    return {"product": f"prd_{product}", **more}


@pytest.mark.parametrize(
    ("tier", "price", "points"), [("SILVER", "10.00", 25), ("GOLD", "9.90", 49), ("DIAMOND", "9.50", 47)]
)
async def test_a_grade_has_its_price_and_its_points(
    retailer: Retailer, tier: str, price: str, points: int
) -> None:  # S0-20
    customer = await holding_alone(retailer, tier)

    found = await preview(retailer, customer, line(1, "2.5"))

    [only] = found["lines"]
    assert (only["product"]["id"], only["quantity"], only["unitPrice"]["amount"]) == ("prd_1", "2.5", price)
    assert found["total"] == {"amount": only["lineTotal"]["amount"], "currencyCode": "CNY"}
    assert Decimal(only["lineTotal"]["amount"]) == Decimal(price) * Decimal("2.5")
    assert found["pointsEarned"] == points
    assert [step["rule"] for step in only["steps"] if step["applied"]] == [
        "list" if tier == "SILVER" else f"kuailv_grade@1/{tier}"
    ]


async def test_a_trial_lowers_the_price(retailer: Retailer) -> None:  # S0-17
    customer = await holding_alone(retailer, "GOLD")
    await retailer.stores.pool.execute(
        "UPDATE tier_standings SET rank = 4, trial_rank = 4, trial_until = now() WHERE customer_id = $1",
        int(customer[4:]),
    )

    found = await preview(retailer, customer, line(1))

    assert found["lines"][0]["unitPrice"]["amount"] == "9.70"
    assert found["lines"][0]["steps"][1]["rule"] == "kuailv_grade@1/PLATINUM"


async def test_every_offered_price_is_shown_in_words(retailer: Retailer) -> None:
    await set_day(retailer, [offer(1)])
    customer = await holding(retailer, "DIAMOND")

    found = await preview(retailer, customer, line(1), at=NOON)

    assert found["lines"][0]["steps"] == [
        step("LIST", "list", "List price", "10.00"),
        step("TIER", "kuailv_grade@1/DIAMOND", "Diamond price", "9.50"),
        step("MEMBER_DAY", "member_day", "Member-day price", "5.00", applied=True),
    ]


def step(kind: str, rule: str, words: str, price: str, *, applied: bool = False) -> dict[str, Any]:
    return {"kind": kind, "rule": rule, "words": words, "applied": applied, "unitPrice": {"amount": price}}


async def test_the_cost_of_a_product_holds_a_price_up_and_is_never_shown(retailer: Retailer) -> None:  # S2-6
    await set_day(retailer, [offer(1)])
    await retailer.stores.pool.execute("UPDATE products SET unit_cost_cents = 601 WHERE product_id = 1")

    found = await preview(retailer, await holding(retailer, "GOLD"), line(1), at=NOON)
    day = (await retailer.ask(DAY, Role.CUSTOMER, {"on": WEDNESDAY}, customer_id=1))["data"]["memberDay"]

    assert found["lines"][0]["unitPrice"]["amount"] == "6.32"
    assert [one["kind"] for one in found["lines"][0]["steps"] if one["applied"]] == ["FLOOR"]
    assert day["offers"]["nodes"][0]["memberPrice"]["amount"] == "6.32"
    assert "6.01" not in str(found) + str(day)


async def test_a_limited_offer_counts_what_was_taken_that_day(retailer: Retailer) -> None:  # S2-5
    pool, customer = retailer.stores.pool, await holding(retailer, "GOLD")
    await set_day(retailer, [offer(1, perCustomerLimit=5)])
    await pool.execute(
        "INSERT INTO orders (customer_id, source_id, external_id, placed_at, status, stated_at, channel, charged_cents)"
        " SELECT $1, min(source_id), 'limited ' || n, '2026-06-03 01:00+08', 1, now(), 1, 0"
        " FROM sources, generate_series(1, 2) n GROUP BY n",
        int(customer[4:]),
    )
    await pool.execute(
        "INSERT INTO order_lines (customer_id, order_id, line_no, product_id, quantity, net_cents) "
        "SELECT customer_id, order_id, 1, 1, 1.5, 0 FROM orders WHERE external_id LIKE 'limited %'"
    )
    await pool.execute("UPDATE orders SET status = 4 WHERE external_id = 'limited 2'")

    found = await preview(retailer, customer, line(1, "4"), line(2, "1"), at=NOON)

    assert [(one["quantity"], one["unitPrice"]["amount"]) for one in found["lines"]] == [
        ("3.5", "5.00"),
        ("0.5", "9.90"),
        ("1", "9.90"),
    ]
    assert found["total"]["amount"] == "32.35"


async def test_member_day_is_a_day_of_the_shop(retailer: Retailer) -> None:
    await set_day(retailer, [offer(1)])
    customer = await holding(retailer, "GOLD")

    async def price(at: str | None) -> str:
        found: str = (await preview(retailer, customer, line(1), at=at))["lines"][0]["unitPrice"]["amount"]
        return found

    assert await price(None) == "9.90"
    assert await price("2026-06-02T16:00:00Z") == "9.90"  # the midnight that ends Tuesday
    assert await price("2026-06-02T16:00:00.000001Z") == "5.00"
    assert await price("2026-06-03T16:00:00Z") == "5.00"
    assert await price("2026-06-03T16:00:00.000001Z") == "9.90"


async def test_a_basket_of_a_hundred_lines_takes_two_statements(retailer: Retailer) -> None:
    customer, lines = await holding(retailer, "GOLD"), [line(1 + n % 50) for n in range(100)]
    before = retailer.reads.statements

    found = await preview(retailer, customer, *lines)

    assert retailer.reads.statements == before + 2
    assert len(found["lines"]) == 100
    assert found["total"]["amount"] == "990.00"
    assert retailer.fallbacks == []


AFTER = """query A($id: ID!, $lines: [BasketLineInput!]!) { customer(by: {id: $id}) {
  facts { spend30d } tiers { policy { code } rawTier { code } }
  basketPreview(lines: $lines) { total { amount }
    tiersAfter { policy { code } before { code name } after { code rank } } } } }"""


async def test_a_basket_says_where_it_would_put_its_buyer(retailer: Retailer) -> None:
    buyer = await retailer.value(
        "SELECT min(customer_id) FROM customer_facts WHERE spend_30d BETWEEN 1 AND 49999 AND orders_30d > 0"
    )
    before = retailer.reads.statements

    answer = await retailer.ask(AFTER, Role.OPERATOR, {"id": f"cus_{buyer}", "lines": [line(1, "220")]})

    assert "errors" not in answer
    assert retailer.reads.statements == before + 2
    found = answer["data"]["customer"]
    changes = {one["policy"]["code"]: one for one in found["basketPreview"]["tiersAfter"]}
    assert list(changes) == [
        "kuailv_grade",
        "chuanwei_value",
        "wanxiang_value",
        "wanxiang_member",
        "xiaoxiang_layer",
    ]
    for standing in found["tiers"]:
        raw = standing["rawTier"] and standing["rawTier"]["code"]
        assert (changes[standing["policy"]["code"]]["before"] or {}).get("code") == raw
    assert changes["wanxiang_value"]["before"] == {"code": "POTENTIAL", "name": "潜力"}
    assert changes["wanxiang_value"]["after"] == {"code": "DIAMOND", "rank": 3}  # over 2,000 within 30 days


async def test_a_first_basket_gives_a_first_tier(retailer: Retailer) -> None:
    key = await retailer.value(
        "INSERT INTO customers (kind, registered_at) VALUES ('HOUSEHOLD', now()) RETURNING customer_id"
    )

    answer = await retailer.ask(AFTER, Role.OPERATOR, {"id": f"cus_{key}", "lines": [line(1)]})

    changes = {
        one["policy"]["code"]: (
            one["before"] and one["before"]["code"],
            one["after"] and one["after"]["code"],
        )
        for one in answer["data"]["customer"]["basketPreview"]["tiersAfter"]
    }
    assert changes["wanxiang_value"] == ("POTENTIAL", "POTENTIAL")
    assert changes["xiaoxiang_layer"] == (None, "SILVER")  # S4-6: whoever never ordered has no layer


@pytest.mark.parametrize(
    ("lines", "at", "message"),
    [
        ([], None, "A basket has 1 to 100 lines."),
        ([line(1)] * 101, None, "A basket has 1 to 100 lines."),
        ([line(1, "0")], None, "Line 1: give a quantity above 0"),
        ([line(1), line(1, "1.2345")], None, "Line 2: give a quantity above 0"),
        ([line(1, "100001")], None, "Line 1: give a quantity above 0"),
        ([{"product": "cus_1", "quantity": "1"}], None, "Line 1: 'cus_1' is no product"),
        ([line(999_999)], None, "prd_999999 is no product: take an id from products."),
        ([line(1, "100000")] * 99, None, "A basket costs at most 20,000,000: leave something out."),
        ([line(1)], "0001-01-01T00:00:00Z", "at must lie on 2026-06-01 or within 31 days"),
        ([line(1)], "9999-12-31T23:59:59Z", "at must lie on 2026-06-01 or within 31 days"),
    ],
)
async def test_a_basket_that_makes_no_sense_is_refused(
    retailer: Retailer, lines: list[dict[str, str]], at: str | None, message: str
) -> None:
    await retailer.stores.pool.execute("UPDATE products SET unit_price_cents = 100000 WHERE product_id = 1")
    variables = {"id": "cus_1", "lines": lines, "at": at}

    answer = await retailer.ask(PREVIEW, Role.OPERATOR, variables)

    assert answer["data"] == {"customer": {"basketPreview": None}}
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"BAD_USER_INPUT"}
    assert all(error["message"].startswith(message) for error in answer["errors"])


async def test_customers_see_their_own_prices_and_partners_none(retailer: Retailer) -> None:
    variables = {"id": "cus_2", "lines": [line(1)]}

    own = await retailer.ask(PREVIEW, Role.CUSTOMER, variables, customer_id=2)
    other = await retailer.ask(PREVIEW, Role.CUSTOMER, variables, customer_id=3)
    partner = await retailer.ask(PREVIEW, Role.PARTNER, variables)

    assert own["data"]["customer"]["basketPreview"]["lines"]
    assert other["data"] == {"customer": None}
    assert partner["errors"][0]["extensions"]["code"] == "FORBIDDEN"


# --- the list of a member day --------------------------------------------------------------------------------


async def test_a_member_day_is_set_as_a_whole_and_once(retailer: Retailer) -> None:
    audits = await retailer.value(AUDIT)

    first = await set_day(retailer, [offer(2, percent=80), offer(1, perCustomerLimit=3)])
    again = await set_day(retailer, [offer(1, perCustomerLimit=3), offer(2, percent=80)])
    day = (await retailer.ask(DAY, Role.CUSTOMER, {}, customer_id=1))["data"]["memberDay"]

    assert first == {"changed": True, "userErrors": []}
    assert again == {"changed": False, "userErrors": []}
    assert await retailer.value(AUDIT) == audits + 1
    assert day["on"] == WEDNESDAY
    assert day["offers"]["nodes"] == [
        {
            "product": {"id": f"prd_{product}"},
            "listPrice": {"amount": "10.00"},
            "memberPrice": {"amount": price},
            "perCustomerLimit": limit,
        }
        for product, price, limit in [(1, "5.00", 3), (2, "8.00", None)]
    ]
    assert (await set_day(retailer, []))["changed"]


async def test_only_wednesdays_are_member_days(retailer: Retailer) -> None:
    found = await retailer.ask(DAY, Role.CUSTOMER, {"on": "2026-06-04"}, customer_id=1)

    assert found["data"] == {"memberDay": None}


@pytest.mark.parametrize(
    ("on", "offers", "code", "field"),
    [
        ("2026-06-04", [], "INVALID", ["on"]),
        ("2026-05-27", [], "IN_THE_PAST", ["on"]),
        ("2027-06-09", [], "IN_THE_FUTURE", ["on"]),
        (WEDNESDAY, [offer(1)] * 501, "TOO_MANY", ["offers"]),
        (WEDNESDAY, [offer(1), offer(1)], "DUPLICATE", ["offers", "1", "product"]),
        (WEDNESDAY, [offer(1, percent=100)], "OUT_OF_RANGE", ["offers", "0", "percent"]),
        (WEDNESDAY, [offer(1, perCustomerLimit=0)], "OUT_OF_RANGE", ["offers", "0", "perCustomerLimit"]),
        (WEDNESDAY, [offer(1), offer(999_999)], "UNKNOWN_PRODUCT", ["offers", "1", "product"]),
        (WEDNESDAY, [{"product": "x"}], "UNKNOWN_PRODUCT", ["offers", "0", "product"]),
    ],
)
async def test_a_list_with_a_mistake_changes_nothing(
    retailer: Retailer, on: str, offers: list[dict[str, Any]], code: str, field: list[str]
) -> None:
    await set_day(retailer, [offer(3)])
    audits = await retailer.value(AUDIT)

    found = await set_day(retailer, offers, on)

    assert found["changed"] is False
    assert (found["userErrors"][0]["code"], found["userErrors"][0]["field"]) == (code, field)
    assert await retailer.column("SELECT product_id FROM member_day_offers") == [3]
    assert await retailer.value(AUDIT) == audits


# --- PIPL art. 24 --------------------------------------------------------------------------------------------

EVERYBODY = """query E($lines: [BasketLineInput!]!, $at: DateTime, $after: String) {
  customers(first: 100, after: $after) { pageInfo { hasNextPage endCursor } nodes { id
    tiers { policy { code } tier { code } }
    basketPreview(lines: $lines, at: $at) { total { amount } pointsEarned lines { unitPrice { amount } } } } } }"""
BASKETS = [[line(n, quantity)] for n, quantity in ((1, "1"), (2, "0.37"), (3, "7"), (4, "1.999"))]
Published = tuple[str, bool]
Prices = dict[str, tuple[Published, Any]]
DOUBLED = {
    ("chuanwei_value", "MID"),
    ("chuanwei_value", "HIGH"),
    ("xiaoxiang_layer", "GOLD"),
    ("xiaoxiang_layer", "PLATINUM"),
    *(("kuailv_grade", grade) for grade in ("GOLD", "PLATINUM", "DIAMOND")),
}
"""Tiers with twice the points; all levels of wanxiang_member are members, and only grades have a price."""


def published(held: Mapping[str, str]) -> Published:
    """All that is published about somebody's prices: the grade, and whether points are doubled."""
    return held["kuailv_grade"], not DOUBLED.isdisjoint(held.items())


async def everybodys_prices(retailer: Retailer, lines: Any, at: str | None) -> Prices:
    """By customer: what is published of their tiers, and what the basket costs."""
    found: Prices = {}
    after = None
    while True:
        answer = await retailer.ask(EVERYBODY, Role.OPERATOR, {"lines": lines, "at": at, "after": after})
        page = answer["data"]["customers"]
        for node in page["nodes"]:
            held = {one["policy"]["code"]: one["tier"]["code"] for one in node["tiers"] if one["tier"]}
            if "wanxiang_member" in held:
                found[node["id"]] = (published(held), node["basketPreview"])
        if not page["pageInfo"]["hasNextPage"]:
            return found
        after = page["pageInfo"]["endCursor"]


STRANGERS = """
UPDATE customers SET city = 'elsewhere', registration_channel = 'X', registered_at = registered_at - interval '3 years',
  kind = CASE kind WHEN 'BUSINESS' THEN 'HOUSEHOLD' ELSE 'BUSINESS' END, community_id = NULL
"""
RICH = "UPDATE customer_facts SET spend_90d = 987654321, orders_90d = 77, last_order_at = now()"


async def test_a_hundred_thousand_pairs_of_customers_pay_alike_where_they_hold_the_same_tiers(
    retailer: Retailer,
) -> None:
    """Whatever else differs between them; and nothing of it changes what anybody pays. [S2-6, S3-20]"""
    await set_day(retailer, [offer(3, percent=50), offer(4, percent=70, perCustomerLimit=2)])
    cases = [(lines, at) for lines in BASKETS for at in (None, NOON)]
    before = [await everybodys_prices(retailer, *case) for case in cases]

    await retailer.stores.pool.execute(STRANGERS)
    await retailer.stores.pool.execute(RICH)
    after = [await everybodys_prices(retailer, *case) for case in cases]

    compared = 0
    for prices in before:
        alike: defaultdict[Published, list[Any]] = defaultdict(list)
        for promised, cost in prices.values():
            alike[promised].append(cost)
        for costs in alike.values():
            assert all(cost == costs[0] for cost in costs)
            compared += len(costs) * (len(costs) - 1) // 2
    assert after == before
    assert compared >= 100_000


@pytest.mark.parametrize("at", [None, NOON, "2020-01-01T00:00:00Z"])
@pytest.mark.parametrize("lines", [[line(1), line(2, "2.5"), line(1, "3")], [line(1), line(999_999)], []])
async def test_both_readers_agree_on_baskets(
    retailer: Retailer, at: str | None, lines: list[dict[str, str]]
) -> None:
    await set_day(retailer, [offer(1, perCustomerLimit=2)])
    given = {"id": await holding(retailer, "GOLD"), "lines": lines, "at": at}
    request, context = Request(PREVIEW, given), retailer.context(Role.OPERATOR)

    answer = await retailer.api.engine.execute(request, context)

    assert comparable(answer.body) == comparable(await retailer.api.engine.reference(request, context))
