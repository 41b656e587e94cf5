"""The servers of one test run."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from db import embedded_server
from db.embedded_postgres import Durability, start_postgres
from db.embedded_valkey import start_valkey

MEMORY_FOLDER = Path("/dev/shm")
NEEDED_BYTES = 2 * 1024**3
FORGOTTEN_AFTER_SECONDS = 3600


class RunStores:
    """One PostgreSQL and one Valkey, in memory where that is possible."""

    def __init__(self) -> None:
        remove_forgotten_folders()
        self.folder = Path(tempfile.mkdtemp(prefix="c360-tests-", dir=fast_folder()))
        self.folder.chmod(0o755)  # PostgreSQL may run as another account
        self.postgres = start_postgres(self.folder / "postgres", durability=Durability.THROWAWAY)
        self.valkey = start_valkey(self.folder / "valkey")

    def addresses(self) -> dict[str, str]:
        return {
            "folder": str(self.folder),
            "postgres": str(self.postgres.sockets),
            "valkey": self.valkey.url,
        }

    def stop(self) -> None:
        self.valkey.stop()
        self.postgres.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


def fast_folder() -> Path:
    roomy = MEMORY_FOLDER.is_dir() and shutil.disk_usage(MEMORY_FOLDER).free > NEEDED_BYTES
    return MEMORY_FOLDER if roomy and os.access(MEMORY_FOLDER, os.W_OK) else Path(tempfile.gettempdir())


def remove_forgotten_folders() -> None:
    """What killed runs left: servers and PostgreSQL's folder went with them, the empty shell did not."""
    for folder in fast_folder().glob("c360-tests-*"):
        if time.time() - folder.stat().st_mtime < FORGOTTEN_AFTER_SECONDS or is_in_use(folder):
            continue
        shutil.rmtree(folder, ignore_errors=True)


def is_in_use(folder: Path) -> bool:
    if not (folder / "valkey").is_dir():
        return False
    lock = embedded_server.claim(folder / "valkey")
    if lock is not None:
        os.close(lock)
    return lock is None
