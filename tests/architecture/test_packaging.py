import os
import re
import shutil
import subprocess
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from project import PACKAGES, PROJECT


def find_uv() -> str:
    own = PROJECT / ".c360/boot/bin/uv"
    uv = str(own) if own.exists() else shutil.which("uv")
    return uv or pytest.skip("needs uv")


def locked(package: dict[str, Any]) -> str:
    return f"{package['name']}=={package['version']}"


def hashes(package: dict[str, Any]) -> set[str]:
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    return {file["hash"] for file in files}


def test_both_lock_files_name_the_same_packages_and_hashes() -> None:
    lock = tomllib.loads((PROJECT / "uv.lock").read_text())
    by_uv = {
        locked(package): hashes(package) for package in lock["package"] if "editable" not in package["source"]
    }
    text = (PROJECT / "requirements.lock").read_text()
    blocks = re.findall(r"^(\S+==\S+)(.*?)(?=^\S|\Z)", text, re.DOTALL | re.MULTILINE)
    by_pip = {name: set(re.findall(r"sha256:\w+", block)) for name, block in blocks}

    assert by_pip == by_uv, "run: uv export --frozen --all-groups --all-extras --no-emit-project --no-header"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([find_uv(), "build", "--quiet", "--wheel", "-o", folder, PROJECT], check=True)
    return next(folder.glob("*.whl"))


@pytest.mark.slow
def test_the_wheel_holds_the_five_packages_only(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name.split("/")[0] for name in archive.namelist()}

    assert {name for name in names if not name.endswith(".dist-info")} == set(PACKAGES)


@pytest.mark.slow
def test_the_wheel_installs_and_runs_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    surroundings = {
        name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")
    }
    venv = tmp_path / "venv"
    subprocess.run([find_uv(), "venv", "--quiet", venv], check=True, env=surroundings)
    subprocess.run(
        [
            find_uv(),
            "pip",
            "install",
            "--quiet",
            "--python",
            venv,
            "-c",
            PROJECT / "requirements.lock",
            wheel,
        ],
        check=True,
        env=surroundings,
    )
    shown = subprocess.run(
        [venv / "bin/c360", "--help"], cwd="/", env=surroundings, capture_output=True, text=True, check=True
    )

    assert shown.stdout.startswith("Usage: c360 VERB")
    assert shown.stderr == ""
