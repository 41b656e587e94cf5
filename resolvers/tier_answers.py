"""What the tier rules answer, as plain GraphQL objects: parts, checks, gaps and recipes of one standing.

Computed from the stored facts and the immutable rule of the version, in exact arithmetic [C5].
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

import strawberry

from domain.customers.fact_values import shown_integer
from domain.customers.facts import FACT_BY_NAME
from domain.tiers import explanation, progress
from domain.tiers.evidence import evidence_of
from domain.tiers.exact import shown as shown_score
from domain.tiers.explanation import Comparison
from domain.tiers.policy import BenefitKind, TierPolicyVersion
from domain.tiers.progress import RecipeKind
from domain.tiers.standing import Standing, stand
from resolvers import fact_values
from resolvers.context import Context
from resolvers.fact_values import FactValue
from resolvers.money import CurrencyCode, Money
from resolvers.remembered import once_an_operation
from resolvers.words import in_language

Facts = Mapping[str, int | None]

strawberry.enum(Comparison, description="How an observed value is compared with a threshold. [C5]")
strawberry.enum(BenefitKind, description="What a tier gives. May grow.")
strawberry.enum(RecipeKind, name="TierRecipeKind", description="A way up.")


@strawberry.type(description="What a tier gives. [S0-19]")
class Benefit:
    kind: BenefitKind = strawberry.field(description="Kind of benefit.")
    words: str = strawberry.field(description="In Chinese, as published.")


@strawberry.type(description="One dimension of a score. [S0-1]")
class TierPart:
    code: str = strawberry.field(description="R, F, M or P.")
    words: str = strawberry.field(description="What it looks at.")
    fact: FactValue = strawberry.field(description="The fact it reads, with its value.")
    points: Decimal | None = strawberry.field(description="0 to 100, cut at six digits; null: unknown.")
    weight: Decimal | None = strawberry.field(description="Weight in the score.")


@strawberry.type(description="Half open: after from, up to and including until. [C3]")
class Period:
    from_: datetime = strawberry.field(name="from", description="The moment before the first that is in.")
    to: datetime = strawberry.field(description="The last moment that is in.")


@strawberry.type(description="One cut of the ladder with what was observed.")
class TierCheck:
    words: str = strawberry.field(description="In Chinese.")
    metric: str = strawberry.field(description="`score`, or the code of a fact.")
    observed: Decimal | None = strawberry.field(description="What was found.")
    threshold: Decimal | None = strawberry.field(
        description="Null: this tier takes whoever reaches no other."
    )
    comparison: Comparison = strawberry.field(description="The sign is part of the rule. [C5]")
    passed: bool = strawberry.field(description="Whether the cut is reached.")
    tier_code: str = strawberry.field(description="The tier behind the cut.")


@strawberry.type(description="What is missing in one measure.")
class TierGap:
    metric: str = strawberry.field(description="`score`, or the code of a fact.")
    words: str = strawberry.field(description="In Chinese.")
    current: Decimal = strawberry.field(description="Now, in the unit.")
    required: Decimal = strawberry.field(description="What the next tier asks for.")
    missing: Decimal = strawberry.field(description="required - current.")
    unit: str = strawberry.field(description="points, CNY, orders or days.")


@strawberry.type(description="One way to the next tier. [S0-15]")
class TierRecipe:
    kind: RecipeKind = strawberry.field(description="By orders, by spend, or by usual baskets.")
    words: str = strawberry.field(description="In Chinese.")
    reachable: bool = strawberry.field(description="False: this factor alone is capped before the next tier.")
    orders: int | None = strawberry.field(description="How many more.")
    spend: Money | None = strawberry.field(description="How much more.")


def version_of(context: Context, version_id: int) -> TierPolicyVersion:
    return context.shop.versions[version_id]


@once_an_operation
def standing_of(context: Context, version_id: int, facts: Facts) -> Standing:
    return stand(version_of(context, version_id).rule, facts)


def score(context: Context, version_id: int, facts: Facts) -> Decimal:
    return shown_score(standing_of(context, version_id, facts).score)


def parts(context: Context, version_id: int, facts: Facts) -> list[TierPart]:
    standing = standing_of(context, version_id, facts)
    return [
        TierPart(
            code=part.part.code,
            words=part.part.words.zh,
            fact=fact_value(part.part.fact, part.amount),
            points=shown_score(part.points),
            weight=shown_score(part.part.weight),
        )
        for part in standing.parts
    ]


def fact_value(name: str, stored: int | None) -> FactValue:
    """A stored fact as people read it: 1234500 cents are 12345.00 CNY."""
    fact = FACT_BY_NAME[name]
    return fact_values.fact_value(fact, None if stored is None else shown_integer(fact.kind, stored))


def explained(
    context: Context, version_id: int, facts: Facts, as_of: datetime
) -> explanation.TierExplanation:
    version = version_of(context, version_id)
    standing = standing_of(context, version_id, facts)
    return explanation.explain(evidence_of(version, standing, as_of=as_of))


def explanation_words(
    context: Context, version_id: int, facts: Facts, as_of: datetime, *, locale: str
) -> str:
    return in_language(explained(context, version_id, facts, as_of).words, locale)


def checks(context: Context, version_id: int, facts: Facts, as_of: datetime) -> list[TierCheck]:
    return [
        TierCheck(
            words=check.words.zh,
            metric=check.metric,
            observed=shown_score(check.observed),
            threshold=None if check.threshold is None else shown_score(check.threshold),
            comparison=check.comparison,
            passed=check.passed,
            tier_code=check.tier_code,
        )
        for check in explained(context, version_id, facts, as_of).checks
    ]


def period(context: Context, version_id: int, facts: Facts, as_of: datetime) -> Period:
    found = explained(context, version_id, facts, as_of).period
    return Period(from_=found.after, to=found.until)


def evidence(context: Context, stored: Mapping[str, Any]) -> list[FactValue]:  # noqa: ARG001
    """The facts a decision used, from its record alone. [C7]"""
    return [fact_value(name, value) for name, value in stored["facts"].items()]


def standing_evidence(context: Context, version_id: int, facts: Facts, as_of: datetime) -> list[FactValue]:
    return [fact_value(e.fact, e.value) for e in explained(context, version_id, facts, as_of).evidence]


@once_an_operation
def progress_of(context: Context, version_id: int, facts: Facts) -> progress.TierProgress:
    rule = version_of(context, version_id).rule
    basket = progress.usual_basket(orders=facts["orders_90d"] or 0, spend_cents=facts["spend_90d"] or 0)
    return progress.progress(rule, standing_of(context, version_id, facts), usual_basket_cents=basket)


def gaps(context: Context, version_id: int, facts: Facts) -> list[TierGap]:
    return [gap_answer(gap) for gap in progress_of(context, version_id, facts).gaps]


def gap_answer(gap: progress.TierGap) -> TierGap:
    fact = FACT_BY_NAME.get(gap.metric)
    per_unit = 100 if fact is not None and fact.unit == "CNY" else 1

    def amount(value: Fraction) -> Decimal:
        return shown_score(value / per_unit)

    return TierGap(
        metric=fact.graphql_name if fact else gap.metric,
        words=gap.words.zh,
        current=amount(gap.current),
        required=amount(gap.required),
        missing=amount(gap.missing),
        unit=(fact.unit or "") if fact else "points",
    )


def recipes(context: Context, version_id: int, facts: Facts) -> list[TierRecipe]:
    currency = CurrencyCode(context.shop.currency_code)
    return [
        TierRecipe(
            kind=recipe.kind,
            words=recipe.words.zh,
            reachable=recipe.reachable,
            orders=recipe.orders,
            spend=cents_answer(recipe.spend_cents, currency),
        )
        for recipe in progress_of(context, version_id, facts).recipes
    ]


def cents_answer(amount: int | None, currency: CurrencyCode) -> Money | None:
    return None if amount is None else Money(amount=Decimal(amount).scaleb(-2), currency_code=currency)


def almost_there(context: Context, version_id: int, facts: Facts) -> bool:
    return progress_of(context, version_id, facts).almost_there


def benefits(context: Context, version_id: int, rank: int) -> list[Benefit]:
    rule = version_of(context, version_id).rule
    found = next((tier.benefits for tier in rule.tiers if tier.rank == rank), ())
    return [Benefit(kind=benefit.kind, words=benefit.words.zh) for benefit in found]
