"""Compiles the documented operations when a server starts, so that nobody waits for them later."""

import asyncio
from collections.abc import Sequence

from api.engine import ReadPathEngine
from api.query_page.examples import Example
from domain.privacy.viewer import Role, Viewer
from resolvers.readpath.engine import Request


async def compile_examples(api: ReadPathEngine, examples: Sequence[Example]) -> None:
    """For every role; in a thread, so that requests are served meanwhile."""
    for example in examples:
        for role in Role:
            await asyncio.to_thread(compile_one, api, example, role)


def compile_one(api: ReadPathEngine, example: Example, role: Role) -> None:
    viewer = Viewer("start-up", role, customer_id=1 if role is Role.CUSTOMER else None)
    api.engine.compile_ahead(Request(example.query, example.variables), api.make_context(viewer))
