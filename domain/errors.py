"""Everything that may go wrong on purpose.

    Exception
    ├── DomainError         a person's mistake: a code, a sentence that says what to do, the field it is about
    ├── SetupError          this machine or its settings are not ready: a sentence that says what to change
    └── StoreUnavailable    a store does not answer; what needs it fails, the rest goes on
        └── StatementTimedOut    it does, but not in the time that a statement may take

Anything else is a broken invariant: an ordinary exception, logged with an id and masked outside.
"""

from enum import StrEnum, auto


class ErrorCode(StrEnum):
    """What kind of mistake it was; the values clients branch on. May grow."""

    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:  # noqa: ARG004
        return name

    REQUIRED = auto()
    INVALID = auto()
    NOT_FOUND = auto()
    DUPLICATE = auto()
    AMBIGUOUS = auto()
    TOO_LONG = auto()
    TOO_MANY = auto()
    OUT_OF_RANGE = auto()
    IN_THE_PAST = auto()
    IN_THE_FUTURE = auto()
    WRONG_STATE = auto()
    CONFLICT = auto()
    FORBIDDEN_FIELD = auto()
    UNKNOWN_SOURCE = auto()
    UNKNOWN_FACT = auto()
    UNKNOWN_LABEL = auto()
    UNKNOWN_TIER = auto()
    UNKNOWN_SEGMENT = auto()
    UNKNOWN_POLICY = auto()
    UNKNOWN_PRODUCT = auto()
    WRONG_TYPE = auto()
    WRONG_UNIT = auto()
    EMPTY_RANGE = auto()
    UNSATISFIABLE = auto()
    TOO_COMPLEX = auto()
    SELF_REFERENCE = auto()
    CYCLE = auto()
    THRESHOLDS_OVERLAP = auto()
    THRESHOLDS_GAP = auto()
    TIER_UNREACHABLE = auto()
    NO_TIER_ABOVE = auto()
    TRIAL_TOO_SOON = auto()
    PREVIEW_REQUIRED = auto()
    BASE_DRIFTED = auto()


class DomainError(Exception):
    """A person's mistake. `field` is the path into their input, from the outside in."""

    def __init__(self, code: ErrorCode, message: str, field: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.field = field


class SetupError(Exception):
    """The machine or its settings are not ready; the message says what to change."""


class StoreUnavailable(Exception):
    """A store (`postgres`, `graph`, `cache`) does not answer; `reason` is for the log, not for clients."""

    def __init__(self, store: str, reason: str = "") -> None:
        super().__init__(f"{store} is not available{': ' + reason if reason else ''}")
        self.store = store
        self.reason = reason


class StatementTimedOut(StoreUnavailable):
    """The store is there, and ended a statement that took longer than it may."""
