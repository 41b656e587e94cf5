"""The server that `c360 neo4j` brings ends with its parent."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from api.neo4j_server import can_run_neo4j, start_neo4j
from domain.errors import SetupError

PARENT = """
import sys
from pathlib import Path
from api.neo4j_server import start_neo4j
print(start_neo4j(Path(sys.argv[1])).process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.slow
@pytest.mark.neo4j
@pytest.mark.skipif(not can_run_neo4j(), reason="no java or no mvn")
def test_the_server_ends_when_its_parent_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PARENT, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        server = Path("/proc") / parent.stdout.readline().strip()
        assert server.exists()

        parent.kill()

        deadline = time.monotonic() + 60
        while server.exists() and time.monotonic() < deadline:
            time.sleep(0.2)
    assert not server.exists()


def test_without_java_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SetupError, match="openjdk-17-jdk and maven"):
        start_neo4j(tmp_path / "neo4j")

    assert not (tmp_path / "neo4j").exists()
