"""`c360 recompute`: facts, tiers and labels again, for everybody or some; or a look at what they would be."""

import asyncio
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from api.caches import empty_caches
from api.commands.progress import blocks_bar, counts_table, review_table, tiers_table
from api.recompute import compare, recompute_all, recompute_chosen
from api.settings import Settings, read_settings
from api.stores import Stores, open_stores
from db.rules_in_force import RulesInForce
from domain.errors import DomainError, ErrorCode
from domain.standings.compute_standings import ActivePolicy

DAY = re.compile(r"\d{4}-\d\d-\d\d")


def run(
    policy: Annotated[
        str | None, typer.Option(help="Of which policy to show the tiers; all by default.")
    ] = None,
    customer: Annotated[list[str] | None, typer.Option(help="Only this one, as cus_42; repeatable.")] = None,
    as_of: Annotated[
        str | None, typer.Option("--as-of", help="Show who stood where at that day's end; writes nothing.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change; write nothing.")
    ] = False,
) -> None:
    settings = read_settings()
    moment = read_moment(as_of, settings.zone) if as_of else None
    chosen = [customer_id_of(text) for text in customer or ()]
    if chosen and (dry_run or moment):
        raise typer.BadParameter("--customer computes and writes; leave out --dry-run and --as-of")
    asyncio.run(recompute(settings, policy, chosen, moment, dry_run=dry_run or moment is not None))


async def recompute(
    settings: Settings, policy: str | None, chosen: list[int], as_of: datetime | None, *, dry_run: bool
) -> None:
    console = Console()
    async with open_stores(settings) as stores:
        policies = await policies_in_force(stores, policy)
        if chosen:
            console.print(review_table("recomputed", await recompute_chosen(settings, stores, chosen)))
        elif dry_run:
            await look(console, stores, policies, as_of)
        else:
            with blocks_bar(console, "Computing facts, tiers and labels") as advance:
                counts = await recompute_all(settings, stores, advance)
            console.print(review_table("recomputed", counts))
        if not dry_run:
            await empty_caches(settings)


async def look(
    console: Console, stores: Stores, policies: list[ActivePolicy], as_of: datetime | None
) -> None:
    with blocks_bar(console, "Computing without writing") as advance:
        found = await compare(stores, as_of, advance)
    for policy in policies:
        console.print(tiers_table(policy, found))
    differences = {"customers": found.customers, "waiting for the worker": found.waiting} | found.faults()
    console.print(counts_table("against what is stored", differences))


async def policies_in_force(stores: Stores, code: str | None) -> list[ActivePolicy]:
    async with stores.pool.acquire() as connection:
        live = await RulesInForce().read(connection)
    codes = [policy.version.policy_code for policy in live.rules.policies]
    if code is not None and code not in codes:
        message = f"No policy {code} is in force; there are {', '.join(codes)}."
        raise DomainError(ErrorCode.UNKNOWN_POLICY, message, ("policy",))
    return [policy for policy in live.rules.policies if code in (None, policy.version.policy_code)]


def read_moment(text: str, zone: ZoneInfo) -> datetime:
    """A day means its end in the shop's zone, as does everything that is live."""
    try:
        if DAY.fullmatch(text):
            following = date.fromisoformat(text) + timedelta(days=1)
            return datetime.combine(following, time(), zone).astimezone(UTC)
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise typer.BadParameter(
            "give a day as 2026-11-22, or a moment as 2026-11-22T18:00:00+08:00"
        ) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)


def customer_id_of(text: str) -> int:
    digits = text.removeprefix("cus_")
    if not (digits.isascii() and digits.isdigit()) or int(digits) >= 2**63:
        raise typer.BadParameter("give a customer's id, as cus_42")
    return int(digits)
