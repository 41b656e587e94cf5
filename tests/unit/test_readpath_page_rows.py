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


@pytest.mark.parametrize(
    ("names", "is_backward", "expected"),
    [
        (("hasNextPage",), False, True),
        (("hasNextPage", "hasPreviousPage"), False, True),
        (("hasPreviousPage",), True, True),
        (("hasPreviousPage",), False, False),
        (("hasNextPage", "endCursor"), False, False),
        (("startCursor",), False, False),
    ],
)
def test_whether_more_follow_is_known_without_numbers_unless_a_cursor_is_asked_too(
    names: tuple[str, ...], is_backward: bool, expected: bool
) -> None:
    assert Asked(frozenset(names), is_backward).needs_only_whether_more_follow is expected
