import pytest
from sqlalchemy import LargeBinary

from db import tables as t
from domain.customers.profile import PERSONAL_FIELDS, Profile, about
from domain.privacy.masking import mask_email, mask_name, mask_phone, shown
from domain.privacy.viewer import Purpose, Role, Viewer


@pytest.mark.parametrize(
    ("words", "value", "masked"),
    [
        ("a mobile keeps its head and tail", "+8613812341234", "138****1234"),
        ("a landline keeps two digits", "+862887654321", "****21"),
        ("a number from abroad", "+14155550100", "****00"),
    ],
)
def test_a_phone_is_masked(words: str, value: str, masked: str) -> None:
    assert mask_phone(value) == masked, words


def test_a_name_keeps_its_first_character() -> None:
    assert [mask_name(name) for name in ("王小明", "王", "Ming's Kitchen")] == ["王**", "王", "M***"]


def test_an_email_keeps_its_host() -> None:
    assert mask_email("mei.wang@example.com") == "m***@example.com"


@pytest.mark.parametrize(
    ("words", "viewer", "seen"),
    [
        ("customers see their own", Viewer("c", Role.CUSTOMER, customer_id=1), "王小明"),
        ("an agent without a purpose", Viewer("a", Role.AGENT), "王**"),
        ("an agent with a purpose", Viewer("a", Role.AGENT, Purpose.CUSTOMER_SERVICE), "王小明"),
        ("an operator never", Viewer("o", Role.OPERATOR, Purpose.ANALYTICS), "王**"),
    ],
)
def test_who_sees_a_name_whole(words: str, viewer: Viewer, seen: str) -> None:
    assert shown("王小明", mask=mask_name, viewer=viewer) == seen, words


def test_an_erased_value_stays_null() -> None:
    assert shown(None, mask=mask_name, viewer=Viewer("o", Role.OPERATOR)) is None


def test_a_customer_id_belongs_to_the_customer_role_alone() -> None:
    with pytest.raises(ValueError, match="customer id"):
        Viewer("x", Role.AGENT, customer_id=1)
    with pytest.raises(ValueError, match="customer id"):
        Viewer("x", Role.CUSTOMER)


def test_exactly_the_personal_fields_are_stored_as_ciphers() -> None:
    stored = {c.name for c in t.customers.c if isinstance(c.type, LargeBinary)} - {"data_key"}

    assert stored == set(PERSONAL_FIELDS) == {"name", "phone", "email"}
    assert all(name in t.customers.c for name in Profile.__slots__)
    assert about("phone").words.startswith("E.164")
