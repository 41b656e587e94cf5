"""On whose data answers depend: named for each kind of field, and tried on random operations by changing others."""

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest
from compare_readers import is_valid
from random_operations import RandomOperation
from retailer import Retailer
from retailer_operations import comparison_over

from domain.privacy.viewer import Role
from resolvers.readpath.dependencies import Dependencies, Reads
from resolvers.readpath.engine import Request
from resolvers.schema import schema

WHOLE = """{ customer(by: {id: "cus_%d"}) { id profile { name } facts { orders90d categoryShares180d { orders } }
  tier { score tier { name } explanation { contributingOrders(first: 2) { nodes { id } } } }
  labels { definition { code } enteredAt } tierTransitions(first: 2) { nodes { id } }
  orders(first: 2, where: {counted: true}) { totalCount { value }
    nodes { customer { id } source { code } lines(first: 2) { nodes { product { name category { code } } } } } }
} }"""


async def depends_on(
    retailer: Retailer, text: str, role: Role = Role.OPERATOR, **more: Any
) -> Dependencies | None:
    engine = retailer.api.engine
    return (await engine.execute(Request(text), retailer.context(role, **more))).depends_on


def just(*customers: int) -> Dependencies:
    return Dependencies(frozenset(customers), any_customer=False, asked_of=frozenset())


async def test_a_whole_customer_depends_on_that_customer_alone(retailer: Retailer) -> None:
    assert await depends_on(retailer, WHOLE % 7) == just(7)


async def test_who_is_asked_for_and_not_there_is_depended_on_as_well(retailer: Retailer) -> None:
    assert await depends_on(retailer, '{ customer(by: {id: "cus_999999"}) { id } }') == just(999999)
    assert await depends_on(retailer, '{ node(id: "cus_999999") { id } }') == just(999999)
    assert await depends_on(retailer, '{ nodes(ids: ["cus_3", "cus_4", "prd_1", "x"]) { id } }') == just(3, 4)


async def test_whoever_else_is_shown_is_depended_on(retailer: Retailer) -> None:
    referred, referrer = (
        await retailer.stores.pool.fetchrow("SELECT customer_id, referrer_id FROM referrals LIMIT 1")
    ) or (0, 0)
    text = '{ customer(by: {id: "cus_%d"}) { referredBy { id facts { orders90d } } } }'
    assert await depends_on(retailer, text % referred) == just(referred, referrer)
    leaders = await retailer.column(
        "SELECT leader_customer_id FROM communities WHERE leader_customer_id IS NOT NULL"
    )
    found = await depends_on(retailer, "{ communities(first: 100) { nodes { leader { id } } } }")
    assert found == just(*leaders)


async def test_whom_the_graph_was_asked_about_and_whom_it_named_are_depended_on(retailer: Retailer) -> None:
    text = '{ customer(by: {id: "cus_%d"}) { relationships(first: 3) { nodes { customer { id } } } } }'
    related = await retailer.value("SELECT customer_id FROM referrals LIMIT 1")
    answer = await retailer.ask(text % related, Role.AGENT)
    others = {int(one["customer"]["id"][4:]) for one in answer["data"]["customer"]["relationships"]["nodes"]}
    found = await depends_on(retailer, text % related, Role.AGENT)
    assert others
    assert found == Dependencies(frozenset({related, *others}), False, frozenset({related}))


@pytest.mark.parametrize(
    "text",
    [
        "{ customers(first: 2) { nodes { id } } }",
        '{ customer(by: {phone: "13800000000"}) { id } }',
        '{ node(id: "ord_1") { id } }',
        '{ tierDistribution(policy: "kuailv_grade") { customers } }',
        '{ tierMigration(policy: "kuailv_grade", from: "2026-01-01T00:00:00Z", to: "2026-02-01T00:00:00Z") '
        "{ cells { customers } } }",
        '{ tierPolicyComparison(policy: "kuailv_grade") { share } }',
        "{ alerts(first: 1) { nodes { id } } }",
        '{ node(id: "alt_1") { id } }',
        "{ tierTransitions(first: 1) { nodes { id } } }",
    ],
)
async def test_lists_and_counts_depend_on_everybody(retailer: Retailer, text: str) -> None:
    found = await depends_on(retailer, text)
    assert found is not None
    assert found.any_customer


