"""What the measures gave as of other days than today: computed for the customers at stake, once a day asked for."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from domain.calendar import microseconds
from domain.customers.order_arrays import CategoryDayArrays, CustomerHistory
from domain.standings.columns import row_of
from domain.standings.compute_standings import ActivePolicy, Measures, Rules, measure_standings
from domain.tiers.evidence import Evidence, evidence_from
from domain.tiers.life_margin import is_past_margin
from domain.tiers.measure import RankMeasure, ScoreMeasure
from domain.tiers.standing import ORDERED_FACT, Facts, Placing, Standing, placing_of, stand
from domain.tiers.transition import Seen, Stood


@dataclass(frozen=True, slots=True)
class BatchLook:
    """`domain.tiers.life.Look` at one customer under one policy. What is rarely asked is computed when it is."""

    measures: Measures
    place: int
    policy: ActivePolicy

    @property
    def rank(self) -> int:
        return int(self.measures.raw_ranks[self.place, self.policy.policy_id])

    @property
    def never_ordered(self) -> bool:
        known = self.measures.columns[ORDERED_FACT].known
        return known is not None and not known[self.place]

    @property
    def facts(self) -> Facts:
        return self._read(self.policy.fact_names)

    @property
    def standing(self) -> Standing:
        return stand(self.policy.version.rule, self.facts)

    def evidence(self, *, as_of: datetime) -> Evidence:
        """That of the standing, from the columns: at a fifth of its cost."""
        rule, placing = self.policy.version.rule, self._placing()
        has_score = placing is not None or isinstance(rule.measure, ScoreMeasure)
        score = int(self.measures.micro_scores[self.policy.policy_id, self.place]) if has_score else None
        return evidence_from(
            self._read(self.policy.evidence_facts),
            micro_score=score,
            tier=rule.tiers[self.rank - 1] if self.rank else None,
            placing=placing,
            as_of=as_of,
        )

    def _placing(self) -> Placing | None:
        measure = self.policy.version.rule.measure
        if not isinstance(measure, RankMeasure) or self.never_ordered:
            return None
        return placing_of(measure, self.facts)

    def _read(self, names: Sequence[str]) -> dict[str, int | None]:
        return row_of({name: self.measures.columns[name] for name in names}, self.place)

    def is_past_margin(self, base_rank: int) -> bool:
        return is_past_margin(self.policy.version.rule, self.facts, base_rank)


class Looks:
    """Of one batch. *Cost*: for another day than today, that of measuring the customers at stake again.

    Category facts of a day long past lack what has left the window of today.
    """

    def __init__(
        self, history: CustomerHistory, rules: Rules, measures: Measures, rows: NDArray[np.intp]
    ) -> None:
        self.rules = rules
        self.today = rules.calendar.last_whole_day(microseconds(measures.as_of))
        self._today = measures
        self._history = history
        self._rows = rows
        self._others: dict[int, Measures] = {}

    def on(self, day: int, row: int, policy: ActivePolicy) -> BatchLook:
        """As of the end of that day."""
        if day == self.today:
            return BatchLook(self._today, row, policy)
        if day not in self._others:
            as_of = self.rules.calendar.end_of_day(day)
            chosen = chosen_customers(self._history, self._rows)
            self._others[day] = measure_standings(chosen, self.rules, as_of=as_of)
        return BatchLook(self._others[day], int(np.searchsorted(self._rows, row)), policy)

    def seen(self, day: int, row: int, policy: ActivePolicy) -> Seen:
        """As of that day where it was measured; else, where a decision did not ask, as of today."""
        look = self.on(day if day in self._others else self.today, row, policy)
        is_in_force = self.rules.version_bytes[policy.policy_id] != 0
        return look if is_in_force else Stood(policy.version, look.standing)

    def fact(self, row: int, name: str) -> int:
        return int(self._today.columns[name].values[row])


def chosen_customers(history: CustomerHistory, rows: NDArray[np.intp]) -> CustomerHistory:
    """The histories of these rows, ascending, whose ordinals then count from 0."""
    place = np.full(history.customers, -1, np.int64)
    place[rows] = np.arange(len(rows))
    orders = history.orders.where(place[history.orders.customer] >= 0)
    days = history.category_days
    kept = place[days.customer] >= 0
    return CustomerHistory(
        customers=len(rows),
        orders=replace(orders, customer=place[orders.customer]),
        category_days=CategoryDayArrays(
            place[days.customer[kept]],
            days.day[kept],
            days.category[kept],
            days.orders[kept],
            days.spend_cents[kept],
        ),
        referrals=history.referrals[rows],
        customer_ids=history.customer_ids[rows],
    )
