"""What embedded stores share: one owner a folder, a keeper, short socket paths, an unprivileged account.

A folder belongs to whoever holds the lock on its `owner.lock`. The keeper inherits that lock and holds it
until its server has ended, so "the lock is free" means: nobody runs, nobody is still shutting down, and any
process of the server that is left over is an orphan that may be ended.
"""

import fcntl
import hashlib
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypedDict, TypeVar

from domain.errors import SetupError

KEEPER = Path(__file__).with_name("embedded_keeper.py")
POLL_SECONDS = 0.02
Server = TypeVar("Server")


class Account(TypedDict):
    """Whom a server runs as; the names are those of `subprocess.Popen`."""

    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What the keeper is to run, in `folder`, until `stop_signal`; then `remove` is deleted."""

    command: list[str]
    folder: str
    log: str
    stop_signal: int
    stop_seconds: float
    account: Account | None = None
    remove: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class KeptServer:
    """A server that lives as long as this object's process does and its `stop` was not called."""

    keeper: subprocess.Popen[bytes]

    def has_ended(self) -> bool:
        return self.keeper.poll() is not None

    def stop(self) -> None:
        """End the server and wait for it; bounded by the order's `stop_seconds`. May be called twice."""
        if self.keeper.stdin:
            self.keeper.stdin.close()
        self.keeper.wait()


def own_or_attach(
    folder: Path,
    *,
    own: Callable[[Path, int], Server],
    attach: Callable[[Path], Server | None],
    seconds: float,
) -> Server:
    """Whichever is possible first: `own` (with the lock's descriptor) or `attach` to the owner's server.

    Waits for an owner that still starts or is shutting down.
    """
    folder = prepare_folder(folder)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        lock = claim(folder)
        if lock is not None:
            try:
                return own(folder, lock)
            finally:
                os.close(lock)  # the keeper has its own hold on it
        if server := attach(folder):
            return server
        time.sleep(POLL_SECONDS)
    raise SetupError(f"Another process holds {folder} but its server does not answer: stop that process.")


def claim(folder: Path) -> int | None:
    """A descriptor that holds the folder's lock, or None if somebody else runs a server there."""
    descriptor = os.open(folder / "owner.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor


def keep(order: Order, *, lock: int) -> KeptServer:
    """Start the order under a keeper, which inherits the lock. The keeper ignores a terminal's Ctrl-C."""
    keeper = subprocess.Popen(
        [sys.executable, "-I", "-S", str(KEEPER), json.dumps(asdict(order))],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        pass_fds=[lock],
        start_new_session=True,
    )
    return KeptServer(keeper)


def wait_until_ready(server: KeptServer, is_ready: Callable[[], bool], *, seconds: float) -> bool:
    """False if the server ended or the time is over."""
    deadline = time.monotonic() + seconds
    while not server.has_ended() and time.monotonic() < deadline:
        if is_ready():
            return True
        time.sleep(POLL_SECONDS)
    return False


def prepare_folder(folder: Path) -> Path:
    """The folder, made and absolute."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "owner.lock").touch(0o600)
    except OSError as error:
        raise SetupError(
            f"Cannot write to {folder}: {error.strerror}. Set C360_HOME to a folder you may write to."
        ) from error
    return folder.resolve()


def account_for(folder: Path) -> Account | None:
    """Whom to run as. Root may not run PostgreSQL: then the folder's owner, or `nobody` for root's own.

    No account is created: `nobody` exists on every system; files and sockets are closed to everybody else.
    """
    if os.geteuid() != 0:
        return None
    owner = folder.stat().st_uid
    try:
        entry = pwd.getpwuid(owner) if owner else pwd.getpwnam("nobody")
    except KeyError:
        raise SetupError(
            "PostgreSQL refuses to run as root and there is no user 'nobody' to run it as: "
            "start as another user, or set C360_DATABASE_URL to a server."
        ) from None
    return Account(user=entry.pw_uid, group=entry.pw_gid, extra_groups=[])


def is_reachable(path: Path) -> bool:
    """Whether accounts other than root can get to the path, by its parents' permissions."""
    return all(parent.stat().st_mode & stat.S_IXOTH for parent in path.resolve().parents)


def runtime_root() -> Path:
    """A short folder of our own for sockets: their paths may have 107 bytes, a project's may have more."""
    root = Path(f"/tmp/c360-{os.geteuid()}")
    root.mkdir(mode=0o711, exist_ok=True)
    found = root.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise SetupError(f"{root} belongs to somebody else, but sockets are kept there: remove it.")
    return root


def socket_folder(data: Path, account: Account | None = None) -> Path:
    """The folder for the sockets of the server over this data; only its account (and root) can enter it.

    The inode is part of the name: data deleted under a running server must not meet its successor.
    """
    name = hashlib.sha256(f"{data}:{data.stat().st_ino}".encode()).hexdigest()[:12]
    folder = runtime_root() / name
    folder.mkdir(mode=0o700, exist_ok=True)
    if account:
        os.chown(folder, account["user"], account["group"])
    return folder


def end_orphans(data: Path, *programs: str) -> None:
    """End what a killed owner and a killed keeper left running over this data. Needs the folder's lock."""
    for number in (signal.SIGQUIT, signal.SIGKILL):
        deadline = time.monotonic() + 10
        for pid in find_processes(data, *programs):
            _send(pid, number)
        while find_processes(data, *programs):
            if time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        else:
            return


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def find_processes(data: Path, *programs: str) -> list[int]:
    """Process ids of the programs with this working folder; found through /proc, so none on other systems."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "comm").read_text().strip() in programs and (process / "cwd").samefile(data):
                found.append(int(process.name))
        except OSError:
            continue  # it ended meanwhile, or is somebody else's
    return found


def last_words(log: Path, *, marks: tuple[str, ...] = ()) -> str:
    """The last line of a log that has one of the marks, else its last line."""
    try:
        lines = log.read_text(errors="replace").strip().splitlines()[-200:]
    except OSError:
        return "it left no log"
    marked = [line for line in lines if any(mark in line for mark in marks)]
    return (marked or lines or ["its log is empty"])[-1].strip()


def begin_log(log: Path, *, largest_bytes: int = 10_000_000) -> Path:
    """Make room once a log is large; the one before is kept beside it."""
    if log.exists() and log.stat().st_size > largest_bytes:
        shutil.move(log, log.with_suffix(".old.log"))
    return log
