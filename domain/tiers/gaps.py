"""What a tier asks for, beside what is there: the gaps to the next one, and what keeps the present one."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from domain.tiers.measure import BandsMeasure, Cut, Quantity, RankMeasure, ScoreMeasure, TierPart
from domain.tiers.policy import Tier, TierRule
from domain.tiers.recipes import MONEY, ORDERS, Factor, Recipe, RecipeKind, least_amount
from domain.tiers.shown_quantity import in_shown_unit, unit_of
from domain.tiers.standing import Standing
from domain.words import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class TierGap:
    """`metric` is `score`, `rank` (the mean percentile, 0 to 100), the name of a fact, or the code of a quantity
    that is one fact for each of another; numbers are in `unit`. `at_most`: less is better."""

    metric: str
    words: Words
    unit: str
    current: Fraction
    required: Fraction
    at_most: bool = False

    @property
    def missing(self) -> Fraction:
        """Negative: so much is to spare."""
        return self.current - self.required if self.at_most else self.required - self.current


def gaps_to(
    rule: TierRule, standing: Standing, target: Tier, recipes: tuple[Recipe, ...]
) -> tuple[TierGap, ...]:
    """What is unmet, and the single-factor recipes once more, as the fact that is to rise."""
    unmet = [gap for gap in asked(rule, standing, target) if gap.missing > 0 or gap.metric == "score"]
    known = {gap.metric for gap in unmet}
    by_recipes = (gap for gap in _by_recipes(standing, recipes) if gap.metric not in known)
    return (*unmet, *by_recipes)


def asked(rule: TierRule, standing: Standing, tier: Tier) -> Iterator[TierGap]:
    """Everything the tier asks for, met or not; what is unknown of a customer is left out."""
    match rule.measure:
        case ScoreMeasure() if tier.threshold is not None:
            yield _points("score", Words("得分", "Score"), standing, Fraction(tier.threshold))
        case BandsMeasure(dimensions=dimensions):
            for dimension in dimensions:
                yield from _of_quantity(standing, dimension.quantity, dimension.find_cut(tier.code))
        case RankMeasure() if standing.placing and tier.code in dict(standing.placing.cuts):
            least = standing.placing.points(dict(standing.placing.cuts)[tier.code])
            yield _points("rank", Words("综合排名", "Place"), standing, least)
    for gate in tier.gates:
        yield from _of_quantity(standing, gate.quantity, gate.cut)


def _points(metric: str, words: Words, standing: Standing, required: Fraction) -> TierGap:
    current = standing.score or Fraction(0)
    return TierGap(metric=metric, words=words, unit="points", current=current, required=required)


def _of_quantity(standing: Standing, quantity: Quantity, cut: Cut | None) -> Iterator[TierGap]:
    observed = quantity.observed(standing.facts)
    if cut is None or observed is None:
        return
    required = cut.value if quantity.per else Fraction(least_amount(cut))
    yield TierGap(
        metric=quantity.code if quantity.per else quantity.fact,
        words=quantity.words,
        unit=unit_of(quantity),
        current=in_shown_unit(quantity, observed),
        required=in_shown_unit(quantity, required),
        at_most=cut.is_upper,
    )


def _by_recipes(standing: Standing, recipes: tuple[Recipe, ...]) -> Iterator[TierGap]:
    factors = {RecipeKind.MORE_ORDERS: ORDERS, RecipeKind.MORE_SPEND: MONEY}
    for recipe in recipes:
        factor = factors.get(recipe.kind)
        if recipe.reachable and factor:
            yield from _risen(standing, factor, recipe.orders or recipe.spend_cents or 0)


def _risen(standing: Standing, factor: Factor, increase: int) -> Iterator[TierGap]:
    for part in standing.parts:
        quantity = as_quantity(part.part)
        if factor.moves(quantity.fact) and not quantity.per:
            current = Fraction(part.amount or 0)
            yield TierGap(
                metric=quantity.fact,
                words=quantity.words,
                unit=unit_of(quantity),
                current=in_shown_unit(quantity, current),
                required=in_shown_unit(quantity, current + increase),
            )
            return


def as_quantity(part: TierPart | Quantity) -> Quantity:
    if isinstance(part, Quantity):
        return part
    return Quantity(code=part.code, words=part.words, fact=part.fact, per=part.per)
