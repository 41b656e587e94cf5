"""Times as the graph keeps them: whole milliseconds since 1970; engines differ in everything finer."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970, rounded down."""
    return (moment - EPOCH) // timedelta(milliseconds=1)


def moment_of(milliseconds: int) -> datetime:
    """The moment so many milliseconds after the start of 1970."""
    return EPOCH + timedelta(milliseconds=milliseconds)
