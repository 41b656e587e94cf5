import asyncio
import gc
import socket

import pytest

from api.run_server import bind, set_apart
from domain.errors import SetupError


def test_a_port_is_held_from_the_moment_it_is_bound() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(SetupError, match=f"Port {port} of 127.0.0.1 is taken: choose another"):
            bind("127.0.0.1", port)


def test_the_socket_says_tcp_so_that_answers_do_not_wait_for_acknowledgements() -> None:
    with bind("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP


async def test_what_there_is_after_the_start_is_not_looked_at_for_garbage_again() -> None:
    warmed_up: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    warmed_up.add_done_callback(set_apart)
    try:
        warmed_up.set_result(None)
        await asyncio.sleep(0)
        assert gc.get_freeze_count() > 1000
    finally:
        gc.unfreeze()
