"""The ASGI application: the endpoints and who may reach them. Everything it needs is handed in."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp

from api.admission import Admission, Headers, is_local
from api.auth import Tokens
from api.engine_port import Engine
from api.graphql_errors import Refused
from api.graphql_http import GraphQLOverHTTP, send_refusal
from api.graphql_ws import GraphQLOverWebSocket
from api.health import HealthDesk, StoreCheck
from api.live_connections import LiveConnections
from api.logs import OperationRecord, log_operation
from api.metrics import GaugeSource, Metrics
from api.operations import Edge
from api.plain_posts import PlainPost, PlainPosts
from api.query_page.serve import QueryPage
from api.responses import Receive, Scope, Send, TellReady, send_whole
from domain.privacy.viewer import Role


@dataclass(frozen=True, slots=True, kw_only=True)
class AppParts:
    """What an application is made of. `page` None: browsers get no query page."""

    engine: Engine
    tokens: Tokens
    sdl: str
    stores: Sequence[StoreCheck] = ()
    gauges: Sequence[GaugeSource] = ()
    counting: Sequence[Callable[[], Awaitable[None]]] = ()
    """What must be counted before gauges are read."""
    page: QueryPage | None = None
    demo: bool = False
    allowed_origins: tuple[str, ...] = ()
    operation_seconds: float = 10.0
    connections: LiveConnections = field(default_factory=LiveConnections)
    """Shared with `api.server`, which tells them to come back later when the process ends."""


@dataclass(frozen=True, slots=True)
class App:
    """GraphQL over HTTP comes before Starlette, whose layers and routes cost a small request a tenth of its CPU."""

    graphql: GraphQLOverHTTP
    rest: Starlette

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == "/graphql":
            await self.graphql(scope, receive, send)
        else:
            await self.rest(scope, receive, send)


@dataclass(frozen=True, slots=True)
class Front:
    """The application as a server takes it: `api.http_protocol.PlainApp` beside ASGI."""

    app: ASGIApp
    posts: PlainPosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)

    def admit_plainly(self, scope: Scope) -> PlainPost | None:
        return self.posts.admit(scope) if scope["path"] == "/graphql" else None

    def answer_plainly(self, plain: PlainPost, sent: bytes, tell: TellReady) -> Callable[[], None]:
        return self.posts.answer(plain, sent, tell)


def create_app(parts: AppParts) -> ASGIApp:
    admission = Admission(tokens=parts.tokens, demo=parts.demo, allowed_origins=parts.allowed_origins)
    live = GaugeSource("live_connections", "Open sockets and streams.", lambda: float(len(parts.connections)))
    metrics = Metrics((*parts.gauges, live))

    def record(operation: OperationRecord) -> None:
        metrics.count(operation)
        log_operation(operation)

    edge = Edge(
        engine=parts.engine,
        admission=admission,
        record=record,
        connections=parts.connections,
        operation_seconds=parts.operation_seconds,
    )
    desk = HealthDesk(parts.stores, on_store=lambda name, up: metrics.show_store(name, up=up))
    graphql = GraphQLOverHTTP(edge, parts.page.serve if parts.page else None)
    at_graphql = [WebSocketRoute("/graphql", GraphQLOverWebSocket(edge)), Route("/graphql", graphql)]
    app = App(graphql, Starlette(routes=[*at_graphql, *_routes(parts, edge, desk, metrics)]))
    return Front(_across_origins(app, parts.allowed_origins), PlainPosts(edge))


def _routes(parts: AppParts, edge: Edge, desk: HealthDesk, metrics: Metrics) -> list[Route]:
    gate = Gate(edge.admission)
    page = parts.page
    routes = [
        Route("/schema.graphql", gate.for_viewers(text_endpoint(parts.sdl))),
        Route("/healthz", Endpoint(healthz)),
        Route("/readyz", Endpoint(readyz(desk))),
        Route("/metrics", gate.for_operators(metrics_endpoint(metrics, parts.counting))),
    ]
    if page:
        routes.append(Route("/graphql/assets/{path:path}", gate.for_browsers(page.serve_asset)))
    return routes


def _across_origins(app: App, allowed_origins: Sequence[str]) -> ASGIApp:
    if not allowed_origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=list(allowed_origins),
        allow_methods=["GET", "POST"],
        allow_headers=["*"],
        expose_headers=["x-request-id"],
        max_age=600,
    )


Answer = Callable[[Scope, Receive, Send], Awaitable[None]]


class Endpoint:
    """A plain ASGI function as Starlette takes it: GET and HEAD only, refusals worded."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] not in ("GET", "HEAD"):
                raise Refused(405, "BAD_USER_INPUT", "Use GET.")
            await self._answer(scope, receive, send)
        except Refused as refused:
            await send_refusal(send, refused, None)


@dataclass(frozen=True, slots=True)
class Gate:
    """Puts an admission in front of an endpoint."""

    admission: Admission

    def for_viewers(self, answer: Answer) -> Endpoint:
        async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
            self.admission.admit(scope, dict(scope["headers"]))
            await answer(scope, receive, send)

        return Endpoint(admitted)

    def for_operators(self, answer: Answer) -> Endpoint:
        """Scrapers on this machine need no token; others that of an operator."""

        async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
            headers: Headers = dict(scope["headers"])
            self.admission.check_place(scope, headers)
            if not is_local(scope, headers):
                verified = self.admission.admit(scope, headers)
                if verified.viewer.role is not Role.OPERATOR:
                    raise Refused(403, "FORBIDDEN", "Figures are for role OPERATOR.")
            await answer(scope, receive, send)

        return Endpoint(admitted)

    def for_browsers(self, answer: Answer) -> Endpoint:
        """Files of the query page hold nothing of anybody, and a browser fetches them without a token."""

        async def admitted(scope: Scope, receive: Receive, send: Send) -> None:
            self.admission.check_place(scope, dict(scope["headers"]))
            await answer(scope, receive, send)

        return Endpoint(admitted)


async def healthz(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
    await send_whole(send, 200, "application/json", b'{"status":"up"}')


def readyz(desk: HealthDesk) -> Answer:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        readiness = await desk.readiness()
        status = 503 if readiness.status == "down" else 200
        await send_whole(send, status, "application/json", readiness.as_json())

    return answer


def text_endpoint(text: str) -> Answer:
    body = text.encode()

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        await send_whole(send, 200, "text/plain", body)

    return answer


def metrics_endpoint(metrics: Metrics, counting: Sequence[Callable[[], Awaitable[None]]]) -> Answer:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG001
        for count in counting:
            await count()
        await send_whole(send, 200, "text/plain; version=0.0.4; charset=utf-8", metrics.text())

    return answer
