"""How long to wait before the next attempt to send a notice."""

FIRST_WAIT_SECONDS = 10.0
LONGEST_WAIT_SECONDS = 3 * 3600.0
MOST_DOUBLINGS = 16


def wait_seconds(attempt: int, chance: float) -> float:
    """After the `attempt`th failed: doubling from FIRST to LONGEST, of which `chance` (0..1) takes up to a half.

    What failed together, because a receiver was away, does not come back together.
    """
    doubled = FIRST_WAIT_SECONDS * 2.0 ** min(attempt - 1, MOST_DOUBLINGS)
    return min(doubled, LONGEST_WAIT_SECONDS) * (1 - chance / 2)
