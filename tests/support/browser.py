"""A headless Chromium over its own debugging protocol: opens a page, sees its requests and complaints."""

import asyncio
import base64
import json
import shutil
import subprocess
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--remote-debugging-port=0",
    "--window-size=1440,900",
)


def find_chromium() -> str | None:
    return next((path for name in NAMES if (path := shutil.which(name))), None)


class Page:
    """`requests` are the addresses asked for, `complaints` console errors and uncaught exceptions."""

    def __init__(self, socket: ClientConnection) -> None:
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self._socket = socket
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._listening = asyncio.create_task(self._listen())

    async def send(self, method: str, **parameters: Any) -> Any:
        number = len(self._waiting) + 1
        self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        return await self._waiting[number]

    async def open(self, url: str) -> None:
        for domain in ("Page", "Network", "Runtime", "Log"):
            await self.send(f"{domain}.enable")
        await self.send("Page.navigate", url=url)

    async def evaluate(self, script: str) -> Any:
        answer = await self.send("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    async def wait_for(self, script: str, seconds: float = 20) -> Any:
        """The first true value of an expression."""
        async with asyncio.timeout(seconds):
            while not (value := await self.evaluate(f"(() => {{ try {{ return {script} }} catch {{}} }})()")):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return value

    async def press(self, key: str, code: int, modifiers: int = 0) -> None:
        for kind in ("keyDown", "keyUp"):
            await self.send(
                "Input.dispatchKeyEvent",
                type=kind,
                key=key,
                code=key,
                windowsVirtualKeyCode=code,
                modifiers=modifiers,
            )

    async def type_text(self, text: str) -> None:
        await self.send("Input.insertText", text=text)

    async def screenshot(self, path: Path) -> None:
        path.write_bytes(base64.b64decode((await self.send("Page.captureScreenshot"))["data"]))

    async def _listen(self) -> None:
        async for text in self._socket:
            message = json.loads(text)
            if "id" in message:
                self._waiting[message["id"]].set_result(message.get("result", {}))
            else:
                self._note(message["method"], message["params"])

    def _note(self, method: str, parameters: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] == "error":
            self.complaints.append(str(parameters["entry"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] == "error":
            self.complaints.append(str(parameters["args"]))

    async def close(self) -> None:
        self._listening.cancel()
        await asyncio.gather(self._listening, return_exceptions=True)


@asynccontextmanager
async def browser_page(folder: Path) -> AsyncIterator[Page]:
    """A page of a Chromium of its own, with its profile in `folder`."""
    command = [find_chromium() or "chromium", *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: ASYNC220
    try:
        address = await asyncio.to_thread(_page_address, await _port(folder))
        async with connect(address, max_size=None) as socket:
            page = Page(socket)
            yield page
            await page.close()
    finally:
        process.terminate()
        await asyncio.to_thread(process.wait)


async def _port(folder: Path) -> int:
    written = folder / "DevToolsActivePort"
    async with asyncio.timeout(30):
        while not (written.exists() and written.read_text()):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return int(written.read_text().splitlines()[0])


def _page_address(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list", timeout=10) as answer:
        targets = json.load(answer)
    return str(next(target["webSocketDebuggerUrl"] for target in targets if target["type"] == "page"))
