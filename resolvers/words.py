"""Words in the reader's language: what the shop publishes is Chinese, and everything has English beside it."""

from typing import Any

from sqlalchemy import Text

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


def stored_words(context: Any, chinese: str, english: str, *, locale: str) -> str:  # noqa: ARG001
    """Of two columns."""
    return in_language(Words(chinese, english), locale)
