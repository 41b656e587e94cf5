"""The catalogue: every Cypher text that may reach a graph, one file each, the same for both engines.

A file begins with four comment lines: what it answers, `parameters:`, `columns:` and `bound:`. Times are
epoch milliseconds, amounts whole cents, scores whole numbers, and only scalars and lists of them leave a
statement, because engines differ in dates, in sums of floats and in how they print nodes.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

KEY_TEXT = re.compile(r"[A-Za-z0-9_-]{1,128}")
LARGEST = 2**63 - 2  # the Neo4j driver refuses the one above

FORBIDDEN: Mapping[str, str] = {
    r"\b(?!row\b)\w+\.(id|title|type|name|label|node_type)\b": "kglite invents these where a node has none",
    r"\((\w+)?:\w+ \{(?!key: [^,{}]+\})": "kglite refuses other unknown properties in a pattern",
    r"\[(\w+)?:\w+ \{": "an edge takes its properties by SET",
    r"-\[[^\]]*\*(?!\d+\.\.\d+\])": "without both bounds the engines stop at different depths",
    r"(?i)\b(date|datetime|duration|timestamp|localtime|point)\s*\(": "times are epoch milliseconds",
    r"(?i)\b(round|toFloat|avg|percentileCont|stDev)\s*\(": "floats differ in their last digit",
    r"(?i)\b(properties|keys)\s*\(": "only named scalars leave a statement",
    r"(?i)\bLOAD\s+CSV\b": "statements read no files",
    r"(?i)\bIN\s+TRANSACTIONS\b": "batches come from Python",
    r"(?i)\b(USE|EXPLAIN|PROFILE|SHOW)\s": "the engines differ in it",
    r"(?i)\bdb\.": "the engines differ in it",
    r"(?i)COLLECT\s*\{": "kglite has no collect subquery",
    r"(?i)SHORTEST\s+\d": "kglite has no such paths",
    r"=~": "text search belongs to PostgreSQL",
    r"/\*": "kglite has no block comments",
    r";": "one statement a file; kglite runs everything behind a semicolon",
    r":\$": "labels are fixed text",
    r"\d_\d": "kglite has no digit separators",
}


@dataclass(frozen=True, slots=True)
class Statement:
    """One text of the catalogue. `folder` is schema, writes or questions."""

    name: str
    folder: str
    about: str
    parameters: frozenset[str]
    columns: tuple[str, ...]
    bound: str
    text: str


@cache
def catalogue() -> Mapping[str, Statement]:
    """All statements by name. *Errors*: ValueError when a file breaks a rule of the catalogue."""
    folders = files("graph") / "cypher"
    found = [
        read_statement(folder.name, file.name.removesuffix(".cypher"), file.read_text(encoding="utf-8"))
        for folder in folders.iterdir()
        for file in folder.iterdir()
    ]
    return {statement.name: statement for statement in sorted(found, key=lambda statement: statement.name)}


def read_statement(folder: str, name: str, source: str) -> Statement:
    """Reads one file. *Errors*: ValueError naming the file and the rule it breaks."""
    lines = source.splitlines()
    text = "\n".join(lines[4:]).strip()
    if not lines[0].startswith("// ") or len(lines) < 5:
        raise ValueError(f"{name}: the first line says what the statement answers")
    parameters = frozenset(_listed(name, lines[1], "parameters"))
    if used := set(re.findall(r"\$(\w+)", text)) ^ parameters:
        raise ValueError(f"{name}: parameters of header and text differ: {', '.join(sorted(used))}")
    columns = tuple(_listed(name, lines[2], "columns"))
    _forbid(name, text)
    return Statement(name, folder, lines[0][3:], parameters, columns, _value(name, lines[3], "bound"), text)


def checked(question: str, parameters: Mapping[str, Any]) -> Statement:
    """The question, after a look at its parameters. *Errors*: ValueError saying which one is not allowed."""
    statement = catalogue().get(question)
    if statement is None or statement.folder != "questions":
        raise ValueError(f"{question!r} is no question of the catalogue")
    if differing := parameters.keys() ^ statement.parameters:
        raise ValueError(f"{question} wants other parameters: {', '.join(sorted(differing))}")
    for name, value in parameters.items():
        for one in value if isinstance(value, list | tuple) else (value,):
            if not _is_plain(one):
                raise ValueError(
                    f"{question}: {name} holds {one!r}, which is neither a whole number nor a key"
                )
    return statement


def _is_plain(value: object) -> bool:
    if isinstance(value, int):
        return not isinstance(value, bool) and -LARGEST <= value <= LARGEST
    return isinstance(value, str) and KEY_TEXT.fullmatch(value) is not None


def _forbid(name: str, text: str) -> None:
    for pattern, why in FORBIDDEN.items():
        if hit := re.search(pattern, text):
            raise ValueError(f"{name}: {hit.group()!r} is not allowed: {why}")


def _listed(name: str, line: str, word: str) -> list[str]:
    value = _value(name, line, word)
    return [] if value == "none" else [part.strip() for part in value.split(",")]


def _value(name: str, line: str, word: str) -> str:
    start = f"// {word}: "
    if not line.startswith(start):
        raise ValueError(f"{name}: the header lacks its line {start!r}")
    return line.removeprefix(start).strip()
