"""Local keys under `$C360_HOME/keys`: made once, readable by their owner only, never printed."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

KEY_BYTES = 32


@dataclass(frozen=True, slots=True, repr=False)
class LocalKeys:
    """`key_encryption` wraps the customers' data keys; `blind_index` keys the hashes they are found by."""

    key_encryption: bytes
    blind_index: bytes


def open_keys(folder: Path) -> LocalKeys:
    """Reads the keys, makes those that are missing. Without the folder personal values are lost: back it up"""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    return LocalKeys(
        key_encryption=read_or_make(folder / "key_encryption"),
        blind_index=read_or_make(folder / "blind_index"),
    )


def read_or_make(path: Path) -> bytes:
    """One key file. Two processes may make it at once: the one that links first wins, both read the same."""
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        link_unless_there(draft, path)
    return path.read_bytes()


def link_unless_there(draft: Path, path: Path) -> None:
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
