"""The typed profile: the one place that says what each field means and whether it is personal."""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import Annotated, get_args, get_type_hints

from domain.fields import About
from domain.privacy.masking import mask_email, mask_name, mask_phone


class CustomerKind(Enum):
    """Whether a customer buys for a household or for a business."""

    HOUSEHOLD = "HOUSEHOLD"
    BUSINESS = "BUSINESS"


@dataclass(frozen=True, slots=True)
class Profile:
    """Values after cleaning [S3-2]; every field is an `About`."""

    kind: Annotated[CustomerKind, About("Household or business.")]
    name: Annotated[str | None, About("Name as given.", mask=mask_name)]
    phone: Annotated[
        str | None, About("E.164; masked 138****1234. Null: none, or none that is valid.", mask=mask_phone)
    ]
    email: Annotated[
        str | None, About("E-mail address in lower case; masked m***@example.com.", mask=mask_email)
    ]
    city: Annotated[str | None, About("City, as the source names it.")]
    registration_channel: Annotated[
        str | None,
        About("Where they registered. May grow: APP, MINI_PROGRAM, STORE, GROUND_PROMOTION, INVITATION."),
    ]
    registered_at: Annotated[datetime, About("When they registered.")]


def about(field: str) -> About:
    """What is known about a field of `Profile`, by its name."""
    return next(
        item
        for item in get_args(get_type_hints(Profile, include_extras=True)[field])
        if isinstance(item, About)
    )


PERSONAL_FIELDS: tuple[str, ...] = tuple(name for name in Profile.__slots__ if about(name).personal)
