from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from api.auth import Tokens, load_signing_key
from api.commands.token import run
from domain.errors import SetupError
from domain.privacy.viewer import Purpose, Role, Viewer


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.setenv("C360_HOME", str(tmp_path))
    app = typer.Typer()
    app.command()(run)
    return app


def test_the_printed_token_is_good_for_this_installation(command: typer.Typer, tmp_path: Path) -> None:
    arguments = ["--role", "customer", "--customer", "cus_42", "--purpose", "CUSTOMER_SERVICE"]

    result = CliRunner().invoke(command, arguments)

    verified = Tokens(load_signing_key(tmp_path / "keys")).verify(result.output.strip())
    assert result.exit_code == 0
    assert verified.viewer == Viewer("local-customer", Role.CUSTOMER, Purpose.CUSTOMER_SERVICE, 42)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--role", "KING"], "KING"),
        (["--role", "CUSTOMER"], "needs --customer"),
        (["--role", "AGENT", "--customer", "cus_1"], "no other role takes it"),
        (["--role", "CUSTOMER", "--customer", "Bob"], "cus_42"),
        (["--role", "AGENT", "--lifetime", "forever"], "30m, 12h or 7d"),
        (["--role", "AGENT", "--lifetime", "0s"], "30m, 12h or 7d"),
        (["--role", "AGENT", "--lifetime", "999999d"], "30m, 12h or 7d"),
    ],
)
def test_a_wrong_argument_ends_in_a_sentence(command: typer.Typer, arguments: list[str], words: str) -> None:
    result = CliRunner().invoke(command, arguments)

    assert result.exit_code == 2
    assert words in " ".join(result.output.replace("│", " ").split())


def test_a_broken_key_ends_in_a_sentence(command: typer.Typer, tmp_path: Path) -> None:
    (tmp_path / "keys").mkdir()
    (tmp_path / "keys" / "token_signing_key.pem").write_text("not a key")

    result = CliRunner().invoke(command, ["--role", "AGENT"])

    assert isinstance(result.exception, SetupError)
    assert "cannot be read as a key" in str(result.exception)
