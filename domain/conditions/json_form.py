"""Conditions as JSON, the form in which policies and label rules are stored; it round-trips."""

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from domain.conditions.expression import (
    ARITHMETIC,
    COMPARISONS,
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
    number,
    share,
)
from domain.errors import ErrorCode

Json = Any
Inputs = Mapping[str, Fact | Moment]


def number_to_json(value: Number) -> Json:
    match value:
        case Constant(constant):
            return constant
        case Fact(name):
            return name
        case Arithmetic(operator, left, right):
            return {operator: [number_to_json(left), number_to_json(right)]}
    raise TypeError(value)


def to_json(condition: Condition) -> Json:
    """E.g. `{"all": [{">=": ["orders_90d", 3]}, {"not": {"label": "dormant"}}]}`."""
    match condition:
        case AllOf(parts):
            return {"all": [to_json(part) for part in parts]}
        case AnyOf(parts):
            return {"any": [to_json(part) for part in parts]}
        case Not(part):
            return {"not": to_json(part)}
        case HasLabel(code):
            return {"label": code}
        case TierIn(policy, codes):
            return {"tier": [policy, list(codes)]}
    return _test_to_json(condition)


def _test_to_json(condition: Condition) -> Json:
    match condition:
        case Compare(operator, left, right):
            return {operator: [number_to_json(left), number_to_json(right)]}
        case OneOf(value, values):
            return {"in": [number_to_json(value), list(values)]}
        case Share(operator, part, whole, threshold):
            return {"share": [number_to_json(part), number_to_json(whole), operator, str(threshold)]}
        case Known(value):
            return {"known": value.name if isinstance(value, Moment) else number_to_json(value)}
        case Within(moment, seconds):
            return {"within": [moment.name, seconds]}
        case CompareMoment(operator, moment, at_us):
            return {"moment": [moment.name, operator, at_us]}
    raise TypeError(condition)


def number_from_json(form: Json, inputs: Inputs) -> Number:
    match form:
        case str():
            return _fact(form, inputs)
        case bool():
            raise _refused(form)
        case int():
            return number(form)
        case {**operation} if len(operation) == 1:
            ((operator, sides),) = operation.items()
            if operator in ARITHMETIC and isinstance(sides, list) and len(sides) == 2:
                left, right = (number_from_json(side, inputs) for side in sides)
                return arithmetic(operator, left, right)
    raise _refused(form)


def from_json(form: Json, inputs: Inputs) -> Condition:
    """The condition that `to_json` wrote. Errors: ConditionRefused names the part that cannot be read."""
    if not isinstance(form, dict) or len(form) != 1:
        raise _refused(form)
    ((kind, content),) = form.items()
    if kind in COMPARISONS:
        left, right = (number_from_json(side, inputs) for side in _items(form, content, 2))
        return Compare(kind, left, right)
    read = _READERS.get(kind)
    if read is None:
        raise _refused(form)
    return read(content, inputs)


def _all(content: Json, inputs: Inputs) -> Condition:
    return AllOf(tuple(from_json(part, inputs) for part in _items("all", content)))


def _any(content: Json, inputs: Inputs) -> Condition:
    return AnyOf(tuple(from_json(part, inputs) for part in _items("any", content)))


def _not(content: Json, inputs: Inputs) -> Condition:
    return Not(from_json(content, inputs))


def _one_of(content: Json, inputs: Inputs) -> Condition:
    value, values = _items("in", content, 2)
    if not all(type(v) is int for v in _items("in", values)):
        raise _refused(content)
    return OneOf(number_from_json(value, inputs), tuple(values))


def _share(content: Json, inputs: Inputs) -> Condition:
    part, whole, operator, threshold = _items("share", content, 4)
    try:
        fraction = Fraction(threshold)
    except (ValueError, TypeError, ZeroDivisionError):
        raise _refused(content) from None
    if operator not in COMPARISONS:
        raise _refused(content)
    return share(number_from_json(part, inputs), number_from_json(whole, inputs), operator, fraction)


def _known(content: Json, inputs: Inputs) -> Condition:
    if isinstance(content, str) and isinstance(inputs.get(content), Moment):
        return Known(_moment(content, inputs))
    return Known(number_from_json(content, inputs))


def _within(content: Json, inputs: Inputs) -> Condition:
    name, seconds = _items("within", content, 2)
    if type(seconds) is not int:
        raise _refused(content)
    return Within(_moment(name, inputs), seconds)


def _compare_moment(content: Json, inputs: Inputs) -> Condition:
    name, operator, at_us = _items("moment", content, 3)
    if operator not in COMPARISONS or type(at_us) is not int:
        raise _refused(content)
    return CompareMoment(operator, _moment(name, inputs), at_us)


def _label(content: Json, _: Inputs) -> Condition:
    if not isinstance(content, str):
        raise _refused(content)
    return HasLabel(content)


def _tier(content: Json, _: Inputs) -> Condition:
    policy, codes = _items("tier", content, 2)
    if not isinstance(policy, str) or not all(isinstance(code, str) for code in _items("tier", codes)):
        raise _refused(content)
    return TierIn(policy, tuple(codes))


_READERS: dict[str, Callable[[Json, Inputs], Condition]] = {
    "all": _all,
    "any": _any,
    "not": _not,
    "in": _one_of,
    "share": _share,
    "known": _known,
    "within": _within,
    "moment": _compare_moment,
    "label": _label,
    "tier": _tier,
}


def _items(form: Json, content: Json, count: int | None = None) -> list[Json]:
    if not isinstance(content, list) or count not in (None, len(content)):
        raise _refused(form)
    items: list[Json] = content
    return items


def _fact(name: str, inputs: Inputs) -> Fact:
    found = inputs.get(name)
    if not isinstance(found, Fact):
        message = f"There is no number called {name!r}: use the name of a fact."
        raise ConditionRefused(ErrorCode.UNKNOWN_FACT, message)
    return found


def _moment(name: Json, inputs: Inputs) -> Moment:
    found = inputs.get(name) if isinstance(name, str) else None
    if not isinstance(found, Moment):
        message = f"There is no moment called {name!r}: use a fact such as last_order_at."
        raise ConditionRefused(ErrorCode.UNKNOWN_FACT, message)
    return found


def _refused(form: Json) -> ConditionRefused:
    return ConditionRefused(ErrorCode.INVALID, f"This is not a condition: {str(form)[:200]}.")
