"""What is wrong with a rule before anybody is graded by it."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

from domain.errors import DomainError, ErrorCode
from domain.tiers.policy import Tier, TierPart, TierRule


def rule_problems(rule: TierRule) -> tuple[DomainError, ...]:
    """Every mistake of the ladder and the parts, in the order of the document; none: the rule is sound."""
    return (*_part_problems(rule), *_ladder_problems(rule), *_reach_problems(rule))


def require_sound(rule: TierRule) -> TierRule:
    """The rule itself. *Errors*: the first DomainError of `rule_problems`."""
    for problem in rule_problems(rule):
        raise problem
    return rule


def score_range(rule: TierRule) -> tuple[Fraction, Fraction]:
    """The lowest and the highest score any customer can reach."""
    lowest = sum((part.weight * part.floor for part in rule.parts), Fraction(0))
    highest = sum((part.weight * part.cap for part in rule.parts), Fraction(0))
    if any(part.bonus for part in rule.parts):
        highest = min(highest, rule.score_cap)
    return lowest, highest


def _part_problems(rule: TierRule) -> Iterator[DomainError]:
    if not rule.parts:
        yield DomainError(
            ErrorCode.REQUIRED, "a score needs at least one part: add one", ("measure", "score")
        )
    if len({part.code for part in rule.parts}) < len(rule.parts):
        yield DomainError(
            ErrorCode.DUPLICATE, "two parts share a code: give each its own", ("measure", "score")
        )
    if len({part.per for part in rule.parts} - {None}) > 1:
        yield DomainError(
            ErrorCode.TOO_COMPLEX,
            "shares of one score must divide by the same fact: use one `per`",
            ("measure", "score"),
        )
    for part in rule.parts:
        yield from _line_problems(part)


def _line_problems(part: TierPart) -> Iterator[DomainError]:
    path = ("measure", "score", part.code)
    if part.weight <= 0:
        yield DomainError(ErrorCode.OUT_OF_RANGE, f"the weight of {part.code} must be above 0", path)
    if part.floor >= part.cap:
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
    for lower, higher in pairwise(rule.tiers):
        yield from _step_problems(lower, higher)


def _step_problems(lower: Tier, higher: Tier) -> Iterator[DomainError]:
    path = ("tiers", higher.code, "threshold")
    if higher.threshold is None:
        yield DomainError(
            ErrorCode.REQUIRED, f"only the lowest tier may lack a threshold: give {higher.code} one", path
        )
    elif lower.threshold is not None and _begins(higher) <= _begins(lower):
        yield DomainError(
            ErrorCode.THRESHOLDS_OVERLAP,
            f"{higher.code} must begin above {lower.code}: raise its threshold",
            path,
        )


def _reach_problems(rule: TierRule) -> Iterator[DomainError]:
    if not rule.parts:
        return
    lowest, highest = score_range(rule)
    for tier in rule.tiers:
        if not tier.admits(highest):
            yield _unreachable(tier, f"no score passes {highest}: lower its threshold")
    for lower, higher in pairwise(rule.tiers):
        if higher.threshold is not None and higher.admits(lowest):
            yield _unreachable(
                lower, f"every score reaches {higher.code}: raise the threshold of {higher.code}"
            )


def _unreachable(tier: Tier, why: str) -> DomainError:
    return DomainError(
        ErrorCode.TIER_UNREACHABLE, f"nobody can be {tier.code}: {why}", ("tiers", tier.code, "threshold")
    )


def _begins(tier: Tier) -> tuple[Fraction, bool]:
    """Orders tiers by where they begin; `> 40` begins after `>= 40`."""
    return Fraction(tier.threshold or 0), not tier.threshold_inclusive
