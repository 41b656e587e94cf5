import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from project import PACKAGES, PROJECT, python_files

LARGEST_LINES = 300


def test_no_file_is_longer_than_one_can_read_at_once() -> None:
    too_long = {
        str(path.relative_to(PROJECT)): lines
        for path in python_files(*PACKAGES)
        if (lines := len(path.read_text().splitlines())) > LARGEST_LINES and "versions" not in path.parts
    }

    assert too_long == {}


def test_layers_are_kept() -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports")],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", PACKAGES)
def test_no_other_distribution_owns_a_package_of_ours(name: str) -> None:
    assert set(packages_distributions().get(name, [])) <= {"customer360"}


def test_no_test_folder_is_a_package() -> None:
    """A stray __init__.py in tests/db would make `import db` find the tests."""
    assert list((PROJECT / "tests").rglob("__init__.py")) == []
