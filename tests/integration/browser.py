"""A headless Chromium that looks at the dashboard and uses it as a person would."""

import json
import re
import time

from selenium import webdriver
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from harness import PATIENCE
from web import WithWeb


PAGES = ("/", "/queues", "/workers", "/tasks", "/submit")

# Texts whose contrast with what lies behind them is below 4.5 to 1.
PALE_TEXTS = """
const parts = colour => colour.match(/[\\d.]+/g).map(Number);
const over = ([r, g, b, a = 1], below) => [r, g, b].map((c, i) => c * a + below[i] * (1 - a));
const behind = e => e ? over(parts(getComputedStyle(e).backgroundColor), behind(e.parentElement))
                      : [255, 255, 255];
const opacity = e => e ? getComputedStyle(e).opacity * opacity(e.parentElement) : 1;
const light = colour => colour.map(c => c / 255)
    .map(c => c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
return [...document.querySelectorAll("body *")].filter(e => {
    const has_text = [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim());
    if (!has_text || !e.checkVisibility() || !opacity(e) || e.closest(".unseen, :disabled")) {
        return false;
    }
    const ground = behind(e), ink = parts(getComputedStyle(e).color);
    ink[3] = (ink[3] ?? 1) * opacity(e);
    const [a, b] = [light(over(ink, ground)), light(ground)];
    return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05) < 4.5;
}).map(e => `${e.className}: ${e.textContent}`)"""


class Browser:
    def __init__(self, width=1440, height=900):
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu",
                         "--disable-dev-shm-usage", "--disable-background-networking",
                         f"--window-size={width},{height}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(PATIENCE)

    def close(self):
        self.driver.quit()

    def open(self, url):
        self.driver.get(url)

    def all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def text(self, selector):
        return " ".join(element.text for element in self.all(selector))

    def until(self, condition, what):
        """Waits until `condition()` is true; a page may be redrawn while it looks."""
        end = time.monotonic() + PATIENCE
        while True:
            try:
                value = condition()
                if value:
                    return value
            except StaleElementReferenceException:
                pass
            if time.monotonic() > end:
                raise AssertionError(f"waited in vain for {what} at {self.driver.current_url}; "
                                     f"the page says:\n{self.text('body')}")
            time.sleep(0.05)

    def see(self, selector, text=""):
        """The first element that the selector names and that shows the text, once there is one."""
        def look():
            return next((e for e in self.all(selector) if e.is_displayed() and text in e.text), None)
        return self.until(look, f"{selector!r} with {text!r}")

    def see_none(self, selector):
        self.until(lambda: not any(e.is_displayed() for e in self.all(selector)),
                   f"no {selector!r}")

    def click(self, selector, text=""):
        def attempt():
            try:
                self.see(selector, text).click()
                return True
            except (StaleElementReferenceException, WebDriverException):
                return False  # redrawn, or something lies over it for a moment
        self.until(attempt, f"a click on {selector!r}")

    def type(self, selector, text):
        element = self.see(selector)
        element.clear()
        element.send_keys(text)

    def press(self, *keys):
        """To whatever has the focus."""
        ActionChains(self.driver).send_keys(*keys).perform()

    def press_back_tab(self):
        chain = ActionChains(self.driver)
        chain.key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()

    def until_focused(self, selector):
        script = "return document.activeElement.matches(arguments[0])"
        self.until(lambda: self.run(script, selector), f"the focus on {selector!r}")

    def emulate(self, command, parameters):
        self.driver.execute_cdp_cmd(f"Emulation.{command}", parameters)

    def use_scheme(self, scheme):
        self.emulate("setEmulatedMedia",
                     {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def use_phone(self):
        self.emulate("setDeviceMetricsOverride",
                     {"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": True})

    def use_desk(self):
        self.emulate("clearDeviceMetricsOverride", {})

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def complaints(self, expected=()):
        """What was logged to the console since the last call, but for requests that failed as one
        of `expected` says, such as "tasks/1 - .* 404"."""
        return [entry["message"] for entry in self.driver.get_log("browser")
                if entry["level"] == "SEVERE" and not (
                    entry["source"] == "network"
                    and any(re.search(pattern, entry["message"]) for pattern in expected))]

    def requested(self):
        """The addresses that were asked for since the last call."""
        urls = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                urls.append(message["params"]["request"]["url"])
        return urls


class WithBrowser(WithWeb):
    """A browser for all tests of a class; each starts at a broker and a monitor of its own."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.browser = Browser()
        cls.addClassCleanup(cls.browser.close)

    def setUp(self):
        super().setUp()
        self.browser.driver.get("about:blank")
        self.browser.complaints()
        self.browser.requested()
        self.addCleanup(self.browser.open, "about:blank")

    def open(self, path):
        self.browser.open(self.web.url + path)

    def assert_quiet_and_at_home(self, expected=()):
        """No page complained, and none asked another host for anything."""
        self.assertEqual(self.browser.complaints(expected), [])
        for url in self.browser.requested():
            if not url.startswith(("data:", "about:", "blob:")):
                self.assertTrue(url.startswith(self.web.url + "/"), url)


__all__ = ["PAGES", "PALE_TEXTS", "Browser", "Keys", "WithBrowser"]
