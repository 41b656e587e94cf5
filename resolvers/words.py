"""Words in the reader's language: what the shop publishes is Chinese, and everything has English beside it."""

from sqlalchemy import ColumnElement, Text, case, func

from domain.words import Words
from resolvers.readpath.declare import argument

CHINESE, ENGLISH = "zh", "en"


def check_locale(value: str) -> None:
    if language_of(value) not in (CHINESE, ENGLISH):
        raise ValueError("There are words in zh-CN and in en.")


def language_of(locale: str) -> str:
    return locale.partition("-")[0].lower()


locale = argument(
    "locale", str, "Language tag: zh-CN or en.", sql_type=Text(), default="zh-CN", check=check_locale
)


def in_language(words: Words, locale: str) -> str:
    return words.en if language_of(locale) == ENGLISH else words.zh


def stored_words(chinese: ColumnElement[str], english: ColumnElement[str]) -> ColumnElement[str]:
    """One of two columns, by the argument `locale`."""
    language = func.lower(func.split_part(locale, "-", 1))
    return case((language == ENGLISH, english), else_=chinese)
