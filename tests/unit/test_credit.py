"""Credit terms and the scorecard: exact, monotonous, and silent about nothing that is not known."""

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.credit.scorecard import CreditHistory, score_of, scorecard
from domain.credit.terms import PublishedCredit, credit_terms, published_credit
from domain.tiers.policy import Benefit, BenefitKind, Tier, TierPolicyVersion
from domain.tiers.presets import PRESETS
from domain.words import Words

PLATINUM = PublishedCredit(rule="kuailv_grade@1/PLATINUM", days=15, limit_cents=5_000_000)
GOOD = CreditHistory(
    judged=8,
    on_time=8,
    longest_late_days=0,
    used_cents=1_200_000,
    tenure_days=400,
    purchase_stability=1_000_000,
)


def points(history: CreditHistory) -> dict[str, Fraction | None]:
    return {part.code: part.points for part in scorecard(history)}


def held(policy: str, tier: str) -> tuple[TierPolicyVersion, Tier]:
    version = next(one.versions[0] for one in PRESETS if one.code == policy)
    found = version.rule.find_tier(tier)
    assert found is not None
    return version, found


def test_the_parts_are_a_hundred_points_and_without_a_source_ten_are_not_known() -> None:  # S3-17
    parts = scorecard(GOOD)

    assert [(part.code, part.maximum) for part in parts] == [
        ("TIMELINESS", 40),
        ("OVERDUE_HISTORY", 25),
        ("TENURE", 10),
        ("ORDER_STABILITY", 15),
        ("EXTERNAL_CREDIT", 10),
    ]
    assert [part.points for part in parts] == [40, 25, 10, 15, None]
    assert parts[-1].words == Words("外部征信：未知", "External credit: not known")
    assert score_of(parts) == 90


def test_points_are_exact_shares_of_their_maximum() -> None:
    history = replace(GOOD, on_time=5, longest_late_days=12, tenure_days=100, purchase_stability=333_333)

    assert points(history) == {
        "TIMELINESS": Fraction(5, 8) * 40,
        "OVERDUE_HISTORY": 25 * Fraction(18, 30),
        "TENURE": 10 * Fraction(100, 365),
        "ORDER_STABILITY": 15 * Fraction(333_333, 1_000_000),
        "EXTERNAL_CREDIT": None,
    }
    assert score_of(scorecard(history)) == 47  # 25 + 15 + 2.739… + 4.999…


def test_of_somebody_new_nothing_is_known_and_nothing_is_made_up() -> None:
    parts = scorecard(CreditHistory())

    assert [part.points for part in parts] == [None] * 5
    assert all(part.words.en.endswith(": not known") for part in parts)
    assert score_of(parts) == 0


def test_the_tier_with_the_highest_limit_lends() -> None:  # S0-20
    tiers = [held("kuailv_grade", "PLATINUM"), held("wanxiang_member", "DIAMOND")]

    assert published_credit(tiers) == PLATINUM
    assert published_credit(tiers[1:]) is None
    assert published_credit([held("kuailv_grade", "SILVER")]) is None


def test_credit_that_is_only_said_in_words_lends_nothing() -> None:
    version, tier = held("kuailv_grade", "SILVER")
    vague = replace(tier, benefits=(Benefit(BenefitKind.CREDIT, Words("账期", "Credit")),))
    exact = replace(
        tier, benefits=(Benefit(BenefitKind.CREDIT, Words("账期", "Credit"), Decimal("0.999"), 3),)
    )

    assert published_credit([(version, vague)]) is None
    assert published_credit([(version, exact)]) == PublishedCredit(
        rule="kuailv_grade@1/SILVER", days=3, limit_cents=99
    )


@pytest.mark.parametrize(
    ("judged", "on_time", "limit_cents"), [(0, 0, 5_000_000), (8, 8, 5_000_000), (8, 0, 0), (3, 2, 3_333_333)]
)
def test_the_limit_is_scaled_by_timeliness_down_to_the_cent(
    judged: int, on_time: int, limit_cents: int
) -> None:
    terms = credit_terms(PLATINUM, replace(GOOD, judged=judged, on_time=on_time, used_cents=0))

    assert (terms.limit_cents, terms.available_cents) == (limit_cents, limit_cents)


@pytest.mark.parametrize(("late", "is_frozen"), [(None, False), (-3, False), (7, False), (8, True)])
def test_more_than_seven_days_overdue_freezes_what_is_left(late: int | None, is_frozen: bool) -> None:
    terms = credit_terms(PLATINUM, replace(GOOD, open_late_days=late))

    assert (terms.frozen is not None) is is_frozen
    assert terms.available_cents == (0 if is_frozen else 3_800_000)
    assert terms.limit_cents == 5_000_000


def test_what_is_owed_without_a_limit_is_still_owed() -> None:
    terms = credit_terms(None, GOOD)

    assert (terms.limit_cents, terms.used_cents, terms.available_cents) == (0, 1_200_000, 0)


HISTORIES = st.builds(
    CreditHistory,
    judged=st.integers(1, 50),
    on_time=st.just(0),
    longest_late_days=st.integers(0, 400),
    open_late_days=st.none() | st.integers(-30, 400),
    used_cents=st.integers(0, 10**10),
    tenure_days=st.integers(0, 9_000),
    purchase_stability=st.integers(0, 1_000_000),
)


@given(HISTORIES)
def test_a_score_is_within_the_maxima_and_what_is_available_within_the_limit(history: CreditHistory) -> None:
    parts, terms = scorecard(history), credit_terms(PLATINUM, history)

    assert all(part.points is None or 0 <= part.points <= part.maximum for part in parts)
    assert 0 <= terms.available_cents <= terms.limit_cents <= PLATINUM.limit_cents


@given(HISTORIES, st.data())
def test_paying_one_more_in_time_never_lends_less(history: CreditHistory, data: st.DataObject) -> None:
    on_time = data.draw(st.integers(0, history.judged - 1))
    before, after = (replace(history, on_time=number) for number in (on_time, on_time + 1))

    assert credit_terms(PLATINUM, after).limit_cents >= credit_terms(PLATINUM, before).limit_cents
    assert score_of(scorecard(after)) >= score_of(scorecard(before))
