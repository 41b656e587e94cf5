"""Random tables of facts full of edges, and random conditions over them, for Hypothesis."""

from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

from domain.conditions.expression import (
    AllOf,
    AnyOf,
    Arithmetic,
    Compare,
    CompareMoment,
    Condition,
    ConditionRefused,
    Constant,
    Fact,
    HasLabel,
    Known,
    Moment,
    Not,
    Number,
    OneOf,
    Share,
    TierIn,
    Within,
    arithmetic,
    share,
)

DAY_US = 86_400_000_000
AS_OF_US = 1_795_305_600_000_000
WIDE = 2**40

COUNT = Fact("count", -(2**31), 2**31 - 1)
SMALL = Fact("small", 0, 1000, nullable=True)
SPEND = Fact("spend", -WIDE, WIDE)
GAP = Fact("gap", -WIDE, WIDE, nullable=True)
LAST_AT = Moment("last_at")
FIRST_AT = Moment("first_at", nullable=False)
NUMBERS = (COUNT, SMALL, SPEND, GAP)
MOMENTS = (LAST_AT, FIRST_AT)
INPUTS: dict[str, Fact | Moment] = {fact.name: fact for fact in (*NUMBERS, *MOMENTS)}
LABELS = ("vip", "dormant")
TIERS = ("GOLD", "SILVER", None)

OPERATORS = st.sampled_from(["<", "<=", ">", ">=", "=", "!="])
CONSTANTS = st.sampled_from([-(2**31), -1, 0, 1, 2, 5, 90, 100, 1000, 2**31, WIDE]).map(Constant)
EDGE_MOMENTS = st.builds(
    lambda days, shift: AS_OF_US + days * DAY_US + shift,
    st.sampled_from([-366, -365, -91, -90, -89, -30, -1, 0, 1]),
    st.sampled_from([-1, 0, 1]),
)


def _values(fact: Fact | Moment) -> st.SearchStrategy[Any]:
    if isinstance(fact, Moment):
        values: st.SearchStrategy[Any] = EDGE_MOMENTS
    else:
        edges = [v for v in (fact.lo, fact.hi, -1, 0, 1, 2, 5, 89, 90, 91, 1000) if fact.lo <= v <= fact.hi]
        values = st.sampled_from(edges) | st.integers(fact.lo, fact.hi)
    return st.none() | values if fact.nullable else values


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            **{name: _values(fact) for name, fact in INPUTS.items()},
            **{label: st.booleans() for label in LABELS},
            "tier": st.sampled_from(TIERS),
        }
    ),
    min_size=1,
    max_size=10,
)


def _grown(numbers: st.SearchStrategy[Number]) -> st.SearchStrategy[Number]:
    @st.composite
    def made(draw: st.DrawFn) -> Number:
        operator = draw(st.sampled_from(["+", "-", "*", "least", "greatest"]))
        left, right = draw(numbers), draw(numbers)
        try:
            return arithmetic(operator, left, right)
        except ConditionRefused:
            return left

    return made()


@st.composite
def _shares(draw: st.DrawFn) -> Share:
    part, whole = draw(st.sampled_from(NUMBERS)), draw(st.sampled_from(NUMBERS))
    return share(part, whole, draw(OPERATORS), Fraction(draw(st.integers(0, 100)), 100))


EXPRESSIONS: st.SearchStrategy[Number] = st.recursive(
    st.sampled_from(NUMBERS) | CONSTANTS, _grown, max_leaves=5
)
LEAVES: st.SearchStrategy[Condition] = (
    st.builds(Compare, OPERATORS, EXPRESSIONS, EXPRESSIONS)
    | st.builds(
        OneOf, EXPRESSIONS, st.lists(st.sampled_from([-1, 0, 1, 5, 90, 2**31, WIDE]), max_size=4).map(tuple)
    )
    | _shares()
    | st.builds(Known, EXPRESSIONS | st.sampled_from(MOMENTS))
    | st.builds(
        Within, st.sampled_from(MOMENTS), st.sampled_from([1, 7, 30, 90, 365]).map(lambda d: d * 86_400)
    )
    | st.builds(CompareMoment, OPERATORS, st.sampled_from(MOMENTS), EDGE_MOMENTS)
    | st.builds(HasLabel, st.sampled_from(LABELS))
    | st.builds(TierIn, st.just("grade"), st.sampled_from([(), ("GOLD",), ("GOLD", "SILVER")]))
)
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    LEAVES,
    lambda parts: (
        st.builds(AllOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(AnyOf, st.lists(parts, max_size=3).map(tuple))
        | st.builds(Not, parts)
    ),
    max_leaves=8,
)


def plain_number(number: Number, row: dict[str, Any]) -> int | None:
    """What a number means, one row at a time in plain Python."""
    match number:
        case Constant(value):
            return value
        case Fact(name):
            return row[name]
        case Arithmetic(operator, left, right):
            a, b = plain_number(left, row), plain_number(right, row)
            if a is None or b is None:
                return None
            return {"+": a + b, "-": a - b, "*": a * b, "least": min(a, b), "greatest": max(a, b)}[operator]
    raise TypeError(number)
