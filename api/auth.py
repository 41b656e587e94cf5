"""Bearer tokens: signed with this installation's own Ed25519 key, verified to a Viewer."""

import os
import tempfile
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from domain.errors import SetupError
from domain.privacy.viewer import Purpose, Role, Viewer

ISSUER = "customer360"
AUDIENCE = "customer360"
ALGORITHM = "EdDSA"
KEY_FILE = "token_signing_key.pem"
MAX_TOKEN_CHARACTERS = 4096
REMEMBERED_TOKENS = 10_000
REQUIRED_CLAIMS = ["iss", "aud", "exp", "iat", "sub", "role"]


class Unauthenticated(Exception):
    """The token is missing, malformed, foreign or no longer good; the message says which and what to do."""


@dataclass(frozen=True, slots=True)
class Verified:
    """Who a token speaks for, and until when (seconds of the epoch; None = no end)."""

    viewer: Viewer
    expires_at: float | None = None


def load_signing_key(keys_folder: Path) -> Ed25519PrivateKey:
    """The installation's key, made on first use, readable by its owner alone; two may start at once."""
    path = keys_folder / KEY_FILE
    try:
        if not path.exists():
            _create_signing_key(path)
        key = load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, UnsupportedAlgorithm) as fault:
        raise SetupError(f"{path} cannot be read as a key ({fault}); restore it, or delete it.") from fault
    if not isinstance(key, Ed25519PrivateKey):
        raise SetupError(f"{path} is not an Ed25519 key; delete it to make a new one.")
    return key


def _create_signing_key(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    text = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    descriptor, draft = tempfile.mkstemp(dir=path.parent, prefix=f".{KEY_FILE}")  # made with mode 0600
    with os.fdopen(descriptor, "wb") as file:
        file.write(text)
        os.fsync(file.fileno())
    try:
        os.link(draft, path)  # fails if another process was first: then its key is the key
    except FileExistsError:
        pass
    finally:
        os.unlink(draft)


class Tokens:
    """Signs and verifies. `clock` is wall time: tokens never follow business time."""

    def __init__(self, key: Ed25519PrivateKey, *, clock: Callable[[], float] = time.time) -> None:
        self._key = key
        self._public = key.public_key()
        self._clock = clock
        self._verified: OrderedDict[bytes, Verified] = OrderedDict()

    def sign(self, viewer: Viewer, lifetime: timedelta) -> str:
        now = int(self._clock())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": viewer.subject,
            "iat": now,
            "exp": now + int(lifetime.total_seconds()),
            "role": viewer.role.value,
        }
        if viewer.customer_id is not None:
            claims["customer"] = viewer.customer_id
        if viewer.purpose is not None:
            claims["purpose"] = viewer.purpose.value
        return jwt.encode(claims, self._key, algorithm=ALGORITHM)

    def verify(self, token: str) -> Verified:
        """Raises Unauthenticated. A token seen before costs a hash and a look at the clock."""
        if len(token) > MAX_TOKEN_CHARACTERS:
            raise Unauthenticated("The token is longer than any we issue; make one with `c360 token`.")
        digest = sha256(token.encode("utf-8", "surrogatepass")).digest()
        known = self._verified.get(digest) or self._remember(digest, self._decode(token))
        if not self.is_good(known):
            self._verified.pop(digest, None)
            raise Unauthenticated("The token has expired; get a new one.")
        return known

    def is_good(self, verified: Verified) -> bool:
        """Whether what was verified before has not ended."""
        return verified.expires_at is None or verified.expires_at > self._clock()

    def _remember(self, digest: bytes, verified: Verified) -> Verified:
        self._verified[digest] = verified
        if len(self._verified) > REMEMBERED_TOKENS:
            self._verified.popitem(last=False)
        return verified

    def _decode(self, token: str) -> Verified:
        try:
            claims = jwt.decode(
                token,
                self._public,
                algorithms=[ALGORITHM],
                issuer=ISSUER,
                audience=AUDIENCE,
                options={
                    "require": REQUIRED_CLAIMS,
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
        except (jwt.InvalidTokenError, ValueError, RecursionError):
            raise Unauthenticated("The token is not one of ours or was changed; get a new one.") from None
        return self._read(claims)

    def _read(self, claims: dict[str, Any]) -> Verified:
        """Times are checked by our clock; a claim that makes no sense is as bad as a wrong signature."""
        try:
            if float(claims.get("nbf", claims["iat"])) > self._clock() + 60:
                raise Unauthenticated("The token is not valid yet; check the clocks.")
            customer = claims.get("customer")
            viewer = Viewer(
                subject=str(claims["sub"]),
                role=Role(claims["role"]),
                purpose=Purpose(claims["purpose"]) if "purpose" in claims else None,
                customer_id=None if customer is None else int(customer),
            )
            return Verified(viewer, float(claims["exp"]))
        except (ValueError, TypeError, OverflowError):
            raise Unauthenticated("The token names a role or customer that makes no sense.") from None


def read_bearer(authorization: str | None) -> str | None:
    """The token of an Authorization value, None without one; raises Unauthenticated on another scheme."""
    if authorization is None or not authorization.strip():
        return None
    scheme, _, token = authorization.strip().partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthenticated("Send `Authorization: Bearer <token>`.")
    return token.strip()
