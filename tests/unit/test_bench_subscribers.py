import pytest

from benchmarks.subscribers import frame, next_frame


@pytest.mark.parametrize("length", [5, 126, 70_000])
def test_frames_of_a_server_are_cut_where_they_end(length: int) -> None:
    payload = b"x" * length
    head = (
        bytes([0x81, length])
        if length < 126
        else bytes([0x81, 126]) + length.to_bytes(2, "big")
        if length < 65_536
        else bytes([0x81, 127]) + length.to_bytes(8, "big")
    )

    assert next_frame((head + payload)[:-1]) is None
    assert next_frame(head + payload + b"next") == (0x81, payload, b"next")


def test_a_frame_of_a_client_is_masked_with_nothing() -> None:
    assert frame({"type": "ping"}) == bytes([0x81, 0x80 | 16, 0, 0, 0, 0]) + b'{"type": "ping"}'
