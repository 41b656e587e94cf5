"""`c360 token`: prints a bearer token, signed with this installation's key."""

import re
from datetime import timedelta
from typing import Annotated

import typer

from api.auth import Tokens, load_signing_key
from api.settings import read_settings
from domain.privacy.viewer import Purpose, Role, Viewer

LIFETIME = re.compile(r"(\d{1,6})\s*([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=366)


def read_lifetime(text: str) -> timedelta:
    """`90s`, `30m`, `12h`, `7d`; at most a year."""
    match = LIFETIME.fullmatch(text.strip().lower())
    lifetime = timedelta(**{UNITS[match[2]]: int(match[1])}) if match else timedelta(0)
    if not timedelta(0) < lifetime <= LONGEST:
        raise typer.BadParameter("give a number and a unit up to a year, as 30m, 12h or 7d")
    return lifetime


def read_customer(text: str | None) -> int | None:
    """`cus_42` or `42`."""
    if text is None:
        return None
    digits = text.removeprefix("cus_")
    if not (digits.isascii() and digits.isdigit()) or int(digits) >= 2**63:
        raise typer.BadParameter("give a customer's id, as cus_42")
    return int(digits)


def run(
    role: Annotated[Role, typer.Option(case_sensitive=False, help="What the bearer may see.")],
    customer: Annotated[str | None, typer.Option(help="With role CUSTOMER: whose, as cus_42.")] = None,
    purpose: Annotated[Purpose | None, typer.Option(case_sensitive=False, help="Why data is read.")] = None,
    lifetime: Annotated[str, typer.Option(help="How long it is good: 30m, 12h, 7d.")] = "12h",
    subject: Annotated[str | None, typer.Option(help="Who bears it; written to the audit.")] = None,
) -> None:
    """Print a bearer token for the API."""
    customer_id = read_customer(customer)
    if (role is Role.CUSTOMER) != (customer_id is not None):
        raise typer.BadParameter("role CUSTOMER needs --customer cus_42, and no other role takes it")
    viewer = Viewer(subject or f"local-{role.value.lower()}", role, purpose, customer_id)
    key = load_signing_key(read_settings().home / "keys")
    typer.echo(Tokens(key).sign(viewer, read_lifetime(lifetime)))
