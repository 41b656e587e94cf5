import errno
import sys
from types import ModuleType

import pytest
import typer

from api import cli
from api.commands import check
from domain.errors import DomainError, ErrorCode, SetupError, StoreUnavailable


@pytest.fixture
def verb(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A verb `act` whose module the test fills in."""
    module = ModuleType("act")
    monkeypatch.setitem(sys.modules, "act", module)
    monkeypatch.setattr(cli, "VERBS", (cli.Verb("act", "act", "Acts."),))
    return module


def raising(verb: ModuleType, error: BaseException) -> None:
    def run() -> None:
        raise error

    verb.run = run  # type: ignore[attr-defined]


def test_the_overview_lists_each_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0

    shown = capsys.readouterr().out
    assert [verb.name for verb in cli.VERBS if f"  {verb.name} " not in shown] == []


def test_an_unknown_verb_is_met_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["chek"]) == 2
    assert capsys.readouterr().err == "c360: There is no verb chek; did you mean check?\n"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (DomainError(ErrorCode.UNKNOWN_POLICY, "There is no policy x."), "c360: There is no policy x.\n"),
        (SetupError("Set C360_PORT."), "c360: Set C360_PORT.\n"),
        (StoreUnavailable("graph"), "c360: graph is not available. Start it, or correct its URL.\n"),
        (OSError(errno.ENOSPC, "no space", "/x"), "c360: The disk is full (/x): make room.\n"),
        (
            ConnectionRefusedError("refused"),
            "c360: A server does not answer (refused): start it, "
            "or correct C360_DATABASE_URL, C360_REDIS_URL or C360_NEO4J_URL.\n",
        ),
    ],
)
def test_what_goes_wrong_on_purpose_is_one_sentence(
    verb: ModuleType, capsys: pytest.CaptureFixture[str], error: Exception, sentence: str
) -> None:
    raising(verb, error)

    assert cli.run(["act"]) == 1
    assert capsys.readouterr().err == sentence


@pytest.mark.parametrize("fault", [ZeroDivisionError, FileNotFoundError])
def test_a_broken_invariant_keeps_its_traceback(verb: ModuleType, fault: type[Exception]) -> None:
    raising(verb, fault())
    with pytest.raises(fault):
        cli.run(["act"])


def test_a_verb_decides_its_exit_code(verb: ModuleType) -> None:
    raising(verb, typer.Exit(3))

    assert cli.run(["act"]) == 3


def test_a_wrong_option_is_wrong_use(verb: ModuleType, capsys: pytest.CaptureFixture[str]) -> None:
    raising(verb, AssertionError("not reached"))

    assert cli.run(["act", "--no-such"]) == 2
    assert "No such option" in capsys.readouterr().err


@pytest.mark.parametrize("name", [verb.module for verb in cli.VERBS])
def test_each_verb_has_a_module_that_runs(name: str) -> None:
    assert callable(__import__(name, fromlist=["run"]).run)


def test_check_fails_and_shows_the_output_when_one_step_fails(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    steps = (check.Step("fine", ("python", "-c", "")), check.Step("bad", ("python", "-c", "exit('why')")))
    monkeypatch.setattr(check, "STEPS", steps)
    with pytest.raises(typer.Exit) as end:
        check.run()

    shown = capsys.readouterr().out
    assert end.value.exit_code == 1
    assert [word in shown for word in ("why", "ok", "failed")] == [True, True, True]
