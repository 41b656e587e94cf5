"""The arms of a comparison as plain objects: who is in each, on which tiers, and between which they moved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry

from domain.tiers.arm_comparison import ArmSums
from domain.tiers.policy import Tier
from domain.tiers.stability import SIX_DIGITS
from resolvers.context import Context


class ComparedArm(Enum):
    """Who is graded by which version."""

    CONTROL = "CONTROL"
    TREATMENT = "TREATMENT"


strawberry.enum(ComparedArm, description="CONTROL is the rest, TREATMENT the canary.")

Cell = Sequence[Any]
"""Arm, version and rank before, version and rank now (rank 0 and null: no tier), then the fields of ArmSums, of all
customers who have these five in common."""
SUMS_FROM = 5
Codes = tuple[str | None, str | None]


@strawberry.type(description="One tier of an arm.")
class ComparedTier:
    tier_code: str = strawberry.field(description="Which tier.")
    name: str = strawberry.field(description="Its name, in Chinese.")
    customers: int = strawberry.field(description="How many of the arm hold it at the end of the period.")
    share: Decimal = strawberry.field(description="Of all of the arm who hold a tier, 0..1, six digits.")


@strawberry.type(description="How many of an arm went from one tier to another, or stayed.")
class ComparedMove:
    from_code: str | None = strawberry.field(description="Code of the tier held before; null: none.")
    to_code: str | None = strawberry.field(description="Code of the tier held at the end; null: none.")
    customers: int = strawberry.field(description="How many.")


@strawberry.type(description="Whom one of two compared versions grades.")
class TierPolicyArm:
    kind: ComparedArm = strawberry.field(description="Which arm.")
    customers: int = strawberry.field(description="How many are in it, whatever tier they hold.")
    tiers: list[ComparedTier] = strawberry.field(
        description="How they are spread at the end of the period: tiers that somebody holds, lowest first."
    )
    moves: list[ComparedMove] = strawberry.field(
        description="Between which tiers they moved in the period, from the lowest up; with those who stayed."
    )


def arm_sums(cells: Sequence[Cell] | None, kind: ComparedArm) -> ArmSums:
    """Over all moves of an arm. `cells` None: there is nobody."""
    own = [cell[SUMS_FROM:] for cell in cells or () if cell[0] == kind.value]
    names = [field.name for field in fields(ArmSums)]
    return ArmSums(**{name: sum(column) for name, column in zip(names, zip(*own, strict=True), strict=False)})


def arms(context: Context, cells: Sequence[Cell] | None) -> list[TierPolicyArm]:
    return [arm(context, kind, cells or ()) for kind in ComparedArm]


def arm(context: Context, kind: ComparedArm, cells: Sequence[Cell]) -> TierPolicyArm:
    """Tiers of two versions are the same when their codes are; the later one says how it is called."""
    known: dict[str, Tier] = {}
    moved: Counter[Codes] = Counter()
    for own, old_version, old_rank, new_version, new_rank, customers, *_ in cells:
        sides = tier_at(context, old_version, old_rank), tier_at(context, new_version, new_rank)
        if own == kind.value and any(sides):
            known |= {tier.code: tier for tier in sides if tier}
            before, now = (tier.code if tier else None for tier in sides)
            moved[before, now] += customers
    return TierPolicyArm(
        kind=kind,
        customers=arm_sums(cells, kind).customers,
        tiers=tiers_of(moved, known),
        moves=moves_of(moved, known),
    )


def tier_at(context: Context, version_id: int | None, rank: int | None) -> Tier | None:
    if version_id is None or not rank:
        return None
    return context.rule(version_id).tiers[rank - 1]


def tiers_of(moved: Mapping[Codes, int], known: Mapping[str, Tier]) -> list[ComparedTier]:
    held: Counter[str] = Counter()
    for (_, now), count in moved.items():
        if now is not None:
            held[now] += count
    return [
        ComparedTier(
            tier_code=code,
            name=known[code].name.zh,
            customers=held[code],
            share=(Decimal(held[code]) / held.total()).quantize(SIX_DIGITS),
        )
        for code in sorted(held, key=lambda code: (known[code].rank, code))
    ]


def moves_of(moved: Mapping[Codes, int], known: Mapping[str, Tier]) -> list[ComparedMove]:
    def place(codes: Codes) -> list[tuple[int, str]]:
        return [(known[code].rank, code) if code else (0, "") for code in codes]

    return [
        ComparedMove(from_code=codes[0], to_code=codes[1], customers=moved[codes])
        for codes in sorted(moved, key=place)
    ]
