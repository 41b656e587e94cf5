"""Who may come in at all: token, Host and Origin, before anything is read or executed."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from api.auth import Tokens, Unauthenticated, Verified, read_bearer
from api.graphql_errors import Refused
from domain.privacy.viewer import Role, Viewer

DEMO_VIEWER = Verified(Viewer("demo", Role.OPERATOR))
LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]", "::1")
Headers = Mapping[bytes, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """In demo mode whoever sits at this machine is OPERATOR, masked; elsewhere a token says who asks."""

    tokens: Tokens
    demo: bool = False
    allowed_origins: tuple[str, ...] = ()

    def check_place(self, scope: Mapping[str, Any], headers: Headers) -> None:
        """Demo: this machine alone, by its own name, so that no foreign page reaches in (DNS rebinding)."""
        if not self.demo:
            return
        host = text_of(headers, b"host") or ""
        if host_name(host) not in LOOPBACK_NAMES:
            raise Refused(
                403, "FORBIDDEN", "The demo answers on this machine only: open it as http://localhost."
            )
        if not is_local(scope, headers):
            raise Refused(
                403, "FORBIDDEN", "The demo answers on this machine only; use `c360 serve` for others."
            )
        self.check_origin(headers)

    def check_origin(self, headers: Headers) -> None:
        """A browser names the page that asks; it must be ours or one that the operator listed."""
        origin = text_of(headers, b"origin")
        if origin is None or origin in self.allowed_origins:
            return
        if urlsplit(origin).netloc.lower() != (text_of(headers, b"host") or "").lower():
            raise Refused(
                403, "FORBIDDEN", "Pages of this origin may not ask; add it to C360_ALLOWED_ORIGINS."
            )

    def identify(self, authorization: str | None) -> Verified:
        """Raises Refused 401."""
        try:
            token = read_bearer(authorization)
            if token is not None:
                return self.tokens.verify(token)
        except Unauthenticated as fault:
            raise Refused(401, "UNAUTHENTICATED", str(fault)) from None
        if self.demo:
            return DEMO_VIEWER
        raise Refused(401, "UNAUTHENTICATED", "Send `Authorization: Bearer <token>`; `c360 token` makes one.")

    def admit(self, scope: Mapping[str, Any], headers: Headers) -> Verified:
        self.check_place(scope, headers)
        return self.identify(text_of(headers, b"authorization"))


def text_of(headers: Headers, name: bytes) -> str | None:
    value = headers.get(name)
    return None if value is None else value.decode("latin-1")


def host_name(host: str) -> str:
    """Without the port; IPv6 keeps its brackets."""
    if host.startswith("["):
        return host[: host.find("]") + 1].lower()
    return host.rsplit(":", 1)[0].lower() if host.count(":") == 1 else host.lower()


def is_local(scope: Mapping[str, Any], headers: Headers) -> bool:
    """From this machine and not through a proxy; a unix socket has no client address and counts as local."""
    if b"x-forwarded-for" in headers or b"forwarded" in headers:
        return False
    client = scope.get("client")
    if not client or not client[0]:
        return True
    try:
        return ip_address(client[0]).is_loopback
    except ValueError:
        return False
