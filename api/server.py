"""Runs an application under uvicorn; at the end open sockets are told to come back before they are cut."""

import asyncio
import signal
import socket
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.types import ASGIApp
from uvicorn.loops.auto import auto_loop_factory
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from api.graphql_request import MAX_BODY_BYTES
from api.graphql_ws import GIVE_UP
from api.http_protocol import HttpProtocol
from api.live_connections import LiveConnections
from api.responses import WRITE_NOW

LINGER_SECONDS = 5.0
"""How long a reader that was given up may take to read what is on its way, and why it ended."""
ENDING = (signal.SIGTERM, signal.SIGINT)


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """`asyncio.run` on uvloop, where it is installed: a third less CPU for a small request."""
    with asyncio.Runner(loop_factory=auto_loop_factory()) as runner:
        runner.run(main)


class LiveWebSocket(WebSocketsSansIOProtocol):
    """uvicorn lets nobody write to a socket whose reader does not read, not even why it ends, and waits for ever
    until its buffer is read: the extension `give_up` of the scope opens it for the last frame, and ends the wait.
    What goes to thousands is framed once by whoever sends it, and written as it is.
    """

    async def run_asgi(self) -> None:
        self.scope["extensions"][GIVE_UP] = {"call": self.give_up}
        self.scope["extensions"][WRITE_NOW] = {"call": self.write_now}
        await super().run_asgi()

    def write_now(self, frame: bytes) -> bool:
        if (
            self.close_sent
            or self.conn.extensions
            or not self.writable.is_set()
            or self.transport.is_closing()
        ):
            return False
        self.transport.write(frame)
        return True

    def give_up(self) -> None:
        self.writable.set()
        self.loop.call_later(LINGER_SECONDS, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn cuts sockets with 1012 and no word; its own hook for the end is `shutdown`.

    After that it sends itself the signal that ended it once more, which would kill the process before worker,
    graph and stores are closed: here a signal only ends the serving.
    """

    def __init__(self, config: uvicorn.Config, connections: LiveConnections) -> None:
        super().__init__(config)
        self._connections = connections

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await self._connections.end_all()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in ENDING:
                loop.remove_signal_handler(number)


def make_server(app: ASGIApp, *, host: str, port: int, connections: LiveConnections) -> Server:
    """`await server.serve()` runs it until SIGTERM or Ctrl-C; logging is configured by the caller."""
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # an address that a proxy tells is never believed: see `admission.is_local`
        http=HttpProtocol,
        ws=LiveWebSocket,
        ws_max_size=MAX_BODY_BYTES,
        ws_per_message_deflate=False,  # one event to thousands of sockets would be compressed once for each
        timeout_graceful_shutdown=5,
    )
    return Server(config, connections)
