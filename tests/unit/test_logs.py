"""The line that each operation leaves in the log."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager

from api.logs import FLUSH_SECONDS, OperationRecord, configure_logging, log_operation

RECORD = OperationRecord(
    operation='Näme "quoted"\n',
    kind="query",
    transport="http",
    role="AGENT",
    status="partial",
    duration_ms=1.23456,
    request_id="r-1",
    client_name="desk",
    codes=("FORBIDDEN",),
    cost=3,
)


@contextmanager
def written_to(stream: io.StringIO) -> Iterator[None]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    configure_logging(stream=stream)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_the_short_way_writes_the_line_that_the_logging_module_would_write() -> None:
    stream = io.StringIO()
    with written_to(stream):
        log_operation(RECORD)
        logging.getLogger().addHandler(logging.NullHandler())  # somebody else listens: the long way
        log_operation(RECORD)

    short, long = (json.loads(line) for line in stream.getvalue().splitlines())
    assert list(short) == list(long)
    assert short | {"time": ""} == long | {"time": ""}
    assert (short["operation"], short["duration_ms"]) == ('Näme "quoted"\n', 1.235)


class Writes(io.StringIO):
    """Counts them."""

    number = 0

    def write(self, text: str) -> int:
        self.number += 1
        return super().write(text)


async def test_what_ends_soon_after_one_another_is_written_at_once_and_in_its_order() -> None:
    stream = Writes()
    with written_to(stream):
        for number in range(30):
            log_operation(RECORD._replace(request_id=f"r-{number}"))
            await asyncio.sleep(0)
        assert stream.number == 0
        await asyncio.sleep(FLUSH_SECONDS * 3)
        assert stream.number == 1

        log_operation(RECORD)
        logging.getLogger("c360.service").warning("something else")

    ids = [json.loads(line).get("request_id") for line in stream.getvalue().splitlines()]
    assert ids == [*(f"r-{number}" for number in range(30)), "r-1", None]


def test_a_log_that_cannot_be_written_keeps_no_answer_back() -> None:
    stream = io.StringIO()
    with written_to(stream):
        stream.close()
        log_operation(RECORD)

    with written_to(again := io.StringIO()):
        log_operation(RECORD)
    assert again.getvalue().count("\n") == 1
