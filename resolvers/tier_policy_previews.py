"""Previews of a policy over everybody: input, and what they show."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated

import strawberry
from strawberry import ID, Info

from domain.errors import DomainError, ErrorCode
from domain.standings.preview_policy import ChosenCustomers, PreviewScope, preview_rule, preview_version
from domain.tiers.benefit_cost import benefit_cost_change_cents
from domain.tiers.calibration import TierCut
from domain.tiers.draft_policy import draft_problems
from domain.tiers.explanation import explain_standing
from domain.tiers.policy import Tier, TierRule, target_gap
from domain.tiers.policy_preview import Preview, Sample
from domain.tiers.stability import SIX_DIGITS
from domain.tiers.standing import stand
from resolvers.context import Context
from resolvers.customers import Customer, CustomerFilter
from resolvers.errors import UserError, user_error
from resolvers.facts_rows import EARLIEST
from resolvers.money import Money, cents_in
from resolvers.readpath.cursors import decode_id
from resolvers.readpath.reference_rows import condition_of
from resolvers.tier_policies import DecimalRange
from resolvers.tier_policy_drafts import rule_errors
from resolvers.tier_rule_inputs import TierPolicyRuleInput
from resolvers.tier_rule_reading import RuleReader


@strawberry.input(one_of=True, description="A saved version, or a rule that nobody has saved.")
class TierPolicyCandidateInput:
    version: ID | None = strawberry.field(description="Id of the version.", default=strawberry.UNSET)
    rule: TierPolicyRuleInput | None = strawberry.field(
        description="A rule; it has no hash, because there is nothing to activate.", default=strawberry.UNSET
    )


@strawberry.input(description="What to try on everybody.")
class TierPolicyPreviewInput:
    policy: str = strawberry.field(description="Code of the policy.")
    candidate: TierPolicyCandidateInput = strawberry.field(description="What would take its place.")
    where: CustomerFilter | None = strawberry.field(
        description="Only these customers, as they are now; a ranking still places them among everybody. Without a "
        "hash: only what everybody was looked at for is activated.",
        default=None,
    )
    as_of: datetime | None = strawberry.field(
        description="As they were at this moment, measured again from their orders; takes half as long as a full run, "
        "and has no hash. Null: the moment that is live.",
        default=None,
    )
    samples: int = strawberry.field(description="How many customers who would move; at most 100.", default=10)


@strawberry.type(description="One tier before or after, by what the measure alone gives.")
class TierPreviewShare:
    tier_code: str = strawberry.field(description="Which tier.")
    name: str = strawberry.field(description="Its name, in Chinese.")
    customers: int = strawberry.field(description="How many it has.")
    share: Decimal = strawberry.field(description="Of all who have a tier, 0..1, six digits.")
    target_share: DecimalRange | None = strawberry.field(description="Aimed at, 0..1. [S0-10]")
    gap: Decimal | None = strawberry.field(
        description="Share minus target, in points; 0 inside a range of targets. [S0-10]"
    )
    spend: Money = strawberry.field(description="What its customers spent in 90 days.")
    spend_share: Decimal = strawberry.field(description="Of all spend in 90 days, 0..1, six digits.")


@strawberry.type(description="How many are in one tier now and would be in another.")
class TierPreviewMove:
    from_code: str | None = strawberry.field(description="Code of the tier now; null: none.")
    to_code: str | None = strawberry.field(description="Code of the tier then; null: none.")
    customers: int = strawberry.field(description="How many; all pairs together are everybody.")
    spend: Money = strawberry.field(description="What they spent in 90 days.")


@strawberry.type(description="A customer who would move.")
class TierPreviewSample:
    customer: Customer | None = strawberry.field(description="Who.")
    from_code: str | None = strawberry.field(description="Code of the tier now; null: none.")
    to_code: str | None = strawberry.field(description="Code of the tier then; null: none.")
    words: str = strawberry.field(description="Why, in Chinese.")


@strawberry.type(description="Where a tier of a score would begin for the shares to be the targets. [S0-10]")
class TierCalibrationCut:
    tier_code: str = strawberry.field(description="Which tier.")
    current_threshold: Decimal | None = strawberry.field(description="Points, as the candidate has it.")
    calibrated_threshold: Decimal = strawberry.field(description="Points; whoever has them is in.")
    target_share: Decimal = strawberry.field(description="Aimed at, 0..1; the middle of a range.")
    calibrated_share: Decimal = strawberry.field(
        description="What the tier would have, 0..1, six digits; more than the target where many tie."
    )


@strawberry.type(description="What a candidate would do to everybody, from the facts that are stored.")
class TierPolicyPreviewPayload:
    hash: str | None = strawberry.field(
        description="What an activation names; null: nothing to activate, or nothing was computed."
    )
    as_of: datetime | None = strawberry.field(
        description="The moment that all is of; null: nothing was computed."
    )
    customers: int = strawberry.field(description="Everybody who has facts, or those of `where`.")
    moved: int = strawberry.field(description="Whom the candidate measures otherwise than what is in force.")
    moves: list[TierPreviewMove] = strawberry.field(description="Every pair that has customers.")
    before: list[TierPreviewShare] = strawberry.field(description="In force; lowest first.")
    after: list[TierPreviewShare] = strawberry.field(description="Under the candidate; lowest first.")
    benefit_cost_change: Money | None = strawberry.field(
        description="What prices of tiers would cost more (or, below 0, less) in 90 days, if all spend were at the "
        "price of this policy; null: no tier publishes a price. Other benefits publish no cost. [S0-20]"
    )
    calibration: list[TierCalibrationCut] = strawberry.field(
        description="Thresholds that would meet the targets; shown, never applied. Empty for other measures than "
        "scores, with gates, or where a tier has no target. [S0-10]"
    )
    samples: list[TierPreviewSample] = strawberry.field(description="Of each kind of move in turn.")
    user_errors: list[UserError] = strawberry.field(description="Not empty: nothing was computed.")


async def previewed(
    info: Info,
    given: Annotated[TierPolicyPreviewInput, strawberry.argument(name="input", description="What to try.")],
) -> TierPolicyPreviewPayload:
    context: Context = info.context.operation
    try:
        found = await candidate_previewed(context, given)
    except DomainError as error:
        return refused([user_error(error)])
    if not isinstance(found, Preview):
        return refused(found)
    moves, cost_cents = found.moves, benefit_cost_change_cents(found)
    currency = context.shop.currency_code
    return TierPolicyPreviewPayload(
        hash=found.hash,
        as_of=found.base.live_as_of,
        customers=moves.total,
        moved=moves.moved,
        moves=moves_of(found, currency),
        before=shares_of(found.before, moves.customers.sum(axis=1), moves.spend_cents.sum(axis=1), currency),
        after=shares_of(found.rule, moves.customers.sum(axis=0), moves.spend_cents.sum(axis=0), currency),
        benefit_cost_change=None if cost_cents is None else cents_in(currency, cost_cents),
        calibration=[cut_of(cut) for cut in found.cuts],
        samples=[await sample_of(info, found, sample) for sample in moves.samples()],
        user_errors=[],
    )


async def candidate_previewed(context: Context, given: TierPolicyPreviewInput) -> Preview | list[UserError]:
    scope = scope_of(context, given)
    if given.candidate.rule:
        reader = RuleReader()
        rule = reader.rule(given.candidate.rule)
        problems = (*reader.problems, *draft_problems(rule))
        if problems:
            return [under_candidate(error) for error in rule_errors(problems)]
        return await preview_rule(
            context.policies, context.stored_facts, policy=given.policy, rule=rule, scope=scope
        )
    version_id = decode_id(given.candidate.version or "", "tpv")
    if version_id is None:
        message = "There is no such version: take an id from tierPolicies."
        raise DomainError(ErrorCode.NOT_FOUND, message, ("candidate", "version"))
    return await preview_version(
        context.policies,
        context.stored_facts,
        policy=given.policy,
        version_id=version_id,
        scope=scope,
        viewer=context.viewer,
    )


def scope_of(context: Context, given: TierPolicyPreviewInput) -> PreviewScope:
    if given.as_of is not None and given.as_of < EARLIEST:
        message = f"Choose a moment from {EARLIEST.isoformat()} on."
        raise DomainError(ErrorCode.OUT_OF_RANGE, message, ("asOf",))
    return PreviewScope(samples=given.samples, chosen=chosen_of(context, given.where), as_of=given.as_of)


def chosen_of(context: Context, where: CustomerFilter | None) -> ChosenCustomers | None:
    if where is None:
        return None
    try:
        condition = condition_of(where, context)
    except ValueError as error:
        raise DomainError(ErrorCode.INVALID, str(error), ("where",)) from error
    return None if condition is None else context.stored_facts.chosen_by(condition)


def under_candidate(error: UserError) -> UserError:
    return UserError(field=["candidate", *(error.field or [])], code=error.code, message=error.message)


def refused(errors: list[UserError]) -> TierPolicyPreviewPayload:
    return TierPolicyPreviewPayload(
        hash=None,
        as_of=None,
        customers=0,
        moved=0,
        moves=[],
        before=[],
        after=[],
        benefit_cost_change=None,
        calibration=[],
        samples=[],
        user_errors=errors,
    )


def moves_of(preview: Preview, currency: str) -> list[TierPreviewMove]:
    moves = preview.moves
    return [
        TierPreviewMove(
            from_code=code_of(preview.before, int(old)),
            to_code=code_of(preview.rule, int(new)),
            customers=int(moves.customers[old, new]),
            spend=cents_in(currency, int(moves.spend_cents[old, new])),
        )
        for old, new in zip(*moves.customers.nonzero(), strict=True)
    ]


def shares_of(
    rule: TierRule | None, customers: Sequence[int], spend_cents: Sequence[int], currency: str
) -> list[TierPreviewShare]:
    if rule is None:
        return []
    everybody, all_spend = (sum(int(one) for one in of_ranks[1:]) for of_ranks in (customers, spend_cents))
    return [
        share_of(tier, int(customers[tier.rank]), everybody, int(spend_cents[tier.rank]), all_spend, currency)
        for tier in rule.tiers
    ]


def share_of(
    tier: Tier, customers: int, everybody: int, cents: int, all_cents: int, currency: str
) -> TierPreviewShare:
    share, least = part(customers, everybody), tier.target_share
    most = least if tier.target_share_max is None else tier.target_share_max
    return TierPreviewShare(
        tier_code=tier.code,
        name=tier.name.zh,
        customers=customers,
        share=share,
        target_share=None if least is None else DecimalRange(min=least, max=most),
        gap=None if least is None or most is None else target_gap(share, least, most) * 100,
        spend=cents_in(currency, cents),
        spend_share=part(cents, all_cents),
    )


def cut_of(cut: TierCut) -> TierCalibrationCut:
    return TierCalibrationCut(
        tier_code=cut.tier.code,
        current_threshold=cut.tier.threshold,
        calibrated_threshold=cut.threshold,
        target_share=cut.target_share,
        calibrated_share=part(cut.share.numerator, cut.share.denominator),
    )


def part(of: int, whole: int) -> Decimal:
    return (Decimal(of) / Decimal(whole) if whole else Decimal(0)).quantize(SIX_DIGITS)


async def sample_of(info: Info, preview: Preview, sample: Sample) -> TierPreviewSample:
    standing = stand(preview.rule, sample.facts)
    return TierPreviewSample(
        customer=await info.context.find_row(Customer, sample.customer_id),
        from_code=code_of(preview.before, sample.before),
        to_code=code_of(preview.rule, sample.after),
        words=explain_standing(preview.rule, standing, preview.base.live_as_of).words.zh,
    )


def code_of(rule: TierRule | None, rank: int) -> str | None:
    return rule.tiers[rank - 1].code if rule and 0 < rank <= len(rule.tiers) else None
