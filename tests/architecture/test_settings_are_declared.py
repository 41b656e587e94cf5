import re
from collections.abc import Iterator
from pathlib import Path

from project import PROJECT, SOURCES

from api.settings import variables

# Misspelt or shortened on purpose, in tests and in words.
NOT_MEANT = {"C360_", "C360_DATABSE_URL"}
OTHER_FILES = ("c360", "README.md", "CONTRIBUTING.md", "compose.yaml", ".ci/run", "pyproject.toml")


def texts() -> Iterator[str]:
    folders = [PROJECT / name for name in (*SOURCES, "docs", "examples")]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    for path in [*files, *(PROJECT / name for name in OTHER_FILES)]:
        if path.exists() and "__pycache__" not in path.parts:
            yield read(path)


def read(path: Path) -> str:
    return path.read_bytes().decode(errors="replace")


def test_every_variable_that_is_named_anywhere_is_declared() -> None:
    named = {name for text in texts() for name in re.findall(r"\bC360_[A-Z0-9_]*", text)}

    assert named - NOT_MEANT - set(variables()) == set()


def test_every_declared_variable_says_what_it_means() -> None:
    assert [name for name, words in variables().items() if not words] == []
