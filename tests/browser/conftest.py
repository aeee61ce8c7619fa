"""What the browser tests share: Chromium, pages that must stay silent, a JupyterLab server."""

import contextlib
import os
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from lab_server import BROWSER_ARGUMENTS, running_lab
from patience import PATIENCE

# To look for races, see CONTRIBUTING.md: how many times slower pages compute, how many milliseconds
# late timers, frames and events of a page come at most, and each step of a test.
SLOW_PAGE = float(os.environ.get("NAS_COURSE_SLOW_PAGE", "1"))
LATE_PAGE = float(os.environ.get("NAS_COURSE_LATE_PAGE", "0"))
SLOW_TEST = float(os.environ.get("NAS_COURSE_SLOW_TEST", "0"))
LATE = (Path(__file__).parent / "late.js").read_text(encoding="utf-8")


def pytest_collection_modifyitems(items):
    # In CI alone, where nobody is there to look: browser, kernel and server are programs of others
    # that can fail on their own. The summary counts what was run again, and that is to be found.
    if os.environ.get("CI"):
        for item in items:
            if item.get_closest_marker("browser"):
                item.add_marker(pytest.mark.flaky(reruns=2))


@pytest.fixture(scope="session")
def chromium(chromium_path):
    """A running Chromium that draws in software, as on a machine without a GPU."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path,
            args=BROWSER_ARGUMENTS,
            timeout=PATIENCE,
            slow_mo=SLOW_TEST,
        )
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what must not happen on it."""

    page: object
    expected_error: str | None
    errors: list[str] = field(default_factory=list)
    strangers: list[str] = field(default_factory=list)

    def note_error(self, message):
        expected = self.expected_error and self.expected_error in message.text
        if message.type == "error" and not expected:
            self.errors.append(message.text)

    def note_request(self, request):
        if not request.url.startswith(
            ("http://127.0.0.1", "ws://127.0.0.1", "file:", "data:", "blob:")
        ):
            self.strangers.append(request.url)


def slow_down(page):
    if LATE_PAGE > 0:
        page.add_init_script(f"({LATE})({LATE_PAGE})")
    if SLOW_PAGE > 1:
        session = page.context.new_cdp_session(page)
        session.send("Emulation.setCPUThrottlingRate", {"rate": SLOW_PAGE})


@pytest.fixture
def open_page(chromium):
    """Open pages; at the end none of them may have logged an error or asked a foreign server."""
    with contextlib.ExitStack() as stack:
        opened = []

        def open_one(expected_error=None, **context_options):
            options = {"viewport": {"width": 1100, "height": 1000}} | context_options
            context = stack.enter_context(contextlib.closing(chromium.new_context(**options)))
            context.set_default_timeout(PATIENCE)
            watched = Watched(context.new_page(), expected_error)
            slow_down(watched.page)
            watched.page.on("console", watched.note_error)
            watched.page.on("pageerror", lambda error: watched.errors.append(str(error)))
            watched.page.on("request", watched.note_request)
            opened.append(watched)
            return watched.page

        yield open_one
        for watched in opened:
            assert watched.errors == []
            assert watched.strangers == []


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    """JupyterLab on a free port, with settings of its own and no news from the network."""
    folders = (tmp_path_factory.mktemp(name) for name in ("notebooks", "jupyter"))
    with running_lab(*folders) as lab:
        yield lab
