"""The graphql-transport-ws protocol (graphql-ws, PROTOCOL.md): one socket, many operations."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from api.admission import Headers, text_of
from api.auth import Verified
from api.engine_port import LiveResult, OperationKind, OperationRefused
from api.graphql_errors import Refused, graphql_error, refusal_error
from api.logs import read_caller
from api.operations import Asked, Edge, error_of, errors_in, execute, find_kept, stop, subscribe
from api.responses import Receive, Scope, Send, WriteNow, write_now_of
from api.ws_messages import (
    Close,
    next_frame,
    next_text,
    operation_id,
    optional_object,
    read_message,
    read_subscribe,
    token_in,
)

PROTOCOL = "graphql-transport-ws"
GIVE_UP = "c360.give_up"
"""Extension of the scope, where the server has it: `call` lets a last frame out to a reader that does not read."""


@dataclass(frozen=True, slots=True)
class Writing:
    """How a socket is written to. `now` and `let_out` are extensions that a server may have."""

    send: Send
    now: WriteNow | None = None
    let_out: Callable[[], None] | None = None


class GraphQLOverWebSocket:
    """ASGI application of the WebSocket side of /graphql."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers: Headers = dict(scope["headers"])
        await receive()
        try:
            self._edge.admission.check_place(scope, headers)
            self._edge.admission.check_origin(headers)
        except Refused as refused:
            await send({"type": "websocket.close", "code": 4403, "reason": refused.message})
            return
        if PROTOCOL not in scope.get("subprotocols", ()):
            await send({"type": "websocket.accept"})
            await send({"type": "websocket.close", "code": 4406, "reason": "Subprotocol not acceptable"})
            return
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL})
        give_up = scope.get("extensions", {}).get(GIVE_UP)
        let_out = give_up["call"] if give_up else None
        await Socket(self._edge, headers, receive, Writing(send, write_now_of(scope), let_out)).run()


