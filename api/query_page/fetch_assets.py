"""Fetches GraphiQL by npm, from the committed lock file, and copies the few files that the page needs.

Run as `python -m api.query_page.fetch_assets FOLDER`. Without npm or network the plain page stays.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from api.query_page.graphiql_files import GRAPHIQL_FILES, read_graphiql
from domain.errors import SetupError

HERE = Path(__file__).parent
LOCKED = ("package.json", "package-lock.json")
NPM_SECONDS = 180


def fetch_graphiql(folder: Path) -> None:
    """Leaves the checked files in `folder`, if they are not there yet; raises SetupError with a sentence."""
    if read_graphiql(folder):
        return
    npm = shutil.which("npm")
    if npm is None:
        raise SetupError("GraphiQL needs npm, which is not here; the plain query page is used instead.")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".graphiql-") as work:
        _install(npm, Path(work))
        _copy(Path(work) / "node_modules", folder)
    if not read_graphiql(folder):
        shutil.rmtree(folder)
        raise SetupError(
            "The files that npm brought are not the ones expected; the plain query page is used."
        )


def _install(npm: str, work: Path) -> None:
    for name in LOCKED:
        shutil.copy(HERE / name, work)
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=work, capture_output=True, text=True, timeout=NPM_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise SetupError(f"npm did not finish ({fault}); the plain query page is used instead.") from fault
    if done.returncode:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        raise SetupError(f"npm failed: {reason}; the plain query page is used instead.")


def _copy(modules: Path, folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for file in GRAPHIQL_FILES:
        source = modules / file.source
        if source.is_file():
            shutil.copyfile(source, folder / file.name)


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        sys.stderr.write("Say where the files should go: python -m api.query_page.fetch_assets FOLDER\n")
        return 2
    try:
        fetch_graphiql(Path(arguments[0]))
    except SetupError as fault:
        sys.stderr.write(f"{fault}\n")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
