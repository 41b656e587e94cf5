"""Is each store there? Asked all at once, each under its own time limit, and said in words."""

import asyncio
import json
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

logger = logging.getLogger("c360.health")
REMEMBERED_SECONDS = 1.0
"""Anybody may ask for readiness; the stores are asked at most once in this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreCheck:
    """`ask` returns when the store works and raises when not. `without`: what does not work then."""

    name: str
    ask: Callable[[], Awaitable[None]]
    without: str
    required: bool = False
    limit_seconds: float = 1.0


@dataclass(frozen=True, slots=True)
class StoreHealth:
    name: str
    status: Literal["up", "down"]
    latency_ms: float
    words: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """`degraded` still serves: only what needs the missing store fails, with a code."""

    status: Literal["ready", "degraded", "down"]
    stores: tuple[StoreHealth, ...]

    def as_json(self) -> bytes:
        shown: dict[str, Any] = {"status": self.status, "stores": [asdict(store) for store in self.stores]}
        return json.dumps(shown, ensure_ascii=False).encode()


class HealthDesk:
    """Answers readiness; callers who come together share one round of questions."""

    def __init__(
        self, checks: Sequence[StoreCheck], *, on_store: Callable[[str, bool], None] | None = None
    ) -> None:
        self._checks = tuple(checks)
        self._on_store = on_store
        self._round: asyncio.Task[Readiness] | None = None
        self._begun_at = 0.0

    async def readiness(self) -> Readiness:
        now = time.monotonic()
        if self._round is None or now - self._begun_at > REMEMBERED_SECONDS:
            self._round = asyncio.create_task(self._ask_all())
            self._begun_at = now
        return await asyncio.shield(self._round)

    async def _ask_all(self) -> Readiness:
        stores = tuple(await asyncio.gather(*(_ask(check) for check in self._checks)))
        down = {store.name for store in stores if store.status == "down"}
        for store in stores:
            if self._on_store:
                self._on_store(store.name, store.name not in down)
        if any(check.required and check.name in down for check in self._checks):
            return Readiness("down", stores)
        return Readiness("degraded" if down else "ready", stores)


async def _ask(check: StoreCheck) -> StoreHealth:
    started = time.perf_counter()
    try:
        async with asyncio.timeout(check.limit_seconds):
            await check.ask()
    except Exception as fault:  # noqa: BLE001 - whatever a driver raises means "down" here; the log keeps it
        logger.warning("store down", extra={"fields": {"store": check.name, "reason": repr(fault)}})
        return StoreHealth(check.name, "down", _since(started), f"No answer: {check.without}.")
    return StoreHealth(check.name, "up", _since(started), "Answers.")


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)
