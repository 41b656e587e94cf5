"""The live streams: what each sends is compiled once and executed once an event for all equal subscribers."""

from collections.abc import AsyncIterator
from typing import Annotated

import strawberry

from domain.privacy.viewer import Role
from domain.watching.alert import AlertKind
from resolvers.access import STAFF
from resolvers.alerts import Alert
from resolvers.readpath.declare import visible_to
from resolvers.tier_transitions import TierTransition

After = Annotated[
    str | None, strawberry.argument(description="Continue behind this cursor; null: from now on.")
]
FOLLOWERS = (Role.CUSTOMER, Role.AGENT, Role.MARKETER, Role.PARTNER, Role.OPERATOR)


@strawberry.type(description="Events as they happen, at least once, in order; resume by `after`.")
class Subscription:
    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description="Every tier decision. A gap too old to replay ends the stream with STREAM_GAP.",
        metadata=visible_to(*FOLLOWERS),
    )
    async def tier_changed(
        self,
        policy: Annotated[str | None, strawberry.argument(description="Code of a policy; null: all.")] = None,
        after: After = None,
    ) -> AsyncIterator[TierTransition]:
        """Never run: the plan of the selection is executed once an event."""
        raise RuntimeError(f"subscriptions are planned, not resolved ({policy}, {after})")
        yield

    @strawberry.subscription(  # type: ignore[untyped-decorator]
        description="Every alert, once, when it is raised. A gap too old to replay ends the stream with STREAM_GAP.",
        metadata=visible_to(*STAFF),
    )
    async def alert_raised(
        self,
        kinds: Annotated[
            list[AlertKind] | None, strawberry.argument(description="One of these; null: all.")
        ] = None,
        after: After = None,
    ) -> AsyncIterator[Alert]:
        """Never run, as above."""
        raise RuntimeError(f"subscriptions are planned, not resolved ({kinds}, {after})")
        yield
