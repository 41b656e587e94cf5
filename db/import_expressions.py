"""SQL expressions that read the text cells of a staged file as canonical values, and say what is wrong with them.

Two readings give the same values. The trusting one casts at once and fails as a statement when a cell is not
what it should be; then the careful one, which asks `pg_input_is_valid` before each cast, finds the bad rows.
Careful costs about twice as much, and most files are right.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from domain.ingest.canonical import COLUMNS, Column, ValueType
from domain.ingest.mapping import Constant, FileFormat, FromColumn, Section, date_pattern
from domain.orders.order import MAXIMUM_SPEND_CENTS

LONGEST_TEXT_BYTES = 400
TRUE_WORDS = ("true", "t", "1", "yes", "y", "是")
FALSE_WORDS = ("false", "f", "0", "no", "n", "否")


@dataclass(frozen=True, slots=True)
class Fault:
    """`condition` is true of a bad row, `words` is the SQL text of the reason; both read `t`, the typed row."""

    condition: str
    words: str


@dataclass(frozen=True, slots=True)
class CellReader:
    """Reads the cells of one staged file as one kind of record."""

    section: Section
    file_format: FileFormat
    header: tuple[str, ...]
    now: str
    """Business time, as ISO text."""
    padded: bool = True
    """Whether cells may have spaces around them. Taking them off costs a quarter of the reading."""
    careful: bool = False

    def columns(self) -> tuple[Column, ...]:
        return COLUMNS[self.section.kind]

    def typed_rows(self, staging: str) -> str:
        """A subquery with `row_no`, `problem`, and for each canonical column `name` (typed) and `raw_name`.

        OFFSET 0 keeps each layer evaluated once a row, without hindering parallel workers.
        """
        texts = ", ".join(f"{self.text_of(column)} AS raw_{column.name}" for column in self.columns())
        values = ", ".join(f"{self.value_of(column)} AS {column.name}" for column in self.columns())
        raw = f"SELECT s.row_no, s.problem, {texts} FROM {staging} s OFFSET 0"
        return f"(SELECT r.*, {values} FROM ({raw}) r OFFSET 0)"

    def text_of(self, column: Column) -> str:
        default = literal(column.default) if column.default is not None else "NULL::text"
        origin = self.section.origins.get(column.name)
        if origin is None:
            return default
        if isinstance(origin, Constant):
            return literal(origin.text)
        if not isinstance(origin, FromColumn):
            return "s.row_no::text"
        cell = f"s.c{self.header.index(origin.name)}"
        cell = f"nullif(btrim({cell}), '')" if self.padded else f"nullif({cell}, '')"
        translated = translation(cell, column, self.section.values.get(column.name, {}))
        return f"coalesce({translated}, {default})" if column.default is not None else translated

    def value_of(self, column: Column) -> str:
        text = f"r.raw_{column.name}"
        match column.type:
            case ValueType.TEXT:
                return text
            case ValueType.MONEY:
                return self.cast(text, "numeric", f"{text}::numeric * 100")
            case ValueType.MOMENT:
                return self.moment(text)
            case ValueType.FLAG:
                return flag(text)
            case ValueType.WHOLE_NUMBER:
                return self.cast(text, "integer", f"{text}::integer")
            case ValueType.QUANTITY:
                return self.cast(text, "numeric", f"{text}::numeric")
            case ValueType.CHOICE:
                return position(text, column.choices)

    def cast(self, text: str, type_name: str, value: str) -> str:
        if not self.careful:
            return value
        return f"CASE WHEN pg_input_is_valid({text}, '{type_name}') THEN {value} END"

    def moment(self, text: str) -> str:
        """The pattern keeps out what PostgreSQL also reads as a time, such as 'today' or 1/2/2024."""
        written = self.iso_text(text)
        value = self.cast(written, "timestamptz", f"{written}::timestamptz")
        return f"CASE WHEN {written} LIKE '____-__-__%' THEN {value} END"

    def iso_text(self, text: str) -> str:
        time = self.file_format.time_of_day
        if self.file_format.date is not None:
            pattern = date_pattern(self.file_format.date)
            iso = pattern.iso if pattern.has_time else f"{pattern.iso} {time}"
            text = f"regexp_replace({text}, {literal(pattern.regex)}, {literal(iso)})"
        if time == "00:00":
            return text
        return f"CASE WHEN length({text}) = 10 THEN {text} || {literal(' ' + time)} ELSE {text} END"

    def faults(self) -> Iterator[Fault]:
        """What can be wrong with a row by itself, in the order of its columns."""
        yield Fault("t.problem IS NOT NULL", "t.problem")
        for column in self.columns():
            if column.needed:
                yield Fault(f"t.raw_{column.name} IS NULL", literal(f"{column.name} is missing"))
            yield from value_faults(column, now=self.now)


def value_faults(column: Column, *, now: str) -> Iterator[Fault]:
    value, raw = f"t.{column.name}", f"t.raw_{column.name}"

    def fault(condition: str, words: str) -> Fault:
        before, after = literal(f'{column.name} "'), literal(f'" {words}')
        return Fault(condition, f"{before} || left({raw}, 60) || {after}")

    unread = f"{value} IS NULL AND {raw} IS NOT NULL"
    match column.type:
        case ValueType.TEXT:
            yield fault(f"octet_length({value}) > {LONGEST_TEXT_BYTES}", "… is too long")
        case ValueType.MONEY:
            yield fault(unread, "is not an amount such as 12.50")
            yield fault(f"{value} < 0", "is below zero")
            yield fault(f"{value} > {MAXIMUM_SPEND_CENTS}", f"is more than {MAXIMUM_SPEND_CENTS / 100:,.2f}")
            yield fault(f"{value} <> trunc({value})", "has more than two decimals")
        case ValueType.MOMENT:
            yield fault(unread, "is not a date such as 2026-05-31 or 2026-05-31 18:30")
            yield fault(f"{value} > {literal(now)}::timestamptz", "is in the future")
            yield fault(f"{value} < '1900-01-01'", "is before 1900")
        case ValueType.FLAG:
            yield fault(unread, "is neither true nor false")
        case ValueType.WHOLE_NUMBER:
            yield fault(f"({unread}) OR {value} < 1", "is not a whole number from 1")
            yield fault(f"{value} > {column.most}", f"is more than {column.most}")
        case ValueType.QUANTITY:
            yield fault(unread, "is not a number")
            yield fault(f"{value} <= 0 OR {value} >= 1e9", "is not between 0 and 1,000,000,000")
            yield fault(f"{value} <> trunc({value}, 3)", "has more than three decimals")
        case _:
            known = ", ".join(column.choices)
            yield fault(unread, f"is not known; it may be {known}, or a mapping file may translate it")


def translation(cell: str, column: Column, words: Mapping[str, str]) -> str:
    """The mapping's words for values; "*" catches those that are not canonical either."""
    if not words:
        return cell
    cases = " ".join(f"WHEN {literal(k)} THEN {literal(v)}" for k, v in words.items() if k != "*")
    other = cell
    if "*" in words:
        known = ", ".join(literal(choice) for choice in column.choices) or "NULL"
        other = f"CASE WHEN upper({cell}) IN ({known}) THEN {cell} WHEN {cell} <> '' THEN {literal(words['*'])} END"
    return f"CASE {cell} {cases} ELSE {other} END" if cases else other


def flag(text: str) -> str:
    true, false = (", ".join(map(literal, words)) for words in (TRUE_WORDS, FALSE_WORDS))
    return f"CASE WHEN lower({text}) IN ({true}) THEN true WHEN lower({text}) IN ({false}) THEN false END"


def position(text: str, choices: tuple[str, ...]) -> str:
    """The number of a choice from 1, as statuses and channels are stored."""
    cases = " ".join(f"WHEN {literal(choice)} THEN {number}" for number, choice in enumerate(choices, 1))
    return f"(CASE upper({text}) {cases} END)::smallint"


def literal(text: str) -> str:
    """A text in SQL; the server runs with standard_conforming_strings."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """A name in SQL, of at most 63 bytes as PostgreSQL keeps them."""
    short = name.encode()[:63].decode(errors="ignore")
    return '"' + short.replace('"', '""') + '"'
