"""What a page reads for what is asked of it."""

import pytest

from resolvers.readpath.page_rows import Asked


@pytest.mark.parametrize(
    ("names", "is_backward", "needs_numbers", "needs_count"),
    [
        ((), False, False, False),
        (("hasPreviousPage",), False, False, False),
        (("hasNextPage",), False, True, False),
        (("startCursor",), False, True, False),
        (("endCursor",), False, True, True),
        (("hasNextPage",), True, False, False),
        (("hasPreviousPage",), True, True, False),
        (("startCursor",), True, True, True),
    ],
)
def test_rows_are_numbered_for_what_follows_them(
    names: tuple[str, ...], is_backward: bool, needs_numbers: bool, needs_count: bool
) -> None:
    asked = Asked(frozenset(names), is_backward)

    assert (asked.needs_numbers, asked.needs_count) == (needs_numbers, needs_count)
