import pytest

from domain.errors import DomainError
from domain.ingest.canonical import RecordKind
from domain.ingest.mapping import Constant, FromColumn, RowNumber, date_pattern, parse_mapping


def test_a_mapping_reads_columns_constants_and_row_numbers() -> None:
    mapping = parse_mapping('[orders]\nexternal_id = "@row"\nplaced_at = "date"\nstatus = "=PAID"\n')

    (section,) = mapping.sections
    assert section.kind is RecordKind.ORDERS
    assert section.origins == {
        "external_id": RowNumber(),
        "placed_at": FromColumn("date"),
        "status": Constant("PAID"),
    }


@pytest.mark.parametrize(
    ("date_format", "regex", "iso"),
    [
        ("%Y%m%d", r"^(\d{4})(\d{2})(\d{2})$", r"\1-\2-\3"),
        ("%d/%m/%Y %H:%M", r"^(\d{1,2})/(\d{1,2})/(\d{4})\ (\d{1,2}):(\d{1,2})$", r"\3-\2-\1 \4:\5"),
    ],
)
def test_a_date_format_becomes_a_pattern(date_format: str, regex: str, iso: str) -> None:
    pattern = date_pattern(date_format)

    assert (pattern.regex, pattern.iso) == (regex, iso)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[orders", "The mapping file is not TOML"),
        ("", "The mapping file has no section such as [orders]"),
        ('[sales]\nexternal_id = "a"', "'sales' is not a kind of record"),
        ('[orders]\nprice = "a"', "[orders] has no column price = 'a'"),
        ('[orders.values.price]\na = "b"', "[orders.values.price] translates no column of orders"),
        ('[format]\ndate = "%A"\n[orders]', "The date format '%A' may hold %Y %m %d %H %M %S, each once"),
        ('[format]\ndate = "%Y"\n[orders]', "The date format '%Y' needs %Y, %m and %d"),
        ('[format]\ndelimiter = "::"\n[orders]', "The delimiter '::' is not one character"),
        ('[format]\ntime_of_day = "noon"\n[orders]', "The time_of_day 'noon' is not like"),
        ('[format]\nquote = "a"\n[orders]', "[format] has no setting quote"),
    ],
)
def test_a_wrong_mapping_is_one_sentence(text: str, words: str) -> None:
    with pytest.raises(DomainError) as caught:
        parse_mapping(text)

    assert caught.value.message.startswith(words)
