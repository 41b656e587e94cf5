"""Envelope encryption of personal columns: AES-256-GCM, a data key per customer, wrapped by one more key.

Sealed value: 1 byte version, 12 bytes nonce, cipher with tag. The field's name is authenticated with it, so a
value copied to another field does not open; nor does it under another customer's key.
"""

import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from db.keys import LocalKeys
from domain.ports import CipherFault

VERSION = b"\x01"
NONCE_BYTES = 12
BLIND_INDEX_BYTES = 16
KNOWN_DATA_KEYS = 65_536
"""Unwrapped keys kept in memory: unwrapping costs as much as opening a value."""


class LocalCipher:
    """`domain.ports.Cipher` with keys of this machine."""

    def __init__(self, keys: LocalKeys) -> None:
        self._wrapping = AESGCM(keys.key_encryption)
        self._index_key = keys.blind_index
        self._known: dict[bytes, AESGCM] = {}

    def new_data_key(self) -> bytes:
        """It is used right away, so it is known from the start."""
        plain = os.urandom(32)
        data_key = encrypt(self._wrapping, plain, b"data_key")
        self._keep(data_key, AESGCM(plain))
        return data_key

    def seal(self, data_key: bytes, text: str, *, field: str) -> bytes:
        return encrypt(self._unwrapped(data_key), text.encode(), field.encode())

    def open(self, data_key: bytes, sealed: bytes, *, field: str) -> str:
        return decrypt(self._unwrapped(data_key), sealed, field.encode()).decode()

    def blind_index(self, namespace: str, value: str) -> bytes:
        message = f"{namespace}\0{value}".encode()
        return hmac.digest(self._index_key, message, "sha256")[:BLIND_INDEX_BYTES]

    def _unwrapped(self, data_key: bytes) -> AESGCM:
        known = self._known.get(data_key)
        if known is not None:
            return known
        return self._keep(data_key, AESGCM(decrypt(self._wrapping, data_key, b"data_key")))

    def _keep(self, data_key: bytes, key: AESGCM) -> AESGCM:
        """Full, it begins anew: that costs less than to know which key was used last."""
        if len(self._known) >= KNOWN_DATA_KEYS:
            self._known.clear()
        self._known[data_key] = key
        return key


def encrypt(key: AESGCM, plain: bytes, context: bytes) -> bytes:
    nonce = os.urandom(NONCE_BYTES)
    return VERSION + nonce + key.encrypt(nonce, plain, context)


def decrypt(key: AESGCM, sealed: bytes, context: bytes) -> bytes:
    if sealed[:1] != VERSION:
        raise CipherFault("a sealed value of an unknown version")
    try:
        return key.decrypt(sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :], context)
    except InvalidTag as fault:
        raise CipherFault("a sealed value did not open: wrong key, wrong field, or damaged bytes") from fault
