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
        yield _payloads(socket, await _before_pong(socket))


async def _before_pong(socket: ClientConnection) -> list[dict[str, Any]]:
    """What a subscription that resumes is told before the server comes to the ping."""
    told = []
    while (message := json.loads(await socket.recv()))["type"] != "pong":
        told.append(message)
    return told


async def _payloads(socket: ClientConnection, told: list[dict[str, Any]]) -> AsyncGenerator[Any, None]:
    async for message in _messages(socket, told):
        if message["type"] == "ping":
            await _send(socket, type="pong")
        elif message["type"] == "complete":
            return
        elif message["type"] in ("next", "error"):
            yield message["payload"]


async def _messages(
    socket: ClientConnection, told: list[dict[str, Any]]
) -> AsyncGenerator[dict[str, Any], None]:
    for message in told:
        yield message
    async for text in socket:
        yield json.loads(text)


async def _send(socket: ClientConnection, **message: Any) -> None:
    await socket.send(json.dumps(message))


async def _receive(socket: ClientConnection, kind: str) -> None:
    while (message := json.loads(await socket.recv()))["type"] != kind:
        if message["type"] != "ping":
            raise RuntimeError(f"expected {kind}, got {message}")
