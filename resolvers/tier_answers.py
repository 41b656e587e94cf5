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
from domain.tiers.checks import Comparison, checks_of
from domain.tiers.evidence import facts_read
from domain.tiers.exact import shown as shown_score
from domain.tiers.gaps import TierGap as Gap
from domain.tiers.gaps import as_quantity
from domain.tiers.policy import BenefitKind, TierPolicyVersion
from domain.tiers.recipes import RecipeKind
from domain.tiers.shown_quantity import in_shown_unit
from domain.tiers.standing import PartStanding, Standing, stand
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
    value: Decimal | None = strawberry.field(
        description="PRICE: factor of the list price; POINTS_MULTIPLIER: points for each whole unit of currency; "
        "CREDIT: the limit in the shop's currency; null: no number is published. [S0-20]"
    )
    days: int | None = strawberry.field(description="CREDIT: days to pay; null: of any other kind.")


@strawberry.type(description="One part of a score, dimension of bands, or ranked fact. [S0-1, S1-2, S4-3]")
class TierPart:
    code: str = strawberry.field(description="Its code, such as R, F or M.")
    words: str = strawberry.field(description="What it looks at.")
    fact: FactValue = strawberry.field(description="The fact it reads, with its value.")
    observed: Decimal | None = strawberry.field(
        description="The fact, or the fact for each one of another (orders a month); null: unknown."
    )
    points: Decimal | None = strawberry.field(
        description="Of a score before the weight, or the percentile of a ranked fact, cut at six digits; "
        "null: a dimension has none."
    )
    weight: Decimal | None = strawberry.field(description="Weight in the score; null: it has none.")
    tier_code: str | None = strawberry.field(description="The tier a dimension gives alone. [S1-5]")


@strawberry.type(description="Half open: after from, up to and including until. [C3]")
class Period:
    from_: datetime = strawberry.field(name="from", description="The moment before the first that is in.")
    to: datetime = strawberry.field(description="The last moment that is in.")


@strawberry.type(description="One cut of the ladder with what was observed.")
class TierCheck:
    words: str = strawberry.field(description="In Chinese.")
    metric: str = strawberry.field(
        description="`score`, `rank` (the mean percentile, 0 to 100), or the code of what is looked at."
    )
    observed: Decimal | None = strawberry.field(description="What was found.")
    threshold: Decimal | None = strawberry.field(
        description="Null: this tier takes whoever reaches no other, or nobody is inside of its share."
    )
    comparison: Comparison = strawberry.field(description="The sign is part of the rule. [C5]")
    passed: bool = strawberry.field(description="Whether the cut is reached.")
    tier_code: str = strawberry.field(description="The tier behind the cut.")


@strawberry.type(description="What is missing in one measure.")
class TierGap:
    metric: str = strawberry.field(
        description="`score`, `rank` (the mean percentile, 0 to 100), the code of a fact, or of one for each of "
        "another (orders a month)."
    )
    words: str = strawberry.field(description="In Chinese.")
    current: Decimal = strawberry.field(description="Now, in the unit.")
    required: Decimal = strawberry.field(description="What the tier asks for.")
    missing: Decimal = strawberry.field(
        description="How far current is from required; negative: so much is to spare."
    )
    at_most: bool = strawberry.field(description="Less is better, as with days since the last order.")
    unit: str = strawberry.field(description="points, CNY, orders, days, or one per another.")


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


def score(context: Context, version_id: int, facts: Facts) -> Decimal | None:
    found = standing_of(context, version_id, facts).score
    return None if found is None else shown_score(found)


def parts(context: Context, version_id: int, facts: Facts) -> list[TierPart]:
    return [part_answer(part) for part in standing_of(context, version_id, facts).parts]


def part_answer(part: PartStanding) -> TierPart:
    quantity = as_quantity(part.part)
    observed = None if part.observed is None else in_shown_unit(quantity, part.observed)
    return TierPart(
        code=quantity.code,
        words=quantity.words.zh,
        fact=fact_value(quantity.fact, part.amount),
        observed=shown_or_null(observed),
        points=shown_or_null(part.points),
        weight=shown_or_null(part.weight),
        tier_code=part.tier.code if part.tier else None,
    )


def shown_or_null(value: Fraction | None) -> Decimal | None:
    return None if value is None else shown_score(value)


def fact_value(name: str, stored: int | None) -> FactValue:
    """A stored fact as people read it: 1234500 cents are 12345.00 CNY."""
    fact = FACT_BY_NAME[name]
    return fact_values.fact_value(fact, None if stored is None else shown_integer(fact.kind, stored))


def explanation_words(context: Context, version_id: int, facts: Facts, *, locale: str) -> str:
    rule = version_of(context, version_id).rule
    return in_language(explanation.standing_words(rule, standing_of(context, version_id, facts)), locale)


def checks(context: Context, version_id: int, facts: Facts) -> list[TierCheck]:
    rule = version_of(context, version_id).rule
    return [
        TierCheck(
            words=check.words.zh,
            metric=check.metric,
            observed=shown_or_null(check.observed),
            threshold=shown_or_null(check.threshold),
            comparison=check.comparison,
            passed=check.passed,
            tier_code=check.tier_code,
        )
        for check in checks_of(rule, standing_of(context, version_id, facts))
    ]


def period(context: Context, version_id: int, as_of: datetime) -> Period:
    found = explanation.period_of(version_of(context, version_id).rule, as_of)
    return Period(from_=found.after, to=found.until)


def evidence(context: Context, stored: Mapping[str, Any]) -> list[FactValue]:  # noqa: ARG001
    """The facts a decision used, from its record alone. [C7]"""
    return [fact_value(name, value) for name, value in stored["facts"].items()]


def standing_evidence(context: Context, version_id: int, facts: Facts) -> list[FactValue]:
    read = facts_read(version_of(context, version_id).rule, facts)
    return [fact_value(name, value) for name, value in read.items()]


@once_an_operation
def progress_of(context: Context, version_id: int, facts: Facts) -> progress.TierProgress:
    rule = version_of(context, version_id).rule
    basket = progress.usual_basket(orders=facts["orders_90d"] or 0, spend_cents=facts["spend_90d"] or 0)
    return progress.progress(rule, standing_of(context, version_id, facts), usual_basket_cents=basket)


def gaps(context: Context, version_id: int, facts: Facts) -> list[TierGap]:
    return [gap_answer(gap) for gap in progress_of(context, version_id, facts).gaps]


def retention(context: Context, version_id: int, facts: Facts) -> list[TierGap]:
    found = progress.retention(version_of(context, version_id).rule, standing_of(context, version_id, facts))
    return [gap_answer(gap) for gap in found]


def gap_answer(gap: Gap) -> TierGap:
    fact = FACT_BY_NAME.get(gap.metric)
    return TierGap(
        metric=fact.graphql_name if fact else gap.metric,
        words=gap.words.zh,
        current=shown_score(gap.current),
        required=shown_score(gap.required),
        missing=shown_score(gap.missing),
        at_most=gap.at_most,
        unit=gap.unit,
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
    rule = version_of(context, version_id).rule
    standing = stand(rule, facts)
    target = rule.goal_above(standing.rank)
    return target is not None and progress.is_almost_there(rule, standing, target)


def benefits(context: Context, version_id: int, rank: int) -> list[Benefit]:
    rule = context.rule(version_id)
    found = next((tier.benefits for tier in rule.tiers if tier.rank == rank), ())
    return [Benefit(kind=one.kind, words=one.words.zh, value=one.value, days=one.days) for one in found]
