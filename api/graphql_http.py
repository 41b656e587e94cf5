"""GraphQL over HTTP, to the letter of its specification: POST, GET queries, media types, statuses."""

import time
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from api import graphql_sse
from api.admission import Headers, text_of
from api.auth import Verified
from api.client_left import ClientLeft, StopWhenClientLeaves
from api.engine_port import GraphQLRequest, OperationKind
from api.graphql_errors import Refused, errors_body, refusal_error
from api.graphql_request import MAX_BODY_BYTES, request_from_body, request_from_parameters
from api.logs import Caller, read_caller
from api.media_types import DATA, DATA_OR_PAGE, EVENT_STREAM, GRAPHQL_RESPONSE, HTML, JSON, is_json, preferred
from api.operations import Asked, Edge, Outcome, error_of, execute, record_kept
from api.plain_posts import WHOLE, status_in
from api.responses import Receive, Scope, Send, send_whole, write_now_of

Page = Callable[[Scope, Receive, Send], Awaitable[None]]


class Admitted(NamedTuple):
    """A request whose sender may ask; `sent` is the body of a POST, or `?` and the parameters of a GET.

    `started`: time.perf_counter().
    """

    headers: Headers
    media: str
    verified: Verified
    sent: bytes
    started: float


class GraphQLOverHTTP:
    """ASGI application of /graphql; `page` answers browsers that ask for HTML, where a page is served."""

    def __init__(self, edge: Edge, page: Page | None = None) -> None:
        self._edge = edge
        self._page = page

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        media = self._media_of(scope)
        try:
            if media == HTML and self._page:
                self._edge.admission.check_place(scope, dict(scope["headers"]))
                await self._page(scope, receive, send)
                return
            admitted = await self._admit(scope, media, receive)
            if not await self._send_kept(admitted, send):
                await self._answer(scope, admitted, receive, send)
        except Refused as refused:
            await send_refusal(send, refused, media)
        except ClientLeft:
            return
        except Exception as fault:  # noqa: BLE001 - what is not the operation's own: parsing it, or its headers
            await send_whole(send, 500, JSON, errors_body([error_of(fault, self._edge.operation_seconds)]))

    def _media_of(self, scope: Scope) -> str | None:
        offered = DATA_OR_PAGE if self._page and scope["method"] in ("GET", "HEAD") else DATA
        return preferred(text_of(dict(scope["headers"]), b"accept"), offered)

    async def _admit(self, scope: Scope, media: str | None, receive: Receive) -> Admitted:
        headers: Headers = dict(scope["headers"])
        verified = self._edge.admission.admit(scope, headers)
        if media is None:
            raise Refused(406, "BAD_USER_INPUT", f"Accept {GRAPHQL_RESPONSE}, {JSON} or {EVENT_STREAM}.")
        started = time.perf_counter()
        return Admitted(headers, media, verified, await read_sent(scope, headers, media, receive), started)

    async def _send_kept(self, admitted: Admitted, send: Send) -> bool:
        """Whether there was one; for requests that came otherwise than by POST in one piece."""
        if admitted.media not in WHOLE:
            return False
        kept = await self._edge.engine.find(admitted.sent, admitted.verified.viewer)
        if kept is None:
            return False
        caller = read_caller(admitted.headers)
        record_kept(self._edge, admitted.verified, caller, kept, admitted.started)
        await send_whole(send, 200, admitted.media, kept.body, request_id_line(caller))
        return True

    async def _answer(self, scope: Scope, admitted: Admitted, receive: Receive, send: Send) -> None:
        headers, media, verified, sent, started = admitted
        request = read_request(scope["method"], headers, sent)
        transport = "sse" if media == EVENT_STREAM else "http"
        asked = Asked(request, verified, read_caller(headers), transport, started)
        kind = self._edge.engine.operation_kind(request)
        if kind is OperationKind.MUTATION and scope["method"] == "GET":
            raise Refused(405, "BAD_USER_INPUT", "Send mutations by POST.")
        if media == EVENT_STREAM:
            await graphql_sse.stream(self._edge, asked, kind, receive, send, write_now_of(scope))
        elif kind is OperationKind.SUBSCRIPTION:
            raise Refused(
                400, "BAD_USER_INPUT", f"Subscribe with `Accept: {EVENT_STREAM}` or over WebSocket."
            )
        else:
            outcome = await self._execute(asked, kind, receive)
            status = status_in(media, outcome.status)
            await send_whole(send, status, media, outcome.answer.body, request_id_line(asked.caller))

    async def _execute(self, asked: Asked, kind: OperationKind | None, receive: Receive) -> Outcome:
        if kind is OperationKind.QUERY:
            with StopWhenClientLeaves(receive):
                return await execute(self._edge, asked, kind)
        return await execute(self._edge, asked, kind)  # a mutation that has begun is not stopped half way