class Socket:
    """One accepted socket. Whatever ends it, all its operations end with it."""

    def __init__(self, edge: Edge, headers: Headers, receive: Receive, writing: Writing) -> None:
        self.expires_at: float | None = None
        self.stuck_since: float | None = None
        self._edge = edge
        self._headers = headers
        self._caller = read_caller(headers)
        self._receive = receive
        self._writing = writing
        self._verified: Verified | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._seen: dict[str, str] = {}
        self._end: asyncio.Future[Close] = asyncio.get_running_loop().create_future()

    def expire(self) -> None:
        self._close(Close(4403, "The token has expired"))

    def give_up(self) -> None:
        self._close(Close(1013, "SLOW_CONSUMER"))

    def come_back_later(self) -> None:
        self._close(Close(1001, "SERVER_SHUTDOWN"))

    def _close(self, close: Close) -> None:
        if not self._end.done():
            self._end.set_result(close)

    async def run(self) -> None:
        reading = asyncio.create_task(self._read_all())
        ends: list[asyncio.Future[Any]] = [reading, self._end]
        init = asyncio.get_running_loop().call_later(self._edge.init_seconds, self._close_unless_ready)
        self._edge.connections.add(self)
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
            seen = dict(self._seen)
            await stop([reading, *self._operations.values()])
            if self._end.done():
                await self._say_goodbye(self._end.result(), seen)
        finally:
            init.cancel()
            self._edge.connections.remove(self)  # last: the process ends when no connection is left
            await stop([reading, *self._operations.values()])

    def _close_unless_ready(self) -> None:
        if self._verified is None:
            self._close(Close(4408, "Connection initialisation timeout"))

    async def _say_goodbye(self, close: Close, seen: Mapping[str, str]) -> None:
        """A reader that does not read is not waited for."""
        if close.reason == "SLOW_CONSUMER" and self._writing.let_out is not None:
            self._writing.let_out()
        with suppress(TimeoutError, OSError):
            async with asyncio.timeout(1):
                if close.reason == "SERVER_SHUTDOWN":
                    await self._send({"type": "ping", "payload": {"code": close.reason, "resumeAfter": seen}})
                await self._writing.send(
                    {"type": "websocket.close", "code": close.code, "reason": close.reason}
                )

    async def _read_all(self) -> None:
        try:
            while (message := await self._receive())["type"] == "websocket.receive":
                await self._take(read_message(message))
        except Close as close:
            self._close(close)

    async def _take(self, message: dict[str, Any]) -> None:
        take = self._TAKERS.get(message["type"])
        if take is None:
            raise Close(4400, "Unknown message type")
        await take(self, message)

    async def _take_init(self, message: Mapping[str, Any]) -> None:
        if self._verified is not None:
            raise Close(4429, "Too many initialisation requests")
        payload = optional_object(message, "payload") or {}
        authorization = token_in(payload) or text_of(self._headers, b"authorization")
        try:
            self._verified = self._edge.admission.identify(authorization)
        except Refused as refused:
            raise Close(4403, refused.message[:120]) from None
        self.expires_at = self._verified.expires_at
        await self._send({"type": "connection_ack"})

    async def _take_ping(self, message: Mapping[str, Any]) -> None:
        payload = optional_object(message, "payload")
        await self._send({"type": "pong", "payload": payload} if payload else {"type": "pong"})

    async def _take_pong(self, message: Mapping[str, Any]) -> None:
        optional_object(message, "payload")

    async def _take_complete(self, message: Mapping[str, Any]) -> None:
        operation = self._operations.pop(operation_id(message), None)
        if operation:
            operation.cancel()

    async def _take_subscribe(self, message: Mapping[str, Any]) -> None:
        if self._verified is None:
            raise Close(4401, "Unauthorized")
        identity = operation_id(message)
        request = read_subscribe(message)
        if identity in self._operations:
            raise Close(4409, f"Subscriber for {identity[:60]} already exists")
        if len(self._operations) >= self._edge.operations_a_socket:
            limit = self._edge.operations_a_socket
            await self._send_errors(
                identity,
                [graphql_error("LIMIT_EXCEEDED", f"A socket carries at most {limit} operations at once.")],
            )
            return
        asked = Asked(request, self._verified, self._caller, "ws", time.perf_counter())
        self._operations[identity] = asyncio.create_task(self._operate(identity, asked))

    async def _operate(self, identity: str, asked: Asked) -> None:
        task = asyncio.current_task()
        try:
            kind = self._edge.engine.operation_kind(asked.request)
            if kind is OperationKind.SUBSCRIPTION:
                await self._tell_results(identity, asked)
            else:
                await self._tell_answer(identity, asked, kind)
        except (OperationRefused, Refused) as refused:
            errors = refused.errors if isinstance(refused, OperationRefused) else [refusal_error(refused)]
            self._forget(identity, task)
            await self._send_errors(identity, errors)
        except OSError:  # the reader is gone; whoever reads the socket hears it too, and ends all
            return
        except Exception as fault:  # noqa: BLE001 - the edge is where faults end
            self._forget(identity, task)
            await self._send_errors(identity, [error_of(fault, self._edge.operation_seconds)])
        finally:
            self._forget(identity, task)

    async def _tell_results(self, identity: str, asked: Asked) -> None:
        write_now = self._writing.now
        take = None if write_now is None else partial(self._take_now, write_now, identity)
        async with aclosing(subscribe(self._edge, asked, take)) as results:
            async for result in results:
                await self._send_text(next_text(result, identity))
                self._note_seen(identity, result)
        await self._tell_complete(identity)

    def _take_now(self, write_now: WriteNow, identity: str, result: LiveResult) -> bool:
        if not write_now(next_frame(result, identity)):
            return False
        self._note_seen(identity, result)
        return True

    def _note_seen(self, identity: str, result: LiveResult) -> None:
        if result.event_id is not None:
            self._seen[identity] = result.event_id

    async def _tell_answer(self, identity: str, asked: Asked, kind: OperationKind | None) -> None:
        kept = await find_kept(self._edge, asked) if kind is OperationKind.QUERY else None
        answer = kept or (await execute(self._edge, asked, kind)).answer
        if answer.request_error:
            raise OperationRefused(errors_in(answer))
        await self._send_text(next_text(LiveResult(answer.body), identity))
        await self._tell_complete(identity)

    async def _tell_complete(self, identity: str) -> None:
        """The id is free again before the client can know that it is."""
        self._forget(identity, asyncio.current_task())
        await self._send({"type": "complete", "id": identity})

    def _forget(self, identity: str, task: asyncio.Task[Any] | None) -> None:
        """Only if the id is still this task's: the client may have used it again."""
        if self._operations.get(identity) is task:
            del self._operations[identity]
            self._seen.pop(identity, None)

    async def _send_errors(self, identity: str, errors: Any) -> None:
        await self._send({"type": "error", "id": identity, "payload": list(errors)})

    async def _send(self, message: Mapping[str, Any]) -> None:
        await self._send_text(json.dumps(message, ensure_ascii=False))

    async def _send_text(self, text: str) -> None:
        """Waits while the reader's buffers are full; the patrol ends who never reads."""
        self.stuck_since = self.stuck_since or time.monotonic()
        await self._writing.send({"type": "websocket.send", "text": text})
        self.stuck_since = None

    _TAKERS: Mapping[str, Callable[["Socket", Mapping[str, Any]], Awaitable[None]]] = {
        "connection_init": _take_init,
        "ping": _take_ping,
        "pong": _take_pong,
        "subscribe": _take_subscribe,
        "complete": _take_complete,
    }
