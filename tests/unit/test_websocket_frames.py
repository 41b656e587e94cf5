"""Frames of our own making, read by the library that clients use."""

import pytest
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from api.engine_port import LiveResult
from api.ws_messages import KEPT_FRAMES, next_frame, next_text, text_frame


def read(frame: bytes) -> Frame:
    protocol = Protocol(Side.CLIENT, max_size=None)
    protocol.receive_data(frame)
    (found,) = protocol.events_received()
    assert isinstance(found, Frame)
    return found


@pytest.mark.parametrize("length", [0, 1, 125, 126, 65_535, 65_536, 200_000])
def test_a_text_of_any_length_is_one_whole_frame(length: int) -> None:
    assert read(text_frame(b"x" * length)) == Frame(Opcode.TEXT, b"x" * length)


def test_subscribers_with_one_id_share_one_frame_and_few_ids_are_remembered() -> None:
    result = LiveResult('{"data":{"name":"川"}}'.encode(), "e1")

    frames = [next_frame(result, str(number % 20)) for number in range(40)]

    assert frames[0] is frames[20]
    assert read(frames[3]).data == next_text(result, "3").encode()
    assert len(result.framed) == KEPT_FRAMES
