"""Timing as data: what is refused, how it is stored, and which reviews it makes due."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from tier_cases import NEVER, unhurried
from tier_lives import Life, day, steps, timings

from domain.errors import DomainError, ErrorCode
from domain.standings.cadence_runs import CadenceRun, runs_between
from domain.standings.compute_standings import ActivePolicy, active_policy
from domain.tiers.life_change import TierReason, TransitionKind
from domain.tiers.life_days import date_of
from domain.tiers.life_manual import set_override, start_trial
from domain.tiers.life_margin import is_past_margin
from domain.tiers.life_state import Override, OverrideKind, StandingState
from domain.tiers.presets import timings as presets
from domain.tiers.presets.kuailv_grade import KUAILV_GRADE, kuailv_rule
from domain.tiers.standing import stand
from domain.tiers.timing import (
    MOST_DAYS,
    MOST_PERCENT,
    MOST_REVIEWS,
    Cadence,
    DowngradeMode,
    ExpiryAnchor,
    LargeOrder,
    TierTiming,
    TierTrial,
    UpgradeTiming,
    timing_problems,
)
from domain.tiers.timing_json import timing_from_json, timing_to_json

ALL = (
    presets.KUAILV_GRADE,
    presets.CHUANWEI_VALUE,
    presets.WANXIANG_VALUE,
    presets.WANXIANG_MEMBER,
    presets.XIAOXIANG_LAYER,
)
TODAY = day("2026-11-22")
SILVER = StandingState(base_rank=2, before_rank=1, base_day=TODAY, joined_day=TODAY)


@unhurried
@given(timing=timings())
def test_a_timing_is_read_back_as_it_was_written(timing: TierTiming) -> None:
    assert timing_from_json(timing_to_json(timing)) == timing


@pytest.mark.parametrize("timing", ALL)
def test_the_presets_are_sound_and_survive_storing(timing: TierTiming) -> None:
    assert timing_problems(timing) == ()
    assert timing_from_json(timing_to_json(timing)) == timing


def test_a_document_from_before_means_what_it_meant() -> None:
    old = timing_from_json({"cadence": "REALTIME", "qualificationDays": 90})

    assert (old, old.downgrade) == (TierTiming(), DowngradeMode.TO_RAW)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"qualification_days": 0}, "qualificationDays"),
        ({"grace_days": -1}, "graceDays"),
        ({"upgrade": UpgradeTiming.AT_ONCE_ON_LARGE_ORDER}, "largeOrder"),
        ({"validity_days": 365}, "validityDays"),
        ({"expiry_anchor": ExpiryAnchor.CALENDAR}, "validityDays"),
        ({"cadence": Cadence.ANNIVERSARY}, "cadence"),
        ({"lower_reviews": 2}, "lowerReviews"),
        ({"downgrade": DowngradeMode.ONE_STEP}, "downgrade"),
        ({"trial": TierTrial(days=30, once_in_days=14)}, "trial"),
        ({"silence_alarm_days": 0}, "silenceAlarmDays"),
        ({"upper_reviews": 0}, "upperReviews"),
        ({"margin_percent": 0}, "marginPercent"),
        ({"margin_percent": -5}, "marginPercent"),
        ({"validity_days": 0, "expiry_anchor": ExpiryAnchor.CALENDAR}, "validityDays"),
        ({"large_order": LargeOrder(cents=0, times_own_mean=3)}, "largeOrder"),
        ({"large_order": LargeOrder(cents=1, times_own_mean=0)}, "largeOrder"),
        ({"qualification_days": MOST_DAYS + 1}, "qualificationDays"),
        ({"cadence": Cadence.DAILY, "upper_reviews": MOST_REVIEWS + 1}, "upperReviews"),
        ({"cadence": Cadence.DAILY, "lower_reviews": MOST_REVIEWS + 1}, "lowerReviews"),
        ({"margin_percent": MOST_PERCENT + 1}, "marginPercent"),
        ({"validity_days": MOST_DAYS + 1, "expiry_anchor": ExpiryAnchor.TIER_START}, "validityDays"),
        ({"grace_days": MOST_DAYS + 1}, "graceDays"),
        ({"trial": TierTrial(days=14, once_in_days=MOST_DAYS + 1)}, "trial"),
        ({"silence_alarm_days": MOST_DAYS + 1}, "silenceAlarmDays"),
    ],
)
def test_a_timing_that_cannot_work_is_named(wrong: Mapping[str, Any], field: str) -> None:
    assert [problem.field for problem in timing_problems(TierTiming(**wrong))] == [("timing", field)]


@pytest.mark.parametrize(
    "anchor", [ExpiryAnchor.TIER_START, ExpiryAnchor.PROGRAM_JOIN, ExpiryAnchor.CALENDAR]
)
def test_the_longest_validity_and_grace_end_on_a_date(anchor: ExpiryAnchor) -> None:
    timing = TierTiming(
        cadence=Cadence.ANNIVERSARY, validity_days=MOST_DAYS, expiry_anchor=anchor, grace_days=MOST_DAYS
    )
    assert timing_problems(timing) == ()
    life = Life(timing, steps(("2026-01-01", 2)))

    life.look(TODAY)

    assert life.state is not None
    assert life.state.valid_day is not None
    assert date_of(life.state.valid_day).year == 2126
    assert date_of(life.state.valid_day + timing.grace_days).year == 2226


def test_an_unreadable_member_is_named() -> None:
    with pytest.raises(DomainError, match="'WEEKLY' is not a cadence"):
        timing_from_json({"cadence": "WEEKLY"})


def _policy(timing: TierTiming) -> ActivePolicy:
    version = replace(KUAILV_GRADE.versions[0], rule=replace(kuailv_rule(), timing=timing))
    return active_policy(0, 1, version)


@pytest.mark.parametrize(
    ("cadence", "today", "periods"),
    [
        (Cadence.MONTHLY, "2026-11-30", []),
        (Cadence.MONTHLY, "2026-12-01", ["2026-11"]),
        (Cadence.MONTHLY, "2027-02-03", ["2026-11", "2026-12", "2027-01"]),
        (Cadence.DAILY, "2026-11-25", ["2026-11-25"]),
        (Cadence.REALTIME, "2027-02-03", []),
    ],
)
def test_each_month_is_reviewed_and_missed_days_once(
    cadence: Cadence, today: str, periods: list[str]
) -> None:
    """S0-11, S4-12."""
    runs = runs_between([_policy(TierTiming(cadence=cadence))], last_day=TODAY, today=day(today))

    assert runs == [CadenceRun("kuailv_grade", period) for period in periods]


def test_days_by_their_numbers_are_those_of_numpy() -> None:
    assert day("2026-11-22") == int(np.datetime64("2026-11-22", "D").astype(int))


@pytest.mark.parametrize(
    ("spend_cny", "expected"), [(8_000, False), (25_000, False), (26_000, True), (49_000, True)]
)
def test_ten_percent_past_a_cut_is_not_past_the_margin_and_more_is(spend_cny: int, expected: bool) -> None:
    """S1-17. With 15 orders and silent for 4 days gold begins at 8,000 CNY; the margin takes orders, money and
    freshness back by a tenth together."""
    facts = NEVER | {"days_since_last_order": 4, "orders_90d": 15, "spend_90d": spend_cny * 100}
    rule = replace(kuailv_rule(), timing=presets.CHUANWEI_VALUE)
    assert stand(rule, facts).rank == 3

    assert is_past_margin(rule, facts, 2) is expected
    assert is_past_margin(rule, facts, 3) is False
    assert is_past_margin(kuailv_rule(), facts, 2) is False


def test_a_layer_changes_after_two_reviews_or_at_once_past_the_margin() -> None:
    """S1-17, in both directions."""
    slow = Life(presets.CHUANWEI_VALUE, steps(("2026-01-01", 1), ("2026-02-10", 2)))
    fast = Life(presets.CHUANWEI_VALUE, steps(("2026-01-01", 1), ("2026-02-10", 2)), is_past=True)
    for life in (slow, fast):
        life.look(day("2026-01-05"))
        for today in range(day("2026-01-06"), day("2026-05-01")):
            life.night(today)

    assert [(c.kind, c.day) for c in slow.log[1:]] == [
        (TransitionKind.PROLONGED, day("2026-02-28")),
        (TransitionKind.UPGRADED, day("2026-03-31")),
    ]
    assert [(c.kind, c.day) for c in fast.log[1:]] == [(TransitionKind.UPGRADED, day("2026-02-28"))]


def test_a_measure_that_recovers_lifts_the_protection() -> None:
    """S0-18."""
    measure = steps(("2026-01-01", 3), ("2026-02-10", 1), ("2026-03-20", 3), ("2026-04-20", 1))
    life = Life(presets.KUAILV_GRADE, measure)
    life.look(day("2026-01-05"))
    for today in range(day("2026-01-06"), day("2026-05-02")):
        life.night(today)

    assert life.kinds()[1:] == [
        ("PROLONGED", "PROTECTED", 3, 3),
        ("PROLONGED", "MONTHLY", 3, 3),
        ("PROLONGED", "PROTECTED", 3, 3),
    ]
    assert life.state is not None
    assert life.state.is_protected


def test_a_trial_ends_by_itself_after_fourteen_whole_days() -> None:
    """S0-17."""
    life = Life(presets.KUAILV_GRADE, steps(("2026-01-01", 2)))
    life.look(day("2026-01-05"))
    assert life.state is not None
    started = start_trial(life.timing, life.state, highest_rank=5, today=day("2026-01-05"))
    assert started is not None
    life.state, life.review_day = started.state, day("2026-01-20")

    assert life.night(day("2026-01-19")) == []
    (ended,) = life.night(day("2026-01-20"))
    assert (ended.kind, ended.from_rank, ended.to_rank) == (TransitionKind.TRIAL_ENDED, 3, 2)
    assert (ended.reason, ended.day) == (TierReason.TRIAL, day("2026-01-19"))


def test_a_trial_comes_back_after_180_days_and_not_before() -> None:
    tried = replace(SILVER, last_trial_day=TODAY - 179)

    with pytest.raises(DomainError, match="wait 1 more") as refused:
        start_trial(presets.KUAILV_GRADE, tried, highest_rank=5, today=TODAY)

    assert refused.value.code is ErrorCode.TRIAL_TOO_SOON
    assert start_trial(presets.KUAILV_GRADE, tried, highest_rank=5, today=TODAY + 1) is not None


def test_a_trial_is_refused_where_the_policy_has_none_or_an_override_hides_it() -> None:
    override = Override(
        rank=5, first_day=TODAY, last_day=TODAY, kind=OverrideKind.CONTRACT, reason="x", actor="op"
    )

    for timing, state in ((TierTiming(), SILVER), (presets.KUAILV_GRADE, replace(SILVER, override=override))):
        with pytest.raises(DomainError) as refused:
            start_trial(timing, state, highest_rank=5, today=TODAY)
        assert refused.value.code is ErrorCode.WRONG_STATE


def test_an_override_of_today_still_holds_today_and_one_of_yesterday_is_refused() -> None:
    override = Override(
        rank=5, first_day=TODAY, last_day=TODAY, kind=OverrideKind.CONTRACT, reason="x", actor="op"
    )

    change = set_override(SILVER, override, today=TODAY)

    assert change is not None
    assert change.to_rank == 5
    with pytest.raises(DomainError, match="would be over already"):
        set_override(SILVER, replace(override, last_day=TODAY - 1), today=TODAY)
