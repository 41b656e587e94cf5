import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from project import PROJECT

from db import embedded_server

OWNER = """
import signal
from run_stores import RunStores
print(RunStores().folder, flush=True)
signal.pause()
"""


def test_a_killed_test_run_leaves_no_server_and_no_database(run_folder: Path) -> None:
    surroundings = os.environ | {"PYTHONPATH": f"{PROJECT}:{PROJECT / 'tests/support'}"}
    with subprocess.Popen(
        [sys.executable, "-c", OWNER], stdout=subprocess.PIPE, text=True, env=surroundings
    ) as owner:
        assert owner.stdout
        folder = Path(owner.stdout.readline().strip())
        started = (folder / "postgres/data").exists()
        owner.kill()
    while (lock := embedded_server.claim(folder / "valkey")) is None or (folder / "postgres").exists():
        time.sleep(0.02)
        if lock is not None:
            os.close(lock)
    os.close(lock)
    shutil.rmtree(folder)

    assert started
    assert folder.parent == run_folder.parent
