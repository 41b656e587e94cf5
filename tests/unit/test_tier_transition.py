"""What is recorded of a decision, and what a change of the tier in effect is called."""

from datetime import UTC, datetime, timedelta

import pytest
from tier_cases import NEVER

from domain.calendar import calendar_of
from domain.tiers.life_change import kind_of, moved
from domain.tiers.life_state import StandingState
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE
from domain.tiers.standing import stand
from domain.tiers.transition import Occasion, Stood, TierReason, TierTransition, TransitionKind, record

CALENDAR = calendar_of("Asia/Shanghai")
NOON = datetime(2026, 11, 22, 4, tzinfo=UTC)
END_OF_DAY = datetime(2026, 11, 22, 16, tzinfo=UTC)
TODAY = CALENDAR.last_whole_day(int(END_OF_DAY.timestamp()) * 1_000_000)
VERSION = KUAILV_GRADE.versions[0]
GOLD = NEVER | {"days_since_last_order": 10, "orders_90d": 15, "spend_90d": 6_000_000}
STATE = StandingState(base_rank=3, before_rank=2, base_day=TODAY, joined_day=TODAY)


@pytest.mark.parametrize(
    ("from_rank", "to_rank", "kind"),
    [
        (0, 3, TransitionKind.JOINED),
        (2, 3, TransitionKind.UPGRADED),
        (3, 2, TransitionKind.DOWNGRADED),
        (3, 0, TransitionKind.LEFT),
        (3, 3, None),
        (0, 0, None),
    ],
)
def test_a_change_of_tier_has_a_name(from_rank: int, to_rank: int, kind: TransitionKind | None) -> None:
    assert kind_of(from_rank, to_rank) is kind


def _recorded(day: int) -> TierTransition:
    occasion = Occasion(reason=TierReason.EVENT, as_of=END_OF_DAY, decided_at=NOON)
    change = moved(None, STATE, reason=TierReason.EVENT, day=day)
    return record(
        VERSION, Stood(VERSION, stand(VERSION.rule, GOLD)), change, occasion=occasion, calendar=CALENDAR
    )


def test_a_decision_is_recorded_with_its_evidence_and_what_the_measure_gave() -> None:
    made = _recorded(TODAY)

    assert (made.policy_code, made.version_number, made.raw_rank) == ("kuailv_grade", 1, 3)
    assert made.evidence["facts"]["orders_90d"] == 15
    assert made.change.kind is TransitionKind.JOINED


def test_a_decision_of_today_holds_from_when_it_was_taken() -> None:
    made = _recorded(TODAY)

    assert (made.as_of, made.effective_at, made.decided_at) == (END_OF_DAY, NOON, NOON)


def test_a_decision_about_a_midnight_holds_from_that_midnight_on() -> None:
    """Edge of a day in the shop's zone: 00:00 in Shanghai is 16:00 UTC of the day before."""
    made = _recorded(TODAY - 1)

    assert made.as_of == made.effective_at == END_OF_DAY - timedelta(days=1)
    assert made.decided_at == NOON
