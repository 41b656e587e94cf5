"""`c360 query`: runs an operation as a role, without a server, and prints the answer."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from api.commands.explanation import print_explanation
from api.commands.token import read_customer
from api.engine_port import Engine, GraphQLRequest, OperationKind
from api.settings import read_settings
from domain.errors import SetupError, StoreUnavailable
from domain.privacy.viewer import Purpose, Role, Viewer

EXPLAIN = "explain"
GRAPH_SECONDS = 600.0


def run(
    operation: Annotated[str, typer.Argument(help="A .graphql file, or the text of an operation.")],
    variables: Annotated[str, typer.Option(help='JSON, such as \'{"id": "cus_1"}\'.')] = "",
    role: Annotated[Role, typer.Option(case_sensitive=False, help="As whom.")] = Role.OPERATOR,
    customer: Annotated[str | None, typer.Option(help="With role CUSTOMER: whose, as cus_42.")] = None,
    purpose: Annotated[Purpose | None, typer.Option(case_sensitive=False, help="Why data is read.")] = None,
    explain: Annotated[
        bool, typer.Option(help="Show fields, SQL, Cypher, rows and times instead; as OPERATOR.")
    ] = False,
) -> None:
    """Print the answer as JSON; exit code 1 when it has errors."""
    customer_id = read_customer(customer)
    if (role is Role.CUSTOMER) != (customer_id is not None):
        raise typer.BadParameter("role CUSTOMER needs --customer cus_42, and no other role takes it")
    viewer = Viewer("local-query", role, purpose, customer_id)
    text, beside = read_operation(operation)
    given = json_object(variables) if variables else beside
    answer = asyncio.run(execute(text, given, viewer, {EXPLAIN: True} if explain else {}))
    explanation = answer.get("extensions", {}).get(EXPLAIN)
    if explanation is None:
        typer.echo(json.dumps(answer, indent=2, ensure_ascii=False))
    else:
        print_explanation(Console(), explanation)
    if "errors" in answer:
        raise typer.Exit(1)


def read_operation(operation: str) -> tuple[str, dict[str, Any]]:
    """The text, and the variables of the .json file beside it."""
    path = Path(operation)
    if not operation.endswith(".graphql"):
        return operation, {}
    if not path.is_file():
        raise SetupError(f"There is no file {operation}.")
    beside = path.with_suffix(".json")
    return path.read_text(encoding="utf-8"), json_object(beside.read_text()) if beside.exists() else {}


def json_object(text: str) -> dict[str, Any]:
    try:
        given = json.loads(text)
    except ValueError as error:
        raise SetupError(f"The variables are not JSON: {error}.") from error
    if not isinstance(given, dict):
        raise SetupError('The variables are a JSON object, such as {"id": "cus_1"}.')
    return given


async def execute(
    text: str, variables: dict[str, Any], viewer: Viewer, extensions: dict[str, Any]
) -> dict[str, Any]:
    from api.stores import open_stores  # these import the whole API
    from api.wiring import open_service

    settings = read_settings()
    async with open_stores(settings) as stores, open_service(settings, stores) as service:
        request = GraphQLRequest(query=text, variables=variables, extensions=extensions)
        graph_built = partial(service.graph.wait_until_built, seconds=GRAPH_SECONDS)
        try:
            return await ask(service.engine, request, viewer, graph_built)
        except StoreUnavailable as lost:
            raise SetupError(f"{lost}. See whether it runs, and where C360_DATABASE_URL leads.") from lost


async def ask(
    engine: Engine, request: GraphQLRequest, viewer: Viewer, graph_built: Callable[[], Awaitable[None]]
) -> dict[str, Any]:
    """A query that needs a graph not yet built waits for it: this process builds it, and would end before.

    A mutation does not, for it would have to run twice.
    """
    answer: dict[str, Any] = json.loads((await engine.execute(request, viewer)).body)
    if lacks_graph(answer) and engine.operation_kind(request) is OperationKind.QUERY:
        with suppress(StoreUnavailable, TimeoutError), Console(stderr=True).status("Building the graph ..."):
            await graph_built()
            answer = json.loads((await engine.execute(request, viewer)).body)
    return answer


def lacks_graph(answer: Mapping[str, Any]) -> bool:
    return any(error.get("extensions", {}).get("store") == "graph" for error in answer.get("errors", ()))
