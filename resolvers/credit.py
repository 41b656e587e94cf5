"""Credit terms of a business and the scorecard beside them. [S0-20, S3-17]"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

from domain.credit import scorecard as scoring
from domain.credit.terms import CreditTerms as Terms
from domain.credit.terms import credit_terms, published_credit
from domain.customers.profile import CustomerKind
from domain.tiers.exact import shown
from resolvers.basket_prices import tiers_of
from resolvers.context import Context
from resolvers.money import Money, cents_in
from resolvers.words import in_language

Inputs = Mapping[str, Any]
"""As `credit_rows` prints it: kind, held, orders, facts."""


@strawberry.type(description="One part of the scorecard. [S3-17]")
class CreditPart:
    code: str = strawberry.field(
        description="TIMELINESS, OVERDUE_HISTORY, TENURE, ORDER_STABILITY, EXTERNAL_CREDIT."
    )
    words: str = strawberry.field(description="What it was made of.")
    points: Decimal | None = strawberry.field(
        description="Cut at six digits; null: not known, and counted as none."
    )
    maximum: Decimal = strawberry.field(description="The most points it can give; all parts together 100.")


@strawberry.type(
    description="How reliably a customer has paid and bought; decides nothing by itself. [S3-17]"
)
class CreditScorecard:
    score: int = strawberry.field(description="Whole points of the parts that are known, cut.")
    known_maximum: int = strawberry.field(description="The most that the known parts could give; of 100.")
    parts: list[CreditPart] = strawberry.field(description="Always the same five.")
    computed_at: datetime = strawberry.field(
        description="The moment it holds for: the end of the business day."
    )


@strawberry.type(description="What a business may owe, and for how long. [S0-20]")
class CreditTerms:
    days: int = strawberry.field(description="Days to pay; 0: the tiers held lend nothing.")
    limit: Money = strawberry.field(
        description="What the tier publishes, times the share of orders on credit that were paid on time in 365 days; "
        "all of it while none was due."
    )
    used: Money = strawberry.field(description="Confirmed orders on credit that are not paid.")
    available: Money = strawberry.field(description="Limit minus used; 0 when frozen.")
    frozen: bool = strawberry.field(description="Something is more than 7 days overdue.")
    frozen_reason: str | None = strawberry.field(description="Null: not frozen.")
    rule: str | None = strawberry.field(
        description="The benefit behind it, as in kuailv_grade@1/DIAMOND; null: none. A trial lends nothing. [S0-17]"
    )
    scorecard: CreditScorecard = strawberry.field(description="Points out of 100.")


def history_of(given: Inputs) -> scoring.CreditHistory:
    facts = given["facts"] or {}
    return scoring.CreditHistory(**given["orders"], **facts)


def terms_of(context: Context, given: Inputs, *, locale: str) -> CreditTerms | None:
    """Only businesses buy on credit."""
    if given["kind"] != CustomerKind.BUSINESS.value:
        return None
    history = history_of(given)
    terms = credit_terms(published_credit(tiers_of(context, given["held"] or ())), history)
    return answer(context, terms, scoring.scorecard(history), locale)


def answer(context: Context, terms: Terms, parts: tuple[scoring.CreditPart, ...], locale: str) -> CreditTerms:
    currency = context.shop.currency_code
    return CreditTerms(
        days=terms.published.days if terms.published else 0,
        limit=cents_in(currency, terms.limit_cents),
        used=cents_in(currency, terms.used_cents),
        available=cents_in(currency, terms.available_cents),
        frozen=terms.frozen is not None,
        frozen_reason=in_language(terms.frozen, locale) if terms.frozen else None,
        rule=terms.published.rule if terms.published else None,
        scorecard=CreditScorecard(
            score=scoring.score_of(parts),
            known_maximum=sum(part.maximum for part in parts if part.points is not None),
            parts=[part_answer(part, locale) for part in parts],
            computed_at=context.shop.live_as_of,
        ),
    )


def part_answer(part: scoring.CreditPart, locale: str) -> CreditPart:
    return CreditPart(
        code=part.code,
        words=in_language(part.words, locale),
        points=None if part.points is None else shown(part.points),
        maximum=Decimal(part.maximum),
    )
