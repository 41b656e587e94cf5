"""Full runs, by command or at the first start: everybody again, some customers again, or only a look."""

from collections.abc import Sequence
from datetime import datetime

from api.house import business_now
from api.settings import Settings
from api.stores import Stores
from db.review_store import PostgresReviewStore
from db.standings_reads import PostgresStandings
from db.tier_lives import project_standings
from domain.standings.compare import Comparison, compare_all
from domain.standings.recompute import Progress, recompute
from domain.standings.review_customers import ReviewCounts, review_customers, rewrite_customers


def say_nothing(done: int, of_all: int) -> None:
    """Progress that nobody watches."""


def review_store(settings: Settings, stores: Stores) -> PostgresReviewStore:
    return PostgresReviewStore(stores.pool, lambda: business_now(settings))


async def recompute_all(settings: Settings, stores: Stores, progress: Progress = say_nothing) -> ReviewCounts:
    return await recompute(review_store(settings, stores), progress)


async def rebuild_facts(settings: Settings, stores: Stores, progress: Progress = say_nothing) -> ReviewCounts:
    """Every row of facts and standings anew, whatever is there; decisions stay what they are, and the readable
    standings follow from them alone."""
    async with stores.pool.acquire() as connection, connection.transaction():
        await project_standings(connection)
    return await recompute(review_store(settings, stores), progress, review=rewrite_customers)


async def recompute_chosen(settings: Settings, stores: Stores, customer_ids: Sequence[int]) -> ReviewCounts:
    """Those whom nobody else holds at the moment."""
    async with review_store(settings, stores).chosen(customer_ids) as batch:
        return await review_customers(batch)


async def compare(
    stores: Stores, as_of: datetime | None = None, progress: Progress = say_nothing
) -> Comparison:
    """What a full run would find, at the live moment or another; writes nothing."""
    return await compare_all(PostgresStandings(stores.pool, as_of), progress)
