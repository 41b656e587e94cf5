"""`c360 schema`: prints the GraphQL schema, or checks or writes the committed copy of it."""

from pathlib import Path
from typing import Annotated

import typer

from domain.errors import SetupError

COMMITTED = Path("schema.graphql")


def run(
    write: Annotated[bool, typer.Option("--write", help="Write schema.graphql in this folder.")] = False,
    check: Annotated[bool, typer.Option("--check", help="Fail when schema.graphql differs.")] = False,
) -> None:
    """Print the schema in SDL."""
    from api.latest_shop import print_sdl  # the schema takes a second to build

    sdl = print_sdl()
    if write:
        COMMITTED.write_text(sdl)
    elif check:
        refuse_drift(sdl)
    else:
        typer.echo(sdl, nl=False)


def refuse_drift(sdl: str) -> None:
    if not COMMITTED.exists() or COMMITTED.read_text() != sdl:
        raise SetupError(
            "schema.graphql differs from the code; look at it with ./c360 schema --write and git diff."
        )
