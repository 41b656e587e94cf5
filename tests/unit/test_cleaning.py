import pytest

from domain.ingest.cleaning import clean_email, clean_name, clean_phone


@pytest.mark.parametrize(
    ("words", "raw", "clean"),
    [
        ("plain", "13812345678", "+8613812345678"),
        ("full width", "１３８１２３４５６７８", "+8613812345678"),
        ("dashes and spaces", " 138-1234 5678 ", "+8613812345678"),
        ("+86", "+86 138 1234 5678", "+8613812345678"),
        ("0086", "008613812345678", "+8613812345678"),
        ("86", "8613812345678", "+8613812345678"),
        ("leading zero", "013812345678", "+8613812345678"),
        ("landline", "010-62345678", "+861062345678"),
        ("landline with country", "+86 21 62345678", "+862162345678"),
        ("landline with seven digits", "0471-6234567", "+864716234567"),
        ("extension", "(021)62345678转801", "+862162345678"),
        ("service number", "400-820-8820", "+864008208820"),
        ("foreign", "+1 415 555 2671", "+14155552671"),
        ("landline without area", "62345678", None),
        ("too short", "1381234567", None),
        ("too long", "138123456789", None),
        ("no such mobile", "12812345678", None),
        ("letters", "call me", None),
        ("nothing", "", None),
    ],
)
def test_phones_come_out_as_e164(words: str, raw: str, clean: str | None) -> None:
    assert clean_phone(raw) == clean, words


@pytest.mark.parametrize(
    ("raw", "clean"),
    [(" Zhang@Example.COM ", "zhang@example.com"), ("a@b", None), ("a b@c.cn", None), ("", None)],
)
def test_email_addresses_are_lower_case_or_none(raw: str, clean: str | None) -> None:
    assert clean_email(raw) == clean


def test_names_lose_their_outer_space() -> None:
    assert clean_name("  Anna \u3000 Maria ") == "Anna Maria"
    assert clean_name(" \t ") is None
