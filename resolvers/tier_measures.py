"""What a policy measures, readable: parts of a score, dimensions with their steps, ranked facts, gates."""

from decimal import Decimal
from enum import Enum

import strawberry

from domain.customers.facts import FACT_BY_NAME
from domain.tiers.checks import COMPARISONS, Comparison
from domain.tiers.exact import shown as shown_score
from domain.tiers.gaps import as_quantity
from domain.tiers.measure import (
    BandsMeasure,
    Combination,
    Cut,
    Dimension,
    Measure,
    Quantity,
    RankMeasure,
    ScoreMeasure,
    TierPart,
)
from domain.tiers.shown_quantity import in_shown_unit, is_money, unit_of
from resolvers.context import Context
from resolvers.facts import FactDefinitionAnswer
from resolvers.tier_answers import shown_or_null

strawberry.enum(
    Combination,
    name="TierCombination",
    description="How dimensions make one tier: the middle one, the lowest, or the first alone. [S1-5]",
)


class TierMeasureKind(Enum):
    """How a policy measures."""

    SCORE = "SCORE"
    BANDS = "BANDS"
    RANK = "RANK"


strawberry.enum(
    TierMeasureKind,
    description="A weighted sum of points, a tier for each of several dimensions, or a place among everybody. "
    "May grow.",
)


@strawberry.type(description="Where a dimension begins to be of a tier. [S1-2]")
class TierStep:
    tier_code: str = strawberry.field(description="Of which tier.")
    comparison: Comparison = strawberry.field(description="The sign is part of the rule. [C5]")
    value: Decimal = strawberry.field(description="In the unit of the part.")


@strawberry.type(
    description="One thing that a policy looks at; what its kind has no use for is null or empty."
)
class TierMeasurePart:
    code: str = strawberry.field(description="Its code.")
    words: str = strawberry.field(description="In Chinese.")
    fact: FactDefinitionAnswer = strawberry.field(description="The fact it reads.")
    per: FactDefinitionAnswer | None = strawberry.field(description="What the fact is divided by.")
    unit: str = strawberry.field(description="Of the fact, or one per another.")
    weight: Decimal | None = strawberry.field(description="In the score.")
    base: Decimal | None = strawberry.field(description="Points where the fact is 0.")
    slope: Decimal | None = strawberry.field(description="Points for each one of the unit.")
    floor: Decimal | None = strawberry.field(description="Fewest points.")
    cap: Decimal | None = strawberry.field(description="Most points; null: no end.")
    bonus: bool = strawberry.field(description="Comes on top; the sum is then cut at the score cap. [S0-5]")
    steps: list[TierStep] = strawberry.field(description="Of a dimension, from the lower tier up.")


@strawberry.type(description="What a version looks at. [S0-4, S1-5, S2-1, S4-3]")
class TierMeasure:
    kind: TierMeasureKind = strawberry.field(description="How it measures.")
    combination: Combination | None = strawberry.field(description="Of dimensions; null: it has none.")
    score_cap: Decimal | None = strawberry.field(description="Most points of a score with a bonus part.")
    parts: list[TierMeasurePart] = strawberry.field(description="In the order of the rule.")


@strawberry.type(description="What a tier asks for beside the measure. [S4-4]")
class TierGate:
    words: str = strawberry.field(description="In Chinese.")
    fact: FactDefinitionAnswer = strawberry.field(description="The fact it reads.")
    comparison: Comparison = strawberry.field(description="The sign is part of the rule. [C5]")
    value: Decimal = strawberry.field(description="In the unit.")
    unit: str = strawberry.field(description="Of the fact, or one per another.")


def measure(context: Context, version_id: int) -> TierMeasure:
    return measure_answer(context.rule(version_id).measure)


def measure_answer(found: Measure) -> TierMeasure:
    match found:
        case ScoreMeasure():
            has_bonus = any(part.bonus for part in found.parts)
            return TierMeasure(
                kind=TierMeasureKind.SCORE,
                combination=None,
                score_cap=shown_score(found.score_cap) if has_bonus else None,
                parts=[score_part(part) for part in found.parts],
            )
        case BandsMeasure():
            parts = [quantity_part(one.quantity, steps_of(one)) for one in found.dimensions]
            return TierMeasure(
                kind=TierMeasureKind.BANDS, combination=found.combination, score_cap=None, parts=parts
            )
        case RankMeasure():
            parts = [quantity_part(one, []) for one in found.quantities]
            return TierMeasure(kind=TierMeasureKind.RANK, combination=None, score_cap=None, parts=parts)


def score_part(part: TierPart) -> TierMeasurePart:
    found, quantity = quantity_part(as_quantity(part), []), as_quantity(part)
    found.weight, found.bonus = shown_score(part.weight), part.bonus
    found.base, found.floor, found.cap = map(shown_or_null, (part.base, part.floor, part.cap))
    # points for each CNY, not for each cent
    found.slope = shown_score(part.slope * (100 if is_money(quantity) else 1))
    return found


def quantity_part(quantity: Quantity, steps: list[TierStep]) -> TierMeasurePart:
    return TierMeasurePart(
        code=quantity.code,
        words=quantity.words.zh,
        fact=definition(quantity.fact),
        per=definition(quantity.per) if quantity.per else None,
        unit=unit_of(quantity),
        weight=None,
        base=None,
        slope=None,
        floor=None,
        cap=None,
        bonus=False,
        steps=steps,
    )


def steps_of(dimension: Dimension) -> list[TierStep]:
    return [
        TierStep(
            tier_code=step.tier,
            comparison=COMPARISONS[step.cut.operator],
            value=cut_value(dimension.quantity, step.cut),
        )
        for step in dimension.steps
    ]


def cut_value(quantity: Quantity, cut: Cut) -> Decimal:
    return shown_score(in_shown_unit(quantity, cut.value))


def definition(name: str) -> FactDefinitionAnswer:
    fact = FACT_BY_NAME[name]
    return FactDefinitionAnswer(
        code=fact.graphql_name,
        words=fact.words,
        type=fact.type,
        unit=fact.unit,
        window_days=fact.window_days,
        personal=fact.personal,
    )


def gates(context: Context, version_id: int, rank: int) -> list[TierGate]:
    rule = context.rule(version_id)
    found = next((tier.gates for tier in rule.tiers if tier.rank == rank), ())
    return [
        TierGate(
            words=gate.quantity.words.zh,
            fact=definition(gate.quantity.fact),
            comparison=COMPARISONS[gate.cut.operator],
            value=cut_value(gate.quantity, gate.cut),
            unit=unit_of(gate.quantity),
        )
        for gate in found
    ]
