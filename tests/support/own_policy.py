"""A sixth policy as an operator writes it, and the mutations of its life."""

from copy import deepcopy
from typing import Any

CREATE = """mutation M($input: TierPolicyCreateInput!) { acted: tierPolicyCreate(input: $input) {
  tierPolicyVersion { id number status policy { code name } timing { cadence } measure { kind parts { code unit } }
    tiers { code rank threshold gates { words value unit } benefits { words value days } } }
  userErrors { field code message } } }"""
DRAFT = """mutation M($input: TierPolicyVersionCreateInput!) { acted: tierPolicyVersionCreate(input: $input) {
  tierPolicyVersion { id number status tiers { code threshold } } userErrors { field code message } } }"""

SPEND = {"code": "spend", "words": "近90天消费", "fact": "spend90d", "unit": "CNY"}
RECENCY = {"code": "R", "words": "距上次下单天数", "fact": "daysSinceLastOrder", "unit": "days"}
RULE: dict[str, Any] = {
    "measure": {"score": {"parts": [{"quantity": SPEND}]}},
    "tiers": [
        {"code": "GUEST", "name": "客", "targetShare": "0.5", "targetShareMax": "0.8"},
        {"code": "FRIEND", "name": "友", "threshold": "300"},
        {
            "code": "FAMILY",
            "name": "亲",
            "threshold": "1000",
            "gates": [{"quantity": RECENCY, "comparison": "LTE", "value": "30"}],
            "benefits": [
                {"kind": "COUPON", "words": "亲友券"},
                {"kind": "PRICE", "words": "亲友价", "value": "0.9"},
            ],
        },
    ],
    "timing": {"cadence": "REALTIME", "qualificationDays": 90},
    "neverOrderedTier": "GUEST",
}
"""Spend of 90 days: from 300 CNY a FRIEND, from 1,000 with an order in 30 days FAMILY."""


def changed(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    """The rule with another value at that place."""
    rule = deepcopy(RULE)
    place: Any = rule
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return rule


PREVIEW = """mutation M($input: TierPolicyPreviewInput!) { acted: tierPolicyPreview(input: $input) {
  hash customers moved moves { fromCode toCode customers spend { amount } }
  before { tierCode customers share targetShare { min max } gap spend { amount } spendShare }
  after { tierCode customers share targetShare { min max } gap spend { amount } spendShare }
  samples { customer { id } fromCode toCode words } userErrors { field code message } } }"""

ACTIVATE = """mutation M($input: TierPolicyActivateInput!) { acted: tierPolicyActivate(input: $input) {
  tierPolicyVersion { number status effectiveFrom scope { share } } userErrors { field code message } } }"""
END_CANARY = """mutation M($input: TierPolicyCanaryEndInput!) { acted: tierPolicyCanaryEnd(input: $input) {
  tierPolicyVersion { number status scope { share } } userErrors { field code message } } }"""
ROLL_BACK = """mutation M($input: TierPolicyRollBackInput!) { acted: tierPolicyRollBack(input: $input) {
  tierPolicyVersion { number status } userErrors { field code } } }"""
RETIRE = """mutation M($input: TierPolicyRetireInput!) { acted: tierPolicyRetire(input: $input) {
  tierPolicy { code activeVersion { number } } customersLeaving userErrors { field code } } }"""
