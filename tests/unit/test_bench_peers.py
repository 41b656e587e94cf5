import json
from pathlib import Path

import pytest

from benchmarks.filled_shop import FilledShop
from benchmarks.node_packages import SOURCES, cache_folder, find_node
from benchmarks.read_peers import node_peers, own_server, postgraphile
from domain.errors import SetupError

SHOP = FilledShop(
    home=Path("home"), database_url="postgresql://a", redis_url="redis://b", customers=[1], token="t"
)


def test_without_npm_one_line_says_who_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    said: list[str] = []

    assert node_peers(SHOP, said.append) == []
    assert postgraphile(SHOP, said.append) == []
    assert said == [
        "Not run: Mercurius with JIT, Yoga with JIT, Apollo Server (npm is not here).",
        "Not run: PostGraphile (npm is not here).",
    ]


def test_a_node_that_is_too_old_is_not_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    old = tmp_path / "node"
    old.write_text("#!/bin/sh\necho v18.19.0\n")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")

    with pytest.raises(SetupError, match="there is no Node 20 or newer"):
        find_node(at_least=20, packages=tmp_path)
    assert find_node(at_least=18, packages=tmp_path).version == 18


def test_packages_are_kept_by_the_lock_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert cache_folder().parent == tmp_path / "customer360"
    assert cache_folder() == cache_folder()


def test_every_package_is_pinned_and_the_lock_names_no_registry() -> None:
    package = json.loads((SOURCES / "package.json").read_text())
    lock = json.loads((SOURCES / "package-lock.json").read_text())
    wanted = package["dependencies"] | package["optionalDependencies"]

    assert all(version[0].isdigit() for version in wanted.values())
    assert {name: lock["packages"][f"node_modules/{name}"]["version"] for name in wanted} == wanted
    assert not any("resolved" in one for one in lock["packages"].values())


def test_our_server_takes_its_settings_from_the_shop() -> None:
    peer = own_server(SHOP, C360_ZONE="UTC")

    assert peer.surroundings["C360_DATABASE_URL"] == "postgresql://a"
    assert peer.surroundings["C360_ZONE"] == "UTC"
    assert peer.headers == (("authorization", "Bearer t"),)
