"""A headless Chromium for tests of pages: what it shows, what it complains of, and what it asks the network for."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from selenium.webdriver import Chrome
    from selenium.webdriver.remote.webelement import WebElement

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
)
_LOCAL = ("file:", "data:", "blob:", "about:", "chrome:", "chrome-error:")
WAIT = 20.0
"""Seconds to wait for something to appear; cores may be shared."""


@dataclass
class Browser:
    """One Chromium with one tab.

    Attributes:
        driver: Selenium's, for whatever is not here.
    """

    driver: Chrome

    def open(self, page: Path | str) -> None:
        """Open a file or an address."""
        self.driver.get(page.as_uri() if isinstance(page, Path) else page)

    def js(self, script: str, *args: Any) -> Any:
        """Run a function's body in the page; what it returns."""
        return self.driver.execute_script(script, *args)

    def all(self, css: str) -> list[WebElement]:
        """The elements that a selector finds now."""
        found: list[WebElement] = self.driver.find_elements("css selector", css)
        return found

    def one(self, css: str) -> WebElement:
        """The first element that a selector finds, waited for."""
        return self.wait(lambda: next(iter(self.all(css)), None), css)

    def text(self, css: str) -> str:
        """What the first such element shows."""
        return str(self.one(css).text)

    def wait(self, condition: Any, what: str = "the page") -> Any:
        """Wait until a function without arguments gives something true, and give that.

        Raises:
            TimeoutException: If it does not come within :data:`WAIT` seconds.
        """
        from selenium.common.exceptions import StaleElementReferenceException
        from selenium.webdriver.support.wait import WebDriverWait

        waiting = WebDriverWait(
            self.driver, WAIT, poll_frequency=0.02, ignored_exceptions=[StaleElementReferenceException]
        )
        return waiting.until(lambda _: condition(), f"waited for {what}")

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is: characters, or names from selenium's ``Keys`` such as ``ARROW_RIGHT``."""
        from selenium.webdriver import ActionChains, Keys

        actions = ActionChains(self.driver)
        for key in keys:
            actions.send_keys(getattr(Keys, key) if len(key) > 1 else key)
        actions.perform()

    def complaints(self) -> list[str]:
        """What the console has been told since the last call, warnings included."""
        return [f"{entry['level']}: {entry['message']}" for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Return the addresses that the page has asked for since the last call.

        Those on this machine's disk and in memory are left out, and those that the page's own policy stopped.
        """
        asked, stopped = [], set()
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            told = event["params"]
            if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated"):
                url = told.get("url") or told["request"]["url"]
                if not url.startswith(_LOCAL):
                    asked.append((told["requestId"], url))
            elif event["method"] == "Network.loadingFailed" and told.get("blockedReason") == "csp":
                stopped.add(told["requestId"])
        return [url for name, url in asked if name not in stopped]

    def screenshot(self, path: Path) -> None:
        """Save what the window shows, as PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        assert self.driver.save_screenshot(str(path))


@contextmanager
def browser(width: int = 1280, height: int = 900, *, dark: bool = False, phone: bool = False) -> Iterator[Browser]:
    """A browser with a new, empty profile.

    Args:
        width: Of the page, in CSS pixels.
        height: Likewise.
        dark: What ``prefers-color-scheme`` says.
        phone: Touch in place of a mouse, and a phone's way to lay out pages.

    Raises:
        AssertionError: If Chromium or its driver is not installed: a test that needs them has failed then.
    """
    from selenium.webdriver import Chrome, ChromeOptions, ChromeService

    binary = os.environ.get("UGST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    program = os.environ.get("UGST_CHROMEDRIVER") or shutil.which("chromedriver")
    if not (binary and program):
        raise AssertionError("install Chromium and its driver (Debian: apt-get install chromium chromium-driver)")
    profile = tempfile.mkdtemp(prefix="ugst-browser-")
    options = ChromeOptions()
    options.binary_location = binary
    for flag in (*_FLAGS, f"--window-size={width},{height}", f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    try:
        driver = Chrome(options=options, service=ChromeService(program))
        try:
            driver.set_page_load_timeout(3 * WAIT)  # a script that never ends fails a test, and does not hang it
            driver.set_script_timeout(WAIT)
            metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": phone}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
            driver.execute_cdp_cmd("Emulation.setTouchEmulationEnabled", {"enabled": phone})
            scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
            yield Browser(driver)
        finally:
            driver.quit()
    finally:
        shutil.rmtree(profile, ignore_errors=True)
