"""What Prometheus is told by `xebec-monitor web`, and the alert rules that are made of it."""

import json
import os
import re
import subprocess
import tempfile
import unittest

from harness import PATIENCE, wait_until
from web import WithWeb

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), "../.."))
PROMTOOL = os.environ.get("XEBEC_PROMTOOL", os.path.join(ROOT, "build/promtool/promtool"))


def promtool(*args, text=None):
    """Runs promtool, which tools/promtool-for-tests gets. tools/test does so."""
    if "XEBEC_PROMTOOL" not in os.environ and not os.path.exists(PROMTOOL):
        raise unittest.SkipTest("there is no promtool; tools/promtool-for-tests gets it")
    done = subprocess.run([PROMTOOL, *args], input=text, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


def samples_of(text):
    """The values by series, written as in the text."""
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines)}


class Metrics(WithWeb):
    def scrape(self):
        answer = self.ask("GET", "/metrics")
        self.assertEqual(answer.status, 200)
        return answer

    def until_scraped(self, condition, what):
        """The first page of metrics whose samples meet the condition, and these."""
        def look():
            text = self.scrape().content.decode()
            samples = samples_of(text)
            return (text, samples) if condition(samples) else None
        return wait_until(look, what)

    def test_they_are_what_happened(self):
        self.start_workers("--concurrency", "3", "--name", "w")
        for _ in range(4):
            self.assertEqual(self.client("submit", "add", "1", "2", "--wait")[0], 0)
        self.until_state(self.submit("fail", "--attempts", "1", "--queue", "other"), "dead")
        self.until_state(self.submit("nobody"), "ready")
        self.client("pause", "other")

        text, samples = self.until_scraped(
            lambda s: s.get('xebec_tasks{state="dead"}') == 1
            and s.get('xebec_lane_wait_seconds_count{queue="other",kind="fail"}') == 1
            and s.get('xebec_lane_tasks{queue="default",kind="nobody",state="ready"}') == 1
            and s.get('xebec_queue_unserved_kinds{queue="default"}') == 1
            and s.get('xebec_queue_paused{queue="other"}') == 1
            and s.get("xebec_broker_resident_bytes"),
            "the monitor to have seen all of it")

        self.assertEqual(self.scrape().headers["Content-Type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        expected = {
            "xebec_up": 1,
            "xebec_read_only": 0,
            "xebec_workers": 1,
            "xebec_slots": 3,
            "xebec_slots_busy": 0,
            "xebec_tasks_submitted_total": 6,
            'xebec_tasks_finished_total{state="succeeded"}': 4,
            'xebec_tasks_finished_total{state="dead"}': 1,
            'xebec_tasks{state="succeeded"}': 4,
            'xebec_tasks{state="ready"}': 1,
            "xebec_attempts_failed_total": 1,
            "xebec_leases_given_total": 5,
            "xebec_workers_lost_total": 0,
            "xebec_queues": 2,
            "xebec_queues_left_out": 0,
            'xebec_queue_tasks{queue="default",state="succeeded"}': 4,
            'xebec_queue_tasks{queue="other",state="dead"}': 1,
            'xebec_queue_paused{queue="default"}': 0,
            "xebec_lanes": 3,
            "xebec_lanes_left_out": 0,
            'xebec_lane_tasks_created_total{queue="default",kind="add"}': 4,
            'xebec_lane_tasks_succeeded_total{queue="default",kind="add"}': 4,
            'xebec_lane_attempts_failed_total{queue="other",kind="fail"}': 1,
            'xebec_lane_wait_seconds_count{queue="default",kind="add"}': 4,
            'xebec_lane_wait_seconds_bucket{queue="default",kind="add",le="3600"}': 4,
            'xebec_lane_run_seconds_bucket{queue="default",kind="add",le="+Inf"}': 4,
            'xebec_lane_run_seconds_count{queue="default",kind="nobody"}': 0,
        }
        self.maxDiff = None
        self.assertEqual({series: samples.get(series) for series in expected}, expected)
        self.assertGreater(samples["xebec_boot_epoch"], 0)
        self.assertAlmostEqual(samples["xebec_start_time_seconds"],
                               os.stat(f"/proc/{self.broker.pid}").st_ctime, delta=PATIENCE)
        disk = os.statvfs(self.folder.name)
        self.assertEqual(samples["xebec_disk_size_bytes"], disk.f_blocks * disk.f_frsize)
        self.assertEqual(promtool("check", "metrics", text=text), (0, ""))

    def test_a_broker_that_went_is_down_and_nothing_else(self):
        self.until_scraped(lambda s: s["xebec_up"] == 1, "the broker to be heard")

        self.broker.kill()

        text, samples = self.until_scraped(lambda s: s["xebec_up"] == 0,
                                           "the monitor to miss the broker")
        self.assertEqual(samples, {"xebec_up": 0})
        self.assertEqual(promtool("check", "metrics", text=text), (0, ""))

    def test_they_need_the_token(self):
        token = "0123456789abcdef-token"
        with open(self.path("token"), "w") as file:
            file.write(token + "\n")
        web = self.start_web("--token-file", self.path("token"))

        refused = self.ask("GET", "/metrics", web=web)
        granted = self.ask("GET", "/metrics", headers={"Authorization": f"Bearer {token}"}, web=web)

        self.assertEqual((refused.status, granted.status), (401, 200))
        self.assertIn(b"xebec_up", granted.content)


class Rules(unittest.TestCase):
    FOLDER = os.path.join(ROOT, "tools/prometheus")

    def test_they_are_rules(self):
        status, said = promtool("check", "rules", os.path.join(self.FOLDER, "xebec.rules.yml"))

        self.assertEqual(status, 0, said)
        self.assertTrue(re.search(r"SUCCESS: \d+ rules found", said), said)

    def test_they_fire_when_they_should(self):
        status, said = promtool("test", "rules", os.path.join(self.FOLDER, "xebec.rules.test.yml"))

        self.assertEqual(status, 0, said)


class Dashboard(unittest.TestCase):
    def test_its_queries_are_ones_that_prometheus_understands(self):
        with open(os.path.join(ROOT, "tools/grafana/xebec.json")) as file:
            dashboard = json.load(file)
        queries = [target["expr"] for panel in dashboard["panels"]
                   for target in panel.get("targets", [])]
        queries += [annotation["expr"] for annotation in dashboard["annotations"]["list"]]
        self.assertGreater(len(queries), 30)
        # As rules, which promtool reads without a server. JSON is YAML.
        rules = [{"record": "query", "labels": {"number": str(number)},
                  "expr": re.sub(r"\$__(rate_interval|range)\b", "5m", query)}
                 for number, query in enumerate(queries)]

        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            json.dump({"groups": [{"name": "queries", "rules": rules}]}, file)
            file.flush()
            status, said = promtool("check", "rules", file.name)

        self.assertEqual(status, 0, said)


if __name__ == "__main__":
    unittest.main()
