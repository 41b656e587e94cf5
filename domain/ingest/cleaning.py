"""Unified formats for what sources write in their own way; nothing is guessed or filled in. [S3-2]"""

import re
import unicodedata

PHONE_INVALID = "PHONE_INVALID"
EMAIL_INVALID = "EMAIL_INVALID"
REFERRER_UNKNOWN = "REFERRER_UNKNOWN"
COMMUNITY_UNKNOWN = "COMMUNITY_UNKNOWN"

EXTENSION = re.compile(r"(?:转|分机|ext\.?|x|#)\s*(\d{1,6})$", re.IGNORECASE)
NOT_DIALLED = re.compile(r"[\s\-.()/‐-―]+")
COUNTRY = re.compile(r"^(?:\+86|0086|86(?=\d{10}))")
MOBILE = re.compile(r"1[3-9]\d{9}")
LANDLINE = re.compile(r"0(?:10\d{8}|2\d\d{8}|[3-9]\d{2}\d{7,8})")
SERVICE_NUMBER = re.compile(r"(?:400|800)\d{7}")
FOREIGN = re.compile(r"\+(?!86)[1-9]\d{6,14}")
EMAIL = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\".]+(?:\.[^\s@<>,;:\".]+)+")


def clean_phone(raw: str) -> str | None:
    """E.164, such as +8613812345678; None when it is not a number one could dial.

    Understands full-width digits, spaces, dashes, 0086, 86 and +86, a 0 before a mobile, landlines with their
    area code; an extension stays in the source record. A landline without its area code is not a number.
    """
    if len(raw) == 11 and raw.isascii() and MOBILE.fullmatch(raw):
        return "+86" + raw
    text = unicodedata.normalize("NFKC", raw).strip()
    return national_number(NOT_DIALLED.sub("", EXTENSION.sub("", text)))


def national_number(dialled: str) -> str | None:
    if FOREIGN.fullmatch(dialled):
        return dialled
    number = COUNTRY.sub("", dialled)
    if not number.isascii() or not number.isdigit():
        return None
    if MOBILE.fullmatch(number.removeprefix("0")):
        return "+86" + number.removeprefix("0")
    if SERVICE_NUMBER.fullmatch(number):
        return "+86" + number
    with_area_code = "0" + number if number != dialled and not number.startswith("0") else number
    return "+86" + with_area_code[1:] if LANDLINE.fullmatch(with_area_code) else None


def clean_email(raw: str) -> str | None:
    """Lower case; None when it is not one address."""
    text = unicodedata.normalize("NFKC", raw).strip().lower()
    return text if EMAIL.fullmatch(text) and len(text) <= 254 else None


def clean_name(raw: str) -> str | None:
    """Outer space gone, inner runs of space made one; None when nothing is left."""
    return " ".join(raw.split()) or None
