"""A tier policy's rule as an operator writes it: inputs in the units that the API shows."""

from decimal import Decimal

import strawberry

from domain.tiers.checks import Comparison
from domain.tiers.measure import Combination
from domain.tiers.policy import BenefitKind
from domain.tiers.timing import Cadence, DowngradeMode, ExpiryAnchor, UpgradeTiming


@strawberry.input(description="A fact, or that fact for each one of another.")
class TierQuantityInput:
    code: str = strawberry.field(description="Its code within the rule.")
    words: str = strawberry.field(description="What it is called, in Chinese.")
    words_en: str | None = strawberry.field(description="In English; null: the same.", default=None)
    fact: str = strawberry.field(description="Code of the fact, as factDefinitions lists it.")
    per: str | None = strawberry.field(description="Code of the fact it is divided by.", default=None)
    unit: str | None = strawberry.field(
        description="The unit you mean, such as CNY or orders; checked when given.", default=None
    )


@strawberry.input(description="points = clamp(base + slope × fact, floor, cap). [S0-1]")
class TierPartInput:
    quantity: TierQuantityInput = strawberry.field(description="What it looks at.")
    base: Decimal = strawberry.field(description="Points where the fact is 0.", default=Decimal(0))
    slope: Decimal = strawberry.field(description="Points for each one of the unit.", default=Decimal(1))
    floor: Decimal = strawberry.field(description="Fewest points.", default=Decimal(0))
    cap: Decimal | None = strawberry.field(description="Most points; null: no end.", default=None)
    weight: Decimal = strawberry.field(description="In the score.", default=Decimal(1))
    bonus: bool = strawberry.field(description="Comes on top; the sum is cut at the cap.", default=False)


@strawberry.input(description="A weighted sum of points.")
class TierScoreInput:
    parts: list[TierPartInput] = strawberry.field(description="At least one.")
    cap: Decimal = strawberry.field(
        description="Most points of a score with a bonus part.", default=Decimal(100)
    )


@strawberry.input(description="Where a dimension begins to be of a tier; the sign is part of the rule. [C5]")
class TierStepInput:
    tier: str = strawberry.field(description="Code of the tier.")
    comparison: Comparison = strawberry.field(description="How the value is compared.")
    value: Decimal = strawberry.field(description="In the unit of the quantity.")


@strawberry.input(description="A quantity with a step for each tier but the lowest. [S1-2]")
class TierDimensionInput:
    quantity: TierQuantityInput = strawberry.field(description="What it looks at.")
    steps: list[TierStepInput] = strawberry.field(description="From the lower tier up.")


@strawberry.input(description="A tier for each of several dimensions, combined. [S1-5]")
class TierBandsInput:
    dimensions: list[TierDimensionInput] = strawberry.field(description="At least one.")
    combine: Combination = strawberry.field(description="How they make one tier.", default=Combination.MEDIAN)


@strawberry.input(one_of=True, description="Exactly one way to measure.")
class TierMeasureInput:
    score: TierScoreInput | None = strawberry.field(
        description="A weighted sum of points.", default=strawberry.UNSET
    )
    bands: TierBandsInput | None = strawberry.field(
        description="A tier for each dimension.", default=strawberry.UNSET
    )
    rank: list[TierQuantityInput] | None = strawberry.field(
        description="A place among everybody, by the mean of these percentiles. [S4-3]",
        default=strawberry.UNSET,
    )


@strawberry.input(description="What a tier asks for beside the threshold, such as a recent order. [S4-4]")
class TierGateInput:
    quantity: TierQuantityInput = strawberry.field(description="What it looks at.")
    comparison: Comparison = strawberry.field(description="How the value is compared.")
    value: Decimal = strawberry.field(description="In the unit of the quantity.")


