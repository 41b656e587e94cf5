"""The two readers of conditions agree on random conditions over tables full of edges."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa
from condition_columns import reader_of
from conditions_made import CONDITIONS, COUNT, INPUTS, LABELS, LAST_AT, MOMENTS, ROWS, SMALL
from hypothesis import HealthCheck, Phase, given, seed, settings
from sqlalchemy.dialects import postgresql

from db import condition_sql
from db.condition_sql import SqlReader
from domain.conditions import expression
from domain.conditions.expression import Condition, Not

Rows = list[dict[str, Any]]
Ask = Callable[[str, Rows], list[set[int]]]

TYPES = {"count": sa.Integer, "small": sa.Integer, "spend": sa.BigInteger, "gap": sa.BigInteger}
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAST = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def _column(name: str) -> sa.ColumnElement[Any]:
    return sa.column(name, TYPES.get(name, sa.TIMESTAMP(timezone=True)))  # type: ignore[arg-type]


def _tier_in(policy: str, codes: tuple[str, ...]) -> sa.ColumnElement[bool]:
    return sa.or_(sa.false(), *(sa.column("tier") == sa.literal_column(f"'{code}'") for code in codes))


AS_OF = sa.literal_column("TIMESTAMPTZ '2026-11-22 00:00:00+00'", sa.TIMESTAMP(timezone=True))
SQL = SqlReader(_column, AS_OF, lambda code: sa.column(code, sa.Boolean) == sa.true(), _tier_in)


def _text(condition: Condition) -> str:
    return str(SQL.condition(condition).compile(dialect=postgresql.dialect()))  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def rows_where(database_url: str) -> Iterator[Callable[[Rows, Sequence[str]], list[set[int]]]]:
    """Loads rows into a table and gives the row numbers that each WHERE finds."""
    loop = asyncio.new_event_loop()
    connection = loop.run_until_complete(asyncpg.connect(database_url))
    columns = "count int, small int, spend bigint, gap bigint, last_at timestamptz, first_at timestamptz"
    create = f"CREATE TEMP TABLE facts (row int, {columns}, vip boolean, dormant boolean, tier text)"
    loop.run_until_complete(connection.execute(create))

    async def ask(rows: Rows, wheres: Sequence[str]) -> list[set[int]]:
        await connection.execute("DELETE FROM facts")
        await connection.copy_records_to_table(
            "facts", records=[_record(n, row) for n, row in enumerate(rows)]
        )
        found = [await connection.fetch(f"SELECT row FROM facts WHERE {where}") for where in wheres]
        return [{record["row"] for record in answer} for answer in found]

    yield lambda rows, wheres: loop.run_until_complete(ask(rows, wheres))
    loop.run_until_complete(connection.close())
    loop.close()


def _record(index: int, row: dict[str, Any]) -> tuple[Any, ...]:
    moments = {moment.name for moment in MOMENTS}
    values = [_stored(row[name], name in moments) for name in INPUTS]
    return (index, *values, *(row[label] for label in LABELS), row["tier"])


def _stored(value: int | None, is_moment: bool) -> Any:
    return EPOCH + timedelta(microseconds=value) if is_moment and value is not None else value


def _agree(rows_where: Any, rows: Rows, condition: Condition) -> bool:
    mine = {int(n) for n in reader_of(rows).condition(condition).nonzero()[0]}
    found, complement = rows_where(rows, [_text(condition), _text(Not(condition))])
    return bool(found == mine and complement == set(range(len(rows))) - mine)


@seed(1)
@FAST
@given(ROWS, CONDITIONS)
def test_numpy_and_postgresql_agree(rows_where: Any, rows: Rows, condition: Condition) -> None:
    assert _agree(rows_where, rows, condition), _text(condition)


@pytest.mark.slow
@settings(FAST, max_examples=2000)
@given(ROWS, CONDITIONS)
def test_numpy_and_postgresql_agree_on_thousands(rows_where: Any, rows: Rows, condition: Condition) -> None:
    assert _agree(rows_where, rows, condition), _text(condition)


def test_a_positive_test_stays_plain_so_that_an_index_can_serve_it() -> None:
    assert _text((SMALL >= 3) & LAST_AT.within(90)) == (
        "(small >= 3 AND last_at > TIMESTAMPTZ '2026-11-22 00:00:00+00' - INTERVAL '90 seconds' "
        "AND last_at <= TIMESTAMPTZ '2026-11-22 00:00:00+00')"
    )
    assert _text(~(SMALL >= 3)) == "(small >= 3) IS NOT true"
    assert _text(~(COUNT >= 3)) == "count < 3"


def _milliseconds(seconds: int) -> Any:
    return sa.literal_column(f"INTERVAL '{seconds} milliseconds'", sa.Interval)


def _no_widening(number: Any) -> bool:
    return True


def _no_extreme_guard(reader: Any, number: Any, left: Any, right: Any) -> Any:
    return (sa.func.least if number.operator == "least" else sa.func.greatest)(left, right)


def _three_valued(reader: Any, condition: Condition) -> Any:
    return sa.not_(reader._test(condition).self_group())


@pytest.mark.parametrize(
    ("words", "target", "attribute", "fault"),
    [
        ("int4 arithmetic is not widened", condition_sql, "_fits_32_bits", _no_widening),
        ("LEAST skips NULL", SqlReader, "_extreme", _no_extreme_guard),
        ("NOT is three-valued", SqlReader, "_failed", _three_valued),
        ("the opposite of < is >", condition_sql, "OPPOSITES", {**expression.OPPOSITES, "<": ">"}),
        (
            "windows are counted in milliseconds",
            condition_sql,
            "_interval",
            lambda s: sa.text(f"INTERVAL '{s} ms'"),
        ),
    ],
)
def test_a_planted_fault_is_noticed(
    rows_where: Any, monkeypatch: pytest.MonkeyPatch, words: str, target: Any, attribute: str, fault: Any
) -> None:
    monkeypatch.setattr(target, attribute, fault)

    @seed(1)
    @settings(FAST, max_examples=1000, phases=[Phase.generate])
    @given(ROWS, CONDITIONS)
    def agree(rows: Rows, condition: Condition) -> None:
        assert _agree(rows_where, rows, condition)

    with pytest.raises((AssertionError, asyncpg.PostgresError, ExceptionGroup)):
        agree()


def test_the_random_conditions_are_not_vacuous(rows_where: Any) -> None:
    seen = {"true": 0, "rows": 0}

    @seed(1)
    @settings(FAST, phases=[Phase.generate])
    @given(ROWS, CONDITIONS)
    def count(rows: Rows, condition: Condition) -> None:
        answer = reader_of(rows).condition(condition)
        seen["true"] += int(answer.sum())
        seen["rows"] += len(rows)

    count()

    assert seen["rows"] // 5 < seen["true"] < seen["rows"] * 4 // 5
