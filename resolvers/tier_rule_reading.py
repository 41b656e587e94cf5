"""The rule that an operator wrote, in the rules' own units; every mistake is noted with its path."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction

from domain.customers.facts import FACTS
from domain.errors import DomainError, ErrorCode
from domain.tiers.checks import COMPARISONS, Comparison
from domain.tiers.gaps import as_quantity
from domain.tiers.measure import (
    BandsMeasure,
    Cut,
    Dimension,
    Gate,
    Measure,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    Step,
    TierPart,
)
from domain.tiers.policy import Benefit, Tier, TierRule
from domain.tiers.shown_quantity import is_money, unit_of
from domain.tiers.timing import LargeOrder, TierTiming, TierTrial
from domain.words import Words
from resolvers import tier_rule_inputs as inputs

FACT_NAMES = {fact.graphql_name: fact.name for fact in FACTS if not fact.per_category}
OPERATORS = {comparison: operator for operator, comparison in COMPARISONS.items()}
CENTS = 100

Path = tuple[str, ...]


@dataclass(slots=True)
class RuleReader:
    """Reads on after a mistake, so that all of them can be told at once."""

    problems: list[DomainError] = field(default_factory=list)

    def rule(self, given: inputs.TierPolicyRuleInput) -> TierRule:
        """Of use only while `problems` is empty."""
        gap = given.almost_there_gap
        return TierRule(
            measure=self.measure(given.measure),
            tiers=tuple(self.tier(tier, rank) for rank, tier in enumerate(given.tiers, 1)),
            never_ordered_tier=given.never_ordered_tier,
            almost_there_gap=None if gap is None else Fraction(gap),
            timing=self.timing(given.timing, [tier.code for tier in given.tiers]),
        )

    def measure(self, given: inputs.TierMeasureInput) -> Measure:
        if given.score:
            parts = tuple(self.part(part) for part in given.score.parts)
            return ScoreMeasure(parts, Fraction(given.score.cap))
        if given.bands:
            dimensions = tuple(self.dimension(one) for one in given.bands.dimensions)
            return BandsMeasure(dimensions, given.bands.combine)
        quantities = given.rank or []
        return RankMeasure(tuple(self.quantity(one, ("measure", "rank")) for one in quantities))

    def part(self, given: inputs.TierPartInput) -> TierPart:
        quantity = self.quantity(given.quantity, ("measure", "score"))
        part = TierPart(
            code=quantity.code,
            words=quantity.words,
            fact=quantity.fact,
            per=quantity.per,
            base=Fraction(given.base),
            floor=Fraction(given.floor),
            cap=None if given.cap is None else Fraction(given.cap),
            weight=Fraction(given.weight),
            slope=Fraction(given.slope) / self.scale(quantity),
            bonus=given.bonus,
        )
        assert as_quantity(part) == quantity, "a part reads what its quantity reads"
        return part

    def dimension(self, given: inputs.TierDimensionInput) -> Dimension:
        quantity = self.quantity(given.quantity, ("measure", "bands"))
        steps = (Step(step.tier, self.cut(quantity, step.comparison, step.value)) for step in given.steps)
        return Dimension(quantity, tuple(steps))

    def tier(self, given: inputs.TierInput, rank: int) -> Tier:
        path = ("tiers", given.code)
        for share in (given.target_share, given.target_share_max):
            if share is not None and not 0 <= share <= 1:
                message = f"the target share of {given.code} must lie between 0 and 1, such as 0.05"
                self.note(ErrorCode.OUT_OF_RANGE, message, (*path, "targetShare"))
        if given.threshold is not None and given.threshold < 0:
            message = f"the threshold of {given.code} must not be below 0"
            self.note(ErrorCode.OUT_OF_RANGE, message, (*path, "threshold"))
        return Tier(
            code=given.code,
            name=words(given.name, given.name_en),
            rank=rank,
            threshold=given.threshold,
            threshold_inclusive=given.inclusive,
            gates=tuple(self.gate(gate, (*path, "gates")) for gate in given.gates),
            target_share=given.target_share,
            target_share_max=given.target_share_max,
            benefits=tuple(map(benefit, given.benefits)),
        )

    def gate(self, given: inputs.TierGateInput, path: Path) -> Gate:
        quantity = self.quantity(given.quantity, path)
        return Gate(quantity, self.cut(quantity, given.comparison, given.value))

    def cut(self, quantity: Quantity, comparison: Comparison, value: Decimal) -> Cut:
        return Cut(OPERATORS[comparison], Fraction(value) * self.scale(quantity))

    def quantity(self, given: inputs.TierQuantityInput, path: Path) -> Quantity:
        path = (*path, given.code)
        found = Quantity(
            code=given.code,
            words=words(given.words, given.words_en),
            fact=self.fact(given.fact, (*path, "fact")),
            per=None if given.per is None else self.fact(given.per, (*path, "per")),
        )
        if given.unit is not None and self.is_known(found) and unit_of(found) != given.unit:
            message = f"{given.code} is in {unit_of(found)}, not in {given.unit}: convert its numbers"
            self.note(ErrorCode.WRONG_UNIT, message, (*path, "unit"))
        return found

    def timing(self, given: inputs.TierTimingInput, ladder: Sequence[str]) -> TierTiming:
        large, trial = given.large_order, given.trial
        return TierTiming(
            cadence=given.cadence,
            qualification_days=given.qualification_days,
            upgrade=given.upgrade,
            large_order=LargeOrder(cents=int(large.amount * CENTS), times_own_mean=large.times_own_mean)
            if large
            else None,
            upper_reviews=given.upper_reviews,
            downgrade=given.downgrade,
            lower_reviews=given.lower_reviews,
            margin_percent=given.margin_percent,
            validity_days=given.validity_days,
            expiry_anchor=given.expiry_anchor,
            grace_days=given.grace_days,
            trial=TierTrial(days=trial.days, once_in_days=trial.once_in_days) if trial else None,
            silence_alarm_days=given.silence_alarm_days,
            silence_alarm_rank=self.silence_alarm_rank(given, ladder),
        )

    def silence_alarm_rank(self, given: inputs.TierTimingInput, ladder: Sequence[str]) -> int:
        code = given.silence_alarm_tier
        if code is None:
            return 1
        path = ("timing", "silenceAlarmTier")
        if given.silence_alarm_days is None:
            self.note(ErrorCode.REQUIRED, "say after how many days of silence: give silenceAlarmDays", path)
        if code not in ladder:
            message = f"no tier has the code {code!r}: name one of the ladder or none"
            self.note(ErrorCode.UNKNOWN_TIER, message, path)
            return 1
        return ladder.index(code) + 1

    def fact(self, code: str, path: Path) -> str:
        if code not in FACT_NAMES:
            message = f"There is no fact {code!r}: choose a code that factDefinitions lists."
            self.note(ErrorCode.UNKNOWN_FACT, message, path)
        return FACT_NAMES.get(code, code)

    def scale(self, quantity: Quantity) -> int:
        """Stored units in a shown one."""
        return CENTS if self.is_known(quantity) and is_money(quantity) else 1

    def is_known(self, quantity: Quantity) -> bool:
        known: Sequence[str] = tuple(FACT_NAMES.values())
        return quantity.fact in known and (quantity.per is None or quantity.per in known)

    def note(self, code: ErrorCode, message: str, path: Path) -> None:
        self.problems.append(DomainError(code, message, path))


def benefit(given: inputs.BenefitInput) -> Benefit:
    return Benefit(given.kind, words(given.words, given.words_en), given.value, given.days)


def words(chinese: str, english: str | None) -> Words:
    return Words(chinese, chinese if english is None else english)
