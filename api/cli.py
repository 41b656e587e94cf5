"""The command line: finds the verb, runs it, and turns what may go wrong on purpose into one sentence.

A verb is a module of `api/commands` with one function `run`, whose typed arguments Typer turns into options.
It is imported only when it is called, so that a start is short.
"""

import difflib
import errno
import importlib
import socket
import sys
from dataclasses import dataclass

from domain.errors import DomainError, SetupError, StoreUnavailable

FAILED, WRONG_USE = 1, 2


@dataclass(frozen=True, slots=True)
class Verb:
    """One line of the overview; `module` is imported when the verb is called.

    `passes_on`: unknown options are not a mistake, the verb hands them to another program.
    """

    name: str
    module: str
    words: str
    passes_on: bool = False


VERBS = (
    Verb("demo", "api.commands.demo", "Everything at once: stores, a believable retailer, API, worker."),
    Verb("import", "api.commands.import_", "Take in files of customers, products and orders."),
    Verb("serve", "api.commands.serve", "Serve the API."),
    Verb("worker", "api.commands.worker", "Compute facts, tiers and labels of whoever changed."),
    Verb("migrate", "api.commands.migrate", "Bring the database to the newest tables."),
    Verb("recompute", "api.commands.recompute", "Compute everybody again, some, or only look."),
    Verb("rebuild", "api.commands.rebuild", "Make again what was derived from PostgreSQL."),
    Verb("verify", "api.commands.verify", "Compare what is stored with what it should be."),
    Verb("token", "api.commands.token", "Print a bearer token for the API."),
    Verb("query", "api.commands.query", "Run an operation as a role and print the answer."),
    Verb("schema", "api.commands.schema", "Print the GraphQL schema."),
    Verb("neo4j", "api.commands.neo4j", "Run a real Neo4j, brought by Maven."),
    Verb("bench", "api.commands.bench", "Run a benchmark; without a name, list them."),
    Verb("test", "api.commands.test", "Run the tests; --all runs the slow ones as well.", passes_on=True),
    Verb("check", "api.commands.check", "Check format, lint, types and layers."),
)


def main() -> None:
    """The `c360` command."""
    sys.exit(run(sys.argv[1:]))


def run(words: list[str]) -> int:
    """Run the verb that the first word names; the exit code."""
    if not words or words[0] in ("--help", "-h", "help"):
        sys.stdout.write(overview())
        return 0
    verb = next((verb for verb in VERBS if verb.name == words[0]), None)
    if verb is None:
        return fail(unknown_verb(words[0]), WRONG_USE)
    try:
        return call(verb, words[1:])
    except (DomainError, SetupError) as error:
        return fail(str(error), FAILED)
    except StoreUnavailable as error:
        return fail(f"{error}. Start it, or correct its URL.", FAILED)
    except OSError as error:
        if sentence := about_surroundings(error):
            return fail(sentence, FAILED)
        raise


def call(verb: Verb, words: list[str]) -> int:
    import typer  # here, so that the overview does without it

    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    options = {"allow_extra_args": verb.passes_on, "ignore_unknown_options": verb.passes_on}
    app.command(help=verb.words, context_settings=options)(importlib.import_module(verb.module).run)
    try:
        app(words, prog_name=f"c360 {verb.name}")
    except SystemExit as end:  # Typer's way to say that it is done
        return end.code if isinstance(end.code, int) else 0
    return 0


def about_surroundings(error: OSError) -> str | None:
    """A sentence for what the disk and the network do to any verb; None for a fault of our own."""
    if error.errno == errno.ENOSPC:
        return f"The disk is full{f' ({error.filename})' if error.filename else ''}: make room."
    if isinstance(error, BrokenPipeError):
        return "Nobody reads the output any more."
    if isinstance(error, ConnectionError | TimeoutError | socket.gaierror):
        return (
            f"A server does not answer ({error}): start it, "
            "or correct C360_DATABASE_URL, C360_REDIS_URL or C360_NEO4J_URL."
        )
    return None


def fail(sentence: str, code: int) -> int:
    sys.stderr.write(f"c360: {sentence}\n")
    return code


def overview() -> str:
    width = max(len(verb.name) for verb in VERBS)
    lines = [f"  {verb.name:{width}}  {verb.words}" for verb in VERBS]
    return "\n".join(
        ["Usage: c360 VERB [OPTIONS]", "", *lines, "", "c360 VERB --help says more about a verb.", ""]
    )


def unknown_verb(name: str) -> str:
    near = difflib.get_close_matches(name, [verb.name for verb in VERBS], n=1)
    hint = f"did you mean {near[0]}?" if near else f"verbs are {', '.join(verb.name for verb in VERBS)}."
    return f"There is no verb {name}; {hint}"


if __name__ == "__main__":
    main()
