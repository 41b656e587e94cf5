"""Errors of the edge itself, in the shape that GraphQL clients read, with a code of the closed list."""

import json
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from domain.errors import StoreUnavailable


class Refused(Exception):
    """A request that is answered without executing anything; `message` says what to do."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message


def graphql_error(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    return {"message": message, "extensions": {"code": code, **extensions}}


def errors_body(errors: Sequence[Mapping[str, Any]]) -> bytes:
    return json.dumps({"errors": list(errors)}, ensure_ascii=False, separators=(",", ":")).encode()


def refusal_error(refused: Refused) -> dict[str, Any]:
    return graphql_error(refused.code, refused.message)


def unavailable_error(fault: StoreUnavailable) -> dict[str, Any]:
    return graphql_error(
        "STORE_UNAVAILABLE", f"The {fault.store} does not answer; try again shortly.", store=fault.store
    )


def timeout_error(limit_seconds: float) -> dict[str, Any]:
    return graphql_error("TIMEOUT", f"The operation took longer than {limit_seconds:g} s; ask for less.")


def masked_error() -> tuple[str, dict[str, Any]]:
    """An id for the log and an error that says nothing but the id."""
    fault_id = uuid.uuid4().hex[:12]
    return fault_id, graphql_error(
        "INTERNAL", f"Something went wrong on our side; tell us {fault_id}.", id=fault_id
    )
