"""What graphql-core answered, with every error coded; what nobody coded is masked."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError

from domain.errors import StoreUnavailable
from resolvers.readpath.failures import Code, Failure, Masking, store_unavailable
from resolvers.readpath.nulls import printed


def printed_reference(result: Any, masking: Masking) -> bytes:
    answer: dict[str, Any] = {"data": result.data}
    if result.errors:
        answer["errors"] = [readable(error, masking) for error in result.errors]
    return printed(answer)


def readable(error: GraphQLError, masking: Masking) -> dict[str, Any]:
    path = list(error.path or [])
    if "code" in (error.extensions or {}):
        return {"message": error.message, "path": path, "extensions": error.extensions}
    if error.original_error is None:  # an argument that its type refuses
        return Failure(Code.BAD_USER_INPUT, error.message).printed(path)
    if isinstance(error.original_error, StoreUnavailable):  # a mutation's; fields of queries are coded
        return store_unavailable(error.original_error).printed(path)
    return masking.masked(error.original_error).printed(path)
