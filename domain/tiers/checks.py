"""Every cut of a ladder with what was observed, in words."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from domain.tiers.exact import short_text
from domain.tiers.measure import (
    BandsMeasure,
    Cut,
    CutOperator,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.policy import Tier, TierRule
from domain.tiers.shown_quantity import in_shown_unit, shown
from domain.tiers.standing import Standing
from domain.words import Words


class Comparison(StrEnum):
    GT = "GT"
    GTE = "GTE"
    LT = "LT"
    LTE = "LTE"

    @property
    def sign(self) -> str:
        return _SIGNS[self]


_SIGNS = {Comparison.GT: ">", Comparison.GTE: "≥", Comparison.LT: "<", Comparison.LTE: "≤"}
COMPARISONS: dict[CutOperator, Comparison] = {
    ">": Comparison.GT,
    ">=": Comparison.GTE,
    "<": Comparison.LT,
    "<=": Comparison.LTE,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class TierCheck:
    """One cut of the ladder. `metric`: `score`, `rank` (the mean percentile), or the code of a quantity;
    numbers are in its shown unit. `threshold` None: nothing is asked, or a share that nobody is inside of."""

    tier_code: str
    words: Words
    metric: str
    observed: Fraction | None
    threshold: Fraction | None
    comparison: Comparison
    passed: bool


def checks_of(rule: TierRule, standing: Standing) -> tuple[TierCheck, ...]:
    return tuple(check for tier in reversed(rule.tiers) for check in _checks(rule, standing, tier))


def _checks(rule: TierRule, standing: Standing, tier: Tier) -> Iterator[TierCheck]:
    measured = list(_measure_checks(rule, standing, tier))
    gates = [_quantity_check(standing, tier, gate.quantity, gate.cut) for gate in tier.gates]
    yield from (*measured, *gates)
    if not measured and not gates:
        yield _no_threshold(standing, tier)


def _measure_checks(rule: TierRule, standing: Standing, tier: Tier) -> Iterator[TierCheck]:
    match rule.measure:
        case BandsMeasure(dimensions=dimensions):
            for dimension in dimensions:
                cut = dimension.find_cut(tier.code)
                if cut is not None:
                    yield _quantity_check(standing, tier, dimension.quantity, cut)
        case RankMeasure() if tier.threshold is not None:
            yield _share_check(standing, tier)
        case _ if tier.threshold is not None:
            yield _score_check(rule, standing, tier)


def _no_threshold(standing: Standing, tier: Tier) -> TierCheck:
    """Customers who never ordered pass nothing but the tier they are given (C8)."""
    return TierCheck(
        tier_code=tier.code,
        words=Words(f"{tier.name.zh}：无门槛", f"{tier.name.en}: no threshold"),
        metric="score",
        observed=standing.score,
        threshold=None,
        comparison=Comparison.GTE,
        passed=standing.tier == tier if standing.never_ordered else True,
    )


def _score_check(rule: TierRule, standing: Standing, tier: Tier) -> TierCheck:
    comparison = Comparison.GTE if tier.threshold_inclusive else Comparison.GT
    cut, score = Fraction(tier.threshold or 0), standing.score or Fraction(0)
    asked = _Asked(score_words(rule), short_text(cut), short_text(score))
    passed = standing.tier == tier if standing.never_ordered else tier.admits(score)
    return TierCheck(
        tier_code=tier.code,
        words=_check_words(tier, comparison, asked, passed=passed),
        metric="score",
        observed=score,
        threshold=cut,
        comparison=comparison,
        passed=passed,
    )


def _share_check(standing: Standing, tier: Tier) -> TierCheck:
    placing = standing.placing
    share = short_text(100 * Fraction(tier.threshold or 0))
    passed = bool(placing and tier.code in placing.inside)
    least = dict(placing.cuts).get(tier.code) if placing else None
    cut = None if least is None or placing is None else placing.points(least)
    begins = (
        Words("无人", "nobody")
        if cut is None
        else Words(f"{short_text(cut)} 分起", f"from {short_text(cut)}")
    )
    found = "?" if standing.score is None else short_text(standing.score)
    verdict = _verdict(passed=passed)
    words = Words(
        f"{tier.name.zh}：要求综合排名前 {share}%（{begins.zh}），实际 {found} 分，{verdict.zh}",
        f"{tier.name.en}: needs a place in the top {share}% ({begins.en}), found {found}, {verdict.en}",
    )
    return TierCheck(
        tier_code=tier.code,
        words=words,
        metric="rank",
        observed=standing.score,
        threshold=cut,
        comparison=Comparison.GTE,
        passed=passed,
    )


def _quantity_check(standing: Standing, tier: Tier, quantity: Quantity, cut: Cut) -> TierCheck:
    observed = quantity.observed(standing.facts)
    comparison, passed = COMPARISONS[cut.operator], cut.passes(observed) and not standing.never_ordered
    wanted, found = shown(quantity, cut.value), shown(quantity, observed)
    return TierCheck(
        tier_code=tier.code,
        words=_check_words(tier, comparison, _Asked(quantity.words, wanted, found), passed=passed),
        metric=quantity.code,
        observed=None if observed is None else in_shown_unit(quantity, observed),
        threshold=in_shown_unit(quantity, cut.value),
        comparison=comparison,
        passed=passed,
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    what: Words
    wanted: str
    found: str


def _check_words(tier: Tier, comparison: Comparison, asked: _Asked, *, passed: bool) -> Words:
    verdict, sign = _verdict(passed=passed), comparison.sign
    return Words(
        f"{tier.name.zh}：要求{asked.what.zh} {sign} {asked.wanted}，实际 {asked.found}，{verdict.zh}",
        f"{tier.name.en}: needs {asked.what.en} {sign} {asked.wanted}, found {asked.found}, {verdict.en}",
    )


def score_words(rule: TierRule) -> Words:
    """A score of one unweighted part is that number itself."""
    number = plain_number(rule)
    return number.words if number else Words("得分", "a score")


def plain_number(rule: TierRule) -> TierPart | None:
    """The only part of a score that is nothing but that part."""
    match rule.measure:
        case ScoreMeasure(parts=(part,)) if part.weight == 1 and part.cap is None:
            return part
    return None


def _verdict(*, passed: bool) -> Words:
    return Words("达到", "reached") if passed else Words("未达到", "not reached")
