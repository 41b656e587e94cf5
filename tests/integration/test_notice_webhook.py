"""The webhook over real sockets: what a receiver gets, what counts as taken over, and what never leaves the house."""

import datetime as dt
import logging
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from project import PROJECT
from webhook_receiver import Posted, answer, receiving

from api.http_post import address_of
from api.notice_senders import LogSender, WebhookSender, open_sender
from api.settings import Settings
from domain.notices.notice import MessageChannel, Notice, NoticeKind
from domain.notices.send_notices import NotDelivered
from domain.notices.signature import signature

SECRET = b"sixteen letters!"
NOTICE = Notice(
    notice_id=7,
    customer_id=42,
    event_id=9,
    channel=MessageChannel.SMS,
    kind=NoticeKind.TIER_CHANGED,
    attempt=1,
    content={"policy": "kuailv_grade", "from": "SILVER", "to": "黄金"},
)
FINAL = [200, 202, 204, 299]
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"


def sender(url: str, seconds: float = 5.0) -> WebhookSender:
    return WebhookSender(address_of(url), SECRET, seconds=seconds)


async def reason(url: str, seconds: float = 5.0) -> str:
    with pytest.raises(NotDelivered) as failed:
        await sender(url, seconds).send(NOTICE)
    return str(failed.value)


@pytest.mark.parametrize(
    ("url", "host", "target"),
    [
        ("https://gateway.example", "gateway.example", "/"),
        ("http://gateway.example:80/a/b?c=d#e", "gateway.example", "/a/b?c=d"),
        ("https://gateway.example:80/", "gateway.example:80", "/"),
        ("http://[::1]:8080/x", "[::1]:8080", "/x"),
    ],
)
def test_an_address_is_asked_for_by_its_name(url: str, host: str, target: str) -> None:
    address = address_of(url)

    assert (address.host_header, address.target) == (host, target)


async def test_a_receiver_gets_the_body_its_signature_and_the_key_of_repetitions() -> None:
    async with receiving() as receiver:
        await sender(receiver.url).send(NOTICE)
        await sender(receiver.url).send(replace(NOTICE, attempt=2))

    first, second = receiver.posted
    port = receiver.url.split(":")[2].split("/")[0]
    at_seconds = int(re.match(r"t=(\d+),", first.headers["c360-signature"])[1])  # type: ignore[index]
    assert first.line == "POST /notices?from=c360 HTTP/1.1"
    assert first.headers == {
        "host": f"localhost:{port}",
        "content-length": str(len(first.body)),
        "connection": "close",
        "content-type": "application/json",
        "user-agent": "customer360",
        "c360-signature": signature(SECRET, first.body, at_seconds=at_seconds),
        "idempotency-key": "msg_7",
    }
    assert abs(time.time() - at_seconds) < 60
    assert first.body == second.body == NOTICE.body()
    assert second.headers["idempotency-key"] == "msg_7"


@pytest.mark.parametrize("status", FINAL)
async def test_a_status_of_success_is_taking_over(status: int) -> None:
    async with receiving() as receiver:
        receiver.answers = lambda _: answer(status, before=EARLY_HINTS)
        await sender(receiver.url).send(NOTICE)

    assert receiver.ids() == ["msg_7"]


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 429, 500, 503])
async def test_any_other_status_is_not(status: int) -> None:
    async with receiving() as receiver:
        receiver.answers = lambda _: answer(status)
        assert await reason(receiver.url) == f"answered with status {status}"

    assert len(receiver.posted) == 1


@pytest.mark.parametrize(
    ("what", "given", "expected"),
    [
        ("no HTTP", b"220 mail.example ESMTP\r\n", "no connection: ConnectionError"),
        ("nothing", b"", "no connection: ConnectionError"),
        ("a line without end", b"H" * 100_000, "no connection: ValueError"),
    ],
)
async def test_what_is_no_answer_is_a_failure(what: str, given: bytes, expected: str) -> None:
    async with receiving() as receiver:
        receiver.answers = lambda _: given
        assert await reason(receiver.url) == expected


