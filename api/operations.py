"""Runs one operation for any transport: limits its time, words its faults, records what happened."""

import asyncio
import json
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from api.admission import Admission
from api.auth import Verified
from api.engine_port import (
    Engine,
    GraphQLAnswer,
    GraphQLRequest,
    LiveResult,
    OperationKind,
    OperationRefused,
    Take,
)
from api.graphql_errors import errors_body, graphql_error, masked_error, timeout_error, unavailable_error
from api.live_connections import LiveConnections
from api.logs import Caller, OperationRecord, short_name
from api.tasks import Deadline
from domain.errors import StatementTimedOut, StoreUnavailable
from domain.live.events import SlowConsumer, StreamGap

logger = logging.getLogger("c360.operations")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """What every transport needs."""

    engine: Engine
    admission: Admission
    record: Callable[[OperationRecord], None]
    connections: LiveConnections = field(default_factory=LiveConnections)
    operation_seconds: float = 10.0
    init_seconds: float = 3.0
    operations_a_socket: int = 50


@dataclass(frozen=True, slots=True)
class Asked:
    """One operation and the circumstances in which it was asked. `started`: time.perf_counter()."""

    request: GraphQLRequest
    verified: Verified
    caller: Caller
    transport: str
    started: float


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer and its HTTP status for clients that read statuses."""

    answer: GraphQLAnswer
    status: int


async def execute(edge: Edge, asked: Asked, kind: OperationKind | None) -> Outcome:
    """Never raises but CancelledError: every fault becomes a coded answer."""
    try:
        with Deadline(edge.operation_seconds):
            answer = await edge.engine.execute(asked.request, asked.verified.viewer)
        outcome = Outcome(answer, 400 if answer.request_error else 200)
    except asyncio.CancelledError:
        _record(edge, asked, kind=kind, status="left")
        raise
    except Exception as fault:  # noqa: BLE001 - the edge is where faults end: worded or masked, never shown
        outcome = _outcome_of(fault, edge.operation_seconds)
    answer = outcome.answer
    _record(edge, asked, kind=kind, status=_status_word(outcome), answer=answer)
    return outcome


async def subscribe(edge: Edge, asked: Asked, take: Take | None = None) -> AsyncGenerator[LiveResult, None]:
    """Results until the end; every fault becomes OperationRefused with coded errors."""
    status, codes = "left", tuple[str, ...]()
    try:
        viewer = asked.verified.viewer
        async with aclosing(edge.engine.subscribe(asked.request, viewer, take)) as results:
            async for result in results:
                yield result
        status = "ok"
    except OperationRefused as refused:
        status, codes = "refused", codes_of(refused.errors)
        raise
    except (StreamGap, SlowConsumer) as fault:
        status, codes = "refused", (fault.code,)
        raise OperationRefused([graphql_error(fault.code, str(fault))]) from None
    except Exception as fault:  # noqa: BLE001 - as above
        error = error_of(fault, edge.operation_seconds)
        status, codes = "failed", codes_of([error])
        raise OperationRefused([error]) from None
    finally:
        answer = GraphQLAnswer(body=b"", operation_name=asked.request.operation_name, codes=codes)
        _record(edge, asked, kind=OperationKind.SUBSCRIPTION, status=status, answer=answer)


async def stop(tasks: Sequence[asyncio.Task[Any]]) -> None:
    """Cancels tasks and waits until they have ended; how they end is nobody's concern any more."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def error_of(fault: Exception, limit_seconds: float) -> dict[str, Any]:
    """A fault in words; what we did not foresee is logged with an id and shown as that id alone."""
    if isinstance(fault, TimeoutError | StatementTimedOut):
        return timeout_error(limit_seconds)
    if isinstance(fault, StoreUnavailable):
        logger.warning("%s", fault)  # why (a full disk, a lost connection) is for the operator alone
        return unavailable_error(fault)
    fault_id, error = masked_error()
    logger.error("unforeseen fault", exc_info=fault, extra={"fields": {"fault_id": fault_id}})
    return error


def codes_of(errors: Sequence[Mapping[str, Any]]) -> tuple[str, ...]:
    return tuple(error.get("extensions", {}).get("code", "NONE") for error in errors)


def errors_in(answer: GraphQLAnswer) -> list[dict[str, Any]]:
    """The errors of an answer that has nothing else."""
    errors: list[dict[str, Any]] = json.loads(answer.body)["errors"]
    return errors


def _outcome_of(fault: Exception, limit_seconds: float) -> Outcome:
    error = error_of(fault, limit_seconds)
    codes = codes_of([error])
    status = 500 if codes == ("INTERNAL",) else 503
    return Outcome(GraphQLAnswer(body=errors_body([error]), request_error=True, codes=codes), status)


def _status_word(outcome: Outcome) -> str:
    if outcome.status >= 500:
        return "failed"
    if outcome.answer.request_error:
        return "refused"
    return "partial" if outcome.answer.codes else "ok"


async def find_kept(edge: Edge, asked: Asked) -> GraphQLAnswer | None:
    """The kept answer to a query; what is found is recorded."""
    kept = await edge.engine.find(asked.request.raw, asked.verified.viewer)
    if kept is not None:
        record_kept(edge, asked.verified, asked.caller, kept, asked.started, transport=asked.transport)
    return kept


def record_kept(
    edge: Edge,
    verified: Verified,
    caller: Caller,
    answer: GraphQLAnswer,
    started: float,
    *,
    transport: str = "http",
) -> None:
    """A query whose answer was there already."""
    edge.record(
        OperationRecord(
            operation=answer.operation_name,
            kind=OperationKind.QUERY.value,
            transport=transport,
            role=verified.viewer.role.value,
            status="ok",
            duration_ms=(time.perf_counter() - started) * 1000,
            request_id=caller.request_id,
            client_name=caller.client_name,
            client_version=caller.client_version,
            cost=answer.cost,
        )
    )


def _record(
    edge: Edge,
    asked: Asked,
    *,
    kind: OperationKind | None,
    status: str,
    answer: GraphQLAnswer | None = None,
) -> None:
    name = (answer.operation_name if answer else None) or asked.request.operation_name
    edge.record(
        OperationRecord(
            operation=short_name(name) if name else None,
            kind=kind.value if kind else "unknown",
            transport=asked.transport,
            role=asked.verified.viewer.role.value,
            status=status,
            duration_ms=(time.perf_counter() - asked.started) * 1000,
            request_id=asked.caller.request_id,
            client_name=asked.caller.client_name,
            client_version=asked.caller.client_version,
            codes=answer.codes if answer else (),
            cost=answer.cost if answer else None,
        )
    )
