"""A real browser, where chromium is installed, driven through its debugging pipe.

Without one, the tests of the pages in a browser are skipped. To run them:

    apt-get install chromium
    pytest -k in_browser
"""

import base64
import contextlib
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome")
PROGRAM = next(filter(None, map(shutil.which, NAMES)), None)
"""The browser; None where there is none."""
required = pytest.mark.skipif(PROGRAM is None, reason="no browser (chromium) is installed")
OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
    "--remote-debugging-pipe",
)  # fmt: skip


class Tab:
    """A page as a person has it before them; `problems` are the lines of its console.

    The protocol: https://chromedevtools.github.io/devtools-protocol/
    """

    def __init__(self, read: int, write: int) -> None:
        self._input, self._output = os.fdopen(read, "rb"), os.fdopen(write, "wb")
        self._numbers, self._session = itertools.count(1), None
        self.problems: list[str] = []
        self._events: list[str] = []
        target = self._send("Target.createTarget", url="about:blank")["targetId"]
        attached = self._send("Target.attachToTarget", targetId=target, flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._send(f"{domain}.enable")

    def open(
        self, page: Path | str, *, width: int = 1400, height: int = 900, dark: bool = False
    ) -> None:
        """Opens a page, by its file or address, on a screen of so many CSS pixels; waits for it."""
        self.problems.clear()
        self._send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=width < 500,
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._send("Emulation.setEmulatedMedia", features=[scheme])
        self._events.clear()
        self._send("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        while "Page.loadEventFired" not in self._events:
            self._receive()

    def evaluate(self, expression: str) -> Any:
        """Returns what an expression of JavaScript gives, as JSON has it."""
        found = self._send(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def scroll_to(self, selector: str) -> None:
        """Brings an element to the top of the screen, and waits until that is done."""
        self.evaluate(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView();"
            "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
        )

    def press(self, key: str) -> None:
        """Presses a key, by its name in JavaScript."""
        for kind in ("keyDown", "keyUp"):
            number = {"Escape": 27, "ArrowLeft": 37, "ArrowRight": 39}[key]
            self._send(
                "Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=number
            )

    def move(self, x: float, y: float) -> None:
        """Moves the mouse, in CSS pixels of the screen."""
        self._send("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def screenshot(self, path: Path, *, whole: bool = True) -> None:
        """Writes what is seen as PNG, or the whole page."""
        found = self._send("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))

    def _send(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        self._output.write(json.dumps(message).encode() + b"\0")
        self._output.flush()
        while True:
            received = self._receive()
            if received.get("id") == number:
                assert "error" not in received, received["error"]
                return received["result"]

    def _receive(self) -> dict[str, Any]:
        content = bytearray()
        while (byte := self._input.read(1)) != b"\0":
            assert byte, "the browser ended"
            content += byte
        received = json.loads(content)
        method, params = received.get("method", ""), received.get("params", {})
        self._events.append(method)
        if method == "Runtime.exceptionThrown":
            self.problems.append(json.dumps(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled":
            self.problems.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded":
            self.problems.append(params["entry"]["text"])
        elif method == "Network.requestWillBeSent":
            address = params["request"]["url"]
            if not address.startswith(("data:", "file:")):
                self.problems.append(f"a request to {address}")
        return received


@contextlib.contextmanager
def opened(profile: Path) -> Iterator[Tab]:
    """Starts the browser with a profile of its own, and ends it."""
    (from_us, to_them), (from_them, to_us) = os.pipe(), os.pipe()
    command = [str(PROGRAM), *OPTIONS, f"--user-data-dir={profile}"]
    process = subprocess.Popen(
        ["bash", "-c", f'exec "$@" 3<&{from_us} 4>&{to_us}', "bash", *command],
        pass_fds=(from_us, to_us),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(from_us)
    os.close(to_us)
    try:
        yield Tab(from_them, to_them)
    finally:
        process.terminate()
        process.wait(30)
