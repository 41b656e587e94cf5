"""What a person can get wrong at the start ends in one clear sentence, before anything is begun."""

import os
import socket
from pathlib import Path

import pytest
from demo_process import run_c360

DEMO = ("demo", "--port", "0", "--profile", "tiny")


def said(output: str) -> str:
    """In one line, without the frame that Typer draws."""
    return " ".join(output.replace("│", " ").split())


@pytest.mark.parametrize(
    ("variables", "sentence"),
    [
        ({"C360_PORT": "http"}, "C360_PORT cannot be used: "),
        ({"C360_ZONE": "Mars"}, "C360_ZONE cannot be used: Value error, there is no such time zone"),
        ({"C360_CLOCK": "yesterday"}, "C360_CLOCK cannot be used: "),
        ({"C360_DATABASE_URL": "mysql://x"}, "C360_DATABASE_URL cannot be used: "),
        ({"C360_DATABSE_URL": "x"}, "There is no setting C360_DATABSE_URL; did you mean C360_DATABASE_URL?"),
        (
            {"C360_DATABASE_URL": "postgresql://postgres@127.0.0.1:1/x"},
            "postgres is not available: ",
        ),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setting_that_cannot_be_used_is_named(
    tmp_path: Path, variables: dict[str, str], sentence: str
) -> None:
    ended = run_c360(tmp_path / "home", *DEMO, **variables)

    assert ended.returncode == 1
    assert ended.stderr.startswith(f"c360: {sentence}")
    assert len(ended.stderr.splitlines()) == 1
    assert "Traceback" not in ended.stdout


@pytest.mark.parametrize("verb", [DEMO, ("query", "{ shop { name } }")])
def test_a_home_below_a_file_is_named(tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "file").touch()

    ended = run_c360(tmp_path / "file" / "home", *verb)

    sentence = (
        f"Nothing can be written to {tmp_path}/file/home (Not a directory): name another folder in C360_HOME."
    )
    assert (ended.returncode, ended.stderr) == (1, f"c360: {sentence}\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_home_without_the_right_to_write_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)

    ended = run_c360(tmp_path, *DEMO)

    sentence = f"Nothing can be written to {tmp_path} (Permission denied): name another folder in C360_HOME."
    assert (ended.returncode, ended.stderr) == (1, f"c360: {sentence}\n")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("demmo",), "There is no verb demmo; did you mean demo?"),
        (("xyzzy",), "There is no verb xyzzy; verbs are "),
        (
            ("demo", "--port", "99999"),
            "Invalid value for '--port': Input should be less than or equal to 65535",
        ),
        (("demo", "--profile", "huge"), "'huge' is not one of 'tiny', 'demo', 'full'"),
        (("token", "--role", "CUSTOMER"), "role CUSTOMER needs --customer cus_42"),
        (("query", "nowhere.graphql"), "There is no file nowhere.graphql."),
        (("bench", "nothing"), "There is no benchmark nothing; there are "),
    ],
)
def test_words_that_mean_nothing_are_met_with_what_is_possible(
    tmp_path: Path, words: tuple[str, ...], sentence: str
) -> None:
    ended = run_c360(tmp_path, *words)

    assert ended.returncode in (1, 2)
    assert sentence in said(ended.stderr)
    assert "Traceback" not in ended.stderr


def test_serve_on_a_taken_port_says_how_to_choose_another(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]

        ended = run_c360(tmp_path, "serve", "--port", str(port))

    sentence = f"Port {port} of 127.0.0.1 is taken: choose another with --port, or 0 for any free one."
    assert (ended.returncode, ended.stderr) == (1, f"c360: {sentence}\n")
    assert list(tmp_path.iterdir()) == []
