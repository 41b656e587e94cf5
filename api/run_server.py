"""Listens and serves until SIGTERM or Ctrl-C; a port that is taken is said in one sentence."""

import asyncio
import errno
import gc
import logging
import socket

from api.app import AppParts, create_app
from api.examples import load_examples
from api.logs import configure_logging
from api.query_page.serve import QueryPage
from api.server import make_server
from api.settings import Settings
from api.stores import open_stores
from api.wiring import open_service
from domain.errors import SetupError

logger = logging.getLogger("c360.server")


def bind(host: str, port: int) -> socket.socket:
    """Raises SetupError when the port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, because asyncio only switches Nagle's delay off where it sees TCP: without it, 40 ms an answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen()  # from now on: until somebody listens, another process may bind the same port
    except OSError as error:
        listening.close()
        raise SetupError(unbindable(host, port, error)) from error
    return listening


def unbindable(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} of {host} is taken: choose another with --port, or 0 for any free one."
    return f"Cannot listen on {host}:{port}: {error.strerror}. Choose another with --host and --port."


async def serve(settings: Settings, *, host: str, port: int) -> None:
    listening = bind(host, port)
    configure_logging()
    async with open_stores(settings) as stores, open_service(settings, stores) as service:
        logger.info("serving", extra={"fields": {"address": address_of(listening)}})
        service.warmed_up.add_done_callback(set_apart)
        await run_app(service.parts(page=QueryPage(load_examples()), demo=False), listening)


def set_apart(_: "asyncio.Future[None]") -> None:
    """What there is after the start stays: looking at it again and again for garbage stops everybody for a while."""
    gc.freeze()


def address_of(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def run_app(parts: AppParts, listening: socket.socket) -> None:
    host, port = listening.getsockname()[:2]
    server = make_server(create_app(parts), host=host, port=port, connections=parts.connections)
    await server.serve(sockets=[listening])
