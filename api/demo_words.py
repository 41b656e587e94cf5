"""What the demo prints when it is ready: addresses, tokens, one query to try."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from api.wiring import Service
from domain.privacy.viewer import Purpose, Role, Viewer

LIFETIME = timedelta(days=7)
COUNTS = """
SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM orders) AS orders,
       (SELECT count(*) FROM order_lines) AS order_lines,
       (SELECT (live_as_of AT TIME ZONE time_zone)::date - 1 FROM shop) AS business_day
"""
SOMEBODY = "SELECT min(customer_id) FROM customers"


async def welcome(service: Service, name: str, port: int) -> RenderableType:
    counts = await service.stores.pool.fetchrow(COUNTS)
    assert counts is not None, "the query has one row"
    somebody = await service.stores.pool.fetchval(SOMEBODY) or 1
    address = f"http://127.0.0.1:{port}"
    panel = ready_panel(name, dict(counts), address)
    return Group(panel, tokens_of(service, somebody), try_this(address, somebody))


def ready_panel(name: str, counts: Mapping[str, Any], address: str) -> Panel:
    addresses = Table.grid(padding=(0, 2))
    addresses.add_row("query page and API", f"{address}/graphql")
    addresses.add_row("schema", f"{address}/schema.graphql")
    addresses.add_row("health", f"{address}/healthz  /readyz  /metrics")
    filled = (
        f"{name}: {counts['customers']:,} customers, {counts['orders']:,} orders, {counts['order_lines']:,} lines\n"
        f"to the end of {counts['business_day']}"
    )
    return Panel(Group(Text(filled), Text(), addresses), title="customer360 is ready", expand=False)


def tokens_of(service: Service, customer_id: int) -> RenderableType:
    """Without a token everybody on this machine is an operator who sees personal values masked."""
    viewers = (
        Viewer("demo-agent", Role.AGENT, Purpose.CUSTOMER_SERVICE),
        Viewer("demo-customer", Role.CUSTOMER, None, customer_id),
        Viewer("demo-partner", Role.PARTNER),
        Viewer("demo-operator", Role.OPERATOR),
    )
    lines = [f"{viewer.role.value:9} {service.tokens.sign(viewer, LIFETIME)}" for viewer in viewers]
    head = (
        "Only this machine is served; no token needed (OPERATOR, personal values masked). Others, for 7 days:"
    )
    return Text("\n".join([head, *lines]), no_wrap=True, overflow="ignore")


def try_this(address: str, customer_id: int) -> RenderableType:
    query = f'{{ customer(by: {{id: \\"cus_{customer_id}\\"}}) {{ tier {{ tier {{ name }} score }} }} }}'
    command = f"curl -s {address}/graphql -H 'content-type: application/json' -d '{{\"query\": \"{query}\"}}'"
    return Text(f"Try:\n{command}\nCtrl-C stops everything.", no_wrap=True, overflow="ignore")
