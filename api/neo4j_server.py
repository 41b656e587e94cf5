"""A real Neo4j for a machine with Java 17 and Maven: brings the server's jars and runs it on loopback.

For development and for the conformance tests; production has its own server and names it by URL. Access
needs no password, so the server listens on loopback only.
"""

import shutil
import subprocess
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from time import monotonic, sleep
from typing import IO, Any

from domain.errors import SetupError

DOWNLOAD_SECONDS = 900
START_SECONDS = 180
STOP_SECONDS = 30
JAVA_OPTIONS = ("-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")


@dataclass(frozen=True, slots=True)
class RunningNeo4j:
    """A server that ends with this process, however this process ends."""

    url: str
    process: subprocess.Popen[Any]

    def stop(self) -> None:
        """Ends the server and waits for it: closing its input tells it to write everything and go."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def can_run_neo4j() -> bool:
    """Whether `java` and `mvn` are there."""
    return shutil.which("java") is not None and shutil.which("mvn") is not None


def start_neo4j(home: Path, *, port: int = 0) -> RunningNeo4j:
    """Starts a server over the data in `home`; port 0 takes a free one.

    The first time it downloads about 150 MB, which takes two to four minutes; a start takes 7 to 40 s.
    *Errors*: `SetupError` when Java or Maven lack, the download fails, or the server does not come up.
    """
    if not can_run_neo4j():
        raise SetupError("Neo4j needs Java 17 and Maven: install both, for example openjdk-17-jdk and maven.")
    home.mkdir(parents=True, exist_ok=True)
    classpath = _classpath(home)
    log = home / "server.log"
    with log.open("wb") as output:
        process = _launch(classpath, home, port, output)
    return RunningNeo4j(url=f"bolt://127.0.0.1:{_await_port(process, log)}", process=process)


def _classpath(home: Path) -> Path:
    """File with the paths of all jars, made again when the pom changes or the jars are no longer there."""
    pom = Path(str(files("graph") / "neo4j" / "pom.xml"))
    target = home / f"classpath-{sha256(pom.read_bytes()).hexdigest()[:12]}"
    if target.exists() and all(Path(jar).exists() for jar in target.read_text().strip().split(":")):
        return target
    fresh = target.with_suffix(".new")
    command = ["mvn", "-q", "-B", "-f", str(pom), "dependency:build-classpath", f"-Dmdep.outputFile={fresh}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS, check=False)
    if done.returncode:
        raise SetupError(
            f"Maven could not bring Neo4j; check the network and run again. {_tail(done.stdout)}"
        )
    return fresh.replace(target)


def _launch(classpath: Path, home: Path, port: int, output: IO[bytes]) -> subprocess.Popen[Any]:
    launcher = str(files("graph") / "neo4j" / "Neo4jServer.java")
    command = ["java", *JAVA_OPTIONS, "-cp", f"@{classpath}", launcher, str(home), str(port)]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=subprocess.STDOUT)


def _await_port(process: subprocess.Popen[Any], log: Path) -> int:
    """The port the server says it serves; `bolt 7687` is its line for that."""
    deadline = monotonic() + START_SECONDS
    while process.poll() is None and monotonic() < deadline:
        for line in log.read_text(errors="replace").splitlines():
            if line.startswith("bolt "):
                return int(line.removeprefix("bolt "))
        sleep(0.2)
    process.kill()
    process.wait()
    raise SetupError(f"Neo4j did not come up; its log is {log}. {_tail(log.read_text(errors='replace'))}")


def _tail(text: str) -> str:
    return " ".join(text.split()[-60:])
