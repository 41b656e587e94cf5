"""The query page at /graphql for browsers: GraphiQL where it was fetched, else a plain page of our own."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from urllib.parse import parse_qs

from api.graphql_errors import Refused
from api.query_page.examples import Example
from api.query_page.graphiql_files import read_graphiql
from api.responses import Receive, Scope, Send, send_whole

OWN_FILES = Path(__file__).parent / "files"
MEDIA = {".js": "text/javascript", ".css": "text/css", ".html": "text/html"}
SETTINGS_MARK = "{{settings}}"
POLICY = "default-src 'none'; script-src 'self'; {style}; img-src 'self' data:; font-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"  # noqa: E501 - one header
PLAIN_POLICY = POLICY.format(style="style-src 'self'").encode()
GRAPHIQL_POLICY = POLICY.format(style="style-src 'self' 'unsafe-inline'").encode()


class QueryPage:
    """Everything is read once and kept: about 60 KB, with GraphiQL 4 MB. Nothing is loaded from elsewhere."""

    def __init__(
        self,
        examples: Sequence[Example] = (),
        *,
        graphiql_folder: Path | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`headers` are put into the page's header field, as the demo does with its token."""
        settings = json.dumps(
            {"examples": [asdict(example) for example in examples], "headers": dict(headers or {})},
            ensure_ascii=False,
        ).replace("<", "\\u003c")
        own = {path.name: path.read_bytes() for path in OWN_FILES.iterdir() if path.suffix in MEDIA}
        graphiql = read_graphiql(graphiql_folder) if graphiql_folder else {}
        self._pages = {
            name: own.pop(name).decode().replace(SETTINGS_MARK, settings).encode()
            for name in ("plain.html", "graphiql.html")
        }
        self._files = {**own, **graphiql}
        self.has_graphiql = bool(graphiql)

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """`/graphql?plain` always gives the plain page."""
        wants_plain = "plain" in parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        rich = self.has_graphiql and not wants_plain
        body = self._pages["graphiql.html" if rich else "plain.html"]
        policy = GRAPHIQL_POLICY if rich else PLAIN_POLICY
        extra = ((b"content-security-policy", policy), (b"referrer-policy", b"no-referrer"))
        await send_whole(send, 200, "text/html", body, extra)

    async def serve_asset(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        name = scope["path_params"]["path"]
        body = self._files.get(name)
        if body is None:
            raise Refused(404, "NOT_FOUND", "The query page has no such file.")
        await send_whole(send, 200, MEDIA[Path(name).suffix], body)
