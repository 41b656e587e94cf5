import io
from datetime import date

from rich.console import Console

from api.demo_words import ready_panel

FULL = {
    "customers": 1_000_000,
    "orders": 12_345_678,
    "order_lines": 98_765_432,
    "business_day": date(2026, 11, 21),
}


def test_the_welcome_fits_into_a_terminal_of_eighty_columns() -> None:
    written = io.StringIO()

    Console(file=written, width=80).print(
        ready_panel("cdnow", FULL, "http://127.0.0.1:58360"), soft_wrap=True
    )

    shown = [line.strip("│ ") for line in written.getvalue().splitlines()]
    assert shown[1:3] == [
        "cdnow: 1,000,000 customers, 12,345,678 orders, 98,765,432 lines",
        "to the end of 2026-11-21",
    ]
    assert max(map(len, written.getvalue().splitlines())) <= 80
