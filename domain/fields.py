"""What is known of a profile field beyond its type; description, masking and storage follow from it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """`mask` is set for personal fields, and only for them: those are stored encrypted."""

    words: str
    mask: Callable[[str], str] | None = None
    sensitive: bool = False
    unit: str | None = None

    @property
    def personal(self) -> bool:
        """Encrypted at rest, masked by role, exported, erased. [S3-18, S3-19]"""
        return self.mask is not None
