"""One JSON line for each thing that happened; for an operation all but its variables and its answer."""

import asyncio
import json
import logging
import random
import re
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple, TextIO

logger = logging.getLogger("c360.operations")
REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
MAX_NAME_CHARACTERS = 100
FLUSH_SECONDS = 0.01
"""How long a line of an operation may wait for others: a write for each costs as much as making it."""
write_json = json.JSONEncoder(ensure_ascii=False, default=str).encode
"""Made once: `json.dumps` makes an encoder for each call that is not of the commonest form."""


class OperationRecord(NamedTuple):
    """What is known of one finished operation. Never variables, never personal values."""

    operation: str | None
    kind: str
    transport: str
    role: str | None
    status: str
    """ok, partial (data and errors), refused (nothing executed), failed, left (the client went away)."""
    duration_ms: float
    request_id: str
    client_name: str | None = None
    client_version: str | None = None
    codes: tuple[str, ...] = ()
    cost: int | None = None

    def as_fields(self) -> dict[str, Any]:
        return {
            "operation": self.operation,
            "kind": self.kind,
            "transport": self.transport,
            "role": self.role,
            "status": self.status,
            "duration_ms": round(self.duration_ms, 3),
            "codes": list(self.codes),
            "cost": self.cost,
            "client_name": self.client_name,
            "client_version": self.client_version,
            "request_id": self.request_id,
        }


class Caller(NamedTuple):
    """What a request says about the program that sent it."""

    request_id: str
    client_name: str | None
    client_version: str | None


def read_caller(headers: Mapping[bytes, bytes]) -> Caller:
    given = headers.get(b"x-request-id")
    request_id = given.decode() if given is not None and REQUEST_ID.fullmatch(given) else new_request_id()
    name = headers.get(b"graphql-client-name") or headers.get(b"apollographql-client-name")
    version = headers.get(b"graphql-client-version") or headers.get(b"apollographql-client-version")
    return Caller(request_id, _client(name), _client(version))


def with_request_id(caller: Caller) -> Caller:
    """The same program, asking once more."""
    return Caller(new_request_id(), caller.client_name, caller.client_version)


def new_request_id() -> str:
    return f"{random.getrandbits(128):032x}"


def _client(value: bytes | None) -> str | None:
    return short_name(value.decode("latin-1")) if value else None


def short_name(text: str) -> str:
    """Names come from clients: bounded, so that a log line is."""
    return text[:MAX_NAME_CHARACTERS]


def log_operation(record: OperationRecord) -> None:
    """Straight to our own lines where only these are kept: half of what a line costs is the way through logging."""
    if not logger.isEnabledFor(logging.INFO):
        return
    handlers = logging.getLogger().handlers
    if len(handlers) == 1 and isinstance(handlers[0], JsonLines):
        handlers[0].write_operation(record)
        return
    known = {"name": logger.name, "levelno": logging.INFO, "levelname": "INFO", "msg": "operation"}
    logger.handle(logging.makeLogRecord({**known, "fields": record.as_fields()}))


def operation_line(record: OperationRecord, seconds: float) -> str:
    """What the formatter would make of it, at a fifth of the cost."""
    return (
        f'{{"time": "{moment(seconds)}", "level": "INFO", "logger": "{logger.name}", "message": "operation", '
        f'"operation": {write_text(record.operation)}, "kind": "{record.kind}", '
        f'"transport": "{record.transport}", "role": {write_text(record.role)}, "status": "{record.status}", '
        f'"duration_ms": {record.duration_ms:.3f}, "codes": {write_json(record.codes) if record.codes else "[]"}, '
        f'"cost": {"null" if record.cost is None else record.cost}, '
        f'"client_name": {write_text(record.client_name)}, '
        f'"client_version": {write_text(record.client_version)}, "request_id": "{record.request_id}"}}\n'
    )


@lru_cache(1_000)
def write_text(text: str | None) -> str:
    """Of the names of operations, roles and clients, of which there are few and none is long."""
    return "null" if text is None else write_json(text)


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON; `extra={"fields": {...}}` is added to it."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": moment(record.created),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return write_json(line)


def moment(seconds: float) -> str:
    whole, rest = divmod(int(seconds * 1000), 1000)
    return f"{_second_at(whole)}.{rest:03d}+00:00"


@lru_cache(4)
def _second_at(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()[:19]


class JsonLines(logging.StreamHandler[TextIO]):
    """Writes records as lines of JSON. Operations that end soon after one another leave in one write."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.setFormatter(JsonFormatter())
        self._lines: list[str] = []

    def write_operation(self, record: OperationRecord) -> None:
        """One that cannot be written keeps no answer back."""
        line = operation_line(record, time.time())
        self.acquire()
        self._lines.append(line)
        is_first = len(self._lines) == 1
        self.release()
        if is_first:
            self._flush_soon()

    def _flush_soon(self) -> None:
        try:
            asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
        except RuntimeError:
            self.flush()

    def emit(self, record: logging.LogRecord) -> None:
        self.flush()
        super().emit(record)

    def flush(self) -> None:
        """Also called by `logging` when the process ends."""
        with suppress(OSError, ValueError):
            self.acquire()
            try:
                lines, self._lines = self._lines, []
                if lines:
                    self.stream.write("".join(lines))
                self.stream.flush()
            finally:
                self.release()


def configure_logging(level: str = "INFO", stream: TextIO | None = None) -> None:
    """Every logger of the process writes JSON lines to `stream` (standard error)."""
    root = logging.getLogger()
    root.handlers[:] = [JsonLines(stream or sys.stderr)]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    logging.getLogger("uvicorn.access").disabled = True  # our own line says more
    logging.getLogger("uvicorn.error").setLevel("WARNING")
    logging.getLogger("asyncio").setLevel(
        "ERROR"
    )  # else a client that drops its socket writes hundreds of lines
