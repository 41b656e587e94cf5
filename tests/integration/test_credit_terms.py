"""Credit terms through the API: from the tiers held and from orders on credit as they were paid."""

from datetime import UTC, datetime
from typing import Any

import pytest
from retailer import Retailer

from domain.privacy.viewer import Role

TERMS = """query C($id: ID!) { customer(by: {id: $id}) { creditTerms(locale: "en") {
  days limit { amount currencyCode } used { amount } available { amount } frozen frozenReason rule
  scorecard { score knownMaximum computedAt parts { code words points maximum } } } } }"""
ADD_CUSTOMER = "INSERT INTO customers (kind, registered_at) VALUES ($1, now()) RETURNING customer_id"
GRADE = """
INSERT INTO tier_standings
SELECT (jsonb_populate_record(s, jsonb_build_object('customer_id', $1::bigint, 'base_rank', $2::int, 'rank', $2::int)
        || $3::jsonb)).*
FROM tier_standings s WHERE s.policy_id = 0 ORDER BY customer_id LIMIT 1
"""
ADD_ORDER = """
INSERT INTO orders (customer_id, source_id, external_id, placed_at, stated_at, status, channel, charged_cents,
                    confirmed_at, credit_days, paid_at)
SELECT $1, min(source_id), 'credit ' || $2::int || ' of ' || $1::bigint, $3, $3, $4, 1, $5, $3, $6, $7 FROM sources
"""
PLACED, PAID, DELIVERED, CANCELLED = 1, 2, 3, 4
GOLD, PLATINUM, DIAMOND = 3, 4, 5


async def business(retailer: Retailer, grade: int, **life: Any) -> int:
    """Somebody new who holds that grade of kuailv_grade and nothing else; today is 2026-06-01."""
    import json

    key: int = await retailer.value(ADD_CUSTOMER, "BUSINESS")
    plain = {"override_until": None, "override_rank": None, "trial_rank": None, "trial_until": None}
    await retailer.stores.pool.execute(GRADE, key, grade, json.dumps(plain | life))
    return key


class Orders:
    """Orders on credit of one customer."""

    def __init__(self, retailer: Retailer, customer: int) -> None:
        self.retailer, self.customer, self.made = retailer, customer, 0

    async def add(
        self,
        day: str,
        cents: int,
        *,
        days: int | None = 10,
        paid: str | None = None,
        status: int = DELIVERED,
    ) -> None:
        self.made += 1
        await self.retailer.stores.pool.execute(
            ADD_ORDER, self.customer, self.made, noon(day), status, cents, days, paid and noon(paid)
        )


def noon(day: str) -> datetime:
    """In the shop."""
    return datetime.fromisoformat(f"{day}T12:00:00+08:00").astimezone(UTC)


async def terms(retailer: Retailer, customer: int, role: Role = Role.OPERATOR, **more: Any) -> Any:
    answer = await retailer.ask(TERMS, role, {"id": f"cus_{customer}"}, **more)
    assert "errors" not in answer, answer
    return answer["data"]["customer"]["creditTerms"]


def shortly(found: Any) -> tuple[Any, ...]:
    amounts = (found[name]["amount"] for name in ("limit", "used", "available"))
    return (found["days"], *amounts, found["frozen"], found["rule"])


@pytest.mark.parametrize(
    ("grade", "expected"),
    [
        (2, (0, "0.00", "0.00", "0.00", False, None)),
        (GOLD, (7, "10000.00", "0.00", "10000.00", False, "kuailv_grade@1/GOLD")),
        (PLATINUM, (15, "50000.00", "0.00", "50000.00", False, "kuailv_grade@1/PLATINUM")),
        (DIAMOND, (30, "100000.00", "0.00", "100000.00", False, "kuailv_grade@1/DIAMOND")),
    ],
)
async def test_a_grade_lends_what_it_publishes(
    retailer: Retailer, grade: int, expected: tuple[Any, ...]
) -> None:  # S0-20
    found = await terms(retailer, await business(retailer, grade))

    assert shortly(found) == expected
    assert found["scorecard"]["score"] == 0
    assert found["scorecard"]["knownMaximum"] == 0
    assert [part["points"] for part in found["scorecard"]["parts"]] == [None] * 5
    assert found["scorecard"]["computedAt"] == "2026-06-01T16:00:00+00:00"


