from pathlib import Path

import pytest

from db.encryption import LocalCipher
from db.keys import LocalKeys, open_keys
from domain.ports import CipherFault

KEYS = LocalKeys(key_encryption=b"k" * 32, blind_index=b"b" * 32)


def test_a_sealed_value_opens_again() -> None:
    cipher = LocalCipher(KEYS)
    key = cipher.new_data_key()

    sealed = cipher.seal(key, "+8613812341234", field="phone")

    assert cipher.open(key, sealed, field="phone") == "+8613812341234"
    assert b"138" not in sealed


def test_equal_values_are_sealed_differently() -> None:
    cipher = LocalCipher(KEYS)
    key = cipher.new_data_key()

    assert cipher.seal(key, "王", field="name") != cipher.seal(key, "王", field="name")


@pytest.mark.parametrize("case", ["another field", "another customer", "a changed byte", "another version"])
def test_a_misplaced_or_changed_value_does_not_open(case: str) -> None:
    cipher = LocalCipher(KEYS)
    key, other = cipher.new_data_key(), cipher.new_data_key()
    sealed = cipher.seal(key, "a@example.com", field="email")
    changed = {
        "a changed byte": sealed[:-1] + bytes([sealed[-1] ^ 1]),
        "another version": b"\x02" + sealed[1:],
    }.get(case, sealed)

    with pytest.raises(CipherFault):
        cipher.open(
            other if case == "another customer" else key,
            changed,
            field="name" if case == "another field" else "email",
        )


def test_a_blind_index_depends_on_value_namespace_and_key() -> None:
    cipher = LocalCipher(KEYS)
    other = LocalCipher(LocalKeys(key_encryption=KEYS.key_encryption, blind_index=b"c" * 32))

    index = cipher.blind_index("PHONE", "+8613812341234")

    assert len(index) == 16
    assert index == cipher.blind_index("PHONE", "+8613812341234")
    assert index != cipher.blind_index("EMAIL", "+8613812341234")
    assert index != other.blind_index("PHONE", "+8613812341234")


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    first = open_keys(tmp_path / "keys")

    assert open_keys(tmp_path / "keys") == first
    assert first.key_encryption != first.blind_index
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "keys").iterdir()} == {0o600}
    assert "key_encryption" not in repr(first)
