"""Which of our media types a client prefers, and whether what it sent is JSON (RFC 9110, 12.5.1)."""

from functools import lru_cache

GRAPHQL_RESPONSE = "application/graphql-response+json"
JSON = "application/json"
EVENT_STREAM = "text/event-stream"
HTML = "text/html"
DATA = (JSON, GRAPHQL_RESPONSE, EVENT_STREAM)
DATA_OR_PAGE = (*DATA, HTML)
"""In the order in which they win when a client likes them equally."""


@lru_cache(256)
def preferred(accept: str | None, offered: tuple[str, ...]) -> str | None:
    """The best of what is offered for an Accept header, None when the client takes none of it."""
    if accept is None or not accept.strip():
        return JSON
    ranges = [_read_range(part) for part in accept.split(",")[:50]]
    liked = {media: _quality(media, ranges) for media in offered}
    best = max(offered, key=lambda media: liked[media])
    return best if liked[best][0] > 0 else None


def is_json(content_type: str | None) -> bool:
    """Exactly `application/json`, with no parameter but `charset=utf-8`: no list, no look-alike."""
    media, _, parameters = (content_type or "").partition(";")
    if media.strip().lower() != JSON:
        return False
    return parameters.replace(" ", "").replace('"', "").lower() in ("", "charset=utf-8", "charset=utf8")


def _read_range(text: str) -> tuple[str, float]:
    media, *parameters = [part.strip().lower() for part in text.split(";")]
    quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
    try:
        return media, float(quality)
    except ValueError:
        return media, 0.0


def _quality(media: str, ranges: list[tuple[str, float]]) -> tuple[float, int]:
    """Its q and how closely the range names it; a closer range overrules a wider one."""
    wider = {media: 3, media.split("/")[0] + "/*": 2, "*/*": 1}
    matching = [(wider[name], quality) for name, quality in ranges if name in wider]
    closeness, quality = max(matching, default=(0, 0.0))
    return quality, closeness
