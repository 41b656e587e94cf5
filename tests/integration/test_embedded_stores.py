import asyncio
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis
import store_owner

from db import embedded_postgres, embedded_server
from db.embedded_postgres import Durability, start_postgres
from db.embedded_valkey import start_valkey
from domain.errors import SetupError

PROJECT = Path(__file__).parents[2]
WAYS_TO_DIE = [
    pytest.param(signal.SIGINT, id="Ctrl-C"),
    pytest.param(signal.SIGTERM, id="SIGTERM"),
    pytest.param(signal.SIGKILL, id="SIGKILL"),
]


@pytest.fixture
def home(run_folder: Path) -> Iterator[Path]:
    """An empty folder for stores, on the run's fast disk, that PostgreSQL's account can reach."""
    yield from new_folder(run_folder)


@pytest.fixture(scope="module")
def made_once(run_folder: Path) -> Iterator[Path]:
    for folder in new_folder(run_folder):
        start_postgres(folder / "postgres").stop()
        yield folder


@pytest.fixture
def used_home(made_once: Path, home: Path) -> Path:
    """A home whose PostgreSQL has run before: spares the seconds that making its data takes."""
    subprocess.run(["cp", "-a", f"{made_once}/.", str(home)], check=True)
    return home


def new_folder(parent: Path) -> Iterator[Path]:
    folder = parent / f"home-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir(mode=0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def owner_of(home: Path) -> Iterator[subprocess.Popen[str]]:
    owner = subprocess.Popen(
        [sys.executable, store_owner.__file__, str(home)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    try:
        yield owner
    finally:
        owner.kill()
        owner.wait()
        if owner.stdout:
            owner.stdout.close()


def first_words(owner: subprocess.Popen[str]) -> str:
    assert owner.stdout
    return owner.stdout.readline().strip()


def wait_until_free(folder: Path) -> None:
    """Until no server runs over the folder: its keeper has let the lock go."""
    while (lock := embedded_server.claim(folder)) is None:
        time.sleep(0.02)
    os.close(lock)


def servers_over(home: Path) -> list[int]:
    postgres = embedded_server.find_processes(home / "postgres" / "data", "postgres")
    return postgres + embedded_server.find_processes(home / "valkey", "valkey-server")


def keeper_of(folder: Path) -> int:
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_text()
        except OSError:
            continue
        if "embedded_keeper" in words and f'"{folder}' in words:
            return int(process.name)
    raise LookupError(folder)


def live_and_die(home: Path, way: signal.Signals) -> tuple[str, list[int]]:
    """What an owner said when it had added its row, and the servers that were left after its death."""
    with owner_of(home) as owner:
        said = first_words(owner)
        owner.send_signal(way)
        owner.wait()
        wait_until_free(home / "postgres")
        wait_until_free(home / "valkey")
        return said, servers_over(home)


@pytest.mark.parametrize("way", WAYS_TO_DIE)
def test_stores_end_with_their_owner_and_keep_its_rows(used_home: Path, way: signal.Signals) -> None:
    lives = [live_and_die(used_home, way) for _ in range(2)]

    assert lives == [("1 True", []), ("2 True", [])]


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS_TO_DIE)
def test_stores_survive_five_deaths_of_their_owner(home: Path, way: signal.Signals) -> None:
    lives = [live_and_die(home, way) for _ in range(5)]

    assert lives == [(f"{rows} True", []) for rows in (1, 2, 3, 4, 5)]


def test_an_owner_killed_while_it_makes_the_data_leaves_nothing_in_the_way(home: Path) -> None:
    with owner_of(home) as owner:
        while not list(home.glob("postgres/new-*/base")):
            time.sleep(0.005)
        owner.kill()
        owner.wait()
    with owner_of(home) as owner:
        assert first_words(owner) == "1 True"

    assert [path.name for path in home.glob("postgres/new-*")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="needs parent-death signals")
def test_servers_end_when_their_keeper_is_killed(used_home: Path) -> None:
    home = used_home
    with owner_of(home) as owner:
        assert first_words(owner) == "1 True"
        for folder in ("postgres", "valkey"):
            os.kill(keeper_of(home / folder), signal.SIGKILL)
        while servers_over(home):
            time.sleep(0.02)
    with owner_of(home) as owner:
        assert first_words(owner) == "2 True"


def test_a_killed_postgres_is_started_again_with_its_rows(used_home: Path) -> None:
    with owner_of(used_home) as owner:
        assert first_words(owner) == "1 True"
        attached = start_postgres(used_home / "postgres")
        postmaster = int((used_home / "postgres/data/postmaster.pid").read_text().split()[0])
        os.kill(postmaster, signal.SIGKILL)
        while attached.is_healthy():
            time.sleep(0.02)
        attached = start_postgres(used_home / "postgres")

        assert asyncio.run(store_owner.add_row(attached.url)) == 2


def test_a_second_process_attaches_and_its_stop_leaves_the_server_alone(used_home: Path) -> None:
    with owner_of(used_home) as owner:
        assert first_words(owner) == "1 True"
        postgres, valkey = start_postgres(used_home / "postgres"), start_valkey(used_home / "valkey")
        postgres.stop()
        valkey.stop()

        assert (postgres.is_healthy(), valkey.is_healthy()) == (True, True)
        assert asyncio.run(store_owner.add_row(postgres.url)) == 2


def test_of_two_starts_at_once_one_owns_and_outlives_its_thread(used_home: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        servers = list(pool.map(start_postgres, [used_home / "postgres"] * 2))
    healthy = [server.is_healthy() for server in servers]
    for server in servers:
        server.stop()

    assert sorted(server.kept is None for server in servers) == [False, True]
    assert healthy == [True, True]


def test_stores_in_two_folders_run_side_by_side(home: Path) -> None:
    with owner_of(home / "one") as one, owner_of(home / "two") as two:
        assert (first_words(one), first_words(two)) == ("1 True", "1 True")


def test_a_long_path_with_spaces_and_chinese_is_fine(home: Path) -> None:
    folder = home / "生鲜 零售" / ("very-" * 20) / ("long-" * 20)
    with owner_of(folder) as owner:
        assert first_words(owner) == "1 True"


def test_a_process_number_taken_by_somebody_else_does_not_block_the_start(used_home: Path) -> None:
    with owner_of(used_home) as owner:
        first_words(owner)
        owner.kill()
        owner.wait()
    wait_until_free(used_home / "postgres")
    lock_file = used_home / "postgres/data/postmaster.pid"
    lock_file.write_text(f"{os.getpid()}\n{used_home}\n1\n5432\n/tmp\n\n0 0\nready\n")
    with owner_of(used_home) as owner:
        assert first_words(owner) == "2 True"


@pytest.mark.skipif(sys.platform != "linux", reason="finds them through /proc")
def test_orphans_of_a_killed_owner_are_ended_by_the_next_start(
    used_home: Path,
) -> None:
    data = used_home / "postgres" / "data"
    orphan = subprocess.Popen(["sleep", "600"], cwd=data)
    while not embedded_server.find_processes(data, "sleep"):  # a process just begun has no name for a moment
        time.sleep(0.01)
    embedded_server.end_orphans(data, "sleep")

    assert -orphan.wait() in (signal.SIGQUIT, signal.SIGKILL)  # asked first; on a busy machine, made to


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_may_keep_its_programs_below_a_closed_folder(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = set(embedded_server.runtime_root().glob("postgresql-*"))
    monkeypatch.setattr(embedded_postgres, "_is_executable_by_all", lambda _: False)
    server = start_postgres(home / "postgres")
    [program] = embedded_server.find_processes(home / "postgres/data", "postgres")[:1]
    used = Path(f"/proc/{program}/exe").readlink()
    healthy = server.is_healthy()
    server.stop()
    for copy in set(embedded_server.runtime_root().glob("postgresql-*")) - before:
        shutil.rmtree(copy)

    assert healthy
    assert used.is_relative_to(embedded_server.runtime_root())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_root_may_keep_its_stores_below_a_closed_folder(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    with owner_of(closed / "project") as owner:
        assert first_words(owner) == "1 True"
    with owner_of(closed / "project") as owner:
        assert first_words(owner) == "2 True"


def test_data_of_another_version_is_refused_in_words(home: Path) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("17\n")
    with pytest.raises(SetupError, match=r"was made by PostgreSQL 17, this is 18: move it away"):
        start_postgres(home / "postgres")

    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_broken_data_is_reported_with_the_servers_own_words(home: Path) -> None:
    data = home / "postgres" / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("18\n")
    with pytest.raises(SetupError, match=r"PostgreSQL did not start: .*(FATAL|could not)"):
        start_postgres(home / "postgres")


def test_a_folder_held_by_a_process_that_does_not_serve_is_reported_in_words(home: Path) -> None:
    embedded_server.prepare_folder(home)
    lock = embedded_server.claim(home)
    assert lock is not None
    with pytest.raises(SetupError, match=r"Another process holds .*: stop that process"):
        embedded_server.own_or_attach(home, own=lambda *_: "owned", attach=lambda _: None, seconds=0.1)
    os.close(lock)

    assert (
        embedded_server.own_or_attach(home, own=lambda *_: "owned", attach=lambda _: None, seconds=0.1)
        == "owned"
    )


def test_a_folder_that_cannot_be_made_is_reported_in_words(home: Path) -> None:
    (home / "file").touch()
    with pytest.raises(SetupError, match=r"Cannot write to .*file/postgres.*Set C360_HOME"):
        start_postgres(home / "file" / "postgres")


def test_a_throwaway_server_takes_its_folder_with_it(home: Path) -> None:
    server = start_postgres(home / "postgres", durability=Durability.THROWAWAY)
    assert server.is_healthy()

    server.stop()

    assert not (home / "postgres").exists()
    assert not server.is_healthy()


def test_valkey_takes_keys_over_its_socket(valkey_url: str) -> None:
    with redis.Redis.from_url(valkey_url) as client:
        client.set("test_embedded_stores:key", "value")

        assert client.get("test_embedded_stores:key") == b"value"
        assert client.info("server")["server_name"] == "valkey"
