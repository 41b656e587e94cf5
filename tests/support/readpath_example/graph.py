"""Answers graph questions by arithmetic, fails on demand, and knows products that the database lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from domain.errors import StoreUnavailable


@dataclass(slots=True)
class ExampleGraph:
    is_down: bool = False
    asked: int = 0

    async def answer(
        self, name: str, keys: list[int], parameters: Mapping[str, Any]
    ) -> Sequence[tuple[Any, ...]]:
        """More rows than were asked for: cutting them is the reader's work."""
        assert name == "recommended_products"
        self.asked += 1
        if self.is_down:
            raise StoreUnavailable("graph", "down on purpose")
        shift = 0 if parameters["pool"] is None else 3
        return [(key, 1 + (key * k + shift) % 45, 1000 // k) for key in keys for k in range(1, key % 9)]
