"""What a purchase on top would do: the facts after it, and the standing they give."""

from collections.abc import Mapping
from dataclasses import dataclass

from domain.tiers.measure import FIRST_ORDER_AGE, ORDERED_FACT, Facts
from domain.tiers.policy import TierRule
from domain.tiers.standing import Standing, stand

JUST_NOW_US = 2**62
"""Later than any stored order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchase:
    """Orders and money on top of what counts already; `refreshes`: the last order was just now."""

    orders: int = 0
    spend_cents: int = 0
    refreshes: bool = False


def counts_orders(fact: str) -> bool:
    return fact.startswith("orders_")


def counts_money(fact: str) -> bool:
    return fact.startswith("spend_") or fact == "growth_value_365d"


@dataclass(frozen=True, slots=True)
class WhatIf:
    """One customer under one rule. `facts` are those that the rule reads. Shares are held as they are."""

    rule: TierRule
    facts: Facts

    def standing_after(self, purchase: Purchase) -> Standing:
        return stand(self.rule, facts_after(self.facts, purchase))

    def reaches(self, rank: int, purchase: Purchase) -> bool:
        return self.standing_after(purchase).rank >= rank


def what_if(rule: TierRule, facts: Facts) -> WhatIf:
    names = (*rule.fact_names(), ORDERED_FACT)
    return WhatIf(rule, {name: facts[name] for name in names})


def facts_after(facts: Facts, purchase: Purchase) -> Mapping[str, int | None]:
    """Whoever never ordered is refreshed by any purchase."""
    after = {name: _after(name, value, purchase) for name, value in facts.items()}
    if purchase.refreshes or facts[ORDERED_FACT] is None:
        after[ORDERED_FACT] = 0
        if "last_order_at" in after:
            after["last_order_at"] = JUST_NOW_US
        if after.get(FIRST_ORDER_AGE, 0) is None:
            after[FIRST_ORDER_AGE] = 0
    return after


def _after(fact: str, value: int | None, purchase: Purchase) -> int | None:
    if counts_orders(fact):
        return (value or 0) + purchase.orders
    return (value or 0) + purchase.spend_cents if counts_money(fact) else value
