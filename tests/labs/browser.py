"""A headless Chromium that a test can look into, over its own debugging protocol."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.request import urlopen

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser")
#: Marimo's fields live in shadow roots, which querySelector does not enter.
_DEEP = """
(() => {
  const found = [];
  const walk = (root) => {
    for (const element of root.querySelectorAll('*')) {
      if (element.matches(SELECTOR)) found.push(element);
      if (element.shadowRoot) walk(element.shadowRoot);
    }
  };
  walk(document);
  return found;
})()
"""
_TEXT = """
(() => {
  let text = '';
  const walk = (node) => {
    if (node.nodeType === Node.TEXT_NODE) text += node.nodeValue + ' ';
    if (node.shadowRoot) walk(node.shadowRoot);
    if (!['STYLE', 'SCRIPT'].includes(node.nodeName)) node.childNodes.forEach(walk);
  };
  if (document.body) walk(document.body);
  return text;
})()
"""


class Browser:
    """One page."""

    def __init__(self, url: str, folder: Path) -> None:
        assert PROGRAM
        from websockets.sync.client import connect

        self.requests: list[str] = []
        self._count = 0
        self._process = subprocess.Popen(
            [
                PROGRAM,
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--no-first-run",
                "--remote-debugging-port=0",
                f"--user-data-dir={folder}",
                "--window-size=1000,2400",
                "about:blank",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        active = folder / "DevToolsActivePort"
        self._wait(lambda: active.is_file() and active.read_text().count("\n") >= 1, "chromium")
        port = active.read_text().splitlines()[0]
        with urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
            (page,) = [p for p in json.load(answer) if p["type"] == "page"]
        self._open = ExitStack()
        address = page["webSocketDebuggerUrl"]
        self._socket = self._open.enter_context(connect(address, max_size=None))
        self.call("Network.enable")
        self.call("Page.enable")
        self.call("Page.navigate", url=url)

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._count += 1
        self._socket.send(json.dumps({"id": self._count, "method": method, "params": parameters}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("method") == "Network.requestWillBeSent":
                self.requests.append(message["params"]["request"]["url"])
            if message.get("id") == self._count:
                assert "error" not in message, message
                return message["result"]

    def run(self, script: str) -> Any:
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    def text(self) -> str:
        return self.run(_TEXT)

    def pictures(self) -> list[str]:
        return self.run(f"{self._deep('img')}.map(image => image.src)")

    def focus(self, selector: str, place: int = 0) -> None:
        self.run(f"{self._deep(selector)}[{place}].focus()")

    def click(self, selector: str, place: int = 0) -> None:
        self.run(f"{self._deep(selector)}[{place}].click()")

    def count(self, selector: str) -> int:
        return self.run(f"{self._deep(selector)}.length")

    def press(self, key: str, times: int = 1) -> None:
        codes = {"ArrowRight": 39, "Enter": 13, "Tab": 9, "Backspace": 8, "End": 35}
        for _ in range(times):
            for kind in ("keyDown", "keyUp"):
                self.call(
                    "Input.dispatchKeyEvent",
                    type=kind,
                    key=key,
                    code=key,
                    windowsVirtualKeyCode=codes[key],
                )

    def write(self, selector: str, place: int, text: str) -> None:
        """Replace the text of a field."""
        self.focus(selector, place)
        self.run(f"{self._deep(selector)}[{place}].select()")
        self.call("Input.insertText", text=text)
        self.press("Tab")

    def wait_for(self, what: str, seconds: float = 60.0) -> None:
        """Wait until the page's text has something."""
        self._wait(lambda: what in self.text(), what, seconds)

    def _deep(self, selector: str) -> str:
        return _DEEP.replace("SELECTOR", json.dumps(selector)).strip()

    def _wait(self, true: Any, what: str, seconds: float = 30.0) -> None:
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"waited {seconds} s for {what}"
            time.sleep(0.1)

    def wait_until(self, true: Any, what: str, seconds: float = 60.0) -> None:
        self._wait(true, what, seconds)

    def close(self) -> None:
        self._open.close()
        self._process.terminate()
        self._process.wait(timeout=20)
