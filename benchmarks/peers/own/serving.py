"""Our edge around another engine."""

from api.app import AppParts
from api.auth import Tokens
from api.engine_port import Engine


def app_parts(engine: Engine, tokens: Tokens) -> AppParts:
    """Without a query page, and without health checks of stores."""
    return AppParts(engine=engine, tokens=tokens, sdl="")
