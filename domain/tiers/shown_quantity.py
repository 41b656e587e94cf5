"""Quantities as people read them: money in whole currency units, all else with no more digits than it has."""

from fractions import Fraction

from domain.customers.fact import FactKind
from domain.customers.facts import FACT_BY_NAME
from domain.tiers.exact import short_text
from domain.tiers.measure import Quantity


def is_money(quantity: Quantity) -> bool:
    """Cents a month are money, cents by cents are a share."""
    per = FACT_BY_NAME.get(quantity.per or "")
    return FACT_BY_NAME[quantity.fact].kind is FactKind.CENTS and not (per and per.kind is FactKind.CENTS)


def in_shown_unit(quantity: Quantity, stored: Fraction) -> Fraction:
    return stored / 100 if is_money(quantity) else stored


def unit_of(quantity: Quantity) -> str:
    """E.g. `orders per months`, `CNY`, `days`."""
    fact, per = FACT_BY_NAME[quantity.fact], FACT_BY_NAME.get(quantity.per or "")
    if per and per.unit == fact.unit:
        return "share"
    return f"{fact.unit} per {(per.unit or '').removesuffix('s')}" if per else fact.unit or ""


def shown(quantity: Quantity, stored: Fraction | None) -> str:
    """Six digits at most, cut; `?` for the unknown."""
    if stored is None:
        return "?"
    if is_money(quantity):
        return money_text(int(stored // 1))
    return short_text(stored)


def money_text(cents: int) -> str:
    return f"{cents // 100:,}.{cents % 100:02}"
