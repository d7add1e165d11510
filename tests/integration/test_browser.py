"""The dashboard in a browser: what a person sees, and what happens when they click."""

import http.client
import os
import signal
import unittest

from browser import PAGES, WithBrowser
from harness import FAIL, FAIL_ANSWER, RawClient, RawWorker, new_id, wait_until

MARKUP = '<img src=x onerror="window.broken = 1"><script>window.broken = 1</script>'
MARKUP_NAME = "<img/src=x/onerror=window.broken=1>"  # of a worker: printable, without spaces
STREAMS_MAX = 200  # of /api/v1/live


class Dashboard(WithBrowser):
    def test_submits_a_task_and_sees_it_finish(self):
        self.start_workers("--name", "w")
        self.open("/submit")
        self.browser.click("[data-example=add]")
        self.browser.click(".submit-form button[type=submit]")
        self.browser.see(".sent-outcome", "5")
        self.browser.see(".sent [data-state=succeeded]")
        self.browser.click(".sent [data-state=succeeded] a")
        self.browser.see("article[data-state=succeeded]", "w-1")
        self.browser.see("[aria-label=Payload]", "went with the end")
        self.assert_quiet_and_at_home()

    def test_submits_a_task_again(self):
        number = self.submit("nobody", "a" * 300, "--queue", "mail", "--priority", "3")
        self.open(f"/tasks/{number}")
        self.browser.click("[data-action=submit-again]")
        self.until_form_has(kind="nobody", queue="mail", priority="3", args=f'["{"a" * 300}"]')
        self.open(f"/submit?from={number}")
        self.until_form_has(kind="nobody", queue="mail")
        self.browser.use_phone()
        self.addCleanup(self.browser.use_desk)
        self.assert_fits(390)
        self.browser.click(".submit-form button[type=submit]")
        self.browser.see(f'.sent [data-task="{number + 1}"]', "nobody")
        self.assert_quiet_and_at_home()

    def until_form_has(self, **fields):
        self.browser.see(".as-command")
        for name, value in fields.items():
            self.browser.until(lambda: self.browser.run(
                "return document.querySelector(`.submit-form [name=${arguments[0]}]`)?.value",
                name) == value, f"{name} {value}")

    def test_sees_what_is_wrong_and_goes_there(self):
        self.start_workers()
        self.open("/")
        self.browser.see("[data-verdict]", "All is")
        self.submit("nobody", "--queue", "nightly")
        self.browser.see("[data-finding]", "no worker serves nobody")
        self.browser.click("[data-finding] a, a[data-finding]")
        self.browser.see(".tasks-table [data-task]", "nobody")
        self.assertIn("queue=nightly", self.browser.driver.current_url)
        self.assert_quiet_and_at_home()

    def test_sees_a_worker_that_is_killed(self):
        workers = self.start_workers("--name", "w", count=2)
        self.open("/workers")
        self.browser.see('[data-worker="w-2"]')
        victim = next(w for w in self.workers() if w["name"] == "w-2")
        workers.send(signal.SIGSTOP)  # so that nothing takes its place
        os.kill(victim["process"], signal.SIGKILL)
        self.browser.see("[data-lost]", "w-2")
        self.browser.see('[data-worker="w-1"]')
        self.open("/")
        self.browser.see("[data-finding]", "Worker w-2 was lost")
        self.browser.see("[data-finding]", " ago")
        self.submit("add", "1", "2")
        self.browser.until(lambda: "worker lost: w-2" in self.events_told(), "the event")
        self.assertNotIn("broker back", self.events_told())
        self.browser.until(lambda: self.browser.run("""
            const canvas = document.querySelector("[aria-label=Latency] canvas");
            return Chart.getChart(canvas).scales.y.ticks[0].label""") == "≤ 10 µs", "the axis")
        workers.send(signal.SIGCONT)
        self.assert_quiet_and_at_home()

    def events_told(self):
        return self.browser.run(
            "return document.querySelector('[data-events]')?.textContent ?? ''")

    def test_a_long_list_of_findings_opens(self):
        # Three queues of a kind of trouble are told one by one, and so are three lost workers.
        self.api("POST", "/tasks", [{"kind": "nobody", "queue": f"q{i}"} for i in range(6)])
        self.client("pause", *[f"q{i}" for i in range(3)])
        losers = self.start_workers("--name", "loser", count=3)
        losers.send(signal.SIGSTOP)  # so that nothing takes their place
        for worker in self.workers():
            os.kill(worker["process"], signal.SIGKILL)
        self.open("/")
        self.browser.see("[data-action=more-findings]", "and 3 more")
        self.assertEqual(len(self.browser.all("[data-finding]")), 6)
        self.browser.click("[data-action=more-findings]")
        self.browser.until(lambda: len(self.browser.all("[data-finding]")) == 9, "all")
        self.assert_quiet_and_at_home()

    def test_every_kind_has_a_look_of_its_own_that_stays(self):
        def looks():
            return dict(self.browser.run("""
                return [...document.querySelectorAll(".legend a")].map(
                    e => [e.textContent, e.querySelector("i").className])"""))
        first = RawWorker(self.broker.workers, kinds=[f"kind-{i}" for i in range(14)])
        self.addCleanup(first.close)
        with first.heard():
            self.open("/workers")
            self.browser.see(".legend", "kind-13")
            before = looks()
            self.assertEqual(len(set(before.values())), 14)
            second = RawWorker(self.broker.workers, name="second", kinds=["a"])  # first by name
            self.addCleanup(second.close)
            self.browser.until(lambda: "a" in looks(), "a")
            with second.heard():
                self.open("/workers")
                self.browser.until(lambda: "a" in looks(), "a")
        self.assertEqual({**looks(), **before}, looks())
        self.assertEqual(len(set(looks().values())), 15)
        self.assert_quiet_and_at_home()

    def test_tells_apart_what_nobody_noted_from_an_idle_slot(self):
        self.start_workers("--name", "w")
        self.until_state(self.submit("add", "1", "2"), "succeeded")
        self.open("/workers")
        self.browser.see('[data-worker="w-1"]')
        untold = self.browser.until(lambda: self.browser.all('[data-worker="w-1"] .untold'),
                                    "the time before the page was opened")
        self.assertIn("Nobody looked then", untold[0].get_attribute("title"))
        self.submit("add", "1", "2")
        self.browser.until(lambda: self.browser.run("""
            const [untold, bar] = [".untold", "a.bar"].map(selector =>
                document.querySelector('[data-worker="w-1"] ' + selector)?.getBoundingClientRect());
            return untold && bar && untold.right <= bar.left + 2"""), "an attempt behind it")
        self.assert_quiet_and_at_home()

    def test_drains_a_worker(self):
        self.start_workers("--name", "w", count=2)
        self.open("/workers")
        self.browser.click('[data-worker="w-1"] [data-action=drain]')
        self.browser.click("[data-action=drain-yes]")
        wait_until(lambda: "w-1" not in [w["name"] for w in self.workers() if not w["draining"]],
                   "w-1 to leave")
        self.assert_quiet_and_at_home()

    def test_pauses_and_resumes_a_queue_and_changes_its_settings(self):
        self.submit("nobody")
        self.open("/queues")
        self.browser.click("[data-queue=default] [data-action=pause]")
        self.browser.see("[data-queue=default] [data-action=resume]")
        self.assertTrue(self.client_json("queues")[0]["paused"])
        self.browser.click("[data-action=undo]")
        self.browser.see("[data-queue=default] [data-action=pause]")
        self.assertFalse(self.client_json("queues")[0]["paused"])
        self.browser.click("[data-queue=default] [data-open]")
        self.browser.type("form.settings [name=attempts]", "3")
        self.browser.click("form.settings button[type=submit]")
        wait_until(lambda: self.client_json("queues")[0]["settings"]["attempts"] == 3, "3 attempts")
        self.assert_quiet_and_at_home()

    def test_filters_live_in_the_address(self):
        self.start_workers()
        number = self.submit("fail", "no paper", "--attempts", "1", "--queue", "print")
        self.submit("add", "1", "2")
        self.until_state(number, "dead")
        self.open("/tasks")
        self.browser.until(lambda: len(self.browser.all(".tasks-table [data-task]")) == 2, "two")
        self.browser.click("[data-state-filter=dead]")
        self.browser.until(lambda: len(self.browser.all(".tasks-table [data-task]")) == 1, "one")
        self.assertIn("state=dead", self.browser.driver.current_url)
        self.open("/tasks?error=paper&state=dead&queue=print")
        self.browser.see(f'.tasks-table [data-task="{number}"]', "no paper")
        top, bottom = self.browser.run("""
            const style = getComputedStyle(document.querySelector("[data-filter=worker]"));
            return [style.borderTopColor, style.borderBottomColor]""")
        self.assertEqual(top, bottom)
        self.open("/tasks?error=ink")
        self.browser.see_none(".tasks-table [data-task]")
        self.assert_quiet_and_at_home()

    def test_a_dead_task_is_explained_and_retried(self):
        self.start_workers()
        number = self.submit("fail", "no paper", "--attempts", "2")
        self.client("queue", "set", "default", "--pause-first", "1ms")
        self.until_state(number, "dead")
        self.open(f"/tasks/{number}")
        self.browser.see("article[data-state=dead]", "no paper")
        self.browser.click("[data-action=retry]")
        self.browser.click("[data-action=retry-yes]")
        wait_until(lambda: self.task(number)["series"] == 1, "the retry")
        self.browser.see('[data-node="Retried by hand"]')
        self.assert_quiet_and_at_home()

    def test_a_task_that_waits_says_why(self):
        number = self.submit("nobody", "--queue", "mail")
        self.open(f"/tasks/{number}")
        self.browser.see('[data-node="Ready"]', "no worker serves nobody of queue mail")
        self.client("pause", "mail")
        self.browser.see('[data-node="Ready"]', "queue mail is paused")
        self.client("resume", "mail")
        worker = RawWorker(self.broker.workers, kinds=["nobody"])
        worker.assignments()
        second = self.submit("nobody", "--queue", "mail")
        with worker.heard():
            self.open(f"/tasks/{second}")
            self.browser.see('[data-node="Ready"]', "waits for room at the worker that serves it")
        self.assert_quiet_and_at_home()

    def test_a_task_that_waits_is_cancelled(self):
        number = self.submit("nobody")
        self.open(f"/tasks/{number}")
        self.browser.click("[data-action=cancel]")
        self.browser.click("[data-action=cancel-yes]")
        self.browser.see("article[data-state=cancelled]")
        self.assertEqual(self.task(number)["state"], "cancelled")
        self.assert_quiet_and_at_home()

    def test_says_that_the_broker_is_away_and_recovers(self):
        self.start_workers("--name", "w")
        self.submit("nobody")
        self.open("/workers")
        self.browser.see(".page-head", "slots busy")
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        self.browser.see("[data-banner=broker]")
        self.browser.see("[data-last-known]", "Last known")
        self.assertNotIn("busy", self.browser.text(".page-head"))
        self.assertNotIn("idle", self.browser.text(".worker"))
        self.browser.click("[data-nav=queues]")
        self.browser.see("[data-last-known]")
        self.assertEqual(self.browser.text("[data-queue] .outlook"), "–")
        self.browser.click("[data-nav=overview]")
        self.browser.see("[data-last-known]")
        self.broker = self.start_broker(self.broker.endpoints)
        self.browser.see("[data-broker=good]")
        self.browser.see_none("[data-banner]")
        self.browser.see_none("[data-last-known]")
        self.assert_quiet_and_at_home(expected=["50[34]"])

    def test_says_that_there_never_was_a_broker_and_how_to_start_one(self):
        for program in (self.broker, self.web):
            program.send(signal.SIGKILL)
            program.wait()
        self.web = self.start_web()
        self.open("/")
        self.browser.see(".first-steps", "xebec-broker")
        self.browser.see_none(".state-strip, .waiting, .rail-count")
        for page in ("queues", "workers", "tasks"):
            self.browser.click(f"[data-nav={page}]")
            self.browser.see(".empty", "xebec-broker")
        self.assertNotIn("last known", self.browser.text("body"))
        self.start_broker(self.broker.endpoints)
        self.browser.see(".empty", "No task yet")
        self.browser.click("[data-nav=overview]")
        self.browser.see("[data-verdict]", "All is quiet")
        self.assert_quiet_and_at_home(expected=["50[34]"])

    def test_says_that_the_monitor_is_away_and_recovers(self):
        self.open("/")
        self.browser.see("[data-broker=good]")
        self.web.send(signal.SIGKILL)
        self.web.wait()
        self.browser.see("[data-banner=monitor]")
        host = self.web.host
        again = self.start("xebec-monitor", "--updates", self.broker.updates, "--broker",
                           self.broker.clients, "web", "--listen", host)
        wait_until(lambda: again.out, "an address")
        self.browser.see_none("[data-banner]")
        self.assertEqual(self.browser.complaints(["net::ERR_"]), [])

    def test_the_tabs_of_a_browser_share_one_stream_and_have_none_unseen(self):
        self.open("/")
        self.browser.see("[data-verdict]", "quiet")
        first = self.browser.driver.current_window_handle
        self.browser.driver.switch_to.new_window("tab")
        second = self.browser.driver.current_window_handle
        self.addCleanup(self.browser.driver.switch_to.window, first)
        self.addCleanup(self.browser.driver.close)
        self.open("/queues")
        self.submit("nobody", "--queue", "tabs")
        self.browser.see("[data-queue=tabs]")
        taken = self.take_places()
        self.assertEqual(len(taken), STREAMS_MAX - 1)

        # A tab that nobody sees asks for nothing.
        self.browser.run("""
            Object.defineProperty(document, "visibilityState",
                                  {configurable: true, get: () => window.seen ?? "hidden"});
            document.dispatchEvent(new Event("visibilitychange"));""")
        self.browser.driver.switch_to.window(first)
        self.browser.open("about:blank")
        self.browser.driver.switch_to.window(second)
        self.browser.requested()
        wait_until(lambda: taken.extend(self.take_places()) or len(taken) == STREAMS_MAX,
                   "the stream to be let go")
        self.assertEqual(self.browser.requested(), [])

        self.browser.run("seen = 'visible'; document.dispatchEvent(new Event('visibilitychange'))")
        self.browser.see("[data-banner=monitor]", "Too many dashboards, or other requests, are open")
        for stream in taken:
            stream.close()
        self.browser.see_none("[data-banner]")
        self.browser.see("[data-broker=good]")
        self.assertEqual(self.browser.complaints(), [])

    def take_places(self):
        """Opens streams until the monitor has no place for another."""
        taken = []
        while True:
            connection = http.client.HTTPConnection(self.web.host, timeout=60)
            connection.request("GET", "/api/v1/live")
            stream = connection.getresponse()
            if stream.status != 200:
                connection.close()
                return taken
            self.addCleanup(stream.close)
            self.addCleanup(connection.close)
            taken.append(stream)

    def test_follows_the_system_to_the_dark_and_can_be_told_otherwise(self):
        def background():
            return self.browser.run("return getComputedStyle(document.body).backgroundColor")
        self.addCleanup(self.browser.use_scheme, "light")
        self.browser.use_scheme("light")
        self.open("/")
        self.browser.see("[data-verdict]")
        light = background()
        self.browser.use_scheme("dark")
        self.browser.until(lambda: background() != light, "the dark")
        self.browser.click("[data-action=theme]")  # from the system's to the light
        self.browser.until(lambda: background() == light, "the light")
        self.open("/queues")
        self.browser.see("h1", "Queues")
        self.assertEqual(background(), light)
        self.assert_quiet_and_at_home()

    def assert_fits_a_phone(self, page):
        self.open(page)
        self.browser.see("main h1, main [data-verdict]")
        self.browser.see_none(".waiting")
        self.assert_fits(390)

    def assert_fits(self, width):
        found = self.browser.run("return document.documentElement.scrollWidth")
        self.assertLessEqual(found, width, f"{self.browser.driver.current_url}\n"
                                           f"{self.browser.text('main')}")

    def test_nothing_is_wider_than_a_phone(self):
        self.browser.use_phone()
        self.addCleanup(self.browser.use_desk)
        for page in (*PAGES, "/tasks/1"):  # as they are before the first task
            self.assert_fits_a_phone(page)
        self.start_workers()
        self.submit("add", "1", "2")
        number = self.submit("nobody", "a" * 200, "--queue", "q" * 48)
        self.open("/queues")
        self.browser.see(".queues-table", "qqq")
        self.browser.see(".queues-table .phone-label", "ready")
        self.browser.see("[data-broker]", "connected")
        for page in (*PAGES, f"/tasks/{number}"):
            self.assert_fits_a_phone(page)
        self.api("POST", "/tasks", [{"kind": "nobody", "queue": f"many-{i}"} for i in range(20)])
        self.open("/queues")
        self.browser.type("[data-filter=name]", "many-19")
        self.browser.until(lambda: len(self.browser.all(".queues-table [data-queue]")) == 1, "one")
        self.assert_quiet_and_at_home(expected=["tasks/1 - .* 404"])

    def test_text_of_users_is_never_markup(self):
        client = RawClient(self.broker.clients)
        task = new_id()
        client.submit({0: task, 1: "add", 2: MARKUP.encode(), 9: 1})
        worker = RawWorker(self.broker.workers, name=MARKUP_NAME, host=MARKUP)
        (assigned, fence), = worker.assignments()
        worker.ask(FAIL, {0: [{0: assigned, 1: fence, 2: {0: MARKUP[:40], 1: MARKUP}}]}, FAIL_ANSWER)
        number = self.until_state("last", "dead")["number"]
        self.submit("echo", MARKUP)
        with worker.heard():
            for page in (*PAGES, f"/tasks/{number}", f"/tasks/{number + 1}",
                         f"/tasks?error={MARKUP}&queue={MARKUP}"):
                self.open(page)
                self.browser.see("main h1, main [data-verdict]")
                if page == f"/tasks/{number}":
                    self.browser.see("article", "<img src=x")
                if page == "/workers":
                    self.browser.see("main", MARKUP_NAME)
                    self.browser.see("main", MARKUP)
                self.assertIsNone(self.browser.run("return window.broken ?? null"), page)
                self.assertEqual(self.browser.all("main img, main script"), [], page)
        self.assert_quiet_and_at_home(expected=["queue=.* 400"])


class ReadOnly(WithBrowser):
    WEB_ARGUMENTS = ("--read-only",)

    def test_offers_nothing_that_changes(self):
        number = self.submit("nobody")
        for page in ("/queues", f"/tasks/{number}"):
            self.open(page)
            self.browser.see("main", "nobody" if "tasks" in page else "default")
            self.browser.see_none("[data-action=pause], [data-action=cancel]")
        self.assert_quiet_and_at_home()


if __name__ == "__main__":
    unittest.main()
