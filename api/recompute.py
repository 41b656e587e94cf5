"""Full runs, by command or at the first start: everybody again, some customers again, or only a look."""

from collections.abc import Sequence
from datetime import datetime

from api.house import business_now
from api.settings import Settings
from api.stores import Stores
from db.ranking_store import write_ranking
from db.review_store import LIVE_LOCK, PostgresReviewStore
from db.rules_in_force import RulesInForce
from db.standings_reads import PostgresStandings
from db.tier_lives import project_standings
from domain.calendar import microseconds
from domain.standings.compare import Comparison, compare_all
from domain.standings.measure_population import measure_population
from domain.standings.recompute import Progress, recompute
from domain.standings.review_customers import ReviewCounts, review_customers, rewrite_customers
from domain.tiers.rank_population import frozen_ranking, lacks_ranking, ranked_facts


def say_nothing(done: int, of_all: int) -> None:
    """Progress that nobody watches."""


def review_store(settings: Settings, stores: Stores) -> PostgresReviewStore:
    return PostgresReviewStore(stores.pool, lambda: business_now(settings))


async def recompute_all(settings: Settings, stores: Stores, progress: Progress = say_nothing) -> ReviewCounts:
    """The first time everybody is measured twice: a policy that ranks needs all of them before any of them."""
    await freeze_missing_rankings(stores)
    return await recompute(review_store(settings, stores), progress)


async def freeze_missing_rankings(stores: Stores) -> None:
    """For versions in force that have no ranking yet; later ones are frozen by the night."""
    async with stores.pool.acquire() as connection:
        live = await RulesInForce().read(connection)
    grading = (*live.rules.policies, *(canary.policy for canary in live.rules.canaries))
    missing = [policy for policy in grading if lacks_ranking(policy.version.rule)]
    if not missing:
        return
    names = {name for policy in missing for name in ranked_facts(policy.version.rule)}
    population = await measure_population(
        PostgresStandings(stores.pool), [*names, "last_order_at", "customer_id"], say_nothing
    )
    day = live.rules.calendar.last_whole_day(microseconds(live.as_of))
    async with stores.pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", LIVE_LOCK)
        for policy in missing:
            frozen = frozen_ranking(policy.version.rule, population, day=day)
            await write_ranking(connection, policy.version_id, frozen)


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
