"""Laws of a standing's life, whatever the timing, the measure, and what people do in between."""

from collections import Counter
from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st
from tier_cases import unhurried
from tier_lives import Life, day, listed, timings

from domain.errors import DomainError
from domain.tiers.life_change import Change
from domain.tiers.life_manual import end_override, end_trial, set_override, start_trial
from domain.tiers.life_state import Override, OverrideKind
from domain.tiers.timing import DowngradeMode, TierTiming

FIRST = day("2026-01-07")
HIGHEST = 4
ranks = st.lists(st.tuples(st.integers(0, HIGHEST), st.integers(1, 25)), min_size=1, max_size=9).map(
    lambda runs: [rank for rank, length in runs for _ in range(length)]
)


@dataclass(frozen=True, slots=True)
class Act:
    """What a person does on a day."""

    on: int
    what: str
    rank: int
    days: int

    def do(self, life: Life, today: int) -> None:
        if life.state is None:
            return
        try:
            change = self._change(life, today)
        except DomainError:
            return
        if change:
            life.log.append(change)
            life.state = change.state
            life.review_day = min(life.review_day, life._review_day(today))

    def _change(self, life: Life, today: int) -> Change | None:
        assert life.state is not None
        if self.what == "trial":
            return start_trial(life.timing, life.state, highest_rank=HIGHEST, today=today)
        if self.what == "end trial":
            return end_trial(life.state, today=today)
        if self.what == "end override":
            return end_override(life.state, today=today)
        override = Override(
            rank=self.rank,
            first_day=today,
            last_day=today + self.days,
            kind=OverrideKind.OTHER,
            reason="because",
            actor="op",
        )
        return set_override(life.state, override, today=today)


acts = st.lists(
    st.builds(
        Act,
        st.integers(0, 90),
        st.sampled_from(["trial", "end trial", "override", "end override"]),
        st.integers(1, HIGHEST),
        st.integers(0, 30),
    ),
    max_size=5,
)


def _live(timing: TierTiming, days_ranks: list[int], what: list[Act], *, daily: bool) -> Life:
    """Everybody looks on the first day and at what people do; besides, each night, or only where it is due."""
    life = Life(timing, listed(FIRST, days_ranks))
    life.look(FIRST)
    for today in range(FIRST + 1, FIRST + len(days_ranks) + 45):
        if daily:
            life.look(today)
        else:
            life.night(today)
        for act in what:
            if FIRST + act.on == today:
                act.do(life, today)
    return life


def _facts(life: Life) -> list[tuple[object, ...]]:
    """Reasons are left out: an event and a night may see the same thing."""
    return [(c.kind, c.day, c.from_rank, c.to_rank, c.state) for c in life.log]


@unhurried
@given(timing=timings(), days_ranks=ranks, what=acts)
def test_looking_each_day_and_only_when_due_come_to_the_same(
    timing: TierTiming, days_ranks: list[int], what: list[Act]
) -> None:
    each_day = _live(timing, days_ranks, what, daily=True)
    when_due = _live(timing, days_ranks, what, daily=False)

    assert _facts(when_due) == _facts(each_day)
    assert when_due.state == each_day.state


@unhurried
@given(timing=timings(), days_ranks=ranks, what=acts)
def test_the_log_is_a_chain_and_its_last_link_is_the_state(
    timing: TierTiming, days_ranks: list[int], what: list[Act]
) -> None:
    life = _live(timing, days_ranks, what, daily=False)

    rank = 0
    for change in life.log:
        assert change.from_rank == rank
        rank = change.to_rank
    assert life.log == [] or life.state == life.log[-1].state


@unhurried
@given(timing=timings(), days_ranks=ranks)
def test_a_look_takes_at_most_one_decision_of_a_kind_as_of_one_day(
    timing: TierTiming, days_ranks: list[int]
) -> None:
    life = _live(timing, days_ranks, [], daily=False)

    taken = Counter((change.day, change.kind, change.reason) for change in life.log)

    assert set(taken.values()) <= {1}


@unhurried
@given(timing=timings(), days_ranks=ranks, what=acts)
def test_the_tier_in_effect_is_the_override_or_the_better_of_base_and_trial(
    timing: TierTiming, days_ranks: list[int], what: list[Act]
) -> None:
    for change in _live(timing, days_ranks, what, daily=False).log:
        state = change.state
        lent = [state.trial.rank] if state.trial else []
        assert change.to_rank == (state.override.rank if state.override else max([state.base_rank, *lent]))


@unhurried
@given(timing=timings(), days_ranks=ranks)
def test_a_tier_never_falls_further_than_the_policy_lets_it(
    timing: TierTiming, days_ranks: list[int]
) -> None:
    life = _live(timing, days_ranks, [], daily=False)
    before = 0

    for change in life.log:
        base = change.state.base_rank
        fell = before - base
        if timing.downgrade is DowngradeMode.NONE:
            assert fell <= 0
        if timing.downgrade is DowngradeMode.ONE_STEP:
            assert fell <= 1
        before = base


@unhurried
@given(timing=timings(), days_ranks=ranks)
def test_looking_twice_decides_once(timing: TierTiming, days_ranks: list[int]) -> None:
    life = _live(timing, days_ranks, [], daily=False)
    today = FIRST + len(days_ranks) + 45
    life.look(today)

    assert life.look(today) == []
