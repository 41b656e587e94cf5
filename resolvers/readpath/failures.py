"""What can go wrong with a field or an operation; `extensions.code` is a closed list."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from domain.errors import DomainError, StoreUnavailable

LOG = logging.getLogger("customer360.readpath")
MISSING_VALUE = "A value is missing that the schema promises."


class Code(StrEnum):
    """The values of `extensions.code` that the read path gives."""

    FORBIDDEN = "FORBIDDEN"
    BAD_USER_INPUT = "BAD_USER_INPUT"
    AMBIGUOUS = "AMBIGUOUS"
    LIMIT_EXCEEDED = "LIMIT_EXCEEDED"
    TIMEOUT = "TIMEOUT"
    STORE_UNAVAILABLE = "STORE_UNAVAILABLE"
    INTERNAL = "INTERNAL"


@dataclass(frozen=True, slots=True)
class Failure:
    """One entry of `errors`, without its path."""

    code: Code
    message: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def printed(self, path: list[str | int] | None = None) -> dict[str, Any]:
        where = {} if path is None else {"path": path}
        return {"message": self.message, **where, "extensions": {"code": self.code.value, **self.more}}


class Refused(Exception):
    """The operation is refused whole, before anything runs."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class BadInput(Exception):
    """An argument of one field makes no sense; `field` is that field's position in the document."""

    def __init__(self, field: int, message: str) -> None:
        super().__init__(message)
        self.field = field
        self.message = message


def store_unavailable(lost: StoreUnavailable) -> Failure:
    """Clients read which store; why (a full disk, a lost connection) is for the operator's log alone."""
    LOG.warning("%s", lost)
    message = f"{lost.store} does not answer; try again in a moment."
    return Failure(Code.STORE_UNAVAILABLE, message, {"store": lost.store})


AMBIGUOUS = Failure(Code.AMBIGUOUS, "More than one record matches; look it up by its id.")


@dataclass(frozen=True, slots=True)
class Masking:
    """Turns an unexpected fault into an INTERNAL failure: the client gets an id, the log the cause."""

    new_id: Callable[[], str]

    def told(self, cause: Exception) -> Failure:
        """What a client asked wrongly is said, also where only the rows can tell; all else is masked."""
        if isinstance(cause, DomainError):
            return Failure(Code.BAD_USER_INPUT, cause.message)
        return self.masked(cause)

    def masked(self, cause: BaseException | str) -> Failure:
        error_id = self.new_id()
        exception = cause if isinstance(cause, BaseException) else None
        LOG.error("%s: %s", error_id, cause, exc_info=exception)
        return Failure(Code.INTERNAL, "This failed on our side; quote the id to report it.", {"id": error_id})
