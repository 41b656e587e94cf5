"""What one statement prints for several requests is what each is told alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from documented_operations import documented_operations, variables_for
from retailer import Retailer
from retailer_operations import comparison_over

from domain.privacy.viewer import Role
from resolvers.context import Context
from resolvers.readpath.engine import Engine, Request
from resolvers.readpath.plan import Statement
from resolvers.readpath.planner import Planner
from resolvers.readpath.together import values_of_many

OPERATIONS = documented_operations()
BY_CUSTOMER = sorted(name for name, text in OPERATIONS.items() if "($id: ID!)" in text)


@dataclass(slots=True)
class ReadTwice:
    """Reads each statement of a plan for two as well, whose answers must be that of one."""

    reads: Any
    planned: dict[str, Statement] = field(default_factory=dict)
    read_together: int = 0

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        rows: Sequence[Any] = await self.reads.fetch(sql, arguments)
        statement = self.planned.get(sql)
        if statement is not None and statement.together is not None:
            both = values_of_many(statement, [list(arguments), list(arguments)])
            found = await self.reads.fetch(statement.together, both)
            assert sorted(tuple(row) for row in found) == [(1, rows[0][0]), (2, rows[0][0])]
            self.read_together += 1
        return rows


@pytest.fixture
def twice(retailer: Retailer, monkeypatch: pytest.MonkeyPatch) -> Iterator[ReadTwice]:
    made, before, plan = ReadTwice(retailer.reads.reads), retailer.reads.reads, Planner.plan

    def noted(*arguments: Any) -> Any:
        found = plan(*arguments)
        made.planned[found.statement.sql] = found.statement
        return found

    monkeypatch.setattr(Planner, "plan", noted)
    retailer.reads.reads = made  # type: ignore[assignment]
    yield made
    retailer.reads.reads = before


def statement_of(engine: Engine, request: Request, context: Context) -> tuple[Statement, list[Any]]:
    operation, prepared = engine.accept(request, context.viewer)
    inputs = engine.inputs(operation, request, context)
    statement = engine.plan(prepared, operation, inputs, context.viewer).statement
    return statement, statement.values(inputs)


async def alone_and_together(
    retailer: Retailer, text: str, asked: Sequence[tuple[Mapping[str, Any], Context]]
) -> tuple[list[str], list[str]]:
    engine, reads = retailer.api.engine, retailer.reads.reads
    runs = [statement_of(engine, Request(text, variables), context) for variables, context in asked]
    statement = runs[0][0]
    assert {one.sql for one, _ in runs} == {statement.sql}
    assert statement.together is not None
    alone = [(await reads.fetch(statement.sql, values))[0][0] for _, values in runs]
    found = await reads.fetch(statement.together, values_of_many(statement, [values for _, values in runs]))
    return alone, [text for _, text in sorted(tuple(row) for row in found)]


@pytest.mark.parametrize("name", BY_CUSTOMER)
async def test_each_customer_gets_their_own_answer(retailer: Retailer, name: str) -> None:
    text, operator = OPERATIONS[name], retailer.context(Role.OPERATOR)
    asked = [(variables_for(text, {"id": f"cus_{number}"}), operator) for number in (7, 3, 7, 999_999, 12)]
    alone, together = await alone_and_together(retailer, text, asked)

    assert together == alone
    assert together[0] == together[2]
    assert together[0] != together[3]


async def test_each_viewer_reaches_only_their_own_rows(retailer: Retailer) -> None:
    """All three ask for the third: only the third is told something."""
    text = "query($id: ID!) { customer(by: {id: $id}) { id orders(first: 3) { nodes { id } } } }"
    viewers = [retailer.context(Role.CUSTOMER, customer_id=number) for number in (1, 2, 3)]
    alone, together = await alone_and_together(retailer, text, [({"id": "cus_3"}, one) for one in viewers])

    assert together == alone
    assert together[:2] == ['{"data":{"customer":null}}'] * 2
    assert '"cus_3"' in together[2]


@pytest.mark.parametrize("seed", [11, 12])
async def test_random_operations_print_the_same_for_two(
    retailer: Retailer, twice: ReadTwice, seed: int
) -> None:
    comparison = await comparison_over(retailer, None)

    await comparison.run(40, seed)

    assert comparison.disagreements == []
    assert twice.read_together > 10
