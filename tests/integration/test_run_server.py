import socket

import pytest

from api.run_server import bind
from domain.errors import SetupError


def test_a_port_is_held_from_the_moment_it_is_bound() -> None:
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]

        with pytest.raises(SetupError, match=f"Port {port} of 127.0.0.1 is taken: choose another"):
            bind("127.0.0.1", port)


def test_the_socket_says_tcp_so_that_answers_do_not_wait_for_acknowledgements() -> None:
    with bind("127.0.0.1", 0) as listening:
        assert listening.proto == socket.IPPROTO_TCP
