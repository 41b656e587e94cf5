"""What is wrong with a distribution, at the very edges of the rules (S0-10, S4-15)."""

from decimal import Decimal

import pytest

from domain.tiers.policy import target_gap
from domain.watching.alert import AlertKind
from domain.watching.distribution import Finding, WatchedTier, findings

LOST = WatchedTier(code="LOST", rank=1, is_goal=False, least=None, most=None)
DORMANT = WatchedTier(code="DORMANT", rank=2, is_goal=False, least=None, most=None)
SILVER = WatchedTier(code="SILVER", rank=3, is_goal=True, least=Decimal("0.50"), most=Decimal("0.60"))
GOLD = WatchedTier(code="GOLD", rank=4, is_goal=True, least=Decimal("0.20"), most=Decimal("0.20"))
LADDER = [LOST, DORMANT, SILVER, GOLD]
GOOD = {"LOST": 10, "DORMANT": 15, "SILVER": 55, "GOLD": 20}


def test_a_distribution_on_its_targets_is_not_spoken_of() -> None:
    assert findings(LADDER, GOOD, GOOD) == []


def test_five_points_from_the_nearest_end_of_a_target_are_allowed_and_no_more() -> None:
    edge = {"LOST": 10, "DORMANT": 10, "SILVER": 65, "GOLD": 15}
    assert findings(LADDER, edge, {}) == []

    past = {"LOST": 9, "DORMANT": 11, "SILVER": 66, "GOLD": 14}
    assert findings(LADDER, past, {}) == [
        Finding(AlertKind.TIER_SHARE_GAP, SILVER, Decimal("0.66"), Decimal("0.60")),
        Finding(AlertKind.TIER_SHARE_GAP, GOLD, Decimal("0.14"), Decimal("0.20")),
    ]


@pytest.mark.parametrize(
    ("share", "gap"), [("0.49", "-0.01"), ("0.50", "0"), ("0.55", "0"), ("0.60", "0"), ("0.61", "0.01")]
)
def test_a_gap_is_measured_from_the_nearest_end_of_a_target(share: str, gap: str) -> None:
    assert target_gap(Decimal(share), Decimal("0.50"), Decimal("0.60")) == Decimal(gap)


def test_more_than_fifteen_per_cent_dormant_is_too_many_and_the_lost_do_not_count() -> None:
    many_lost = {"LOST": 25, "DORMANT": 0, "SILVER": 55, "GOLD": 20}
    assert findings(LADDER, many_lost, {}) == []

    assert findings(LADDER, GOOD | {"DORMANT": 16, "LOST": 9}, {}) == [
        Finding(AlertKind.DORMANT_SHARE, DORMANT, Decimal("0.16"), Decimal("0.15"))
    ]


def test_a_shift_against_last_month_is_one_finding_of_the_policy() -> None:
    found = findings(LADDER, GOOD, {"LOST": 40, "DORMANT": 10, "SILVER": 40, "GOLD": 10})

    assert [(one.kind, one.tier, one.observed) for one in found] == [
        (AlertKind.DISTRIBUTION_SHIFT, None, Decimal("0.553244"))
    ]


def test_while_nobody_holds_a_tier_nothing_is_wrong() -> None:
    assert findings(LADDER, {}, GOOD) == []
    assert findings(LADDER, {"GOLD": 0}, GOOD) == []