async def test_orders_are_judged_by_the_day_they_were_to_be_paid(retailer: Retailer) -> None:
    customer = await business(retailer, GOLD)
    orders = Orders(retailer, customer)
    await orders.add("2026-04-01", 10_000, paid="2026-04-11")  # on the last day
    await orders.add("2026-04-01", 10_000, paid="2026-04-14")  # three days late
    await orders.add("2026-05-30", 10_000, paid="2026-05-31", status=PAID)  # before its time
    await orders.add("2026-05-22", 30_000)  # due today: not late yet
    await orders.add("2026-05-20", 40_000, status=PLACED)  # two days late
    await orders.add("2026-05-20", 50_000, days=None)  # owed, nobody knows until when
    await orders.add("2026-05-01", 60_000, status=CANCELLED)
    await orders.add("2025-01-01", 70_000, paid="2025-03-01")  # too long ago

    found = await terms(retailer, customer)

    assert shortly(found) == (7, "5000.00", "1200.00", "3800.00", False, "kuailv_grade@1/GOLD")
    parts = {part["code"]: (part["words"], part["points"]) for part in found["scorecard"]["parts"]}
    assert parts["TIMELINESS"] == ("Timeliness: 2 of 4 paid on time", "20.000000")
    assert parts["OVERDUE_HISTORY"] == (
        "Overdue history: longest 3 days late, none left from 30 on",
        "22.500000",
    )
    assert (found["scorecard"]["score"], found["scorecard"]["knownMaximum"]) == (42, 65)


@pytest.mark.parametrize(("confirmed", "frozen"), [("2026-05-15", False), ("2026-05-14", True)])
async def test_more_than_seven_days_overdue_freezes_credit(
    retailer: Retailer, confirmed: str, frozen: bool
) -> None:
    customer = await business(retailer, GOLD)
    orders = Orders(retailer, customer)
    await orders.add("2026-04-01", 10_000, paid="2026-04-02")
    await orders.add(confirmed, 10_000)

    found = await terms(retailer, customer)

    assert (found["frozen"], found["available"]["amount"]) == (frozen, "0.00" if frozen else "4900.00")
    reason = "Something is 8 days overdue; over 7 days nothing more is lent."
    assert found["frozenReason"] == (reason if frozen else None)


async def test_a_trial_lends_nothing_and_an_override_does(retailer: Retailer) -> None:  # S0-17
    later = "2026-07-01T00:00:00+00:00"
    on_trial = await business(retailer, GOLD, trial_rank=PLATINUM, trial_until=later, rank=PLATINUM)
    raised = await business(retailer, GOLD, override_rank=DIAMOND, override_until=later, rank=DIAMOND)

    assert (await terms(retailer, on_trial))["rule"] == "kuailv_grade@1/GOLD"
    assert (await terms(retailer, raised))["rule"] == "kuailv_grade@1/DIAMOND"


async def test_households_have_no_terms_and_others_may_not_look(retailer: Retailer) -> None:
    household = await retailer.value("SELECT min(customer_id) FROM customers WHERE kind = 'HOUSEHOLD'")
    customer = await business(retailer, GOLD)
    refused = await retailer.ask(TERMS, Role.MARKETER, {"id": f"cus_{customer}"})

    assert await terms(retailer, household) is None
    assert (await terms(retailer, customer, Role.CUSTOMER, customer_id=customer))["days"] == 7
    assert refused["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_tenure_and_stability_come_from_the_facts(retailer: Retailer) -> None:
    customer = await retailer.value(
        "SELECT min(customer_id) FROM customer_facts JOIN customers USING (customer_id) "
        "WHERE kind = 'BUSINESS' AND purchase_stability_13w IS NOT NULL"
    )
    stability, days = await retailer.stores.pool.fetchrow(
        "SELECT purchase_stability_13w, DATE '2026-06-01' - "
        "((first_order_at - INTERVAL '1 microsecond') AT TIME ZONE 'Asia/Shanghai')::date "
        "FROM customer_facts WHERE customer_id = $1",
        customer,
    )

    parts = {p["code"]: p for p in (await terms(retailer, customer))["scorecard"]["parts"]}

    assert parts["ORDER_STABILITY"]["points"] == f"{stability * 15 // 1}"[:-6].rjust(1, "0") + (
        f".{stability * 15 % 1_000_000:06d}"
    )
    assert parts["TENURE"]["words"] == f"Tenure: {days} days since the first order, all from 365 on"


async def test_terms_are_part_of_the_statement_of_their_customer(retailer: Retailer) -> None:
    customer = await business(retailer, GOLD)
    before = retailer.reads.statements

    await terms(retailer, customer)

    assert retailer.reads.statements == before + 1
    assert retailer.fallbacks == []


async def test_invented_businesses_owe_pay_and_pay_late(retailer: Retailer) -> None:
    """What the demo shows: nobody has to send events before credit terms say something."""
    ids = await retailer.column(
        "SELECT DISTINCT customer_id FROM orders WHERE confirmed_at IS NOT NULL AND external_id LIKE 'D%'"
    )
    answers = [await retailer.ask(TERMS, variables={"id": f"cus_{one}"}) for one in ids]
    terms = [answer["data"]["customer"]["creditTerms"] for answer in answers]
    parts = [{part["code"]: part["points"] for part in one["scorecard"]["parts"]} for one in terms]

    assert len(ids) > 5
    assert any(float(one["used"]["amount"]) > 0 for one in terms)
    assert any(one["days"] and float(one["available"]["amount"]) > 0 for one in terms)
    assert any(one["TIMELINESS"] == "40.000000" for one in parts)
    assert any(one["TIMELINESS"] not in (None, "40.000000") for one in parts)
