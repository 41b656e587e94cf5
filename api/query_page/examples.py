"""The example operations that the query page offers, read from a folder of .graphql files."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """`words` is the comment on top of the file, `variables` the .json file beside it."""

    name: str
    words: str
    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)


def read_examples(folder: Path) -> tuple[Example, ...]:
    """In the order of the file names; `01_whole_customer.graphql` is shown as "Whole customer"."""
    return tuple(_read_example(path) for path in sorted(folder.glob("*.graphql")))


def _read_example(path: Path) -> Example:
    query = path.read_text(encoding="utf-8")
    beside = path.with_suffix(".json")
    variables = json.loads(beside.read_text(encoding="utf-8")) if beside.exists() else {}
    name = path.stem.lstrip("0123456789_- ").replace("_", " ").replace("-", " ")
    return Example(name[:1].upper() + name[1:], _top_comment(query), query, variables)


def _top_comment(query: str) -> str:
    lines = []
    for line in query.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# ").strip())
    return " ".join(lines)
