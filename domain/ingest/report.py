"""What came of taking a file in as one kind of record."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from domain.ingest.canonical import RecordKind


@dataclass(frozen=True, slots=True)
class ImportReport:
    """Counts of rows. Warnings are taken in all the same: words -> how many."""

    file: str
    kind: RecordKind
    read: int
    new: int
    changed: int
    rejected: int
    warnings: Mapping[str, int] = field(default_factory=dict)
    reject_file: Path | None = None
    ignored_columns: tuple[str, ...] = ()

    @property
    def unchanged(self) -> int:
        """Rows that said what was known already, equal rows of the same file among them."""
        return self.read - self.new - self.changed - self.rejected
