"""The web pages, in a real browser."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import lacking
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from serving import Server

Browser = webdriver.Chrome

EVIL = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'{{7*7}}"
SHOTS = os.environ.get("SANDBOX_TEST_SCREENSHOTS")
"""A directory for pictures of the pages, to be looked at."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser, for all tests of this module."""
    program, driver = lacking.tool("chromium", "chromium"), lacking.tool("chromedriver", "chromium-driver")
    options = webdriver.ChromeOptions()
    options.binary_location = program
    for argument in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--window-size=1200,900"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    browser = webdriver.Chrome(options, webdriver.ChromeService(driver))
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium: Browser, server: Server) -> Iterator[Browser]:
    """The browser, logged in; what its console complains of, such as the content security policy, is a failure."""
    chromium.get(f"{server.url}/login")
    chromium.delete_all_cookies()
    chromium.get_log("browser")
    log_in(chromium, server.token)
    yield chromium
    complaints = [entry for entry in chromium.get_log("browser") if entry["level"] == "SEVERE"]
    assert not complaints


def log_in(browser: Browser, token: str) -> None:
    """By the keyboard alone."""
    browser.switch_to.active_element.send_keys(token, Keys.ENTER)


def wait_for(condition: Callable[[], Any]) -> Any:
    """Within twenty seconds."""
    deadline = time.monotonic() + 20
    while True:
        try:
            if found := condition():
                return found
        except Exception:
            if time.monotonic() > deadline:
                raise
        assert time.monotonic() < deadline
        time.sleep(0.05)


def at(browser: Browser, css: str) -> WebElement:
    """An element, waited for."""
    found: WebElement = wait_for(lambda: browser.find_element(By.CSS_SELECTOR, css))
    return found


def shoot(browser: Browser, name: str) -> None:
    """A picture in each look."""
    if SHOTS is None:
        return
    for look, scheme, width in (("light", "light", 1100), ("dark", "dark", 1100), ("phone", "light", 390)):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
        browser.save_screenshot(str(Path(SHOTS, f"{name}-{look}.png")))
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


def test_the_way_in(chromium: Browser, server: Server) -> None:
    """A page without a session is the login; a wrong key is told of, a right one leads to where one wanted."""
    chromium.get(f"{server.url}/login")
    chromium.delete_all_cookies()
    chromium.get(f"{server.url}/submissions")
    assert "/login" in chromium.current_url
    shoot(chromium, "login")
    log_in(chromium, "sbx_wrong")
    assert "did not work" in at(chromium, "[role=alert]").text
    log_in(chromium, server.token)
    wait_for(lambda: chromium.current_url == f"{server.url}/submissions")
    (cookie,) = chromium.get_cookies()
    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    assert server.token not in chromium.page_source + cookie["value"]
    chromium.find_element(By.CSS_SELECTOR, "header button").click()
    wait_for(lambda: "/login" in chromium.current_url)
    chromium.get(f"{server.url}/")
    assert "/login" in chromium.current_url


def test_the_playground(browser: Browser, server: Server) -> None:
    """A program runs by the keyboard, and it is told how it ended, what it used, what was enforced."""
    browser.get(f"{server.url}/")
    at(browser, "#source").send_keys(Keys.CONTROL, Keys.ENTER)
    wait_for(lambda: "OK (exit code 0)" in at(browser, "#status").text)
    assert at(browser, "#stdout").text == "3"
    assert " s of 2 s" in at(browser, "#time").text
    assert "MiB of 256 MiB" in at(browser, "#memory-used").text
    at(browser, "summary").click()
    assert "seccomp" in at(browser, "#protections").text
    shoot(browser, "playground")


def write(browser: Browser, source: str) -> None:
    """A source, in the place of the one that is there."""
    browser.execute_script("document.getElementById('source').value = arguments[0]", source)


def test_output_comes_as_it_is_printed(browser: Browser, server: Server) -> None:
    """And what runs can be stopped."""
    browser.get(f"{server.url}/")
    write(browser, "import time\nprint('first', flush=True)\ntime.sleep(60)")
    at(browser, "#start").click()
    wait_for(lambda: at(browser, "#stdout").text == "first")
    assert at(browser, "#status").text == "running …"
    at(browser, "#stop").click()
    wait_for(lambda: "signal 9" in at(browser, "#status").text)


