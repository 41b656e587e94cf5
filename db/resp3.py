"""RESP3, the language of Redis and Valkey, as far as the cache speaks it: commands to bytes, bytes to replies."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

Reply: TypeAlias = "bytes | int | float | bool | list[Reply] | ReplyError | Push | None"
END = b"\r\n"
INCOMPLETE = object()
DEEPEST = 8
MOST_ITEMS = 100_000
LONGEST_BYTES = 512 * 1024 * 1024
LONGEST_LINE = 64 * 1024


class ProtocolFault(Exception):
    """These bytes are not RESP3: nothing that follows on this connection can be understood."""


@dataclass(frozen=True, slots=True)
class ReplyError:
    """The server refused a command: a value, because it belongs to that command alone."""

    message: str


@dataclass(frozen=True, slots=True)
class Push:
    """Something the server said without being asked, such as which keys were changed."""

    items: "list[Reply]"


def encode(*parts: bytes) -> bytes:
    """One command."""
    pieces = [b"*%d\r\n" % len(parts)]
    for part in parts:
        pieces += (b"$%d\r\n" % len(part), part, END)
    return b"".join(pieces)


class Parser:
    """Takes bytes as they come, cut anywhere, and gives the replies that are whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._place = 0

    def feed(self, received: bytes) -> list[Reply]:
        """Raises ProtocolFault; the connection is of no use after that."""
        self._buffer += received
        found: list[Reply] = []
        start = 0
        while start < len(self._buffer):
            self._place = start
            reply = self._next(0)
            if reply is INCOMPLETE:
                break
            found.append(reply)  # type: ignore[arg-type]
            start = self._place
        del self._buffer[:start]
        return found

    def _next(self, depth: int) -> object:
        if depth > DEEPEST:
            raise ProtocolFault("nested too deeply")
        start, end = self._place, self._buffer.find(END, self._place)
        if end < 0:
            if len(self._buffer) - start > LONGEST_LINE:
                raise ProtocolFault("a line without an end")
            return INCOMPLETE
        self._place = end + 2
        kind, line = self._buffer[start], bytes(self._buffer[start + 1 : end])
        if kind in TEXTS:
            return self._text(kind, line)
        if kind in ITEMS_EACH:
            return self._items(kind, line, depth)
        read = LINES.get(kind)
        if read is None:
            raise ProtocolFault(f"no reply begins with byte {kind}")
        return read(line)

    def _text(self, kind: int, line: bytes) -> object:
        length = whole_number(line)
        if length == -1:
            return None
        if not 0 <= length <= LONGEST_BYTES:
            raise ProtocolFault("a length that makes no sense")
        start, end = self._place, self._place + length
        if len(self._buffer) < end + 2:
            return INCOMPLETE
        if self._buffer[end : end + 2] != END:
            raise ProtocolFault("a text is longer than it says")
        self._place = end + 2
        text = bytes(self._buffer[start:end])
        return ReplyError(printable(text)) if kind == BULK_ERROR else text

    def _items(self, kind: int, line: bytes, depth: int) -> object:
        """Arrays, sets, pushes; a map becomes key, value, key, value. An attribute is left out."""
        count = whole_number(line)
        if count == -1:
            return None
        if not 0 <= count <= MOST_ITEMS:
            raise ProtocolFault("a number of items that makes no sense")
        items: list[Reply] = []
        for _ in range(count * ITEMS_EACH[kind]):
            item = self._next(depth + 1)
            if item is INCOMPLETE:
                return INCOMPLETE
            items.append(item)  # type: ignore[arg-type]
        if kind == ATTRIBUTE:
            return self._next(depth)
        return Push(items) if kind == PUSH else items


def whole_number(line: bytes) -> int:
    try:
        return int(line)
    except ValueError:
        raise ProtocolFault("a number was expected") from None


def fraction(line: bytes) -> float:
    try:
        return float(line)
    except ValueError:
        raise ProtocolFault("a number was expected") from None


def boolean(line: bytes) -> bool:
    if line not in (b"t", b"f"):
        raise ProtocolFault("true or false was expected")
    return line == b"t"


def nothing(_: bytes) -> None:
    return None


def printable(text: bytes) -> str:
    return text.decode("utf-8", "replace")


PUSH, ATTRIBUTE, BULK_ERROR = ord(">"), ord("|"), ord("!")
TEXTS = frozenset(b"$=!")
ITEMS_EACH = {ord("*"): 1, ord("~"): 1, PUSH: 1, ord("%"): 2, ATTRIBUTE: 2}
LINES: dict[int, Callable[[bytes], Reply]] = {
    ord("+"): bytes,
    ord("-"): lambda line: ReplyError(printable(line)),
    ord(":"): whole_number,
    ord("_"): nothing,
    ord(","): fraction,
    ord("#"): boolean,
    ord("("): whole_number,
}
