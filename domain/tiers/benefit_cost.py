"""What a candidate would change in what benefits cost: of prices, the only benefit with a published cost (S0-20)."""

from fractions import Fraction
from math import floor

from domain.tiers.policy import BenefitKind, TierRule
from domain.tiers.policy_preview import Preview


def benefit_cost_change_cents(preview: Preview) -> int | None:
    """Cents of 90 days, half a cent rounded up: the spend of each pair of tiers times the difference of their price
    factors, as if everything were bought at the price of this policy. None: no tier publishes a price."""
    rules = [rule for rule in (preview.before, preview.rule) if rule]
    if not any(True for rule in rules for tier in rule.tiers for _ in tier.values_of(BenefitKind.PRICE)):
        return None
    spend = preview.moves.spend_cents
    change = sum(
        int(spend[old, new]) * (factor(preview.before, int(old)) - factor(preview.rule, int(new)))
        for old, new in zip(*spend.nonzero(), strict=True)
    )
    return floor(change + Fraction(1, 2))


def factor(rule: TierRule | None, rank: int) -> Fraction:
    """Of the list price; the lowest where a tier publishes several, 1 where it publishes none."""
    if rule is None or rank == 0:
        return Fraction(1)
    prices = rule.tiers[rank - 1].values_of(BenefitKind.PRICE)
    return min(map(Fraction, prices), default=Fraction(1))
