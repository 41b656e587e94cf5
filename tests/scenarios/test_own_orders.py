import json
from pathlib import Path

from demo_process import run_c360

MAPPING = """
[format]
date = "%Y%m%d"
currency = "USD"
[customers]
external_id = "customer"
kind = "=HOUSEHOLD"
registered_at = "day"
[orders]
external_id = "@row"
customer_external_id = "customer"
placed_at = "day"
net_amount = "amount"
"""
LOG = "customer,day,amount\n7,20260105,12.50\n7,20260106,7.50\n8,20260107,3.00\n"
QUERY = """{ shop { currencyCode }
  customer(by: {ref: {source: "till", externalId: "7"}}) {
    facts { ordersAllTime spendAllTime } tier { tier { code } } recommendations(first: 1) { rank } } }"""


def test_a_log_of_ones_own_is_imported_computed_and_asked(tmp_path: Path) -> None:
    (tmp_path / "purchases.csv").write_text(LOG)
    (tmp_path / "mapping.toml").write_text(MAPPING)
    command = ["import", str(tmp_path / "purchases.csv"), "--source", "till", "--mapping"]
    home = tmp_path / "home"

    tried = run_c360(home, *command, str(tmp_path / "mapping.toml"), "--dry-run")
    taken = run_c360(home, *command, str(tmp_path / "mapping.toml"))
    computed = run_c360(home, "recompute")
    answer = run_c360(home, "query", QUERY)

    assert [done.returncode for done in (tried, taken, computed, answer)] == [0, 0, 0, 0]
    assert json.loads(answer.stdout)["data"] == {
        "shop": {"currencyCode": "USD"},
        "customer": {
            "facts": {"ordersAllTime": 2, "spendAllTime": "20.00"},
            "tier": {"tier": {"code": "BRONZE"}},
            "recommendations": [],
        },
    }


def test_a_currency_that_no_shop_can_have_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "purchases.csv").write_text(LOG)
    (tmp_path / "mapping.toml").write_text(MAPPING.replace("USD", "XTS"))
    command = ["import", str(tmp_path / "purchases.csv"), "--source", "till", "--mapping"]

    done = run_c360(tmp_path / "home", *command, str(tmp_path / "mapping.toml"))

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "c360: No shop can have the currency 'XTS'; choose from CNY, USD, EUR.\n"
