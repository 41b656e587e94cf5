"""How much memory the embedded PostgreSQL keeps pages in."""

from pathlib import Path

import pytest

from db.embedded_postgres import memory_bytes, shared_megabytes

GIB = 1024**3


@pytest.mark.parametrize(("gib", "megabytes"), [(1, 256), (4, 256), (16, 1024), (24, 1536), (256, 2048)])
def test_it_takes_a_sixteenth_within_bounds(gib: int, megabytes: int) -> None:
    assert shared_megabytes(gib * GIB) == megabytes


def test_a_container_has_what_it_is_given_and_no_more_than_the_machine(tmp_path: Path) -> None:
    limit, whole = tmp_path / "memory.max", memory_bytes(tmp_path / "absent")
    limit.write_text(f"{GIB}\n")
    assert memory_bytes(limit) == min(GIB, whole)
    limit.write_text(f"{whole * 2}\n")
    assert memory_bytes(limit) == whole
    limit.write_text("max\n")
    assert memory_bytes(limit) == whole
