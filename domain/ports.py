"""What the rules need from the outside world; `db` and `graph` implement it."""

from typing import Protocol


class Cipher(Protocol):
    """Seals personal values under a key of each customer's own, and finds them again by keyed hash."""

    def new_data_key(self) -> bytes:
        """A new key for one customer, wrapped for storing. Destroying it erases what it sealed."""

    def seal(self, data_key: bytes, text: str, *, field: str) -> bytes:
        """Encrypts for one field: a value moved to another field or customer does not open."""

    def open(self, data_key: bytes, sealed: bytes, *, field: str) -> str:
        """Decrypts; raises `CipherFault` when the value was changed or belongs elsewhere."""

    def blind_index(self, namespace: str, value: str) -> bytes:
        """16 bytes, equal for equal values of one namespace, that say nothing about them without the key."""


class CipherFault(Exception):
    """A sealed value did not open: wrong key, wrong field, or damaged bytes."""
