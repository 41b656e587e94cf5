"""The query page in a real browser: it works, and asks nobody but us."""

import os
from pathlib import Path

import pytest
from browser import Page, browser_page
from live_server import running, toy_parts

from api.query_page.examples import Example
from api.query_page.fetch_assets import fetch_graphiql
from api.query_page.serve import QueryPage

pytestmark = pytest.mark.browser
CONTROL = 2
EXAMPLES = (
    Example("Greeting", "Says hello to one person.", "query Greeting($name: String) {\n  hello(name: $name)\n  role\n}\n", {"name": "郑玉"}),  # noqa: E501
    Example("Live", "Five greetings.", "subscription Live {\n  greetings\n}\n"),
    Example("Fault", "A field that fails.", "{\n  hello\n  broken\n}\n"),
)  # fmt: skip


async def keep_picture(page: Page, name: str) -> None:
    folder = os.environ.get("PICTURES_FOLDER")
    if folder:
        await page.screenshot(Path(folder) / f"{name}.png")


def assert_at_home(page: Page, url: str) -> None:
    assert [asked for asked in page.requests if not asked.startswith((url, "data:"))] == []
    assert page.complaints == []


async def test_the_plain_page_runs_its_first_example_by_ctrl_enter(tmp_path: Path) -> None:
    async with running(toy_parts(demo=True, page=QueryPage(EXAMPLES))) as api, browser_page(tmp_path) as page:
        await page.open(f"{api.url}/graphql")
        await page.wait_for("document.querySelectorAll('#types .entry').length > 3")
        await page.press("Enter", 13, CONTROL)

        shown = await page.wait_for("document.getElementById('result').textContent.includes('hello') && document.getElementById('result').textContent")  # fmt: skip # noqa: E501
        await keep_picture(page, "plain")
        assert "Hello 郑玉" in shown
        assert "OPERATOR" in shown
        assert_at_home(page, api.url)


async def test_the_plain_page_follows_a_subscription(tmp_path: Path) -> None:
    async with running(toy_parts(demo=True, page=QueryPage(EXAMPLES))) as api, browser_page(tmp_path) as page:
        await page.open(f"{api.url}/graphql")
        await page.wait_for("document.querySelectorAll('#types .entry').length > 3")
        await page.evaluate("(e => { e.value = '1'; e.dispatchEvent(new Event('change')) })(document.getElementById('example'))")  # fmt: skip # noqa: E501
        await page.evaluate("document.getElementById('run').click()")

        await page.wait_for("document.getElementById('status').textContent.startsWith('ended')")
        await keep_picture(page, "live")
        assert await page.evaluate("document.querySelectorAll('#result .event').length") == 5
        assert_at_home(page, api.url)


async def test_errors_are_shown_as_sentences_with_their_code(tmp_path: Path) -> None:
    async with running(toy_parts(demo=True, page=QueryPage(EXAMPLES))) as api, browser_page(tmp_path) as page:
        await page.open(f"{api.url}/graphql?plain&query=" + "%7B%20nothing%20%7D")
        await page.wait_for("document.querySelectorAll('#types .entry').length > 3")
        await page.evaluate("document.documentElement.dataset.theme = 'dark'")
        await page.evaluate("document.getElementById('run').click()")

        words = await page.wait_for("document.getElementById('errors').textContent")
        await keep_picture(page, "errors")
        assert "Cannot query field 'nothing' on type 'Query'." in words
        assert await page.evaluate("document.getElementById('status').textContent") != ""


async def test_the_schema_browser_finds_a_field_and_opens_its_type(tmp_path: Path) -> None:
    async with running(toy_parts(demo=True, page=QueryPage(EXAMPLES))) as api, browser_page(tmp_path) as page:
        await page.open(f"{api.url}/graphql")
        await page.wait_for("document.querySelectorAll('#types .entry').length > 3")
        await page.evaluate("document.getElementById('search').focus()")
        await page.type_text("greet")
        found = await page.wait_for("document.querySelector('#types .link.field').textContent")
        await page.evaluate("document.querySelector('#types .link.field').click()")

        assert found == "Subscription.greetings"
        assert "Subscription" in await page.wait_for("document.querySelector('#types h3').textContent")
        assert_at_home(page, api.url)


async def test_the_editor_indents_by_tab_and_closes_brackets(tmp_path: Path) -> None:
    async with running(toy_parts(demo=True, page=QueryPage())) as api, browser_page(tmp_path) as page:
        await page.open(f"{api.url}/graphql")
        await page.wait_for("document.querySelectorAll('#types .entry').length > 3")
        await page.evaluate("(t => { t.focus(); t.select(); t.setRangeText(''); t.dispatchEvent(new Event('input')) })(document.querySelector('#query textarea'))")  # fmt: skip # noqa: E501
        await page.press("{", 219)
        await page.press("Enter", 13)
        await page.press("Tab", 9)

        text = await page.evaluate("document.querySelector('#query textarea').value")
        assert text == "{\n    \n}"
        assert await page.evaluate("document.querySelector('#query .numbers').textContent") == "1\n2\n3"


@pytest.mark.npm
async def test_graphiql_runs_an_example_and_asks_nobody_else(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    given = os.environ.get("GRAPHIQL_FOLDER")
    folder = Path(given) if given else tmp_path_factory.mktemp("npm") / "graphiql"
    fetch_graphiql(folder)
    page_of_ours = QueryPage(EXAMPLES, graphiql_folder=folder)
    async with running(toy_parts(demo=True, page=page_of_ours)) as api, browser_page(tmp_path) as page:
        await page.open(f"{api.url}/graphql")
        await page.wait_for("!!document.querySelector('.graphiql-execute-button')")
        await page.evaluate("document.querySelector('.graphiql-execute-button').click()")

        shown = await page.wait_for("document.querySelector('.result-window').textContent.includes('Hello') && document.querySelector('.result-window').textContent")  # fmt: skip # noqa: E501
        await keep_picture(page, "graphiql")
        assert "Hello 郑玉" in shown
        assert await page.evaluate("document.querySelectorAll('.graphiql-tab').length") == 3
        assert_at_home(page, api.url)
