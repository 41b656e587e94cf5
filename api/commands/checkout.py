"""The checkout that the developing verbs work on."""

import sys
from pathlib import Path

from domain.errors import SetupError

PROJECT = Path(__file__).parents[2]


def require_checkout() -> Path:
    """The project's folder. Raises SetupError in an installed customer360, which has no sources to check."""
    if not (PROJECT / "pyproject.toml").exists():
        raise SetupError("This needs the sources: run ./c360 in a checkout of customer360.")
    return PROJECT


def tool(name: str) -> str:
    """Path of a program of the development group."""
    path = Path(sys.executable).with_name(name)
    if not path.exists():
        raise SetupError(f"{name} is not installed: run this verb by ./c360, which brings it.")
    return str(path)
