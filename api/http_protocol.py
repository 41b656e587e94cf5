"""uvicorn's HTTP, with less for each answer: one write instead of two, and no task for one that is there already."""

import asyncio
from functools import partial
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from api.responses import ANSWER_WHOLE, WRITE_NOW, Ready


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


class HttpProtocol(HttpToolsProtocol):
    """For `uvicorn.Config(http=…)`. An application may have `answer_kept(scope, sent, tell)` beside its ASGI side:
    it gets each POST that has come whole, and tells the answer or None, at once or soon. What is answered so has
    cost no task, and nothing of ASGI; None is asked of the ASGI side as if it were new.
    """

    _is_reading = False
    _postponed: tuple[RequestResponseCycle, Any] | None = None

    def data_received(self, data: bytes) -> None:
        self._is_reading = True
        super().data_received(data)
        self._is_reading = False
        if self._postponed is not None:
            self._ask_for_kept(*self._postponed)

    def _ask_for_kept(self, cycle: RequestResponseCycle, app: Any) -> None:
        self._postponed = None
        if cycle.more_body:
            self._start(cycle, app)
        else:
            app.answer_kept(cycle.scope, bytes(cycle.body), partial(self._take_kept, cycle, app))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Called when the headers have come, or when the answer before it is out."""
        can_wait = self._is_reading and cycle.more_body and cycle.scope["method"] == "POST"
        if can_wait and cycle.keep_alive and not self.flow.write_paused and hasattr(app, "answer_kept"):
            self._postponed = cycle, app
        else:
            self._start(cycle, app)

    def _take_kept(self, cycle: RequestResponseCycle, app: Any, ready: Ready | None) -> None:
        if ready is None:
            self._start(cycle, app)
        else:
            self._answer_whole(cycle, 200, ready)

    def _start(self, cycle: RequestResponseCycle, app: Any) -> None:
        cycle.scope["extensions"] = {
            ANSWER_WHOLE: {"call": partial(self._answer_whole, cycle)},
            WRITE_NOW: {"call": partial(self._write_now, cycle)},
        }
        if cycle.scope["method"] != "HEAD" and not cycle.waiting_for_100_continue:
            cycle.transport = cast(asyncio.Transport, HeadWithBody(cycle.transport))
        super()._start_asgi_task(cycle, app)

    def _answer_whole(self, cycle: RequestResponseCycle, status: int, ready: Ready) -> None:
        """Instead of two messages. What a reader does not read is bounded: the next request waits until it did."""
        if cycle.disconnected:
            return
        self.transport.writelines((self._first_lines(cycle, status), ready.head, ready.body))
        cycle.response_started = cycle.response_complete = True
        cycle.message_event.set()
        if not cycle.keep_alive:
            self.transport.close()
        cycle.on_response()

    def _first_lines(self, cycle: RequestResponseCycle, status: int) -> bytes:
        added = b"".join([b"%b: %b\r\n" % line for line in self.server_state.default_headers])
        return STATUS_LINE[status] + added + (b"" if cycle.keep_alive else b"connection: close\r\n")

    def _write_now(self, cycle: RequestResponseCycle, part: bytes) -> bool:
        """Of an answer whose length nobody knows."""
        if (
            not cycle.chunked_encoding
            or cycle.disconnected
            or cycle.response_complete
            or self.flow.write_paused
        ):
            return False
        self.transport.write(b"%x\r\n%b\r\n" % (len(part), part))
        return True
