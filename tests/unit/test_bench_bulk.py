"""The table of a bulk run compares what was measured in one run."""

from benchmarks.bulk_table import Step, figures_of
from benchmarks.figures import Figure

STEPS = {
    "floor": Step(0, 4),  # taken twice
    "index floor": Step(0, 2),
    "opening": Step(1, 1),
    "again": Step(2, 3),
    "day": Step(2, 8),
    "day, only looked at": Step(3, 3),
    "first": Step(10, 20),
    "night": Step(1, 4),
    "night, only looked at": Step(1, 1),
    "preview": Step(0.5, 0.5),
}


def test_each_step_is_shown_as_a_multiple_of_what_it_stands_beside() -> None:
    rows, figures = figures_of(STEPS, [Figure("missed", 0, "")])

    shown = {row.words: (row.cpu, row.figures, row.target) for row in rows}
    assert shown["floor"] == ("0.00 + 2.00 = 2.00 s", "", "")
    assert shown["facts and five policies, nothing changed, beside floor, index floor"] == (
        "2.00 + 3.00 = 5.00 s",
        "2.5 / 5",
        "2.3 / 5.2",
    )
    assert shown["night, with writes, beside day"] == ("1.00 + 4.00 = 5.00 s", "0.5", "0.55")
    assert Figure("first time, everything written, beside floor", 15.0, "×") in figures
    assert Figure("missed", 0, "") in figures


def test_a_step_too_short_to_be_counted_divides_nothing_by_nothing() -> None:
    rows, _ = figures_of(STEPS | {"floor": Step(0, 0)}, [])

    assert [row.figures for row in rows if row.words.startswith("whole base")] == ["200"]
