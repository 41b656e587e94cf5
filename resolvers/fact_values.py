"""Facts by their code, for tables that show any of them."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import chain

import strawberry
from sqlalchemy import ARRAY, Text

from db.tables.facts import FACT_COLUMNS
from domain.customers.fact import FactDefinition, FactKind, FactType
from domain.customers.fact_values import Shown, Stored, value_of
from domain.customers.facts import FACTS
from resolvers.context import Context
from resolvers.readpath.declare import argument
from resolvers.readpath.scalars import print_amount, print_moment

strawberry.enum(FactType, description="How the value of a fact is shown.")

READ_FACTS = FACT_COLUMNS
BY_CODE = {fact.graphql_name: fact for fact in FACTS if not fact.per_category}
MOST_CODES = 100


@strawberry.type(
    name="FactDefinition", description="Declared once: a field of Facts, an input of conditions."
)
class FactDefinitionAnswer:
    code: str = strawberry.field(description="The field name in Facts.")
    words: str = strawberry.field(description="What it measures.")
    type: FactType = strawberry.field(description="How its value is shown.")
    unit: str | None = strawberry.field(description="Of the shown value: orders, CNY, days, share.")
    window_days: int | None = strawberry.field(description="Length of its trailing window; null: none.")
    personal: bool = strawberry.field(description="Whether the value is personal data.")


@strawberry.type(description="A fact with its value, for tables that show any of them.")
class FactValue:
    fact: FactDefinitionAnswer = strawberry.field(description="Which fact.")
    number: Decimal | None = strawberry.field(description="Its value; null: unknown, or not a number.")
    text: str = strawberry.field(description="The value in words, with its unit.")


def check_codes(wanted: Sequence[str]) -> None:
    if len(wanted) > MOST_CODES:
        raise ValueError(f"At most {MOST_CODES} codes at once.")
    for code in wanted:
        if code not in BY_CODE:
            raise ValueError(f"There is no fact {code!r}: see factDefinitions.")


codes = argument(
    "codes", list[str], "Codes of facts, at most 100.", sql_type=ARRAY(Text()), check=check_codes
)


def values_of_facts(
    context: Context,  # noqa: ARG001
    stored: Sequence[Sequence[int | str | None]],
    as_of: datetime,
    *,
    codes: Sequence[str],
) -> list[FactValue]:
    """`stored`: the columns of READ_FACTS, in parts."""
    row = row_of(list(chain.from_iterable(stored)))
    return [fact_value(BY_CODE[code], value_of(BY_CODE[code], row, as_of)) for code in codes]


def row_of(values: Sequence[int | str | None]) -> Stored:
    """Moments travel as text."""
    return {
        fact.name: moment_of(value) if fact.kind is FactKind.MOMENT else value  # type: ignore[misc]
        for fact, value in zip(READ_FACTS, values, strict=True)
    }


def moment_of(text: object) -> datetime | None:
    return None if text is None else datetime.fromisoformat(str(text))


def definition_of(fact: FactDefinition) -> FactDefinitionAnswer:
    return FactDefinitionAnswer(
        code=fact.graphql_name,
        words=fact.words,
        type=fact.type,
        unit=fact.unit,
        window_days=fact.window_days,
        personal=fact.personal,
    )


def fact_value(fact: FactDefinition, value: Shown) -> FactValue:
    is_number = isinstance(value, int | Decimal) and not isinstance(value, bool)
    number = Decimal(value) if is_number else None  # type: ignore[arg-type]
    text = "unknown" if value is None else f"{plain(value)} {fact.unit or ''}".strip()
    return FactValue(fact=definition_of(fact), number=number, text=text)


def plain(value: Shown) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case datetime():
            return print_moment(value)
        case _:
            return print_amount(Decimal(value or 0))
