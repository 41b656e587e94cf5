"""Notices to customers about their tiers, and how far each has come."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry
from sqlalchemy import case
from strawberry import ID

from db import tables as t
from domain.notices.notice import MessageChannel, MessageStatus, NoticeKind
from resolvers.access import STAFF, STAFF_AND_CUSTOMERS
from resolvers.readpath.declare import column, entity, global_id, one
from resolvers.readpath.expressions import coded
from resolvers.readpath.relay import Node

if TYPE_CHECKING:
    from resolvers.customers import Customer

strawberry.enum(MessageChannel, description="How a message reaches somebody.")
strawberry.enum(MessageStatus, description="How far a message has come. May grow.")
strawberry.enum(NoticeKind, description="What a message tells. May grow.")
notice = t.notices.c


@entity(
    t.notices,
    roles=STAFF_AND_CUSTOMERS,
    scope=notice.customer_id,
    key=notice.notice_id,
    id_prefix="msg",
)
class Message(Node):
    """What a customer is told by one channel, once for each event. [S0-14, S0-16]"""

    id: ID = global_id(notice.notice_id)
    customer: Annotated[Customer, strawberry.lazy("resolvers.customers")] = one(
        "Who is told.", on=t.customers.c.customer_id == notice.customer_id
    )
    kind: NoticeKind = column(coded(notice.kind, NoticeKind), "What it tells.")
    channel: MessageChannel = column(coded(notice.channel, MessageChannel), "By which channel.")
    status: MessageStatus = column(coded(notice.status, MessageStatus), "How far it has come.")
    created_at: datetime = column(notice.created_at, "When it was queued.")
    sent_at: datetime | None = column(
        case((notice.status == MessageStatus.SENT.value, notice.settled_at)),
        "When somebody took it over to deliver it; null: not yet, or given up.",
    )
    attempts: int = column(notice.attempts, "Attempts to send it, begun or done.", visible_to=STAFF)
    next_attempt_at: datetime | None = column(
        case((notice.status == MessageStatus.QUEUED.value, notice.due_at)),
        "When it is tried next, or again if the attempt under way gets lost; null: it is not.",
        visible_to=STAFF,
    )
    problem: str | None = column(
        notice.problem, "Why the last attempt failed; null: none did.", visible_to=STAFF
    )
