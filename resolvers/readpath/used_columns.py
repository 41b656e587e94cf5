"""Selects used as rows list only the columns that their statement reads.

PostgreSQL does not compute a column that nobody reads, but walks all of a statement's tree for its locks each time it
runs, and carries the places of the columns through sorts and windows. What is read is known when all is printed: until
then a mark stands in place of the columns.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

READ = re.compile(r'\b(r[0-9]+)\.("[^"]+"|[a-z_0-9]+)')
LISTED = re.compile("\x00l(r[0-9]+)\x00")


@dataclass(frozen=True, slots=True)
class UsedColumns:
    """By alias and name, how each column is printed in the list of the select that stands behind the alias."""

    columns: dict[str, Mapping[str, str]] = field(default_factory=dict)
    whole: set[str] = field(default_factory=set)

    def listed_as(self, alias: str, columns: Mapping[str, str]) -> str:
        """What stands in place of the list until the statement is written."""
        self.columns[alias] = columns
        return f"\x00l{alias}\x00"

    def list_all(self, alias: str) -> None:
        """Because something will be read that is not printed yet."""
        self.whole.add(alias)

    def written(self, text: str) -> str:
        read = self.read_in(text)

        def listed(mark: re.Match[str]) -> str:
            alias = mark[1]
            columns = self.columns[alias].items()
            return ", ".join(text for name, text in columns if (alias, name) in read) or "1"

        return LISTED.sub(listed, text)

    def read_in(self, text: str) -> set[tuple[str, str]]:
        """Columns of aliases that a text reads, and those that these are made of."""
        found: set[tuple[str, str]] = set()
        open_texts = [
            text,
            *(f"{alias}.{name}" for alias in self.whole for name in self.columns.get(alias, ())),
        ]
        while open_texts:
            for reading in READ.finditer(open_texts.pop()):
                alias, name = reading[1], reading[2]
                column = self.columns.get(alias, {}).get(name)
                if column is not None and (alias, name) not in found:
                    found.add((alias, name))
                    open_texts.append(column)
        return found
