import json
from pathlib import Path

import pytest

from api.query_page import fetch_assets, graphiql_files
from api.query_page.examples import Example, read_examples
from api.query_page.fetch_assets import fetch_graphiql
from api.query_page.graphiql_files import GRAPHIQL_FILES, read_graphiql
from api.query_page.serve import OWN_FILES, QueryPage
from domain.errors import SetupError

HERE = Path(fetch_assets.__file__).parent


def test_examples_come_with_their_words_and_variables(tmp_path: Path) -> None:
    (tmp_path / "02_second.graphql").write_text("{ a }")
    (tmp_path / "01_whole_customer.graphql").write_text("# One customer,\n# whole.\nquery Q($id: ID!) { a }")
    (tmp_path / "01_whole_customer.json").write_text('{"id": "cus_1"}')

    first, second = read_examples(tmp_path)

    assert (first.name, first.words, first.variables) == (
        "Whole customer",
        "One customer, whole.",
        {"id": "cus_1"},
    )
    assert second == Example("Second", "", "{ a }")


def test_the_page_cannot_be_left_by_what_an_example_says() -> None:
    page = QueryPage([Example("x", "</script><script>alert(1)</script>", "{ a }")])

    html = page._pages["plain.html"].decode()

    assert "<script>alert" not in html
    assert "\\u003c/script>" in html


def test_no_file_of_the_page_names_another_host() -> None:
    for path in OWN_FILES.iterdir():
        text = path.read_text().replace("http://www.w3.org/2000/svg", "")
        assert "http://" not in text, path.name
        assert "https://" not in text, path.name


def test_the_lock_file_has_hashes_and_names_no_host_of_packages() -> None:
    lock = json.loads((HERE / "package-lock.json").read_text())
    packages = [entry for name, entry in lock["packages"].items() if name]

    assert all("integrity" in entry and "resolved" not in entry for entry in packages)
    assert lock["packages"][""]["dependencies"] == {
        "@graphiql/plugin-explorer": "1.0.2",
        "graphiql": "3.8.3",
        "react": "18.2.0",
        "react-dom": "18.2.0",
    }


def test_changed_or_missing_files_mean_the_plain_page(tmp_path: Path) -> None:
    for file in GRAPHIQL_FILES:
        (tmp_path / file.name).write_text("changed")

    assert read_graphiql(tmp_path) == {}
    assert QueryPage(graphiql_folder=tmp_path).has_graphiql is False
    assert graphiql_files.read_graphiql(tmp_path / "missing") == {}


def test_without_npm_one_sentence_says_what_happens(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(SetupError, match="needs npm, which is not here"):
        fetch_graphiql(tmp_path / "graphiql")


def test_an_npm_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")

    with pytest.raises(SetupError, match="npm failed: no network"):
        fetch_graphiql(tmp_path / "home" / "graphiql")
    assert list((tmp_path / "home").iterdir()) == []
