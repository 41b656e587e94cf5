import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import ValidationError

from api.settings import PREFIX, read_settings
from domain.errors import SetupError


@pytest.fixture(autouse=True)
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in os.environ:
        if name.startswith(PREFIX):
            monkeypatch.delenv(name)


def test_without_variables_everything_is_embedded_and_local() -> None:
    settings = read_settings()

    assert (settings.database_url, settings.neo4j_url, settings.redis_url) == (None, None, None)
    assert (settings.home, settings.host, settings.port) == (Path(".c360"), "127.0.0.1", 8360)


def test_variables_are_read_with_their_types(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_CLOCK", "1998-07-01T00:00:00+08:00")
    monkeypatch.setenv("C360_PORT", "9000")
    monkeypatch.setenv("C360_ZONE", "America/New_York")
    settings = read_settings()

    assert settings.clock == datetime(1998, 6, 30, 16, tzinfo=UTC)
    assert (settings.port, settings.zone.key) == (9000, "America/New_York")


def test_nobody_is_told_anything_unless_a_channel_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert read_settings().notices_channels == ()

    monkeypatch.setenv("C360_NOTICES_CHANNELS", '["SMS", "APP_PUSH"]')

    assert read_settings().notices_channels == ("SMS", "APP_PUSH")


def test_an_empty_variable_is_an_absent_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("C360_DATABASE_URL", "")

    assert read_settings().database_url is None


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read_settings().port = 1


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("C360_PORT", "many", "C360_PORT cannot be used: .*integer.* It should be: Port to listen on"),
        ("C360_PORT", "65536", "C360_PORT cannot be used: .*65535"),
        (
            "C360_DATABASE_URL",
            "mysql://secret@x/y",
            "C360_DATABASE_URL cannot be used.*postgresql://user@host/name",
        ),
        ("C360_NEO4J_URL", "http://x", "C360_NEO4J_URL cannot be used.*neo4j://host:7687"),
        ("C360_REDIS_URL", "localhost", "C360_REDIS_URL cannot be used.*redis://host:6379/0"),
        ("C360_CLOCK", "1998-07-01T00:00:00", "C360_CLOCK cannot be used: .*timezone"),
        ("C360_ZONE", "Mars/Olympus", "C360_ZONE cannot be used: .*there is no such time zone"),
        (
            "C360_ALLOWED_ORIGINS",
            "https://secret",
            "C360_ALLOWED_ORIGINS cannot be used: it is no JSON.*desk",
        ),
        ("C360_NOTICES_CHANNELS", "secret", "C360_NOTICES_CHANNELS cannot be used: it is no JSON.*SMS"),
        ("C360_NOTICES_CHANNELS", '["FAX"]', "C360_NOTICES_CHANNELS cannot be used: .*'WECOM'"),
        ("C360_NOTICES_URL", "ftp://secret", "C360_NOTICES_URL cannot be used.*https://gateway.example"),
        ("C360_NOTICES_URL", "https://user:secret@host/", "C360_NOTICES_URL cannot be used"),
        ("C360_NOTICES_URL", "https://host:port/", "C360_NOTICES_URL cannot be used: .*Port"),
        ("C360_NOTICES_URL", "https:///path", "C360_NOTICES_URL cannot be used: .*names no host"),
        (
            "C360_NOTICES_URL",
            "https://host/",
            "C360_NOTICES_SECRET cannot be used: .*must be signed.*16 char",
        ),
        ("C360_NOTICES_ATTEMPTS", "0", "C360_NOTICES_ATTEMPTS cannot be used"),
        ("C360_DATABSE_URL", "x", "There is no setting C360_DATABSE_URL; did you mean C360_DATABASE_URL"),
    ],
)
def test_a_wrong_value_is_one_sentence_that_keeps_secrets(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, sentence: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SetupError, match=sentence) as error:
        read_settings()

    assert "secret" not in str(error.value)
