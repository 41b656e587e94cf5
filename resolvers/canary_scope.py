"""For whom a canary is asked: a share of all customers or of a group, which the one customer filter finds. [S1-19]"""

import json
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET
from strawberry.utils.str_converters import to_camel_case

from domain.errors import DomainError, ErrorCode
from domain.labels.rules import LABELS
from domain.standings.preview_policy import ChosenCustomers
from domain.tiers.canary import CanaryScope
from resolvers.context import Context
from resolvers.customers import CustomerFilter
from resolvers.labels import LabelFilter
from resolvers.tier_policy_previews import chosen_of
from resolvers.tier_standings import TierFilter

Path = tuple[str, ...]
WHERE = ("scope", "where")
LABEL_CODES = frozenset(label.code for label in LABELS)


@strawberry.input(
    description="For whom a version is put in force, if not for everybody: a share, a group, or both. [S1-19]"
)
class TierScopeInput:
    share: Decimal | None = strawberry.field(
        description="Of all customers, or of those of `where`; above 0 and below 1, four digits: as a canary, on the "
        "same ones for as long as it runs; a larger share widens it. Null: all of the group.",
        default=UNSET,
    )
    where: CustomerFilter | None = strawberry.field(
        description="Only whom this lists now, as customers(where:) does. Whoever matches later comes in when the same "
        "scope is given again; nobody leaves while it runs. Null: all customers.",
        default=UNSET,
    )


def canary_scope(given: TierScopeInput) -> CanaryScope:
    """*Errors*: DomainError REQUIRED."""
    share = None if given.share is UNSET else given.share
    if given.where:
        return CanaryScope(share=Decimal(1) if share is None else share, where=text_of(given.where))
    if share is None:
        message = "Say whom: a share, a filter, or both; for everybody, leave the scope out."
        raise DomainError(ErrorCode.REQUIRED, message, ("scope",))
    return CanaryScope(share=share)


def canary_group(context: Context, given: TierScopeInput) -> ChosenCustomers | None:
    """*Errors*: DomainError UNKNOWN_LABEL, UNKNOWN_POLICY, UNKNOWN_TIER, REQUIRED, INVALID, with their path."""
    if not given.where:
        return None
    require_known(context, given.where)
    try:
        chosen = chosen_of(context, given.where)
    except DomainError as error:
        raise DomainError(error.code, error.message, ("scope", *error.field)) from error
    if chosen is None:
        message = "This filter asks for nothing: fill it in, or leave it out for all customers."
        raise DomainError(ErrorCode.REQUIRED, message, WHERE)
    return chosen


def not_said(value: Any) -> bool:
    return value is None or value is UNSET


def members(value: Any) -> Iterator[tuple[str, Any]]:
    """Of a filter input those that are given, by their names in GraphQL."""
    for field in value.__strawberry_definition__.fields:
        member = getattr(value, field.python_name)
        if not not_said(member):
            yield field.graphql_name or to_camel_case(field.python_name), member


def text_of(where: CustomerFilter) -> str:
    """As JSON that a client may give again."""
    return json.dumps(plain(where), ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    match value:
        case list():
            return [plain(one) for one in value]
        case Enum():
            return value.name
        case datetime():
            return value.isoformat()
        case Decimal():
            return str(value)
        case _ if hasattr(value, "__strawberry_definition__"):
            return {name: plain(member) for name, member in members(value)}
    return value


def require_known(context: Context, where: CustomerFilter) -> None:
    """A code that there is not would only find nobody, or with `not` everybody."""
    for path, found in inside(where, WHERE):
        if isinstance(found, LabelFilter) and found.code not in LABEL_CODES:
            message = f"There is no label {found.code!r}: choose a code that labelDefinitions lists."
            raise DomainError(ErrorCode.UNKNOWN_LABEL, message, (*path, "code"))
        if isinstance(found, TierFilter):
            require_known_tiers(context, found, path)


def require_known_tiers(context: Context, found: TierFilter, path: Path) -> None:
    rules = [one.rule for one in context.shop.versions.values() if one.policy_code == found.policy]
    if not rules:
        message = f"There is no policy {found.policy!r}: choose a code that tierPolicies lists."
        raise DomainError(ErrorCode.UNKNOWN_POLICY, message, (*path, "policy"))
    known = {tier.code for rule in rules for tier in rule.tiers}
    unknown = [] if not_said(found.in_) else [code for code in found.in_ or () if code not in known]
    if unknown:
        message = f"{found.policy} has no tier {unknown[0]!r}: choose from {', '.join(sorted(known))}."
        raise DomainError(ErrorCode.UNKNOWN_TIER, message, (*path, "in"))


def inside(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Every input object of a filter, with where it stands."""
    if isinstance(value, list):
        for place, one in enumerate(value):
            yield from inside(one, (*path, str(place)))
    elif hasattr(value, "__strawberry_definition__") and not isinstance(value, Enum):
        yield path, value
        for name, member in members(value):
            yield from inside(member, (*path, name))
