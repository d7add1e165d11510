"""xebec-bench: every test of it, small. How fast things are is not looked at here."""

import json
import os
import re
import signal
import tempfile
import unittest

from harness import Program, processes_with, run, wait_until

DOCUMENT = os.path.join(os.path.dirname(__file__), "..", "..", "docs", "performance.md")
SMALL = ("--runs", "1", "--count", "2000", "--warm-up", "2000", "--waiting", "5000",
         "--idle-workers", "10", "--seconds", "1")


def documented_tests():
    """The names in the first column of the table of loads."""
    names = set()
    with open(DOCUMENT, encoding="utf-8") as document:
        rows = re.findall(r"^\| (`[^|]+`) \| [^|]+ \|$", document.read(), re.MULTILINE)
    for row in rows:
        names.update(re.findall(r"`([a-z-]+)`", row))
    return names


class Bench(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = folder.name

    def bench(self, *args, patience=240):
        answer = run("xebec-bench", "--data", self.data, *args, patience=patience)
        self.assertEqual(processes_with(self.data), [])
        self.assertEqual(os.listdir(self.data), [])
        return answer

    def test_every_test_reports_what_it_measured(self):
        status, out, err = self.bench("--json", *SMALL)
        self.assertEqual((status, err), (0, ""))
        reports = {report["test"]: report for report in map(json.loads, out.splitlines())}
        documented = documented_tests()
        self.assertIn("end-to-end", documented)
        for name in documented:
            self.assertTrue(any(test.startswith(name) for test in reports), name)
        for report in reports.values():
            figures = [value for key, value in report.items() if key != "test"]
            self.assertTrue(figures, report)
        self.assertGreater(reports["end-to-end"]["ratio"], 0)
        self.assertGreater(reports["single"]["limit_tasks_per_second"], 0)
        self.assertGreater(reports["latency"]["ratio_p50"], 0)
        self.assertGreater(reports["memory"]["octets_per_task"], 0)
        self.assertGreater(reports["pages"]["longest_page_ms"], 0)

    def test_with_a_journal_it_is_compared_with_none(self):
        status, out, err = self.bench("--json", "--durability", "sync", *SMALL, "end-to-end",
                                      "latency")
        self.assertEqual((status, err), (0, ""))
        throughput, latency = map(json.loads, out.splitlines())
        self.assertGreater(throughput["ratio_none"], 0)
        self.assertGreater(latency["flush_p50_us"], 0)
        self.assertAlmostEqual(latency["allowed_p50_us"],
                               latency["none_p50_us"] + 2 * latency["flush_p50_us"], delta=1)

    def test_what_does_not_exist_is_said(self):
        status, out, err = self.bench("end-to-middle")
        self.assertEqual((status, out), (2, ""))
        self.assertIn('there is no test "end-to-middle"', err)

    def test_a_broker_that_cannot_start_is_said(self):
        status, out, err = self.bench("--broker", "/bin/false", "--runs", "1", "--count", "2000",
                                      "end-to-end")
        self.assertEqual((status, out), (1, ""))
        self.assertRegex(err, "/bin/false said nothing")

    def test_what_it_started_ends_with_it(self):
        bench = Program("xebec-bench", "--data", self.data, "--runs", "1", "--count", "1000000000",
                        "end-to-end")
        self.addCleanup(bench.kill)
        wait_until(lambda: len(processes_with(self.data)) > 3, "a broker and its peers")
        bench.send(signal.SIGKILL)
        bench.wait()
        wait_until(lambda: not processes_with(self.data), "what it started to end")


if __name__ == "__main__":
    unittest.main()
