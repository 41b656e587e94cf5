"""uvicorn's HTTP, with less for each answer: one write instead of two, and neither ASGI nor parsing for the usual."""

import asyncio
import weakref
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.responses import WRITE_NOW, Ready, Scope, TellReady

HEAD_END = b"\r\n\r\n"
MOST_HEADS = 8
"""Of one connection; a client repeats its head, but for the length of what it sends."""
UNKNOWN = (None, 0)


class HeadWithBody:
    """The transport of one answer: what is written first waits for what is written next, or for the end.

    uvicorn writes the head by itself, and the kernel costs as much for that as all else that an answer needs.
    """

    __slots__ = ("_head", "_is_begun", "_transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._head = b""
        self._is_begun = False

    def write(self, written: bytes) -> None:
        if not self._is_begun:
            self._is_begun, self._head = True, written
        elif self._head:
            head, self._head = self._head, b""
            self._transport.writelines((head, written))
        else:
            self._transport.write(written)

    def close(self) -> None:
        if self._head:
            self.write(b"")
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()


class Plain(Protocol):
    """What an application keeps of a head: whoever sends the same bytes again is admitted as before."""

    @property
    def is_good(self) -> bool:
        """Whether it still is: tokens end."""

    @property
    def may_repeat(self) -> bool:
        """Whether the same head is likely to come again."""


class PlainApp(Protocol):
    """The side of an application that needs nothing of ASGI."""

    def admit_plainly(self, scope: Scope) -> Plain | None:
        """None: the ASGI side answers this request."""

    def answer_plainly(self, plain: Any, sent: bytes, tell: TellReady) -> Callable[[], None]:
        """Tells the answer, at once or soon, or None: ask the ASGI side. What is returned is called when the
        client leaves; then nothing need be told."""


class Exchange:
    """A request that is answered without ASGI. `cycle`: what uvicorn made of it, None where it was not parsed."""

    __slots__ = ("cycle", "data", "leave")

    def __init__(self, data: bytes, cycle: RequestResponseCycle | None) -> None:
        self.data = data
        self.cycle = cycle
        self.leave: Callable[[], None] | None = None


class HttpProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`, with an application that may be a `PlainApp` beside its ASGI side: that gets
    each POST which has come whole. A head that came on this connection before is not parsed again: the same bytes
    mean the same. What the plain side leaves alone is asked of the ASGI side as if it were new.
    """

    _is_reading = False
    _is_between = True
    """The parser waits for a new request: nothing of one has come."""
    _is_ending = False
    _postponed: tuple[RequestResponseCycle, Any] | None = None
    _exchange: Exchange | None = None
    _behind = b""
    """Came while an exchange is under way."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self._heads: dict[bytes, tuple[Plain, int]] = {}
        """Each with the length of what follows it."""
        self._plain_app = cast(PlainApp, self.app) if hasattr(self.app, "answer_plainly") else None
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        exchange, self._exchange, self._behind = self._exchange, None, b""
        super().connection_lost(exc)
        if exchange is not None and exchange.leave is not None:
            leave, exchange.leave = exchange.leave, None
            leave()

    def shutdown(self) -> None:
        if self._exchange is not None and self._exchange.cycle is None:
            self._is_ending = True
        else:
            super().shutdown()

    # --- reading ----------------------------------------------------------------------------------------

    def data_received(self, data: bytes) -> None:
        if self._exchange is not None:
            self._behind += data
            self.flow.pause_reading()
            return
        end = data.find(HEAD_END) + len(HEAD_END)
        plain, length = self._heads.get(data[:end], UNKNOWN) if self._is_idle() else UNKNOWN
        if plain is not None and plain.is_good and len(data) - end == length:
            self._unset_keepalive_if_required()
            self._ask(plain, data[end:], Exchange(data, None))
        else:
            self._parse(data)

    def _is_idle(self) -> bool:
        is_answered = self.cycle is None or self.cycle.response_complete
        return is_answered and self._is_between and not self.flow.write_paused

    def _parse(self, data: bytes) -> None:
        is_whole = self._is_idle()
        self._is_reading = True
        super().data_received(data)
        self._is_reading = False
        if self._postponed is not None:
            self._ask_plainly(data if is_whole else b"", *self._postponed)

    def on_message_begin(self) -> None:
        self._is_between = False
        super().on_message_begin()

    def on_message_complete(self) -> None:
        self._is_between = True
        super().on_message_complete()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Called when the headers have come, or when the answer before it is out."""
        can_wait = self._is_reading and cycle.more_body and cycle.scope["method"] == "POST"
        if can_wait and self._plain_app and cycle.keep_alive and not self.flow.write_paused:
            self._postponed = cycle, app
        else:
            self._start(cycle, app)

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["extensions"] = {WRITE_NOW: {"call": partial(self._write_now, weakref.ref(cycle))}}
        if cycle.scope["method"] != "HEAD" and not cycle.waiting_for_100_continue:
            cycle.transport = cast(asyncio.Transport, HeadWithBody(cycle.transport))
        super()._start_asgi_task(cycle, app)

    # --- without ASGI -----------------------------------------------------------------------------------

    def _ask_plainly(self, data: bytes, cycle: RequestResponseCycle, app: Any) -> None:
        self._postponed = None
        assert self._plain_app is not None
        plain = None if cycle.more_body else self._plain_app.admit_plainly(cast(Scope, cycle.scope))
        if plain is None:
            self._start(cycle, app)
            return
        sent = bytes(cycle.body)
        self._remember(data, sent, plain)
        self._ask(plain, sent, Exchange(data, cycle))

    def _remember(self, data: bytes, sent: bytes, plain: Plain) -> None:
        """The head of a request that came in one piece, with nothing before or behind it.

        What follows it is the body byte for byte, so it came by its length and not in chunks.
        """
        end = data.find(HEAD_END) + len(HEAD_END)
        if not data or not plain.may_repeat or data[end:] != sent:
            return
        if len(self._heads) >= MOST_HEADS:
            self._heads.clear()
        self._heads[data[:end]] = plain, len(sent)

    def _ask(self, plain: Plain, sent: bytes, exchange: Exchange) -> None:
        assert self._plain_app is not None
        self._exchange = exchange
        leave = self._plain_app.answer_plainly(plain, sent, partial(self._take, exchange))
        if self._exchange is exchange:
            exchange.leave = leave

    def _take(self, exchange: Exchange, ready: Ready | None) -> None:
        if self._exchange is not exchange:  # the client has left
            return
        self._exchange = exchange.leave = None
        if exchange.cycle is None:
            self._take_unparsed(exchange, ready)
        elif ready is None:
            self._start(exchange.cycle, self.app)
        else:
            self._finish(exchange.cycle, ready)
        behind, self._behind = self._behind, b""
        if behind:
            self.flow.resume_reading()
            self.data_received(behind)

    def _take_unparsed(self, exchange: Exchange, ready: Ready | None) -> None:
        if ready is not None:
            self._write_whole(ready, is_last=self._is_ending)
            self.on_response_complete()
            return
        super().data_received(exchange.data)
        if self._is_ending:
            self.shutdown()

    def _finish(self, cycle: RequestResponseCycle, ready: Ready) -> None:
        self._write_whole(ready, is_last=not cycle.keep_alive)
        cycle.response_started = cycle.response_complete = True
        cycle.on_response()

    def _write_whole(self, ready: Ready, *, is_last: bool) -> None:
        """What a reader does not read is bounded: the next request waits until it did."""
        lines = [b"%b: %b\r\n" % line for line in self.server_state.default_headers]
        first = b"".join((STATUS_LINE[ready.status], *lines, b"connection: close\r\n" if is_last else b""))
        self.transport.writelines((first, ready.head, ready.body))
        if is_last:
            self.transport.close()

    def _write_now(self, begun: "weakref.ref[RequestResponseCycle]", part: bytes) -> bool:
        """Of an answer whose length nobody knows."""
        cycle = begun()
        if (
            cycle is None
            or not cycle.chunked_encoding
            or cycle.disconnected
            or cycle.response_complete
            or self.flow.write_paused
        ):
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        return True