def request_id_line(caller: Caller) -> tuple[tuple[bytes, bytes]]:
    return ((b"x-request-id", caller.request_id.encode()),)


async def read_sent(scope: Scope, headers: Headers, media: str, receive: Receive) -> bytes:
    if scope["method"] == "GET":
        check_not_forged(headers, media)
        return b"?" + bytes(scope["query_string"])
    if scope["method"] != "POST":
        raise Refused(405, "BAD_USER_INPUT", "Use POST, or GET for queries.")
    if not is_json(text_of(headers, b"content-type")):
        raise Refused(415, "BAD_USER_INPUT", "Send `Content-Type: application/json`.")
    return await read_body(headers, receive)


def read_request(method: str, headers: Headers, sent: bytes) -> GraphQLRequest:
    request = request_from_body(sent) if method == "POST" else request_from_parameters(sent)
    return with_headers(request, headers)


def check_not_forged(headers: Headers, media: str) -> None:
    """GET: another site's page can send it, so it must carry what such a page cannot.

    EventSource can set no header; the browser then tells by itself where the page is from.
    """
    if headers.get(b"graphql-require-preflight"):
        return
    if media == EVENT_STREAM and headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin":
        return
    raise Refused(
        400, "BAD_USER_INPUT", "Send the header `Graphql-Require-Preflight: 1` with GET, or use POST."
    )


def with_headers(request: GraphQLRequest, headers: Headers) -> GraphQLRequest:
    resume_after = text_of(headers, b"last-event-id")
    idempotency_key = text_of(headers, b"idempotency-key")
    if resume_after is None and idempotency_key is None:
        return request
    return GraphQLRequest(
        query=request.query,
        operation_name=request.operation_name,
        variables=request.variables,
        extensions=request.extensions,
        raw=request.raw,
        resume_after=resume_after,
        idempotency_key=idempotency_key,
    )


async def read_body(headers: Headers, receive: Receive) -> bytes:
    """At most MAX_BODY_BYTES, whatever Content-Length says."""
    announced = headers.get(b"content-length", b"0")
    if announced.isdigit() and int(announced) > MAX_BODY_BYTES:
        raise too_large()
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        part = message.get("body", b"")
        size += len(part)
        if size > MAX_BODY_BYTES:
            raise too_large()
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


def too_large() -> Refused:
    return Refused(413, "LIMIT_EXCEEDED", f"Send at most {MAX_BODY_BYTES // 1024} KB.")


async def send_refusal(send: Send, refused: Refused, media: str | None) -> None:
    """Refusals keep their status in every media type: nothing was executed."""
    extra: list[tuple[bytes, bytes]] = []
    if refused.status == 401:
        extra.append((b"www-authenticate", b'Bearer realm="customer360"'))
    if refused.status == 405:
        extra.append((b"allow", b"POST" if "mutations" in refused.message else b"GET, POST"))
    kind = media if media in (JSON, GRAPHQL_RESPONSE) else JSON
    await send_whole(send, refused.status, kind, errors_body([refusal_error(refused)]), tuple(extra))