def test_what_programs_print_is_text(browser: Browser, server: Server) -> None:
    """On every page, whoever wrote it; errors of compilers too."""
    browser.get(f"{server.url}/")
    write(browser, f"print({EVIL!r})")
    at(browser, "#start").click()
    wait_for(lambda: at(browser, "#stdout").text == EVIL)
    write(browser, f"{EVIL}")
    wait_for(lambda: at(browser, "#start").is_enabled())
    at(browser, "#start").click()
    wait_for(lambda: "do not compile" in at(browser, "#status").text)
    with server.client() as client:
        row = submit(client, f"import sys\nprint({EVIL!r})\nsys.stderr.write({EVIL!r})", user=EVIL)
        broken = submit(client, EVIL, user=EVIL)
    for path in (f"submissions/{row}", f"submissions/{broken}", "submissions"):
        browser.get(f"{server.url}/{path}")
        assert EVIL in browser.find_element(By.TAG_NAME, "body").text
        assert not browser.find_elements(By.CSS_SELECTOR, "img, main script")


def submit(client: httpx.Client, source: str, wait: int = 30, **more: Any) -> str:
    """The id of a submission."""
    tests = [{"input": "1 2\n", "answer": "3\n"}, {"input": "3 4\n", "answer": "7\n"}]
    body = {"tests": tests, "sources": {"a.py": source}, "language": "python3", "time_limit": 2, **more}
    return str(client.post("/v1/submissions", params={"wait": wait}, json=body).json()["id"])


def test_a_submission(browser: Browser, server: Server) -> None:
    """Its tests with verdicts, times and reasons, and where it differs."""
    with server.client() as client:
        row = submit(client, "print(3)")
    browser.get(f"{server.url}/submissions/{row}")
    assert at(browser, "h1 .WA").text == "WA"
    cells = [cell.text for cell in browser.find_elements(By.CSS_SELECTOR, "tbody tr:nth-child(2) td")]
    assert (cells[0], cells[1]) == ("secret/2", "WA")
    assert '"3" where "7" is expected' in cells[5]
    assert [side.text for side in browser.find_elements(By.CSS_SELECTOR, ".sides pre")] == ["7", "3"]
    shoot(browser, "submission")


def test_a_submission_that_is_being_judged(browser: Browser, server: Server) -> None:
    """The page follows it, test by test, and shows the report when it is there."""
    with server.client() as client:
        row = submit(client, "import time\ntime.sleep(1.2)\nprint(sum(map(int, input().split())))", wait=0)
    browser.get(f"{server.url}/submissions/{row}")
    assert at(browser, "#live li").text == "secret/1 AC"
    shoot(browser, "live")
    assert at(browser, "h1 .AC").text == "AC"


def test_the_dashboard(browser: Browser, server: Server) -> None:
    """Its numbers move by themselves."""
    browser.get(f"{server.url}/dashboard")
    before = int(at(browser, "[data-number=runs]").text)
    with server.client() as client:
        client.post("/v1/runs", json={"argv": ["true"], "policy": "shell"})
    wait_for(lambda: int(at(browser, "[data-number=runs]").text) > before)
    wait_for(lambda: at(browser, "#rate").text != "–")
    shoot(browser, "dashboard")


@pytest.mark.parametrize("path", ["", "submissions", "dashboard"])
def test_on_a_phone(browser: Browser, server: Server, path: str) -> None:
    """Nothing is wider than the screen; dark and light have enough contrast for text."""
    metrics = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    browser.get(f"{server.url}/{path}")
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    width = browser.execute_script("return document.documentElement.scrollWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert width <= 360
    grounds = set()
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        grounds.add(browser.execute_script("return getComputedStyle(document.body).backgroundColor"))
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    assert len(grounds) == 2


def test_pages_of_other_sites_can_do_nothing(server: Server) -> None:
    """A request with a session's cookie that does not come from our own pages is refused."""
    with httpx.Client(base_url=server.url) as client:
        own = {"origin": server.url}
        assert client.post("/login", data={"key": server.token}).status_code == 403
        assert (
            client.post("/login", data={"key": server.token, "after": "//evil"}, headers=own).headers["location"] == "/"
        )
        run = {"argv": ["true"], "policy": "shell"}
        for headers, status in ((own, 200), ({}, 403), ({"origin": "http://evil.example"}, 403)):
            assert client.post("/v1/runs", json=run, headers=headers).status_code == status
        page = client.get("/")
        assert "default-src 'none'" in page.headers["content-security-policy"]


def test_attempts_to_log_in_are_bounded(start_server: Any) -> None:
    """After twenty wrong keys none is looked at for a while."""
    server = start_server()
    with httpx.Client(base_url=server.url, headers={"origin": server.url}) as client:
        codes = [client.post("/login", data={"key": "sbx_x"}).status_code for _ in range(21)]
        assert codes == [401] * 20 + [429]
        assert client.post("/login", data={"key": server.token}).status_code == 429
