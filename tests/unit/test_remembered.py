"""Work that several fields of one row share."""

from collections.abc import Mapping
from unittest.mock import Mock

from resolvers.context import Context
from resolvers.remembered import once_an_operation

Facts = Mapping[str, int]


def context() -> Context:
    return Mock(spec=Context, remembered={})


def test_fields_of_one_row_share_what_is_worked_out_and_other_rows_and_operations_do_not() -> None:
    made: list[int] = []

    @once_an_operation
    def spend(_: Context, version_id: int, facts: Facts) -> int | None:
        made.append(version_id)
        return facts["spend_90d"]

    first, same_values = {"spend_90d": 5}, {"spend_90d": 5}
    one = context()

    assert [spend(one, 1, first), spend(one, 1, first), spend(one, 2, first), spend(one, 1, same_values)] == [
        5
    ] * 4
    assert made == [1, 2, 1]
    assert spend(context(), 1, first) == 5
    assert made == [1, 2, 1, 1]
