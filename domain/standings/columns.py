"""Facts of many customers as the columns that conditions read: stored ones, ages, and one column a category."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from domain.calendar import DAY_US
from domain.conditions.numpy_reader import Column
from domain.customers.fact import DaysSince, FactDefinition, Renamed
from domain.customers.facts import FACTS, category_fact_name
from domain.orders.order import MAXIMUM_CATEGORIES


def condition_columns(
    facts: Mapping[str, Column], customer_ids: NDArray[Any], as_of_us: int
) -> dict[str, Column]:
    """Everything a condition may name, by name, and `customer_id`, which settles ties of a ranking.

    `facts` come from `measure_customers`.
    """
    columns = {"customer_id": Column(customer_ids.astype(np.int64))}
    for fact in FACTS:
        columns |= columns_of(fact, facts, as_of_us)
    return columns


def columns_of(fact: FactDefinition, facts: Mapping[str, Column], as_of_us: int) -> dict[str, Column]:
    if isinstance(fact.derivation, DaysSince):
        return {fact.name: days_since(facts[fact.derivation.moment], as_of_us)}
    if isinstance(fact.derivation, Renamed):
        return {fact.name: facts[fact.derivation.fact]}
    if not fact.is_stored:
        return {}
    if not fact.per_category:
        return {fact.name: facts[fact.name]}
    table = facts[fact.name].values
    return {
        category_fact_name(fact.name, category): Column(np.ascontiguousarray(table[:, category]))
        for category in range(MAXIMUM_CATEGORIES)
    }


def columns_of_stored(
    stored: Mapping[str, Column], customer_ids: NDArray[np.int64], as_of_us: int
) -> dict[str, Column]:
    """As `condition_columns`, of those facts alone that are among the stored ones or derived from them; none of a
    category."""
    columns = {"customer_id": Column(customer_ids)}
    for fact in FACTS:
        if not fact.per_category and set(sources(fact)) <= stored.keys():
            columns |= columns_of(fact, stored, as_of_us)
    return columns


def stored_names(names: Iterable[str]) -> list[str]:
    """The stored facts that those names are read from."""
    wanted = set(names)
    return sorted({source for fact in FACTS if fact.name in wanted for source in sources(fact)})


def sources(fact: FactDefinition) -> tuple[str, ...]:
    """The stored fact that a column is made of; empty: a division, which conditions multiply across."""
    match fact.derivation:
        case DaysSince(moment):
            return (moment,)
        case Renamed(name):
            return (name,)
    return (fact.name,) if fact.is_stored else ()


def days_since(moment: Column, as_of_us: int) -> Column:
    """Whole periods of 24 h, never below 0. [C2]"""
    days = np.maximum(as_of_us - moment.values, 0) // DAY_US
    return Column(np.minimum(days, 2**31 - 1).astype(np.int32), moment.known)


def cut(columns: Mapping[str, Column], start: int, stop: int) -> dict[str, Column]:
    """The rows from start to stop; nothing is copied."""
    return {
        name: Column(column.values[start:stop], None if column.known is None else column.known[start:stop])
        for name, column in columns.items()
    }


def row_of(columns: Mapping[str, Column], row: int) -> dict[str, int | None]:
    """One customer's values as plain integers; None: unknown."""
    return {
        name: int(column.values[row]) if column.known is None or column.known[row] else None
        for name, column in columns.items()
    }
