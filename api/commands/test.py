"""`c360 test`: the tests in two processes; whatever was not run is named at the end, with the reason."""

import os
import sys
from typing import Annotated

import typer

from api.commands.checkout import require_checkout, tool


def run(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Run the slow tests as well.")] = False,
) -> None:
    """Further words go to pytest."""
    tool("pytest")
    os.chdir(require_checkout())
    command = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"]
    command += ["--all"] if everything else []
    sys.stdout.flush()
    os.execv(sys.executable, [*command, *context.args])  # in our place, so that signals arrive
