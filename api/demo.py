"""Everything at once on one machine: stores, a believable retailer (or the CDNOW log), worker, API, query page."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.console import Console

from api.caches import open_versions
from api.cdnow import LAST_DAY, fetch_cdnow
from api.commands.import_ import bar, import_paths, show
from api.demo_files import write_demo_files
from api.demo_words import welcome
from api.examples import FOLDER, load_examples
from api.graph import BuiltGraph
from api.house import business_now, prepare_house
from api.query_page.examples import Example
from api.query_page.fetch_assets import fetch_graphiql
from api.query_page.serve import QueryPage
from api.recompute import recompute_all
from api.relay import relaying
from api.run_server import bind, run_app, set_apart
from api.settings import Settings
from api.stores import Stores, ensure_home, open_stores
from api.wiring import open_service
from api.worker import run_worker
from db.member_day_store import PostgresMemberDayStore
from domain.errors import SetupError, StoreUnavailable
from domain.pricing.rules import PriceRules
from domain.pricing.set_member_day import DayOffer, MemberDayList, set_member_day
from domain.privacy.viewer import Role, Viewer
from domain.synthetic.profiles import get_profile

SEED = 1
PORTS_TRIED = 20
PAGE_SECONDS = 20.0
"""GraphiQL that has not come by then is used at the next start."""
GRAPH_SECONDS = 20.0
STILL_BUILDING = "The graph is still being built: recommendations and relationships are null."


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoData:
    """What a demo is filled with. `customers` None: as many as the profile has."""

    name: str
    profile: str = "demo"
    customers: int | None = None
    duplicates: bool = False


def settings_for(settings: Settings, data: DemoData) -> Settings:
    """CDNOW ends on 1998-06-30: it gets stores, a clock and a zone of its own."""
    if data.name != "cdnow":
        return settings
    zone = ZoneInfo("America/New_York")
    following = date.fromisoformat(LAST_DAY) + timedelta(days=1)
    clock = settings.clock or datetime(following.year, following.month, following.day, tzinfo=zone)
    return settings.model_copy(update={"home": settings.home / "cdnow", "clock": clock, "zone": zone})


async def run_demo(settings: Settings, data: DemoData, *, port: int) -> None:
    """Serves until SIGTERM or Ctrl-C. The first time it also fills the stores."""
    console = Console()
    settings = settings_for(settings, data)
    ensure_home(settings.home)
    listening = bind_near(settings.host, port)
    if port not in (0, listening.getsockname()[1]):
        console.print(f"Port {port} is taken; this demo takes the next free one.")
    page_files = asyncio.create_task(asyncio.to_thread(find_graphiql, settings.home))
    async with open_stores(settings) as stores:
        await fill_once(console, settings, stores, data)
        async with open_service(settings, stores) as service, working(settings, stores):
            page = QueryPage(await examples_for(stores), graphiql_folder=await within_time(page_files))
            await see_graph_built(console, service.graph)
            console.print(await welcome(service, data.name, listening.getsockname()[1]), soft_wrap=True)
            service.warmed_up.add_done_callback(set_apart)
            await run_app(service.parts(page=page, demo=True), listening)


def bind_near(host: str, port: int) -> socket.socket:
    """The port, or the next free one."""
    for candidate in range(port, port + PORTS_TRIED):
        try:
            return bind(host, candidate)
        except SetupError:
            if port == 0 or candidate == port + PORTS_TRIED - 1:
                raise
    raise SetupError(f"No port from {port} on is free.")


def find_graphiql(home: Path) -> Path | None:
    folder = home / "graphiql"
    try:
        home.mkdir(parents=True, exist_ok=True)
        fetch_graphiql(folder)
    except SetupError:
        return None
    return folder


async def within_time(page_files: "asyncio.Task[Path | None]") -> Path | None:
    try:
        return await asyncio.wait_for(asyncio.shield(page_files), PAGE_SECONDS)
    except TimeoutError:
        return None


async def see_graph_built(console: Console, graph: BuiltGraph, *, seconds: float = GRAPH_SECONDS) -> None:
    with suppress(StoreUnavailable), console.status("Building the graph ..."):
        try:
            await graph.wait_until_built(seconds=seconds)
        except TimeoutError:
            console.print(STILL_BUILDING)


@asynccontextmanager
async def working(settings: Settings, stores: Stores) -> AsyncIterator[None]:
    """The worker and the relay inside this process."""
    stop = asyncio.Event()
    async with open_versions(stores.redis_url) as versions, relaying(stores, versions):
        worker = asyncio.ensure_future(run_worker(settings, stores, stop, versions))
        try:
            yield
        finally:
            stop.set()
            await worker


async def offer_member_day(settings: Settings, stores: Stores) -> None:
    """Some hot items at half price on the next member day, so that prices have something to show. [S2-5]"""
    today = business_now(settings).astimezone(settings.zone).date()
    products = [row["product_id"] for row in await stores.pool.fetch(HOT_ITEMS)]
    wanted = MemberDayList(
        on=PriceRules().next_member_day(today),
        offers=tuple(DayOffer(product_id=one, per_customer_limit=20) for one in products),
        today=today,
    )
    await set_member_day(PostgresMemberDayStore(stores.pool), wanted, Viewer("demo", Role.OPERATOR))


async def fill_once(console: Console, settings: Settings, stores: Stores, data: DemoData) -> None:
    """Nothing is done where there are customers already; a run that was cut short is begun again."""
    async with stores.pool.acquire() as connection:
        currency = "USD" if data.name == "cdnow" else "CNY"
        await prepare_house(connection, settings, name=f"{data.name} demo", currency_code=currency)
        if await connection.fetchval("SELECT EXISTS (SELECT FROM customer_standings)"):
            return
    files, mapping = await asyncio.to_thread(make_files, console, settings, data)
    with bar(console) as progress:
        reports = await import_paths(
            files,
            source=data.name,
            mapping=mapping,
            database_url=stores.database_url,
            cipher=stores.cipher,
            now=business_now(settings),
            progress=progress,
        )
    show(console, reports, dry_run=False)
    async with stores.pool.acquire() as connection:
        await prepare_house(connection, settings)
    with console.status("Computing facts, tiers and labels ..."):
        await recompute_all(settings, stores)
    await offer_member_day(settings, stores)


def make_files(console: Console, settings: Settings, data: DemoData) -> tuple[list[Path], Path | None]:
    """The files to import, and the mapping they need."""
    if data.name == "cdnow":
        with console.status("Fetching the CDNOW purchase log ..."):
            return [fetch_cdnow(settings.home)], FOLDER / "cdnow" / "mapping.toml"
    folder = settings.home / "data" / "demo"
    with console.status("Inventing a retailer ..."):
        write_demo_files(
            folder,
            get_profile(data.profile, customers=data.customers),
            seed=SEED,
            as_of=business_now(settings),
            duplicates=data.duplicates,
        )
    return [folder], None


SHOWN_CUSTOMER = """
SELECT c.customer_id, c.data_key, c.phone FROM tier_standings s JOIN customers c USING (customer_id)
ORDER BY s.rank DESC, c.phone IS NULL, c.community_id IS NULL, c.customer_id LIMIT 1
"""


HOT_ITEMS = "SELECT product_id FROM products ORDER BY high_margin DESC, product_id LIMIT 12"
"""Half of their price is still above their cost."""


async def examples_for(stores: Stores) -> tuple[Example, ...]:
    """The examples with a customer of this shop in their variables: one of the best."""
    row = await stores.pool.fetchrow(SHOWN_CUSTOMER)
    if row is None:
        return load_examples()
    given: dict[str, Any] = {"id": f"cus_{row['customer_id']}"}
    products = [row["product_id"] for row in await stores.pool.fetch(HOT_ITEMS)]
    given["lines"] = [{"product": f"prd_{one}", "quantity": "2"} for one in products[:3]]
    if row["phone"] is not None:
        given["phone"] = stores.cipher.open(row["data_key"], row["phone"], field="phone")
    return tuple(with_variables(example, given) for example in load_examples())


def with_variables(example: Example, given: Mapping[str, Any]) -> Example:
    shown = {name: given.get(name, value) for name, value in example.variables.items()}
    return replace(example, variables=shown)
