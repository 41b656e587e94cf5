"""Rows that not every role sees which may use their type, such as drafts."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement


@dataclass(frozen=True, eq=False, slots=True)
class Published:
    """Rows that everybody sees; the others are for `others_to` alone. `only_if` None: all rows are for everybody."""

    only_if: ColumnElement[bool] | None = None
    others_to: frozenset[enum.Enum] = frozenset()

    def limit_for(self, role: enum.Enum) -> ColumnElement[bool] | None:
        """What rows must meet for this role to see them, whosever they are."""
        return None if role in self.others_to else self.only_if


ALL_ROWS = Published()


def published(only_if: ColumnElement[bool], *, others_to: Sequence[enum.Enum]) -> Published:
    """`others_to`: the roles that see the rest, too."""
    return Published(only_if, frozenset(others_to))
