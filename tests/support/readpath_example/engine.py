"""The example wired up: an engine over a filled database, and everything that may be chosen at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from compare_readers import Comparison
from random_operations import Values
from readpath_example.context import ExampleContext, ExampleViewer, Role
from readpath_example.graph import ExampleGraph
from readpath_example.schema import make_schema

from resolvers.readpath.engine import Engine
from resolvers.readpath.execution import Stores
from resolvers.readpath.viewer import ReadConnections

CONTEXTS = [
    ExampleContext(ExampleViewer(Role.AGENT)),
    ExampleContext(ExampleViewer(Role.AGENT)),
    ExampleContext(ExampleViewer(Role.ANALYST)),
    ExampleContext(ExampleViewer(Role.PARTNER)),
    ExampleContext(ExampleViewer(Role.CUSTOMER, 17)),
    ExampleContext(ExampleViewer(Role.CUSTOMER, 50)),
]

CUSTOMER_IDS = [f"cus_{n}" for n in (1, 2, 4, 11, 17, 31, 35, 50, 101, 197, 0, 999)]
OTHER_IDS = [
    "ord_1007",
    "ord_1250",
    "prd_5",
    "tic_3",
    "tra_9",
    "zzz_1",
    "",
    "cus_x",
    "cus_99999999999999999999",
    "\0",
]
VALUES = Values(
    by_name={
        "id": [*CUSTOMER_IDS, *CUSTOMER_IDS, *OTHER_IDS],
        "city": ["Beijing", "上海", 'Xi\'an "old"', "nowhere", "a\0b"],
        "memberNumber": ["M1", "M17", "M31", "M0"],
        "phone": ["13800000017", "13800000149", "13800000101", "1", "\ud800"],
        "families": ["family_0", "family_2", "none"],
        "code": ["Milk 5", 'Apple "Fuji" 4', "nothing"],
        "days": [30, 90, 365, 3000, 0, 2**31 - 1],
        "first": [1, 2, 3, 5, 0, 101],
        "pool": ["fresh", "a\0"],
        "product": ["prd_1", "prd_9", "prd_31", "prd_40", "prd_777", "prd_12", "prd_5", "cus_1", "\0"],
        "quantity": ["1", "2.50", "0.001"],
    },
    by_scalar={
        "ID": [*CUSTOMER_IDS, *OTHER_IDS],
        "DateTime": [
            "2026-05-01T00:00:00+00:00",
            "2026-10-20T08:00:00+08:00",
            "2025-02-01T00:00:00.12+00:00",
        ],
        "Decimal": ["10", "55.5", "300.00", "0.001"],
        "Int": [1, 2, 5, 2**31 - 1, -1],
        "String": ["x", "Beijing"],
    },
)


@dataclass(slots=True)
class Example:
    engine: Engine
    graph: ExampleGraph
    fallbacks: list[str]

    def comparison(self) -> Comparison:
        def prepare(chooser: random.Random) -> None:
            self.graph.is_down = chooser.random() < 0.15

        return Comparison(self.engine, CONTEXTS, VALUES, prepare, mutations_percent=15)


def make_example(reads: ReadConnections, new_id: Callable[[], str] = lambda: "id") -> Example:
    graph, fallbacks = ExampleGraph(), list[str]()
    engine = Engine(
        schema=make_schema(),
        stores=Stores(reads, graph.answer, question_seconds=5.0),
        own_rows_only=frozenset({Role.CUSTOMER}),
        count_fallback=fallbacks.append,
        new_id=new_id,
    )
    return Example(engine, graph, fallbacks)
