"""`c360 demo`: everything at once."""

from typing import Annotated, Literal

import typer

from api.settings import read_settings


def run(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="Port to listen on; the next free one if it is taken."),
    ] = None,
    customers: Annotated[int | None, typer.Option(help="How many customers to invent; 20,000.")] = None,
    profile: Annotated[Literal["tiny", "demo", "full"], typer.Option(help="How large a retailer.")] = "demo",
    data: Annotated[
        Literal["demo", "cdnow"], typer.Option(help="Invented, or the CDNOW log of 1997-98.")
    ] = "demo",
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Several records for some people.")
    ] = False,
) -> None:
    """Start stores, fill them the first time, and serve API, worker and query page on this machine."""
    settings = read_settings()  # first: what is wrong with them is said at once

    from api.demo import DemoData, run_demo  # imports the whole API
    from api.server import run_loop

    wanted = DemoData(name=data, profile=profile, customers=customers, duplicates=duplicates)
    run_loop(run_demo(settings, wanted, port=settings.port if port is None else port))