async def test_a_receiver_that_never_answers_is_not_waited_for() -> None:
    async with receiving() as receiver:
        receiver.answers = lambda _: None
        assert await reason(receiver.url, seconds=0.2) == "no answer within 0.2 s"


async def test_nobody_there_is_a_failure_that_names_no_address() -> None:
    assert await reason("http://127.0.0.1:1/secret-path") == "no connection: ConnectionRefusedError"
    assert await reason("http://nowhere.invalid/") == "no connection: gaierror"


def certificate(folder: Path) -> Path:
    """Of localhost, signed by itself: certificate and key in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / "localhost.pem"
    path.write_bytes(
        made.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return path


async def test_over_tls_the_receiver_must_be_who_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = certificate(tmp_path)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(path)
    async with receiving(tls) as receiver:
        assert await reason(receiver.url) == "no connection: SSLCertVerificationError"
        assert receiver.posted == []

        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        await sender(receiver.url).send(NOTICE)
        elsewhere = receiver.url.replace("localhost", "127.0.0.1")
        assert await reason(elsewhere) == "no connection: SSLCertVerificationError"

    assert receiver.ids() == ["msg_7"]


async def test_the_log_says_ids_and_tiers(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "c360.notices"):
        await LogSender().send(NOTICE)

    (line,) = [record.__dict__["fields"] for record in caplog.records]
    assert line == {
        "id": "msg_7",
        "channel": "SMS",
        "kind": "TIER_CHANGED",
        "customer": "cus_42",
        "policy": "kuailv_grade",
        "from": "SILVER",
        "to": "黄金",
    }


def test_the_secret_is_never_shown() -> None:
    settings = Settings(notices_url="https://gateway.example/notices", notices_secret=SECRET.decode())

    made = open_sender(settings)

    assert isinstance(made, WebhookSender)
    assert (made.address.host, made.address.port, made.address.target) == ("gateway.example", 443, "/notices")
    assert SECRET.decode() not in f"{made!r} {settings!r}"


def test_without_an_address_notices_go_into_the_log() -> None:
    assert isinstance(open_sender(Settings()), LogSender)


@pytest.fixture(scope="module")
def is_ours() -> Callable[..., bool]:
    """What docs/operations.md tells partners to do."""
    text = (PROJECT / "docs/operations.md").read_text(encoding="utf-8")
    (code,) = [block for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "is_ours" in block]
    names: dict[str, Any] = {}
    exec(compile(code, "docs/operations.md", "exec"), names)
    found: Callable[..., bool] = names["is_ours"]
    return found


async def test_a_partner_who_follows_the_documentation_knows_ours(is_ours: Callable[..., bool]) -> None:
    async with receiving() as receiver:
        await sender(receiver.url).send(NOTICE)
    (posted,) = receiver.posted

    assert is_ours(SECRET, posted.headers["c360-signature"], posted.body)


@pytest.mark.parametrize("late_seconds", [-301, 301])
async def test_and_refuses_what_was_altered_or_recorded(
    is_ours: Callable[..., bool], late_seconds: int
) -> None:
    posted = Posted("", {"c360-signature": signature(SECRET, b"{}", at_seconds=int(time.time()))}, b"{}")
    header = posted.headers["c360-signature"]
    old = signature(SECRET, b"{}", at_seconds=int(time.time()) + late_seconds)

    assert is_ours(SECRET, header, b"{}")
    assert not is_ours(SECRET, header, b"{ }")
    assert not is_ours(b"another secret..", header, b"{}")
    assert not is_ours(SECRET, header.replace("v1=", "v1=0"), b"{}")
    assert not is_ours(SECRET, old, b"{}")
    for nonsense in ("", "nonsense", "t=,v1=", "t=now,v1=00", header + "\xe9"):
        assert not is_ours(SECRET, nonsense, b"{}")
