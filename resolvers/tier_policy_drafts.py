"""Drafting policies and versions of them: inputs and payloads."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import strawberry
from strawberry import Info

from domain.errors import DomainError
from domain.tiers.draft_policy import Drafted, create_policy, draft_problems, draft_version
from domain.tiers.policy import TierRule
from resolvers.context import Context
from resolvers.errors import UserError, user_error
from resolvers.tier_policies import TierPolicyVersion
from resolvers.tier_rule_inputs import TierPolicyRuleInput
from resolvers.tier_rule_reading import RuleReader


@strawberry.input(description="A policy of an operator's own.")
class TierPolicyCreateInput:
    code: str = strawberry.field(description="Its stable code: small letters, digits, underscores.")
    name: str = strawberry.field(description="Its name, in Chinese.")
    rule: TierPolicyRuleInput = strawberry.field(description="Of its first version.")


@strawberry.input(description="Another version of a policy.")
class TierPolicyVersionCreateInput:
    policy: str = strawberry.field(description="Code of the policy.")
    rule: TierPolicyRuleInput = strawberry.field(description="The whole rule.")


@strawberry.type(description="What was drafted.")
class TierPolicyCreatePayload:
    tier_policy_version: TierPolicyVersion | None = strawberry.field(
        description="The first version, a DRAFT; null: nothing was stored."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Every mistake; not empty: nothing was stored."
    )


@strawberry.type(description="What was drafted.")
class TierPolicyVersionCreatePayload:
    tier_policy_version: TierPolicyVersion | None = strawberry.field(
        description="The new version, a DRAFT; null: nothing was stored."
    )
    user_errors: list[UserError] = strawberry.field(
        description="Every mistake; not empty: nothing was stored."
    )


Draft = Callable[[TierRule], Awaitable[Drafted]]


async def policy_created(
    info: Info,
    given: Annotated[TierPolicyCreateInput, strawberry.argument(name="input", description="The policy.")],
) -> TierPolicyCreatePayload:
    context: Context = info.context.operation

    async def create(rule: TierRule) -> Drafted:
        return await create_policy(
            context.policies, code=given.code, name=given.name, rule=rule, viewer=context.viewer
        )

    version, errors = await drafted(info, given.rule, create)
    return TierPolicyCreatePayload(tier_policy_version=version, user_errors=errors)


async def version_created(
    info: Info,
    given: Annotated[
        TierPolicyVersionCreateInput, strawberry.argument(name="input", description="The rule.")
    ],
) -> TierPolicyVersionCreatePayload:
    context: Context = info.context.operation

    async def draft(rule: TierRule) -> Drafted:
        return await draft_version(context.policies, policy=given.policy, rule=rule, viewer=context.viewer)

    version, errors = await drafted(info, given.rule, draft)
    return TierPolicyVersionCreatePayload(tier_policy_version=version, user_errors=errors)


async def drafted(
    info: Info, given: TierPolicyRuleInput, draft: Draft
) -> tuple[TierPolicyVersion | None, list[UserError]]:
    """A rule that could not be read is still checked as far as it goes, so that one answer names it all."""
    context: Context = info.context.operation
    reader = RuleReader()
    rule = reader.rule(given)
    if reader.problems:
        return None, rule_errors((*reader.problems, *draft_problems(rule)))
    try:
        found = await draft(rule)
    except DomainError as error:
        return None, [user_error(error)]
    if found.version_id is None:
        return None, [located(error) for error in found.problems]
    context.note_drafted(found.version_id, rule)
    return await info.context.find_row(TierPolicyVersion, found.version_id), []


def rule_errors(problems: tuple[DomainError, ...]) -> list[UserError]:
    """Each sentence once: what cannot be read is often found again by what it would have led to."""
    return [located(error) for error in {error.message: error for error in problems}.values()]


def located(error: DomainError) -> UserError:
    """Paths of problems begin inside of the rule."""
    is_of_rule = error.field[:1] and error.field[0] in {"measure", "tiers", "timing", "neverOrderedTier"}
    field = ("rule", *error.field) if is_of_rule else error.field
    return user_error(DomainError(error.code, error.message, tuple(field)))
