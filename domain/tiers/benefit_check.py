"""What is wrong with the numbers that a tier promises."""

from collections.abc import Iterator
from decimal import Decimal

from domain.errors import DomainError, ErrorCode
from domain.orders.order import MOST_CREDIT_DAYS
from domain.tiers.policy import Benefit, BenefitKind, Tier

RANGES = {
    BenefitKind.PRICE: (Decimal("0.01"), Decimal(1), "a factor of the list price such as 0.95"),
    BenefitKind.POINTS_MULTIPLIER: (Decimal(1), Decimal(100), "points for each whole unit of currency"),
    BenefitKind.CREDIT: (Decimal(1), Decimal(1_000_000_000), "a limit in the shop's currency"),
}
"""Least and most of the value, for the kinds that have one."""


def benefit_problems(tiers: tuple[Tier, ...]) -> Iterator[DomainError]:
    """None: every price, multiplier and credit can be worked out as it is published."""
    for tier in tiers:
        for benefit in tier.benefits:
            path = ("tiers", tier.code, "benefits", benefit.kind.value)
            yield from _value_problems(benefit, path)
            yield from _days_problems(benefit, path)
        yield from _double_problems(tier)


def _value_problems(benefit: Benefit, path: tuple[str, ...]) -> Iterator[DomainError]:
    if benefit.value is None:
        return
    if benefit.kind not in RANGES:
        message = f"{benefit.kind} has no number: leave its value out and say it in words"
        yield DomainError(ErrorCode.INVALID, message, (*path, "value"))
        return
    least, most, what = RANGES[benefit.kind]
    if not least <= benefit.value <= most:
        message = f"the value of {benefit.kind} is {what}: give {least} to {most}"
        yield DomainError(ErrorCode.OUT_OF_RANGE, message, (*path, "value"))


def _days_problems(benefit: Benefit, path: tuple[str, ...]) -> Iterator[DomainError]:
    if benefit.kind is not BenefitKind.CREDIT:
        if benefit.days is not None:
            message = f"{benefit.kind} has no days: only CREDIT says in how many days to pay"
            yield DomainError(ErrorCode.INVALID, message, (*path, "days"))
        return
    if (benefit.days is None) is not (benefit.value is None):
        message = "CREDIT needs both a limit (value) and days to pay, or neither"
        yield DomainError(ErrorCode.REQUIRED, message, (*path, "days"))
    elif benefit.days is not None and not 1 <= benefit.days <= MOST_CREDIT_DAYS:
        message = f"days to pay are 1 to {MOST_CREDIT_DAYS}"
        yield DomainError(ErrorCode.OUT_OF_RANGE, message, (*path, "days"))


def _double_problems(tier: Tier) -> Iterator[DomainError]:
    for kind in RANGES:
        if len(list(tier.values_of(kind))) > 1:
            message = f"{tier.code} promises {kind} twice: keep one"
            yield DomainError(ErrorCode.DUPLICATE, message, ("tiers", tier.code, "benefits", kind.value))
