"""The graph in this process: a kglite file, for one process, with nothing to install or start."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, Self, TypeVar

import kglite

from domain.errors import StoreUnavailable
from domain.relationships.edges import Changes
from domain.relationships.moments import moment_of
from domain.relationships.ports import Answer, GraphRefused, Value
from graph.changes import Step, steps_of
from graph.questions import Statement, catalogue, checked

CLEAR_NODES = 5_000
HEALTH_SECONDS = 1.0
BUSY = (kglite.CypherTimeoutError, kglite.TransactionConflictError, kglite.FileIoError)

Result = TypeVar("Result")


class EmbeddedGraph:
    """A `GraphStore` over one kglite session. Reads run side by side in threads; writes queue.

    A commit survives the end of the process, not a power cut: the graph can be rebuilt, so it need not.
    """

    def __init__(
        self, session: kglite.Session, *, ask_seconds: float = 2.0, apply_seconds: float = 30.0
    ) -> None:
        self._session = session
        self._ask_seconds = ask_seconds
        self._apply_seconds = apply_seconds
        self._writer = threading.Lock()  # a transaction conflicts with any commit in between

    @classmethod
    async def open(cls, path: Path, *, ask_seconds: float = 2.0, apply_seconds: float = 30.0) -> Self:
        """Opens or creates the file and its constraints; one that cannot be read is renamed and begun anew.

        *Errors*: `StoreUnavailable` when another process owns the file.
        """
        session = await asyncio.to_thread(_open, path)
        return cls(session, ask_seconds=ask_seconds, apply_seconds=apply_seconds)

    async def ask(self, question: str, **parameters: Value) -> list[Answer]:
        read = partial(self._read, checked(question, parameters), parameters)
        return await self._bounded(self._ask_seconds, read)

    async def apply(self, changes: Changes) -> None:
        await self._bounded(self._apply_seconds, partial(self._write, steps_of(changes)))

    async def watermark(self) -> datetime | None:
        answers = await self.ask("watermark")
        return moment_of(int(str(answers[0]["at"]))) if answers else None

    async def clear(self) -> None:
        await self._bounded(self._apply_seconds, partial(self._write, [("clear_watermark", {})]))
        clear_some = partial(self._write, [("clear_some", {"limit": CLEAR_NODES})])
        while await self._bounded(self._apply_seconds, clear_some):
            continue

    async def health(self) -> None:
        await self._bounded(HEALTH_SECONDS, partial(self._read, catalogue()["watermark"], {}))

    async def close(self) -> None:
        await asyncio.to_thread(self._session.close)

    async def _bounded(self, seconds: float, work: Callable[[float], Result]) -> Result:
        """Runs work in a thread that ends itself by the deadline; the await ends soon after."""
        try:
            async with asyncio.timeout(seconds * 1.25 + 0.1):
                return await asyncio.to_thread(work, monotonic() + seconds)
        except TimeoutError as error:
            raise StoreUnavailable("graph", f"no answer within {seconds} s") from error
        except BUSY as error:
            raise StoreUnavailable("graph", str(error)) from error

    def _read(self, statement: Statement, parameters: Mapping[str, Any], deadline: float) -> list[Answer]:
        view = self._session.cypher(statement.text, params=dict(parameters), timeout_ms=_left_ms(deadline))
        return [dict(row) for row in view.to_list()]

    def _write(self, steps: Sequence[Step], deadline: float) -> int:
        """Runs the steps in one transaction; returns what the last one changed."""
        if not self._writer.acquire(timeout=max(0.0, deadline - monotonic())):
            raise TimeoutError
        try:
            return self._run(steps, deadline)
        except (
            kglite.ConstraintError,
            kglite.CypherExecutionError,
            kglite.SchemaError,
            OverflowError,
        ) as error:
            raise GraphRefused(str(error)) from error
        finally:
            self._writer.release()

    def _run(self, steps: Sequence[Step], deadline: float) -> int:
        changed = 0
        with self._session.begin() as transaction:
            for write, parameters in steps:
                text = catalogue()[write].text
                view = transaction.cypher(text, params=parameters, timeout_ms=_left_ms(deadline))
                changed = int(view.to_list()[0]["changed"])
        return changed


def _left_ms(deadline: float) -> int:
    """Milliseconds until the deadline, at least one: kglite takes 0 as no limit."""
    left = int((deadline - monotonic()) * 1000)
    if left < 1:
        raise TimeoutError
    return left


def _open(path: Path) -> kglite.Session:
    kglite.set_query_warning_policy(
        "silent"
    )  # else a line on stderr for each question about a label not yet there
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        session = _open_session(path)
    except (kglite.FileFormatError, kglite.FileError):
        _set_aside(path)
        session = _open_session(path)
    for statement in catalogue().values():
        if statement.folder == "schema":
            session.execute(statement.text)
    return session


def _open_session(path: Path) -> kglite.Session:
    try:
        return kglite.open_session(str(path), durable="normal")
    except kglite.WriterLeaseHeldError as error:
        owner = (error.holder or {}).get("pid", "unknown")
        raise StoreUnavailable("graph", f"the graph is owned by process {owner}") from error


def _set_aside(path: Path) -> None:
    """Keeps the last unreadable file beside, for a look; its log goes with it."""
    path.replace(path.with_name(path.name + ".unreadable"))
    log = path.with_name(path.name + "-wal")
    if log.exists():
        log.replace(path.with_name(log.name + ".unreadable"))
