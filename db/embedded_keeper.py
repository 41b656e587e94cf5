"""Runs one server for one owner and stops it when the owner is gone, however the owner died.

A process of its own between owner and server, so that it outlives a SIGKILL of the owner: the owner holds
the only writing end of this process's standard input, and the system closes that end at any kind of death.
On Linux the server gets a parent-death signal as well, in case this process is the one killed. (The owner
could not ask for that signal itself: it follows the *thread* that started the child.) A server that dies
alone is started again. Imports nothing of ours; the order it takes is `embedded_server.Order` as JSON.
"""

import ctypes
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from typing import Any

PR_SET_PDEATHSIG = 1
LIVED_WELL_SECONDS = 3
RESTARTS = 3  # also enough for the last processes of a killed server to leave its shared memory
PAUSE_SECONDS = 0.5


def main() -> None:
    """Serve the order given as the first argument until the owner is gone or the server cannot live."""
    order = json.loads(sys.argv[1])
    wake = _wake_on_signals()
    restarts = RESTARTS
    while True:
        started = time.monotonic()
        server = _start(order)
        if _owner_left(wake, server):
            _stop(server, order)
            break
        lived_well = time.monotonic() - started > LIVED_WELL_SECONDS
        restarts = RESTARTS if lived_well else restarts - 1
        if restarts == 0 or _owner_left(wake, None):
            break
    for folder in order["remove"]:
        shutil.rmtree(folder, ignore_errors=True)


def _wake_on_signals() -> int:
    """A descriptor that becomes readable when a child ends or somebody asks this process to end."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)
    return reader


def _start(order: dict[str, Any]) -> "subprocess.Popen[bytes]":
    keeper = os.getpid()
    account = order["account"] or {}
    with open(order["log"], "ab") as log:
        return subprocess.Popen(
            order["command"],
            cwd=order["folder"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: _die_with(keeper, order["stop_signal"]),  # safe: this process has one thread
            **account,
        )


def _die_with(keeper: int, stop_signal: int) -> None:
    """Runs in the child after it gave up its rights, because giving them up clears the setting."""
    if sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, stop_signal)
    if os.getppid() != keeper:
        os._exit(1)


def _owner_left(wake: int, server: "subprocess.Popen[bytes] | None") -> bool:
    """Wait for the owner's end (true), or for the server's (false); without a server, for a short pause."""
    while server is None or server.poll() is None:
        ready, _, _ = select.select([0, wake], [], [], PAUSE_SECONDS if server is None else None)
        if not ready:
            return False
        if 0 in ready or any(number != signal.SIGCHLD for number in os.read(wake, 64)):
            return True
    return False


def _stop(server: "subprocess.Popen[bytes]", order: dict[str, Any]) -> None:
    for number, seconds in (
        (order["stop_signal"], order["stop_seconds"]),
        (signal.SIGQUIT, 5),
        (signal.SIGKILL, 5),
    ):
        server.send_signal(number)
        try:
            server.wait(seconds)
        except subprocess.TimeoutExpired:
            continue
        return


if __name__ == "__main__":
    main()
