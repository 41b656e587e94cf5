"""Drafts: a policy of an operator's own, or another version of one, written as data and graded by nobody yet."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from domain.errors import DomainError, ErrorCode
from domain.privacy.viewer import Viewer
from domain.tiers.evaluation import read_rule
from domain.tiers.policy import TierRule
from domain.tiers.policy_store import PolicyStore
from domain.tiers.rule_check import rule_problems
from domain.words import Words

CODE = re.compile(r"[a-z][a-z0-9_]{1,39}")
TIER_CODE = re.compile(r"[A-Z][A-Z0-9_]{0,39}")
MAXIMUM_TIERS = 20
MAXIMUM_NAME = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Drafted:
    """`version_id` None: nothing was stored, because of the problems."""

    version_id: int | None
    problems: tuple[DomainError, ...] = ()


async def create_policy(
    store: PolicyStore, *, code: str, name: str, rule: TierRule, viewer: Viewer
) -> Drafted:
    """A new policy whose first version is a draft. *Errors*: DomainError DUPLICATE, TOO_MANY."""
    problems = (*_name_problems(code, name), *draft_problems(rule))
    if problems:
        return Drafted(version_id=None, problems=problems)
    async with store.create(code, Words(name, name), viewer) as transaction:
        return Drafted(version_id=await transaction.add_draft(rule))


async def draft_version(store: PolicyStore, *, policy: str, rule: TierRule, viewer: Viewer) -> Drafted:
    """Another version of a policy that is there. *Errors*: DomainError UNKNOWN_POLICY."""
    problems = draft_problems(rule)
    if problems:
        return Drafted(version_id=None, problems=problems)
    async with store.hold(policy, viewer) as transaction:
        return Drafted(version_id=await transaction.add_draft(rule))


def draft_problems(rule: TierRule) -> tuple[DomainError, ...]:
    """Everything that is wrong with a rule, and with reading its facts; none: customers can be graded by it."""
    found = (*_tier_problems(rule), *_share_problems(rule), *rule_problems(rule))
    return found or tuple(_reading_problems(rule))


def _reading_problems(rule: TierRule) -> Iterator[DomainError]:
    try:
        read_rule(rule)
    except DomainError as problem:
        yield problem


def _name_problems(code: str, name: str) -> Iterator[DomainError]:
    if not CODE.fullmatch(code):
        message = "A code has 2 to 40 small letters, digits and underscores, such as own_grade."
        yield DomainError(ErrorCode.INVALID, message, ("code",))
    if not name.strip():
        yield DomainError(ErrorCode.REQUIRED, "Give the policy a name.", ("name",))
    if len(name) > MAXIMUM_NAME:
        message = f"A name has at most {MAXIMUM_NAME} characters: shorten it."
        yield DomainError(ErrorCode.TOO_LONG, message, ("name",))


def _tier_problems(rule: TierRule) -> Iterator[DomainError]:
    if len(rule.tiers) > MAXIMUM_TIERS:
        message = f"a ladder has at most {MAXIMUM_TIERS} tiers: leave some out"
        yield DomainError(ErrorCode.TOO_MANY, message, ("tiers",))
    for tier in rule.tiers:
        if not TIER_CODE.fullmatch(tier.code):
            message = f"{tier.code!r} is no code of a tier: use capital letters, digits and underscores"
            yield DomainError(ErrorCode.INVALID, message, ("tiers", tier.code, "code"))


def _share_problems(rule: TierRule) -> Iterator[DomainError]:
    """Target shares that no distribution can meet."""
    for tier in rule.tiers:
        least, most = tier.target_share, tier.target_share_max
        if most is not None and (least is None or most < least):
            message = f"the target share of {tier.code} must end above where it begins"
            yield DomainError(ErrorCode.EMPTY_RANGE, message, ("tiers", tier.code, "targetShareMax"))
    if sum((tier.target_share or Decimal(0) for tier in rule.tiers), Decimal(0)) > 1:
        message = "the target shares together are more than everybody: lower some"
        yield DomainError(ErrorCode.UNSATISFIABLE, message, ("tiers",))
