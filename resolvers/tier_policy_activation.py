"""Activating, rolling back and retiring policies: inputs and payloads."""

from datetime import datetime
from typing import Annotated

import strawberry
from strawberry import ID, Info

from db import tables as t
from domain.errors import DomainError, ErrorCode
from domain.standings.activate_policy import activate_version, retire_policy, roll_back
from domain.standings.run_canary import end_canary, run_canary
from resolvers.canary_scope import TierScopeInput, canary_group, canary_scope
from resolvers.context import Context
from resolvers.errors import UserError, user_error
from resolvers.readpath.cursors import decode_id
from resolvers.tier_policies import TierPolicy, TierPolicyVersion


@strawberry.input(description="What was looked at, to be put in force.")
class TierPolicyActivateInput:
    version: ID = strawberry.field(description="A version that is a DRAFT, or runs as a canary.")
    preview_hash: str = strawberry.field(description="Of its latest tierPolicyPreview.")
    effective_from: datetime | None = strawberry.field(
        description="It begins with the first business day that opens at this moment or later; null: now.",
        default=None,
    )
    scope: TierScopeInput | None = strawberry.field(
        description="Null: everybody; a canary is promoted.", default=None
    )


@strawberry.input(description="The end of a canary: its customers are graded as all others again.")
class TierPolicyCanaryEndInput:
    policy: str = strawberry.field(description="Code of the policy.")
    reason: str = strawberry.field(description="Why, in at most 500 characters; kept in the record.")


@strawberry.input(description="Back to the version that was in force before.")
class TierPolicyRollBackInput:
    policy: str = strawberry.field(description="Code of the policy.")
    reason: str = strawberry.field(description="Why, in at most 500 characters; kept in the record.")


@strawberry.input(description="The end of a policy.")
class TierPolicyRetireInput:
    policy: str = strawberry.field(description="Code of the policy.")


@strawberry.type(description="What became of the version.")
class TierPolicyActivatePayload:
    tier_policy_version: TierPolicyVersion | None = strawberry.field(
        description="ACTIVE, SCHEDULED or CANARY; null: nothing was changed."
    )
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What became of the canary.")
class TierPolicyCanaryEndPayload:
    tier_policy_version: TierPolicyVersion | None = strawberry.field(
        description="The version that was tried, RETIRED; null: nothing was changed."
    )
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What is in force again.")
class TierPolicyRollBackPayload:
    tier_policy_version: TierPolicyVersion | None = strawberry.field(
        description="ACTIVE again; null: nothing was changed."
    )
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


@strawberry.type(description="What became of the policy.")
class TierPolicyRetirePayload:
    tier_policy: TierPolicy | None = strawberry.field(description="Null: nothing was changed.")
    customers_leaving: int = strawberry.field(description="How many hold a tier that they leave soon.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was changed.")


async def activated(
    info: Info,
    given: Annotated[TierPolicyActivateInput, strawberry.argument(name="input", description="Which.")],
) -> TierPolicyActivatePayload:
    context: Context = info.context.operation
    try:
        version_id = decode_id(given.version, "tpv")
        if version_id is None:
            message = "There is no such version: take an id from tierPolicies."
            raise DomainError(ErrorCode.NOT_FOUND, message, ("version",))
        if given.scope:
            await begun(context, given, version_id, given.scope)
        else:
            await activate_version(
                context.policies,
                context.stored_facts,
                version_id=version_id,
                preview_hash=given.preview_hash,
                effective_from=given.effective_from,
                now=context.now,
                viewer=context.viewer,
            )
    except DomainError as error:
        return TierPolicyActivatePayload(tier_policy_version=None, user_errors=[user_error(error)])
    found = await info.context.find_row(TierPolicyVersion, version_id)
    return TierPolicyActivatePayload(tier_policy_version=found, user_errors=[])


async def begun(
    context: Context, given: TierPolicyActivateInput, version_id: int, scope: TierScopeInput
) -> None:
    if given.effective_from is not None:
        message = "A canary begins at once: leave effectiveFrom out."
        raise DomainError(ErrorCode.WRONG_STATE, message, ("effectiveFrom",))
    await run_canary(
        context.policies,
        context.stored_facts,
        version_id=version_id,
        preview_hash=given.preview_hash,
        scope=canary_scope(scope),
        chosen=canary_group(context, scope),
        now=context.now,
        viewer=context.viewer,
    )


async def canary_ended(
    info: Info,
    given: Annotated[
        TierPolicyCanaryEndInput, strawberry.argument(name="input", description="Of which, and why.")
    ],
) -> TierPolicyCanaryEndPayload:
    context: Context = info.context.operation
    try:
        version_id = await end_canary(
            context.policies,
            policy=given.policy,
            reason=given.reason,
            now=context.now,
            viewer=context.viewer,
        )
    except DomainError as error:
        return TierPolicyCanaryEndPayload(tier_policy_version=None, user_errors=[user_error(error)])
    found = await info.context.find_row(TierPolicyVersion, version_id)
    return TierPolicyCanaryEndPayload(tier_policy_version=found, user_errors=[])


async def rolled_back(
    info: Info,
    given: Annotated[TierPolicyRollBackInput, strawberry.argument(name="input", description="Of which.")],
) -> TierPolicyRollBackPayload:
    context: Context = info.context.operation
    try:
        version_id = await roll_back(
            context.policies,
            context.stored_facts,
            policy=given.policy,
            reason=given.reason,
            viewer=context.viewer,
        )
    except DomainError as error:
        return TierPolicyRollBackPayload(tier_policy_version=None, user_errors=[user_error(error)])
    found = await info.context.find_row(TierPolicyVersion, version_id)
    return TierPolicyRollBackPayload(tier_policy_version=found, user_errors=[])


async def retired(
    info: Info,
    given: Annotated[TierPolicyRetireInput, strawberry.argument(name="input", description="Which.")],
) -> TierPolicyRetirePayload:
    context: Context = info.context.operation
    try:
        leaving = await retire_policy(context.policies, policy=given.policy, viewer=context.viewer)
    except DomainError as error:
        return TierPolicyRetirePayload(tier_policy=None, customers_leaving=0, user_errors=[user_error(error)])
    found = await info.context.find_where(TierPolicy, t.tier_policies.c.code == given.policy)
    return TierPolicyRetirePayload(tier_policy=found, customers_leaving=leaving, user_errors=[])
