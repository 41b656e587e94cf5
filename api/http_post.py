"""One POST to a receiver elsewhere: a connection of its own, a time limit, and of the answer the status alone."""

import asyncio
import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})\b")


@dataclass(frozen=True, slots=True)
class Address:
    """`target` is path and query. `tls` None: in the clear."""

    host: str
    port: int
    target: str
    tls: ssl.SSLContext | None

    @property
    def host_header(self) -> str:
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == default_port(self.tls) else f"{name}:{self.port}"


def address_of(url: str) -> Address:
    """Of an http or https URL. Certificates are verified. Raises ValueError."""
    parts = urlsplit(url)
    if not parts.hostname:
        raise ValueError("it names no host")
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.hostname, parts.port or default_port(tls), target, tls)


def default_port(tls: ssl.SSLContext | None) -> int:
    return 80 if tls is None else 443


async def post(address: Address, headers: Mapping[str, str], body: bytes, *, seconds: float) -> int:
    """The status; redirects are not followed. Raises OSError, TimeoutError, ValueError where no HTTP comes back."""
    async with asyncio.timeout(seconds):
        reader, writer = await asyncio.open_connection(address.host, address.port, ssl=address.tls)
        try:
            writer.write(head(address, headers, len(body)) + body)
            await writer.drain()
            return await final_status(reader)
        finally:
            writer.close()


def head(address: Address, headers: Mapping[str, str], length: int) -> bytes:
    lines = {"Host": address.host_header, "Content-Length": str(length), "Connection": "close", **headers}
    fields = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {address.target} HTTP/1.1\r\n{fields}\r\n".encode("ascii")


async def final_status(reader: asyncio.StreamReader) -> int:
    """Statuses of 100 to 199 come before the answer."""
    while True:
        found = STATUS_LINE.match(await reader.readline())
        if found is None:
            raise ConnectionError("the answer is no HTTP")
        if (status := int(found[1])) >= 200:
            return status
        while await reader.readline() not in (b"\r\n", b"\n", b""):
            pass