@strawberry.input(description="What a tier gives. [S0-19]")
class BenefitInput:
    kind: BenefitKind = strawberry.field(description="What kind.")
    words: str = strawberry.field(description="In Chinese.")
    words_en: str | None = strawberry.field(description="In English; null: the same.", default=None)
    value: Decimal | None = strawberry.field(
        description="PRICE: factor of the list price; POINTS_MULTIPLIER: points for each whole unit of currency; "
        "CREDIT: the limit in the shop's currency; others have none.",
        default=None,
    )
    days: int | None = strawberry.field(description="CREDIT: days to pay.", default=None)


@strawberry.input(description="One step of the ladder; its rank is its place in the list.")
class TierInput:
    code: str = strawberry.field(description="Its code within the policy.")
    name: str = strawberry.field(description="Its published name, in Chinese.")
    name_en: str | None = strawberry.field(description="In English; null: the same.", default=None)
    threshold: Decimal | None = strawberry.field(
        description="Points, or the top share 0..1; null: the measure or the gates say, or it takes the rest.",
        default=None,
    )
    inclusive: bool = strawberry.field(description="Whether the threshold itself is in. [C5]", default=True)
    gates: list[TierGateInput] = strawberry.field(description="Also asked for.", default_factory=list)
    target_share: Decimal | None = strawberry.field(
        description="Share of customers aimed at, 0..1; shown, never forced. [S0-10]", default=None
    )
    target_share_max: Decimal | None = strawberry.field(
        description="Upper end of that share, 0..1; null: the same.", default=None
    )
    benefits: list[BenefitInput] = strawberry.field(description="What it gives.", default_factory=list)


@strawberry.input(description="An order that lifts at once. [S0-12]")
class LargeOrderInput:
    amount: Decimal = strawberry.field(description="In the shop's currency.")
    times_own_mean: int = strawberry.field(description="Or so many times the customer's own mean order.")


@strawberry.input(description="A trial of the next higher tier. [S0-17]")
class TierTrialTermsInput:
    days: int = strawberry.field(description="How long.")
    once_in_days: int = strawberry.field(description="How often at most.")


@strawberry.input(description="When the policy decides; periods in whole business days.")
class TierTimingInput:
    cadence: Cadence = strawberry.field(description="How often it looks.")
    qualification_days: int = strawberry.field(description="The period that it looks at.")
    upgrade: UpgradeTiming = strawberry.field(description="When one rises.", default=UpgradeTiming.AT_ONCE)
    large_order: LargeOrderInput | None = strawberry.field(description="Which is large.", default=None)
    upper_reviews: int = strawberry.field(description="Reviews in a row needed to rise.", default=1)
    downgrade: DowngradeMode = strawberry.field(description="How far.", default=DowngradeMode.TO_RAW)
    lower_reviews: int = strawberry.field(description="Reviews in a row needed to fall.", default=1)
    margin_percent: int | None = strawberry.field(
        description="Or at once, when past the cut by more than this percentage. [S1-17]", default=None
    )
    validity_days: int | None = strawberry.field(description="How long a tier holds.", default=None)
    expiry_anchor: ExpiryAnchor = strawberry.field(
        description="What that is counted from.", default=ExpiryAnchor.NONE
    )
    grace_days: int = strawberry.field(description="Days after that.", default=0)
    trial: TierTrialTermsInput | None = strawberry.field(description="Null: no trials.", default=None)
    silence_alarm_days: int | None = strawberry.field(
        description="A customer who orders nothing for so long is reported as at risk; null: nobody is. [S0-18]",
        default=None,
    )
    silence_alarm_tier: str | None = strawberry.field(
        description="Code of the lowest tier of which that is reported; null: of all.", default=None
    )


@strawberry.input(description="The whole rule of a version, as data.")
class TierPolicyRuleInput:
    measure: TierMeasureInput = strawberry.field(description="What it looks at.")
    tiers: list[TierInput] = strawberry.field(description="From the lowest up.")
    timing: TierTimingInput = strawberry.field(description="When it decides.")
    never_ordered_tier: str | None = strawberry.field(
        description="Code of the tier of those who never ordered; null: none. [C8]", default=None
    )
    almost_there_gap: Decimal | None = strawberry.field(
        description="Points to the next tier from which one is reminded; null: never. [S0-16]", default=None
    )
