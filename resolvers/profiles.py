"""Who a customer is: the personal part, opened and masked by role."""

from collections.abc import Callable

import strawberry

from db import tables as t
from domain.customers.profile import CustomerKind, about
from domain.privacy.masking import is_audited, sees_unmasked, shown
from resolvers.access import STAFF_AND_CUSTOMERS
from resolvers.context import Context
from resolvers.readpath.declare import column, computed, embed, entity
from resolvers.readpath.expressions import coded

strawberry.enum(CustomerKind, description="Whether a customer buys for a household or for a business.")


Reveal = Callable[[Context, bytes | None, bytes | None, int], str | None]


def reveal(field: str) -> Reveal:
    """Opens a personal field and shows it as the viewer may see it; null after erasure."""
    mask = about(field).mask

    def revealed(
        context: Context, sealed: bytes | None, data_key: bytes | None, customer_id: int
    ) -> str | None:
        if sealed is None or data_key is None or mask is None:
            return None
        if is_audited(context.viewer):
            context.note_opened(customer_id, field)
        return shown(context.cipher.open(data_key, sealed, field=field), mask=mask, viewer=context.viewer)

    return revealed


def masked_fields(
    context: Context, name: bytes | None, phone: bytes | None, email: bytes | None
) -> list[str]:
    known = {"name": name, "phone": phone, "email": email}
    return [] if sees_unmasked(context.viewer) else [field for field, value in known.items() if value]


@strawberry.type(description="Where somebody is.")
class Address:
    city: str | None = strawberry.field(description="City, as the source names it.")


@entity(t.customers, roles=STAFF_AND_CUSTOMERS, scope=t.customers.c.customer_id)
class Profile:
    """Who the customer is. Personal values are masked by role and null after erasure. [S2-8, S3-1]"""

    kind: CustomerKind = column(coded(t.customers.c.kind, CustomerKind), about("kind").words)
    name: str | None = computed(
        reveal("name"),
        t.customers.c.name,
        t.customers.c.data_key,
        t.customers.c.customer_id,
        about=about("name").words,
    )
    phone: str | None = computed(
        reveal("phone"),
        t.customers.c.phone,
        t.customers.c.data_key,
        t.customers.c.customer_id,
        about=about("phone").words,
    )
    email: str | None = computed(
        reveal("email"),
        t.customers.c.email,
        t.customers.c.data_key,
        t.customers.c.customer_id,
        about=about("email").words,
    )
    address: Address | None = embed(
        Address, "Null: not known.", unless_null=t.customers.c.city, city=t.customers.c.city
    )
    registration_channel: str | None = column(
        t.customers.c.registration_channel, about("registration_channel").words
    )
    masked_fields: list[str] = computed(
        masked_fields,
        t.customers.c.name,
        t.customers.c.phone,
        t.customers.c.email,
        about="Fields above that this viewer sees masked.",
    )
