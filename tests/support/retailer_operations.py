"""What random operations over the invented retailer choose from, and the comparison of both readers over it."""

import random
from collections.abc import Sequence

from compare_readers import Comparison
from random_operations import Values
from retailer import CIPHER, Retailer

from domain.customers.profile import CustomerKind
from domain.privacy.viewer import Purpose, Role
from resolvers.context import Context

ODD_IDS = ["cus_0", "cus_999999", "cus_x", "ord_0", "zzz_1", "", "cus_99999999999999999999", "\0", "ttr_-1"]
SOME_KEYS = {
    "cus": "SELECT customer_id FROM customers WHERE customer_id % 23 = 1",
    "ord": "SELECT order_id FROM orders WHERE order_id % 301 = 1",
    "prd": "SELECT product_id FROM products ORDER BY 1 LIMIT 3",
    "ldr": "SELECT DISTINCT leader_customer_id FROM communities ORDER BY 1 LIMIT 3",
    "com": "SELECT community_id FROM communities ORDER BY 1 LIMIT 3",
    "tpo": "SELECT policy_id FROM tier_policies",
    "tpv": "SELECT version_id FROM tier_policy_versions",
    "ttr": "SELECT transition_id FROM tier_transitions ORDER BY 1 DESC LIMIT 5",
    "alt": "SELECT alert_id FROM alerts ORDER BY 1 LIMIT 3",
    "msg": "SELECT notice_id FROM notices ORDER BY 1 LIMIT 3",
    "lde": "SELECT label_id FROM label_definitions ORDER BY 1 LIMIT 3",
}
MOMENTS = [
    "2026-06-01T00:00:00+08:00",
    "2026-05-11T23:59:59.5+08:00",
    "2025-12-01T00:00:00Z",
    "2027-01-01T00:00:00Z",
]


async def values_of(retailer: Retailer) -> Values:
    ids = [f"{prefix}_{key}" for prefix, query in SOME_KEYS.items() for key in await retailer.column(query)]
    customers = [one for one in ids if one.startswith("cus")]
    refs = await retailer.column("SELECT external_id FROM customer_refs ORDER BY customer_id LIMIT 4")
    orders = await retailer.column("SELECT external_id FROM orders ORDER BY order_id LIMIT 3")
    products = await retailer.column("SELECT external_id FROM products ORDER BY product_id LIMIT 3")
    labels = await retailer.column("SELECT code FROM label_definitions ORDER BY 1")
    communities = await retailer.column("SELECT external_id FROM communities ORDER BY 1")
    return Values(
        by_name={
            "id": [*customers, *customers, *ids, *ODD_IDS],
            "city": ["上海", "成都", "杭州", "nowhere", "a\0b"],
            "code": [*labels, *labels, *communities, "nothing", "\ud800"],
            "community": [*communities, "nothing"],
            "policy": ["kuailv_grade", "kuailv_grade", "nothing", ""],
            "in": ["GOLD", "BRONZE", "SILVER", "nothing"],
            "families": ["lifecycle", "value", "recency", "none"],
            "family": ["lifecycle", "value", "none"],
            "categories": await retailer.column("SELECT code FROM categories ORDER BY 1"),
            "registrationChannel": ["APP", "STORE"],
            "phone": [*await phones(retailer), "1", "\ud800"],
            "email": ["nobody@example.com", "x"],
            "source": ["demo", "demo", "nothing"],
            "externalId": [*refs, *orders, *products, "nothing"],
            "locale": ["zh-CN", "en", "en-GB", "fr", ""],
            "depth": [1, 1, 2, 3, 0, 4],
            "first": [1, 2, 3, 5, 5, 0, 101],
            "asOf": MOMENTS,
            "product": ["prd_1", "prd_2", "prd_30", "prd_7", "prd_999999", "cus_1", "\0"],
            "quantity": ["1", "2.5", "3", "0.001", "0", "1.2345", "99999"],
            "at": ["2026-06-01T04:00:00Z", "2026-06-03T12:00:00+08:00", "2026-06-10T00:00:00Z", *MOMENTS],
            "on": ["2026-06-03", "2026-06-10", "2026-06-01", "0001-01-01"],
            "codes": [
                "orders90d",
                "spendAllTime",
                "lastOrderAt",
                "neverOrdered",
                "averageOrderValue90d",
                "nothing",
            ],
        },
        by_scalar={
            "ID": [*ids, *ODD_IDS],
            "DateTime": MOMENTS,
            "Decimal": ["10", "55.5", "2000.00", "0.001", "123456789012345678901234567890"],
            "Int": [0, 1, 5, 12, 2**31 - 1, -1],
            "String": ["x", "上海"],
        },
        favoured=["recommendations", "relationships", "customer", "customers"],
    )


async def phones(retailer: Retailer) -> list[str]:
    """Of some customers, two of whom share one."""
    sealed = await retailer.stores.pool.fetch(
        "SELECT phone, data_key FROM customers WHERE phone IS NOT NULL AND data_key IS NOT NULL ORDER BY 1 LIMIT 5"
    )
    return [CIPHER.open(data_key, phone, field="phone") for phone, data_key in sealed]


def contexts_of(retailer: Retailer, own_customer_ids: Sequence[int]) -> list[Context]:
    """Every role; agents with and without a purpose; customers with and without much to see."""
    staff = [retailer.context(role) for role in Role if role is not Role.CUSTOMER]
    serving = retailer.context(Role.AGENT, purpose=Purpose.CUSTOMER_SERVICE)
    customers = [retailer.context(Role.CUSTOMER, customer_id=one) for one in own_customer_ids]
    return [*staff, *customers, serving]


async def comparison_over(retailer: Retailer, roots: Sequence[str] | None = None) -> Comparison:
    household, business = CustomerKind.HOUSEHOLD, CustomerKind.BUSINESS
    own = [
        await retailer.value("SELECT min(customer_id) FROM customers WHERE kind = $1", kind.value)
        for kind in (household, business)
    ]
    leader = await retailer.value("SELECT max(leader_customer_id) FROM communities")

    def prepare(chooser: random.Random) -> None:
        retailer.graph.is_down = chooser.random() < 0.25

    contexts, values = contexts_of(retailer, [*own, leader]), await values_of(retailer)
    return Comparison(retailer.api.engine, contexts, values, prepare, roots)
