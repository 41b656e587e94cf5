"""`c360 serve`: the API over stores by URL, or over embedded ones."""

from typing import Annotated

import typer

from api.settings import read_settings


def run(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Port to listen on; 0 takes any free one.")
    ] = None,
) -> None:
    """Serve the API. Run `c360 worker` beside it."""
    settings = read_settings()  # first: what is wrong with them is said at once

    from api.run_server import serve  # imports the whole API
    from api.server import run_loop

    run_loop(serve(settings, host=host or settings.host, port=settings.port if port is None else port))
