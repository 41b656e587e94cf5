"""What decides standings now: the shop's moment and the policy versions in force."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from db.policy_store import in_force, read_versions
from domain.calendar import calendar_of
from domain.errors import SetupError
from domain.standings.compute_standings import Rules, make_rules

LIVE_STATE = """
SELECT live_as_of, time_zone,
       ARRAY(SELECT version_id FROM tier_policy_versions WHERE status = 'ACTIVE' ORDER BY 1) AS versions
FROM shop
"""


@dataclass(frozen=True, slots=True)
class LiveState:
    """`as_of` is the moment that everything live is of."""

    as_of: datetime
    rules: Rules


class RulesInForce:
    """Remembers the rules for as long as the same versions are in force."""

    def __init__(self) -> None:
        self._known: dict[tuple[Any, ...], Rules] = {}

    async def read(self, connection: Any) -> LiveState:
        """Errors: SetupError where there is no shop yet."""
        row = await connection.fetchrow(LIVE_STATE)
        if row is None:
            raise SetupError("This database holds no shop yet: run c360 migrate.")
        key = (row["time_zone"], *row["versions"])
        rules = self._known.get(key)
        if rules is None:
            versions = in_force(await read_versions(connection))
            rules = make_rules(versions, calendar_of(row["time_zone"]))
            self._known = {key: rules}
        return LiveState(row["live_as_of"], rules)
