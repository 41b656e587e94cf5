"""What the read path needs to know about who asks and what the operation carries along."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from resolvers.readpath.sources import Role


class Viewer(Protocol):
    """Who asks. `customer_id` is set for viewers who may see only the records of that customer."""

    @property
    def role(self) -> Role: ...

    @property
    def customer_id(self) -> int | None: ...


class OperationContext(Protocol):
    """What computed fields receive; the project's own context has more (cipher, as_of)."""

    @property
    def viewer(self) -> Viewer: ...


class ReadConnections(Protocol):
    """Where statements are read. Raises domain.errors.StoreUnavailable when the database does not answer."""

    async def fetch(self, sql: str, arguments: Sequence[Any]) -> Sequence[Any]:
        """Rows that can be read by position and by name; StatementRefused when SQL fails on a value."""
        ...


class AnswerQuestion(Protocol):
    """A graph question for all parents at once; raises domain.errors.StoreUnavailable."""

    async def __call__(
        self, name: str, keys: list[int], parameters: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        """Rows (parent key, *columns of the question), best first for each parent."""
        ...
