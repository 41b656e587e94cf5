import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from project import PROJECT

TOOLS = ("sh", "readlink", "dirname", "cat", "cksum", "mkdir", "awk")


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A fresh checkout, in a path with a space, as far as the script reads it."""
    folder = tmp_path / "a checkout"
    folder.mkdir()
    for name in ("c360", "uv.lock", "pyproject.toml", "requirements.lock"):
        shutil.copy(PROJECT / name, folder)
    return folder


@pytest.fixture
def set_up(checkout: Path) -> Path:
    """A checkout that is set up, with a Python that prints its arguments."""
    (checkout / ".venv/bin").mkdir(parents=True)
    python = checkout / ".venv/bin/python"
    python.write_text('#!/bin/sh\necho "$C360_HOME"\nprintf "<%s>" "$@"\n')
    python.chmod(0o755)
    stamp = subprocess.run(
        ["sh", "-c", "{ pwd -P; cat uv.lock pyproject.toml; } | cksum"],
        cwd=checkout,
        stdout=subprocess.PIPE,
        check=True,
    )
    (checkout / ".venv/c360-dev").write_bytes(stamp.stdout)
    return checkout


def call(
    script: Path, *words: str, cwd: Path | None = None, **surroundings: str
) -> subprocess.CompletedProcess[str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("C360_", "UV_", "PIP_"))
    }
    return subprocess.run(
        [script, *words], cwd=cwd, env=kept | surroundings, capture_output=True, text=True, check=False
    )


def test_words_reach_the_command_line_as_they_are(set_up: Path) -> None:
    done = call(set_up / "c360", "query", "{ a b }", "")

    assert done.stdout.splitlines()[1] == "<-P><-m><api.cli><query><{ a b }><>"
    assert (done.returncode, done.stderr) == (0, "")


def test_a_link_from_another_folder_finds_the_checkout(set_up: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("a checkout/c360")
    (tmp_path / "link to link").symlink_to(tmp_path / "link")
    done = call(tmp_path / "link to link", cwd=Path("/"))

    assert done.stdout.splitlines()[0] == str(set_up / ".c360")


def test_a_home_of_ones_own_is_kept(set_up: Path) -> None:
    assert call(set_up / "c360", C360_HOME="/elsewhere").stdout.splitlines()[0] == "/elsewhere"


@pytest.mark.parametrize("changed", ["uv.lock", "pyproject.toml"])
def test_a_change_of_what_is_locked_sets_up_again(set_up: Path, changed: str) -> None:
    with (set_up / changed).open("a") as file:
        file.write("# changed\n")
    done = call(set_up / "c360", C360_PYTHON="/bin/false")

    assert "C360_PYTHON is /bin/false" in done.stderr


def test_a_checkout_that_was_moved_is_set_up_again(set_up: Path, tmp_path: Path) -> None:
    moved = set_up.rename(tmp_path / "moved")
    done = call(moved / "c360", C360_PYTHON="/bin/false")

    assert (done.returncode, done.stdout) == (1, "")


def test_without_python_it_says_what_to_install(checkout: Path, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
    done = call(checkout / "c360", "demo", PATH=str(tools))

    assert done.returncode == 1
    assert done.stderr.startswith(
        "c360: Python 3.11 or newer is needed: install it (Debian, Ubuntu: apt install"
    )
    assert len(done.stderr.splitlines()) == 1


def test_a_python_without_venv_is_named_with_the_package_to_install(checkout: Path, tmp_path: Path) -> None:
    (tmp_path / "venv.py").write_text("raise SystemExit('No module named venv')\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in TOOLS:
        (tools / name).symlink_to(shutil.which(name) or pytest.skip(f"needs {name}"))
    (tools / "python3").symlink_to(Path(sys.base_prefix) / "bin/python3")
    done = call(checkout / "c360", "demo", PATH=str(tools), PYTHONPATH=str(tmp_path))

    assert done.returncode == 1
    assert "has no working venv module: install it (Debian, Ubuntu: apt install python3-venv)" in done.stderr
    assert "No module named venv" in (checkout / ".c360/setup.log").read_text()


@pytest.mark.slow
def test_without_network_it_ends_in_a_sentence_and_the_next_start_tries_again(checkout: Path) -> None:
    nowhere = "http://127.0.0.1:9/"
    for _ in range(2):
        done = call(
            checkout / "c360",
            "demo",
            HTTPS_PROXY=nowhere,
            PIP_INDEX_URL=nowhere,
            PIP_NO_CACHE_DIR="1",
            PIP_RETRIES="0",
            UV_CACHE_DIR=str(checkout / "cache"),
        )

        assert done.returncode == 1
        assert "the packages could not be fetched: see to the network" in done.stderr.splitlines()[-1]
