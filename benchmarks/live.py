"""A subscriber over graphql-transport-ws, as a partner's program would be one."""

import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")


@asynccontextmanager
async def subscribed(
    socket_url: str, query: str, variables: dict[str, Any] | None = None, token: str = ""
) -> AsyncIterator[AsyncGenerator[Any, None]]:
    """What the server sends to one subscription, as parsed payloads; entered when the server has it."""
    async with connect(socket_url, subprotocols=[PROTOCOL], max_size=None) as socket:
        payload = {"authorization": f"Bearer {token}"} if token else {}
        await _send(socket, type="connection_init", payload=payload)
        await _receive(socket, "connection_ack")
        await _send(socket, id="1", type="subscribe", payload={"query": query, "variables": variables or {}})
        await _send(socket, type="ping")
        await _receive(socket, "pong")
        yield _payloads(socket)


async def _payloads(socket: ClientConnection) -> AsyncGenerator[Any, None]:
    async for text in socket:
        message = json.loads(text)
        if message["type"] == "ping":
            await _send(socket, type="pong")
        elif message["type"] == "complete":
            return
        elif message["type"] in ("next", "error"):
            yield message["payload"]


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def _receive(socket: ClientConnection, kind: str) -> None:
    while (message := json.loads(await socket.recv()))["type"] != kind:
        if message["type"] != "ping":
            raise RuntimeError(f"expected {kind}, got {message}")
