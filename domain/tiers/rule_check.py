"""What is wrong with a rule before anybody is graded by it."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from domain.customers.facts import FACT_BY_NAME
from domain.errors import DomainError, ErrorCode
from domain.tiers.benefit_check import benefit_problems
from domain.tiers.measure import (
    BandsMeasure,
    Cut,
    Dimension,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.policy import Tier, TierRule
from domain.tiers.timing import timing_problems

SCORE, BANDS, RANK = ("measure", "score"), ("measure", "bands"), ("measure", "rank")


def rule_problems(rule: TierRule) -> tuple[DomainError, ...]:
    """Every mistake of measure, ladder, benefits and timing, in the order of the document; none: the rule is sound."""
    of_tiers = (*_measure_problems(rule), *_ladder_problems(rule), *_reach_problems(rule))
    return (*of_tiers, *benefit_problems(rule.tiers), *timing_problems(rule.timing))


def require_sound(rule: TierRule) -> TierRule:
    """The rule itself. *Errors*: the first DomainError of `rule_problems`."""
    for problem in rule_problems(rule):
        raise problem
    return rule


def score_range(measure: ScoreMeasure) -> tuple[Fraction, Fraction | None]:
    """The lowest and the highest score any customer can reach; None: there is no highest."""
    lowest = sum((part.weight * part.floor for part in measure.parts), Fraction(0))
    if any(part.bonus for part in measure.parts):
        return lowest, measure.score_cap
    caps = [part.cap * part.weight for part in measure.parts if part.cap is not None]
    return lowest, sum(caps, Fraction(0)) if len(caps) == len(measure.parts) else None


def _measure_problems(rule: TierRule) -> Iterator[DomainError]:
    match rule.measure:
        case ScoreMeasure() as measure:
            yield from _score_problems(measure)
        case BandsMeasure() as measure:
            yield from _bands_problems(rule, measure)
        case RankMeasure() as measure:
            yield from _rank_problems(measure)


def _score_problems(measure: ScoreMeasure) -> Iterator[DomainError]:
    yield from _code_problems([part.code for part in measure.parts], "a score needs at least one part", SCORE)
    if len({part.per for part in measure.parts} - {None}) > 1:
        yield DomainError(
            ErrorCode.TOO_COMPLEX, "shares of one score must divide by the same fact: use one `per`", SCORE
        )
    for part in measure.parts:
        yield from _line_problems(part)


def _code_problems(codes: list[str], none: str, path: tuple[str, ...]) -> Iterator[DomainError]:
    if not codes:
        yield DomainError(ErrorCode.REQUIRED, f"{none}: add one", path)
    if len(set(codes)) < len(codes):
        yield DomainError(ErrorCode.DUPLICATE, "two parts share a code: give each its own", path)


def _bands_problems(rule: TierRule, measure: BandsMeasure) -> Iterator[DomainError]:
    codes = [dimension.quantity.code for dimension in measure.dimensions]
    yield from _code_problems(codes, "bands need at least one dimension", BANDS)
    for tier in rule.tiers:
        if tier.threshold is not None:
            message = f"{tier.code} has a threshold, but bands have none: use the steps of the dimensions"
            yield DomainError(ErrorCode.INVALID, message, ("tiers", tier.code, "threshold"))
    for dimension in measure.dimensions:
        yield from _steps_problems(rule, dimension)


def _steps_problems(rule: TierRule, dimension: Dimension) -> Iterator[DomainError]:
    path = (*BANDS, dimension.quantity.code)
    if [step.tier for step in dimension.steps] != [tier.code for tier in rule.tiers[1:]]:
        message = f"{dimension.quantity.code} needs a step for each tier but the lowest, from the lowest up"
        yield DomainError(ErrorCode.THRESHOLDS_GAP, message, path)
    for lower, higher in pairwise(dimension.steps):
        if not _begins_above(lower.cut, higher.cut):
            message = (
                f"{higher.tier} must begin beyond {lower.tier}: move its step of {dimension.quantity.code}"
            )
            yield DomainError(ErrorCode.THRESHOLDS_OVERLAP, message, (*path, higher.tier))
    for step in dimension.steps:
        yield from _cut_problems(dimension.quantity, step.cut, step.tier, path)


def _begins_above(lower: Cut, higher: Cut) -> bool:
    """Whoever passes the higher cut passes the lower one, and not the other way round."""
    if lower.is_upper != higher.is_upper:
        return False
    if lower.value == higher.value:
        return higher.is_strict and not lower.is_strict
    return (higher.value < lower.value) is lower.is_upper


def _cut_problems(quantity: Quantity, cut: Cut, tier: str, path: tuple[str, ...]) -> Iterator[DomainError]:
    fact = FACT_BY_NAME.get(quantity.fact)
    if cut.value < 0:
        yield DomainError(ErrorCode.OUT_OF_RANGE, f"a cut of {quantity.code} must not be below 0", path)
    elif fact and not quantity.per and not cut.is_upper and cut.value > fact.hi:
        yield _unreachable(tier, f"{quantity.fact} is never above {fact.hi}: lower its cut", path)


def _rank_problems(measure: RankMeasure) -> Iterator[DomainError]:
    codes = [quantity.code for quantity in measure.quantities]
    yield from _code_problems(codes, "a ranking needs at least one fact", RANK)
    for quantity in measure.quantities:
        if quantity.per:
            message = f"{quantity.code} must be a fact, not one by another: remove `per`"
            yield DomainError(ErrorCode.INVALID, message, (*RANK, quantity.code))


def _line_problems(part: TierPart) -> Iterator[DomainError]:
    path = ("measure", "score", part.code)
    if part.weight <= 0:
        yield DomainError(ErrorCode.OUT_OF_RANGE, f"the weight of {part.code} must be above 0", path)
    if part.cap is not None and part.floor >= part.cap:
        yield DomainError(ErrorCode.EMPTY_RANGE, f"the floor of {part.code} must be below its cap", path)
    if part.slope == 0:
        yield DomainError(
            ErrorCode.INVALID, f"the slope of {part.code} must not be 0: it would score nothing", path
        )


def _ladder_problems(rule: TierRule) -> Iterator[DomainError]:
    if not rule.tiers:
        yield DomainError(ErrorCode.REQUIRED, "a policy needs at least one tier: add one", ("tiers",))
    if len({tier.code for tier in rule.tiers}) < len(rule.tiers):
        yield DomainError(ErrorCode.DUPLICATE, "two tiers share a code: give each its own", ("tiers",))
    if [tier.rank for tier in rule.tiers] != list(range(1, len(rule.tiers) + 1)):
        yield DomainError(ErrorCode.INVALID, "ranks must run 1, 2, 3, … from the lowest tier up", ("tiers",))
    if rule.never_ordered_tier is not None and rule.find_tier(rule.never_ordered_tier) is None:
        yield DomainError(
            ErrorCode.UNKNOWN_TIER,
            f"no tier has the code {rule.never_ordered_tier!r}: name one of the ladder or none",
            ("neverOrderedTier",),
        )
    for tier in rule.tiers:
        yield from _asks_problems(rule, tier)
    for lower, higher in pairwise(rule.tiers):
        yield from _order_problems(rule, lower, higher)


def _asks_problems(rule: TierRule, tier: Tier) -> Iterator[DomainError]:
    path = ("tiers", tier.code, "threshold")
    asks = tier.threshold is not None or tier.gates or isinstance(rule.measure, BandsMeasure)
    if tier.rank > 1 and not asks:
        message = f"only the lowest tier may lack a threshold: give {tier.code} one"
        yield DomainError(ErrorCode.REQUIRED, message, path)
    is_share = isinstance(rule.measure, RankMeasure) and tier.threshold is not None
    if is_share and not 0 < (tier.threshold or 0) < 1:
        message = f"the top share of {tier.code} must lie between 0 and 1, such as 0.05"
        yield DomainError(ErrorCode.OUT_OF_RANGE, message, path)
    for gate in tier.gates:
        yield from _cut_problems(gate.quantity, gate.cut, tier.code, ("tiers", tier.code, "gates"))


def _order_problems(rule: TierRule, lower: Tier, higher: Tier) -> Iterator[DomainError]:
    if lower.threshold is None or higher.threshold is None:
        return
    is_ranked = isinstance(rule.measure, RankMeasure)
    is_above = higher.threshold < lower.threshold if is_ranked else _begins(higher) > _begins(lower)
    if not is_above:
        how = "take a smaller share than" if is_ranked else "begin above"
        change = "lower its share" if is_ranked else "raise its threshold"
        yield DomainError(
            ErrorCode.THRESHOLDS_OVERLAP,
            f"{higher.code} must {how} {lower.code}: {change}",
            ("tiers", higher.code, "threshold"),
        )


def _reach_problems(rule: TierRule) -> Iterator[DomainError]:
    if not isinstance(rule.measure, ScoreMeasure) or not rule.measure.parts:
        return
    lowest, highest = score_range(rule.measure)
    for tier in rule.tiers:
        if highest is not None and not tier.admits(highest):
            yield _unreachable(tier.code, f"no score passes {highest}: lower its threshold")
    for lower, higher in pairwise(rule.tiers):
        if higher.threshold is not None and not higher.gates and higher.admits(lowest):
            why = f"every score reaches {higher.code}: raise the threshold of {higher.code}"
            yield _unreachable(lower.code, why)


def _unreachable(tier: str, why: str, path: tuple[str, ...] = ()) -> DomainError:
    message = f"nobody can be {tier}: {why}"
    return DomainError(ErrorCode.TIER_UNREACHABLE, message, path or ("tiers", tier, "threshold"))


def _begins(tier: Tier) -> tuple[Fraction, bool]:
    """Orders tiers by where they begin; `> 40` begins after `>= 40`."""
    return Fraction(tier.threshold or 0), not tier.threshold_inclusive
