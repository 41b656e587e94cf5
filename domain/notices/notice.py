"""A notice: one message to a customer by one channel about one event (S0-14, S0-16)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class NoticeKind(StrEnum):
    """TIER_CHANGED: another tier is in effect, higher or lower; the first tier somebody gets is no change.

    TIER_ALMOST_THERE: a purchase brought them near the next tier; once a calendar month.
    """

    TIER_CHANGED = "TIER_CHANGED"
    TIER_ALMOST_THERE = "TIER_ALMOST_THERE"


class MessageChannel(StrEnum):
    SMS = "SMS"
    EMAIL = "EMAIL"
    APP_PUSH = "APP_PUSH"
    WECOM = "WECOM"


class MessageStatus(StrEnum):
    """SENT: taken over by whoever delivers it. FAILED: given up after the last attempt."""

    QUEUED = "QUEUED"
    SENT = "SENT"
    FAILED = "FAILED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One that is to be sent now. `attempt` is 1 for the first; `content` holds ids and tiers, nothing personal."""

    notice_id: int
    customer_id: int
    event_id: int
    channel: MessageChannel
    kind: NoticeKind
    attempt: int
    content: Mapping[str, Any]

    @property
    def message_id(self) -> str:
        """Its global id, and the same in every attempt: by it whoever delivers tells a repetition."""
        return f"msg_{self.notice_id}"

    def body(self) -> bytes:
        """JSON, the same bytes in every attempt."""
        told = {
            "id": self.message_id,
            "kind": self.kind.value,
            "channel": self.channel.value,
            "customer": f"cus_{self.customer_id}",
            **self.content,
        }
        return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode()
