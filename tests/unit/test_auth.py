import base64
import json
import stat
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from api.auth import (
    ALGORITHM,
    AUDIENCE,
    ISSUER,
    REMEMBERED_TOKENS,
    Tokens,
    Unauthenticated,
    load_signing_key,
    read_bearer,
)
from domain.errors import SetupError
from domain.privacy.viewer import Purpose, Role, Viewer

KEY = Ed25519PrivateKey.generate()
NOW = 1_800_000_000
HOUR = timedelta(hours=1)


def tokens_at(seconds: float) -> Tokens:
    return Tokens(KEY, clock=lambda: seconds)


def claims(**changes: Any) -> dict[str, Any]:
    good = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "role": "AGENT", "iat": NOW, "exp": NOW + 60}
    return {name: value for name, value in {**good, **changes}.items() if value is not None}


def signed(**changes: Any) -> str:
    return jwt.encode(claims(**changes), KEY, algorithm=ALGORITHM)


def unsigned_part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def public_pem() -> bytes:
    return KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def hmac_token() -> str:
    """The old trick: our public key, which anybody may know, used as the secret of HS256."""
    head = unsigned_part({"alg": "HS256", "typ": "JWT"})
    body = unsigned_part(claims())
    import hashlib
    import hmac

    mac = hmac.new(public_pem(), f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


FORGED = {
    "empty text": "",
    "no dots": "abc",
    "not base64": "a.b.c",
    "not ASCII": "令牌.令牌.令牌",
    "a single surrogate": "\ud800.b.c",
    "algorithm none": f"{unsigned_part({'alg': 'none'})}.{unsigned_part(claims())}.",
    "public key as HMAC secret": hmac_token(),
    "another algorithm": jwt.encode(claims(), generate_private_key(SECP256R1()), algorithm="ES256"),
    "another key": jwt.encode(claims(), Ed25519PrivateKey.generate(), algorithm=ALGORITHM),
    "an unknown critical header": jwt.encode(claims(), KEY, algorithm=ALGORITHM, headers={"crit": ["x"], "x": 1}),
    "signature cut off": signed().rsplit(".", 1)[0] + ".",
    "body changed": ".".join([signed().split(".")[0], unsigned_part(claims(role="OPERATOR")), signed().split(".")[2]]),
    "another issuer": signed(iss="evil"),
    "another audience": signed(aud="somebody"),
    "no expiry": signed(exp=None),
    "no role": signed(role=None),
    "no subject": signed(sub=None),
    "an unknown role": signed(role="ROOT"),
    "an unknown purpose": signed(purpose="FUN"),
    "a customer without an id": signed(role="CUSTOMER"),
    "an agent with a customer": signed(customer=42),
    "a customer that is no number": signed(role="CUSTOMER", customer="cus_x"),
    "expiry that is no number": signed(exp="soon"),
    "expired": signed(exp=NOW),
    "not valid yet": signed(nbf=NOW + 3600),
    "a huge key id": jwt.encode(claims(), KEY, algorithm=ALGORITHM, headers={"kid": "k" * 5000}),
}  # fmt: skip


@pytest.mark.parametrize("what", FORGED)
def test_a_token_that_is_not_ours_to_the_letter_is_refused(what: str) -> None:
    tokens = tokens_at(NOW)

    for _ in range(2):  # a refused token is not remembered as good
        with pytest.raises(Unauthenticated):
            tokens.verify(FORGED[what])


def test_a_signed_viewer_comes_back_whole() -> None:
    tokens = tokens_at(NOW)
    viewer = Viewer("app", Role.CUSTOMER, Purpose.CUSTOMER_SERVICE, 42)

    verified = tokens.verify(tokens.sign(viewer, HOUR))

    assert verified.viewer == viewer
    assert verified.expires_at == NOW + 3600


def test_a_remembered_token_still_expires() -> None:
    time = [float(NOW)]
    tokens = Tokens(KEY, clock=lambda: time[0])
    token = tokens.sign(Viewer("ann", Role.AGENT), HOUR)
    tokens.verify(token)
    time[0] = NOW + 3600

    with pytest.raises(Unauthenticated, match="expired"):
        tokens.verify(token)


def test_the_memory_of_tokens_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.auth.REMEMBERED_TOKENS", 3)
    tokens = tokens_at(NOW)

    for number in range(5):
        tokens.verify(tokens.sign(Viewer(f"s{number}", Role.AGENT), HOUR))

    assert len(tokens._verified) == 3
    assert REMEMBERED_TOKENS == 10_000


def test_a_bearer_is_read_and_another_scheme_refused() -> None:
    assert read_bearer(None) is None
    assert read_bearer("  ") is None
    assert read_bearer("bearer abc") == "abc"
    for wrong in ("Basic abc", "Bearer", "Bearer ", "abc"):
        with pytest.raises(Unauthenticated):
            read_bearer(wrong)


def test_the_signing_key_is_made_once_for_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "keys"

    first, again = load_signing_key(folder), load_signing_key(folder)

    assert first.private_bytes_raw() == again.private_bytes_raw()
    assert stat.S_IMODE((folder / "token_signing_key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert [path.name for path in folder.iterdir()] == ["token_signing_key.pem"]


def test_two_that_start_at_once_agree_on_one_key(tmp_path: Path) -> None:
    keys: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: keys.append(load_signing_key(tmp_path).private_bytes_raw()))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(keys) == 8
    assert len(set(keys)) == 1


def test_a_broken_key_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "token_signing_key.pem").write_text("not a key")

    with pytest.raises(SetupError, match=r"token_signing_key\.pem cannot be read as a key"):
        load_signing_key(tmp_path)
