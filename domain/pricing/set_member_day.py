"""Sets what is offered on a member day: the whole list at once, so that sending it twice changes nothing. [S2-5]"""

from collections.abc import Iterable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Protocol

from domain.errors import DomainError, ErrorCode
from domain.pricing.rules import PriceRules
from domain.privacy.viewer import Viewer

MOST_OFFERS = 500
MOST_UNITS = 1_000_000
FURTHEST = timedelta(days=366)
HALF = 50
"""五折: half of the list price, not half off twice. [S2-5]"""


@dataclass(frozen=True, slots=True, kw_only=True)
class DayOffer:
    """A product at `percent` of its list price; `per_customer_limit` None: any number of units."""

    product_id: int
    percent: int = HALF
    per_customer_limit: int | None = None


class MemberDayTransaction(Protocol):
    """The offers of one day, which nobody else changes meanwhile; leaving without an exception commits."""

    async def known_products(self, product_ids: Sequence[int]) -> frozenset[int]:
        """Those of them that there are."""

    async def offers(self) -> Sequence[DayOffer]:
        """By product."""

    async def write(self, offers: Sequence[DayOffer]) -> None:
        """In place of all that were there, with the audit."""


class MemberDayStore(Protocol):
    def hold(self, on: date, viewer: Viewer) -> AbstractAsyncContextManager[MemberDayTransaction]:
        """Of one business day of the shop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MemberDayList:
    """What an operator wants to be offered `on` a day; `today` is the open business day."""

    on: date
    offers: tuple[DayOffer, ...]
    today: date
    rules: PriceRules = PriceRules()


async def set_member_day(store: MemberDayStore, wanted: MemberDayList, viewer: Viewer) -> bool:
    """False: it is so already. *Errors*: DomainError for the first mistake; then nothing is changed."""
    for problem in (*_day_problems(wanted), *_offer_problems(wanted.offers)):
        raise problem
    offers = sorted(wanted.offers, key=lambda offer: offer.product_id)
    async with store.hold(wanted.on, viewer) as transaction:
        known = await transaction.known_products([offer.product_id for offer in offers])
        for place, offer in enumerate(wanted.offers):
            if offer.product_id not in known:
                raise _problem(
                    ErrorCode.UNKNOWN_PRODUCT, "There is no such product: take an id from products.", place
                )
        if list(await transaction.offers()) == offers:
            return False
        await transaction.write(offers)
        return True


def _day_problems(wanted: MemberDayList) -> Iterable[DomainError]:
    if not wanted.rules.is_member_day(wanted.on):
        message = f"{wanted.on} is no {wanted.rules.weekday_name}: choose one."
        yield DomainError(ErrorCode.INVALID, message, ("on",))
    if wanted.on < wanted.today:
        yield DomainError(ErrorCode.IN_THE_PAST, f"{wanted.on} is over: choose a day to come.", ("on",))
    if wanted.on > wanted.today + FURTHEST:
        message = f"{wanted.on} is more than a year away: choose an earlier day."
        yield DomainError(ErrorCode.IN_THE_FUTURE, message, ("on",))


def _offer_problems(offers: Sequence[DayOffer]) -> Iterable[DomainError]:
    if len(offers) > MOST_OFFERS:
        message = f"A member day has at most {MOST_OFFERS} offers: leave some out."
        yield DomainError(ErrorCode.TOO_MANY, message, ("offers",))
    seen: set[int] = set()
    for place, offer in enumerate(offers):
        if offer.product_id in seen:
            yield _problem(ErrorCode.DUPLICATE, "This product is offered twice: keep one.", place)
        seen.add(offer.product_id)
        if not 1 <= offer.percent <= 99:
            message = "Give 1 to 99 percent of the list price."
            yield _problem(ErrorCode.OUT_OF_RANGE, message, place, "percent")
        if offer.per_customer_limit is not None and not 1 <= offer.per_customer_limit <= MOST_UNITS:
            message = f"A limit is 1 to {MOST_UNITS:,} units; leave it out for none."
            yield _problem(ErrorCode.OUT_OF_RANGE, message, place, "perCustomerLimit")


def _problem(code: ErrorCode, message: str, place: int, member: str = "product") -> DomainError:
    return DomainError(code, message, ("offers", str(place), member))
