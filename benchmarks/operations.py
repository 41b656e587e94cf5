"""The operations that are measured, and request bodies for customers taken at random."""

import json
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "documents"
LISTED_CUSTOMERS = 50


class Dialect(Enum):
    """Whose schema a server has: ours, or what PostGraphile makes of our tables."""

    OURS = "ours"
    POSTGRAPHILE = "postgraphile"


@dataclass(frozen=True, slots=True)
class Operation:
    """`file` is below `documents/`, and for PostGraphile below `documents/postgraphile/`."""

    words: str
    file: str
    customers: int = 1
    reads_graph: bool = False

    def text(self, dialect: Dialect) -> str:
        folder = FOLDER if dialect is Dialect.OURS else FOLDER / dialect.value
        return (folder / self.file).read_text(encoding="utf-8")

    def body(self, ids: Sequence[int], dialect: Dialect) -> bytes:
        """A request for these customers."""
        named = [f"cus_{one}" if dialect is Dialect.OURS else str(one) for one in ids]
        variables: dict[str, Any] = {"id": named[0]} if self.customers == 1 else {"ids": named}
        return json.dumps({"query": self.text(dialect), "variables": variables}).encode()

    def bodies(self, ids: Sequence[int], dialect: Dialect, *, seed: int) -> Iterator[bytes]:
        """Without end; the same seed asks every server for the same customers."""
        text = json.dumps({"query": self.text(dialect)})[:-1]
        chance = random.Random(seed)
        while True:
            chosen = chance.sample(ids, self.customers)
            named = [f'"cus_{one}"' if dialect is Dialect.OURS else f'"{one}"' for one in chosen]
            variables = f'"id": {named[0]}' if self.customers == 1 else f'"ids": [{", ".join(named)}]'
            yield f'{text}, "variables": {{{variables}}}}}'.encode()


WHOLE_CUSTOMER = Operation("whole customer", "whole_customer.graphql")
IMPERSONAL = Operation("whole customer without personal fields", "impersonal_customer.graphql")
CUSTOMER_LIST = Operation("list of 50 customers", "customer_list.graphql", customers=LISTED_CUSTOMERS)
TINY = Operation("tiny query", "tiny.graphql")
EXAMPLE = Operation(
    "examples/01, with the graph", "../../examples/01_whole_customer.graphql", reads_graph=True
)
