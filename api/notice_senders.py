"""Where notices go: into the log, or to a webhook that delivers them. Neither gets more than ids and tiers."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from api.http_post import Address, address_of, post
from api.settings import Settings
from domain.notices.notice import Notice
from domain.notices.send_notices import NotDelivered, NoticeSender
from domain.notices.signature import signature

logger = logging.getLogger("c360.notices")

ANSWER_SECONDS = 5.0


class LogSender:
    """Says what would be sent, for whoever reads the log."""

    async def send(self, notice: Notice) -> None:
        fields = {"id": notice.message_id, "channel": notice.channel.value, "kind": notice.kind.value}
        customer = f"cus_{notice.customer_id}"
        logger.info("notice", extra={"fields": {**fields, "customer": customer, **notice.content}})


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """POSTs each notice, signed. `clock` is wall time, which receivers compare theirs with."""

    address: Address
    secret: bytes = field(repr=False)
    clock: Callable[[], float] = time.time
    seconds: float = ANSWER_SECONDS

    async def send(self, notice: Notice) -> None:
        body = notice.body()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "customer360",
            "C360-Signature": signature(self.secret, body, at_seconds=int(self.clock())),
            "Idempotency-Key": notice.message_id,
        }
        try:
            status = await post(self.address, headers, body, seconds=self.seconds)
        except TimeoutError:
            raise NotDelivered(f"no answer within {self.seconds:g} s") from None
        except (OSError, ValueError) as fault:  # without its text, which may name an address
            raise NotDelivered(f"no connection: {type(fault).__name__}") from fault
        if not 200 <= status < 300:
            raise NotDelivered(f"answered with status {status}")


def open_sender(settings: Settings) -> NoticeSender:
    if settings.notices_url is None:
        return LogSender()
    return WebhookSender(address_of(settings.notices_url), settings.notices_secret.encode())
