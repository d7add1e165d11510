"""The dashboard without a mouse: keys, the focus, and what a screen reader and tired eyes need."""

import unittest

from browser import PALE_TEXTS, PAGES, Keys, WithBrowser
from harness import wait_until

TOKEN = "0123456789abcdef" * 2


class Keyboard(WithBrowser):
    def test_keys_reach_every_page(self):
        self.submit("nobody")
        self.open("/")
        self.browser.see("[data-verdict]")
        for key, page in (("q", "/queues"), ("w", "/workers"), ("t", "/tasks"), ("s", "/submit"),
                          ("o", "/")):
            self.browser.press(Keys.ESCAPE)
            self.browser.press("g", key)
            self.browser.until(lambda: self.browser.driver.current_url == self.web.url + page, page)
            self.browser.run("document.activeElement.blur()")
        self.browser.press("?")
        self.browser.see("#sheet", "pause or resume the queue, with an undo")
        self.browser.press(Keys.ESCAPE)
        self.browser.press("/")
        self.browser.until(lambda: self.browser.run(
            "return document.activeElement.matches('[data-search]')"), "the search")
        self.assert_quiet_and_at_home()

    def test_keys_act_on_rows(self):
        self.start_workers("--name", "w")
        self.submit("nobody", "--queue", "mail")
        self.open("/queues")
        self.browser.see("[data-queue=mail]")
        self.browser.press("j")
        self.browser.until_focused("[data-queue=mail]")
        self.browser.press("P")
        self.browser.see("[data-queue=mail] [data-action=resume]")
        self.browser.press(Keys.ENTER)
        self.browser.see("form.settings")
        self.browser.press(Keys.ESCAPE)
        self.browser.see_none("form.settings")
        self.open("/workers")
        self.browser.see('[data-worker="w-1"]')
        self.browser.press("j", "D")
        self.browser.until_focused("[data-action=drain-yes]")
        self.browser.press(Keys.ENTER)
        wait_until(lambda: not [w for w in self.workers() if not w["draining"]], "w-1 to leave")
        self.assert_quiet_and_at_home()

    def test_all_that_match_are_retried_or_cancelled(self):
        self.start_workers()
        dead = [self.submit("fail", "--attempts", "1") for _ in range(3)]
        waiting = [self.submit("nobody") for _ in range(2)]
        for number in dead:
            self.until_state(number, "dead")
        self.open("/tasks?state=dead")
        self.browser.see("[data-action=retry-all]")
        self.browser.press("R")
        self.browser.see(".question", "Retry 3 tasks that match?")
        self.browser.until_focused("[data-action=retry-all-yes]")
        self.browser.press(Keys.ENTER)
        wait_until(lambda: all(self.task(number)["series"] == 1 for number in dead), "the retries")
        self.open("/tasks?state=ready&kind=nobody")
        self.browser.click("[data-action=cancel-all]")
        self.browser.see(".question", "Cancel 2 tasks that match?")
        self.browser.click("[data-nav=queues]")  # away from what was asked about, and back
        self.browser.see("#main h1", "Queues")
        self.browser.run("history.back()")
        self.browser.click("[data-action=cancel-all]")
        self.browser.see(".question", "Cancel 2 tasks that match?")
        self.browser.click("[data-action=cancel-all-yes]")
        for number in waiting:
            self.until_state(number, "cancelled")
        self.assert_quiet_and_at_home()

    def test_search_understands_and_live_updates_pause(self):
        number = self.submit("nobody", "--queue", "mail")
        self.open("/")
        self.browser.see("[data-verdict]")
        for typed, page in ((f"#{number}", f"/tasks/{number}"),
                            ("mail", "/tasks?queue=mail"),
                            ("queue:mail error:no paper", "/tasks?queue=mail&error=no+paper")):
            self.browser.press("/", typed, Keys.ENTER)
            self.browser.until(lambda: self.browser.driver.current_url == self.web.url + page, page)
            self.browser.until_focused("h1")
        self.open("/queues")
        self.browser.see("[data-queue=mail]")
        self.browser.press("p")
        self.browser.see("[data-broker]", "paused at")
        self.submit("nobody", "--queue", "later")
        self.until_live(lambda live: "later" in [q["name"] for q in live["queues"]], "later")
        self.assertEqual(self.browser.all("[data-queue=later]"), [])
        self.browser.press("p")
        self.browser.see("[data-queue=later]")
        self.assert_quiet_and_at_home()

    def test_asks_for_the_token_and_forgets_it(self):
        with open(self.path("token"), "w") as file:
            file.write(TOKEN)
        self.web = self.start_web("--token-file", self.path("token"))
        self.open("/tasks")
        self.browser.until_focused("#token")
        self.browser.see_none("main .waiting")
        self.browser.press("guessed", Keys.ENTER)
        self.browser.see(".session", "That is not the token")
        self.browser.type("#token", TOKEN)
        self.browser.press(Keys.ENTER)
        self.browser.see(".empty", "No task yet")
        self.browser.see("[data-broker=good]")
        self.browser.use_phone()
        self.addCleanup(self.browser.use_desk)
        self.browser.click("[data-action=sign-out-here]")
        self.browser.see(".session")
        self.assert_quiet_and_at_home(expected=["401"])

    def test_a_question_takes_the_focus_and_gives_it_back(self):
        numbers = [self.submit("nobody") for _ in range(2)]
        self.open("/tasks")
        self.browser.see(f'.tasks-table [data-task="{numbers[1]}"]')
        self.browser.press("j", "j", "k")
        newest = f'tr[data-task="{numbers[1]}"]'
        self.browser.until_focused(newest)
        self.browser.press("C")
        self.browser.until_focused("[data-action=cancel-no]")
        self.browser.press(Keys.ESCAPE)
        self.browser.until_focused(newest)
        self.browser.see_none(".question")
        self.browser.press("C")
        self.browser.until_focused("[data-action=cancel-no]")
        self.browser.run("arguments[0].focus()", self.browser.see(newest))
        self.browser.press(Keys.ENTER)  # not to open the task
        self.browser.until_focused("[data-action=cancel-no]")
        self.browser.press(Keys.ENTER)
        self.browser.until_focused(newest)
        self.browser.press("C")
        self.browser.until_focused("[data-action=cancel-no]")
        self.browser.press_back_tab()
        self.browser.until_focused("[data-action=cancel-yes]")
        self.browser.press(Keys.ENTER)
        self.browser.see(f"{newest} .state.cancelled")
        self.browser.until_focused(newest)
        self.browser.press("j", Keys.ENTER)
        self.browser.see(f'article[data-task="{numbers[0]}"]')
        self.browser.until_focused("h1")
        self.browser.press(Keys.ESCAPE)
        self.browser.see(".tasks-table")
        self.browser.until_focused("h1")
        self.assert_quiet_and_at_home()

    def test_pages_are_usable_without_eyes_or_mouse(self):
        self.start_workers()
        self.submit("add", "1", "2")
        for page in PAGES:
            self.open(page)
            self.browser.see("main h1, main [data-verdict]")
            unnamed = self.browser.run("""
                return [...document.querySelectorAll("button, a[href], input, select, textarea")]
                    .filter(e => e.offsetParent && !(e.textContent.trim() || e.ariaLabel
                        || e.title || e.labels?.length || e.getAttribute("aria-labelledby")))
                    .map(e => e.outerHTML)""")
            self.assertEqual(unnamed, [], page)
            self.assertEqual(len(self.browser.all("main")), 1)
            self.assertEqual(len(self.browser.all("nav [aria-current=page]")), 1, page)
            self.browser.see_none(".waiting")
            for scheme in ("dark", "light"):
                self.browser.use_scheme(scheme)
                self.browser.until(lambda: self.browser.run(
                    "return document.documentElement.dataset.theme") == scheme, scheme)
                self.assertEqual(self.browser.run(PALE_TEXTS), [], f"{page}, {scheme}")
        self.assert_quiet_and_at_home()


if __name__ == "__main__":
    unittest.main()
