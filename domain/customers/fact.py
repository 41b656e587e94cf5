"""What a fact is: a typed, measured number of one customer, stored or derived from stored ones."""

from dataclasses import dataclass
from enum import Enum

from domain.conditions.expression import Operator


class FactKind(Enum):
    """How a value is stored, or what its derivation gives."""

    INTEGER = "INTEGER"
    CENTS = "CENTS"
    SECONDS = "SECONDS"
    MILLIONTHS = "MILLIONTHS"
    MOMENT = "MOMENT"
    DECIMAL = "DECIMAL"
    BOOLEAN = "BOOLEAN"


class FactType(Enum):
    """How a value is shown."""

    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    BOOLEAN = "BOOLEAN"
    MOMENT = "MOMENT"


@dataclass(frozen=True, slots=True)
class DaysSince:
    """Whole periods of 24 h from a moment to `as_of`, never below 0 (C2)."""

    moment: str


@dataclass(frozen=True, slots=True)
class Quotient:
    """One stored integer by another; unknown when there is nothing to divide by. Cents become whole CNY."""

    part: str
    whole: str


@dataclass(frozen=True, slots=True)
class MonthlyAverage:
    """A total of 365 days by months of tenure in it: max(1, min(365, tenure days) / 30.4375) (S1-3)."""

    total: str


@dataclass(frozen=True, slots=True)
class TenureMonths:
    """Those months of tenure: max(1, min(365, tenure days) / 30.4375)."""


@dataclass(frozen=True, slots=True)
class Renamed:
    """The same value under the name a rule gives it."""

    fact: str


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether a stored integer passes one comparison."""

    fact: str
    operator: Operator
    value: int


Derivation = DaysSince | Quotient | MonthlyAverage | TenureMonths | Renamed | Comparison

_TYPES = {
    FactKind.INTEGER: FactType.INTEGER,
    FactKind.MOMENT: FactType.MOMENT,
    FactKind.BOOLEAN: FactType.BOOLEAN,
}


@dataclass(frozen=True, slots=True)
class FactDefinition:
    """Declared once; from it follow the column, the GraphQL field, and the input of conditions.

    `unit` is that of the shown value: orders, CNY, days, share, customers. `derivation` None: stored.
    `lo` and `hi` bound the integer (cents, seconds, ...), so that conditions can refuse what would overflow.
    """

    name: str
    words: str
    kind: FactKind
    unit: str | None
    window_days: int | None = None
    nullable: bool = False
    personal: bool = False
    lo: int = 0
    hi: int = 2**31 - 1
    derivation: Derivation | None = None
    per_category: bool = False

    @property
    def is_stored(self) -> bool:
        return self.derivation is None

    @property
    def type(self) -> FactType:
        return _TYPES.get(self.kind, FactType.DECIMAL)

    @property
    def graphql_name(self) -> str:
        """`spend_90d` is `spend90d`, `orders_all_time` is `ordersAllTime`."""
        first, *rest = self.name.split("_")
        return first + "".join(part.capitalize() for part in rest)
