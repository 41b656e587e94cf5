"""A mapping file: how the columns of a foreign file become canonical ones.

[format]
date = "%Y%m%d"            # how dates are written, as in strftime; ISO 8601 is always understood
time_of_day = "12:00"      # for dates without a time
currency = "USD"           # must be the shop's
delimiter = ";"            # or "whitespace"; a comma when left out

[orders]                   # a section for each kind of record that the file feeds
external_id = "@row"       # the number of the row, from 1 below the header
placed_at = "bought"       # the column "bought"
status = "=DELIVERED"      # a constant

[orders.values.channel]    # other words for values; "*" stands for any that is not known
wechat = "MINI_PROGRAM"
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from domain.errors import DomainError, ErrorCode
from domain.ingest.canonical import COLUMNS, RecordKind

WHITESPACE = "whitespace"


@dataclass(frozen=True, slots=True)
class FromColumn:
    """The value of a column of the file."""

    name: str


@dataclass(frozen=True, slots=True)
class Constant:
    """The same in every row."""

    text: str


@dataclass(frozen=True, slots=True)
class RowNumber:
    """1 is the first row below the header."""


Origin = FromColumn | Constant | RowNumber


@dataclass(frozen=True, slots=True)
class Section:
    """Where each canonical column of one kind comes from; those that are not named are absent.

    `values` translates words: canonical column -> word of the file -> canonical word.
    """

    kind: RecordKind
    origins: Mapping[str, Origin]
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def file_columns(self) -> frozenset[str]:
        """The columns of the file that this reads."""
        return frozenset(origin.name for origin in self.origins.values() if isinstance(origin, FromColumn))


@dataclass(frozen=True, slots=True)
class FileFormat:
    """How a file writes things."""

    date: str | None = None
    time_of_day: str = "00:00"
    currency: str | None = None
    delimiter: str = ","


@dataclass(frozen=True, slots=True)
class FileMapping:
    """A whole mapping file."""

    format: FileFormat
    sections: tuple[Section, ...]


def parse_mapping(text: str) -> FileMapping:
    """Errors: DomainError (INVALID) naming the section and line that is wrong."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise invalid(f"The mapping file is not TOML: {error}.") from error
    file_format = parse_format(tables.pop("format", {}))
    if not tables:
        raise invalid("The mapping file has no section such as [orders]; add one for each kind of record.")
    sections = [parse_section(name, lines) for name, lines in tables.items()]
    order = list(RecordKind)
    return FileMapping(file_format, tuple(sorted(sections, key=lambda section: order.index(section.kind))))


def parse_format(lines: Mapping[str, Any]) -> FileFormat:
    known = FileFormat.__dataclass_fields__
    for name, value in lines.items():
        if name not in known or not isinstance(value, str):
            settings = ", ".join(known)
            raise invalid(f"[format] has no setting {name} = {value!r}; it knows {settings}, as text.")
    file_format = FileFormat(**lines)
    if len(file_format.delimiter) != 1 and file_format.delimiter != WHITESPACE:
        raise invalid(f'The delimiter {file_format.delimiter!r} is not one character or "whitespace".')
    if file_format.date is not None:
        date_pattern(file_format.date)
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", file_format.time_of_day):
        raise invalid(f'The time_of_day {file_format.time_of_day!r} is not like "12:00".')
    return file_format


def parse_section(name: str, lines: Any) -> Section:
    kind = kind_named(name)
    known = [column.name for column in COLUMNS[kind]]
    if not isinstance(lines, dict):
        raise invalid(f"{name} in the mapping file is not a section; write [{name}] and its lines below.")
    values = lines.pop("values", {})
    for column, origin in lines.items():
        if column not in known or not isinstance(origin, str):
            raise invalid(f"[{name}] has no column {column} = {origin!r}; it knows {', '.join(known)}.")
    for column, words in values.items():
        if column not in known or not isinstance(words, dict):
            raise invalid(f"[{name}.values.{column}] translates no column of {name}.")
    return Section(kind, {column: parse_origin(origin) for column, origin in lines.items()}, values)


def parse_origin(text: str) -> Origin:
    if text == "@row":
        return RowNumber()
    return Constant(text[1:]) if text.startswith("=") else FromColumn(text)


def kind_named(name: str) -> RecordKind:
    """Errors: DomainError (INVALID) that lists the kinds."""
    try:
        return RecordKind(name)
    except ValueError as error:
        kinds = ", ".join(kind.value for kind in RecordKind)
        raise invalid(f"{name!r} is not a kind of record; the kinds are {kinds}.") from error


def canonical_section(kind: RecordKind, header: tuple[str, ...]) -> Section:
    """Each canonical column that the header has, under its own name."""
    names = [column.name for column in COLUMNS[kind] if column.name in header]
    return Section(kind, {name: FromColumn(name) for name in names})


def missing_columns(section: Section, header: tuple[str, ...]) -> tuple[str, ...]:
    """Canonical columns that the kind needs and nothing feeds, and mapped columns that the file has not."""
    unfed = [c.name for c in COLUMNS[section.kind] if c.needed and c.name not in section.origins]
    absent = sorted(section.file_columns() - set(header))
    return tuple(unfed + absent)


DATE_PARTS = {
    "%Y": ("year", r"\d{4}"),
    "%m": ("month", r"\d{1,2}"),
    "%d": ("day", r"\d{1,2}"),
    "%H": ("hour", r"\d{1,2}"),
    "%M": ("minute", r"\d{1,2}"),
    "%S": ("second", r"\d{1,2}"),
}


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A regular expression, and the ISO text to put in its place, with \\1 for its first group."""

    regex: str
    iso: str
    has_time: bool


def date_pattern(date_format: str) -> DatePattern:
    """A strftime format as a pattern; parts that touch must have two digits, others one or two.

    Errors: DomainError (INVALID) for directives other than %Y %m %d %H %M %S, or a date that is not whole.
    """
    pieces = re.findall(r"%.|[^%]+|%$", date_format)
    groups: dict[str, int] = {}
    regex = ""
    for place, piece in enumerate(pieces):
        if not piece.startswith("%"):
            regex += re.escape(piece)
            continue
        if piece not in DATE_PARTS or DATE_PARTS[piece][0] in groups:
            raise invalid(f"The date format {date_format!r} may hold %Y %m %d %H %M %S, each once.")
        name, digits = DATE_PARTS[piece]
        groups[name] = len(groups) + 1
        regex += f"({digits.replace('{1,2}', '{2}') if touches(pieces, place) else digits})"
    if not {"year", "month", "day"} <= groups.keys():
        raise invalid(f"The date format {date_format!r} needs %Y, %m and %d.")
    date = r"-".join(f"\\{groups[name]}" for name in ("year", "month", "day"))
    time = ":".join(f"\\{groups[name]}" for name in ("hour", "minute", "second") if name in groups)
    return DatePattern(f"^{regex}$", f"{date} {time}".strip(), "hour" in groups and "minute" in groups)


def touches(pieces: list[str], place: int) -> bool:
    neighbours = pieces[max(place - 1, 0) : place] + pieces[place + 1 : place + 2]
    return any(piece.startswith("%") for piece in neighbours)


def invalid(message: str) -> DomainError:
    return DomainError(ErrorCode.INVALID, message, ("mapping",))
