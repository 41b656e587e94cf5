"""The text of an operation is parsed once: clients send it again and again before variables that differ."""

from collections import OrderedDict
from contextlib import suppress
from dataclasses import dataclass, field, replace

from api.engine_port import GraphQLRequest
from api.graphql_errors import Refused
from api.graphql_request import json_object, request_from_body, request_from_payload

VARIABLES = b'"variables":'
MOST_BYTES = 4_000_000


@dataclass(slots=True, eq=False)
class KnownBodies:
    """Reads bodies as `request_from_body` does. What stood before the last `"variables":` of a body is remembered if
    with a brace it is an object of its own: then whatever stands behind such a head is the variables and a brace, or it
    is no such body and is parsed whole.
    """

    most_bytes: int = MOST_BYTES
    size: int = 0
    _known: OrderedDict[bytes, GraphQLRequest] = field(default_factory=OrderedDict)

    def read(self, body: bytes) -> GraphQLRequest:
        """Raises Refused."""
        head, mark, tail = body.rpartition(VARIABLES)
        known = self._known.get(head)
        if known is not None and tail.endswith(b"}"):
            with suppress(Refused):
                variables = json_object(tail[:-1], "`variables`")
                self._known.move_to_end(head)
                return replace(known, variables=variables, raw=body)
        request = request_from_body(body)
        if mark and known is None:
            self._remember(head)
        return request

    def _remember(self, head: bytes) -> None:
        """Least lately used goes first."""
        with suppress(Refused):
            before = json_object(head.rstrip().removesuffix(b",") + b"}", "what stands before the variables")
            self._known[head] = request_from_payload(before)
            self.size += len(head)
        while self.size > self.most_bytes:
            self.size -= len(self._known.popitem(last=False)[0])