@pytest.mark.parametrize(
    "text", ["{ shop { liveAsOf } }", "{ tierPolicies { code } }", "{ products(first: 2) { nodes { id } } }"]
)
async def test_what_belongs_to_nobody_depends_on_no_customer(retailer: Retailer, text: str) -> None:
    assert await depends_on(retailer, text) == just()


@pytest.mark.parametrize(
    "text",
    [
        "{ viewer { subject } }",
        "{ customers(first: 0) { nodes { id } } }",
        "{ nothing }",
        "{ __schema { queryType { name } } }",
    ],
)
async def test_what_says_who_asks_and_what_failed_is_for_one_request(retailer: Retailer, text: str) -> None:
    assert await depends_on(retailer, text) is None


CHANGE_OTHERS = (
    "UPDATE customers SET registered_at = registered_at + interval '1 hour', city = 'Elsewhere', phone = NULL, "
    "community_id = NULL WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE orders SET refunded_cents = charged_cents, external_id = external_id || '!' "
    "WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE order_lines SET quantity = quantity + 1 WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE category_days SET orders = orders + 1 WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE customer_facts SET orders_90d = orders_90d + 7 WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE tier_standings SET rank = NULL WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE tier_transitions SET score = 1 WHERE customer_id <> ALL($1::bigint[])",
    "UPDATE customer_standings SET label_bits = set_bit(label_bits, 1, 1 - get_bit(label_bits, 1)) "
    "WHERE customer_id <> ALL($1::bigint[])",
    "DELETE FROM referrals WHERE customer_id <> ALL($1::bigint[])",
    "DELETE FROM identities WHERE customer_id <> ALL($1::bigint[])",
)


@dataclass(frozen=True, slots=True)
class Inside:
    """Reads within one transaction, which may have changed what others do not see."""

    connection: Any

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        found: Sequence[Any] = await self.connection.fetch(sql, *arguments)
        return found


@asynccontextmanager
async def others_changed(retailer: Retailer, customers: frozenset[int]) -> AsyncIterator[None]:
    """Everybody else is changed for a while."""
    stores = retailer.api.engine.stores
    async with retailer.stores.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            for statement in CHANGE_OTHERS:
                await connection.execute(statement, list(customers))
            retailer.api.engine.stores = replace(stores, reads=Inside(connection))
            yield
        finally:
            retailer.api.engine.stores = stores
            await transaction.rollback()


async def changes_with_others(retailer: Retailer, request: Request, context: Any) -> str | None:
    """How the answer changes although nobody changed on whom it says it depends; None: not, or it says nothing."""
    answer = await retailer.api.engine.execute(request, context)
    found = answer.depends_on
    if found is None or found.any_customer or found.asked_of:
        return None
    async with others_changed(retailer, found.customers):
        again = await retailer.api.engine.execute(request, context)
    return None if again.body == answer.body else f"{request}\n{answer.body!r}\n{again.body!r}"


@pytest.mark.parametrize(("seed", "count"), [(1, 60), pytest.param(2, 1_500, marks=pytest.mark.slow)])
async def test_answers_stay_the_same_whatever_happens_to_those_they_do_not_depend_on(
    retailer: Retailer, seed: int, count: int
) -> None:
    comparison = await comparison_over(retailer, ["customer", "node", "nodes", "communities", "products"])
    chooser, tried = random.Random(seed), 0
    for _ in range(count):
        text, variables = RandomOperation(
            schema._schema, chooser, comparison.values, roots=comparison.roots
        ).make()
        context = chooser.choice(comparison.contexts)
        if not is_valid(schema._schema, text):
            continue
        tried += 1
        assert await changes_with_others(retailer, Request(text, variables), context) is None
    assert tried > count / 4


async def test_that_test_notices_a_dependency_that_is_left_out(
    retailer: Retailer, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "{ customers(first: 2) { nodes { orders(first: 1) { nodes { externalId } } } } }"
    monkeypatch.setattr(Reads, "account_for", lambda *_: False)
    noticed = await changes_with_others(retailer, Request(text), retailer.context(Role.OPERATOR))
    assert noticed is not None
