"""A floor: the least that uvicorn can serve, an ASGI function that reads the request and answers the same bytes.

Run by `python -m uvicorn benchmarks.peers.own.constant_asgi:app`. ANSWER: the file with the bytes.
"""

import os
from pathlib import Path
from typing import Any

BODY = Path(os.environ["ANSWER"]).read_bytes()
HEADERS = [(b"content-type", b"application/json"), (b"content-length", str(len(BODY)).encode())]


async def app(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": HEADERS})
    await send({"type": "http.response.body", "body": BODY})
