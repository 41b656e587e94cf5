"""How a personal value looks to those who may not read it whole. [S3-18]"""

from collections.abc import Callable

from domain.privacy.viewer import Role, Viewer


def mask_phone(phone: str) -> str:
    """`+8613812341234` -> `138****1234`; other numbers keep their last two digits."""
    national = phone.removeprefix("+86")
    if len(national) == 11 and national.startswith("1"):
        return f"{national[:3]}****{national[-4:]}"
    return f"****{phone[-2:]}"


def mask_email(email: str) -> str:
    """`mei.wang@example.com` -> `m***@example.com`."""
    local, _, host = email.partition("@")
    return f"{local[:1]}***@{host}"


def mask_name(name: str) -> str:
    """`王小明` -> `王**`: the family name stays, as a receptionist would say it."""
    return name[:1] + "*" * min(len(name) - 1, 3)


def sees_unmasked(viewer: Viewer) -> bool:
    """Customers see their own values; staff who serve or watch over them need a stated purpose."""
    if viewer.role is Role.CUSTOMER:
        return True
    return viewer.role in (Role.AGENT, Role.PRIVACY_OFFICER) and viewer.purpose is not None


def is_audited(viewer: Viewer) -> bool:
    """Whoever sees somebody else's values whole leaves a trace. [S3-18]"""
    return sees_unmasked(viewer) and viewer.role is not Role.CUSTOMER


def shown(value: str | None, *, mask: Callable[[str], str], viewer: Viewer) -> str | None:
    """The value as this viewer may see it; null stays null."""
    if value is None or sees_unmasked(viewer):
        return value
    return mask(value)
