"""The installed shape of things: logs, files, names."""

import os
import unittest

from harness import WithBroker, run, wait_until


class Logs(WithBroker):
    def test_one_line_for_each_thing_an_operator_cares_about(self):
        workers = self.start_workers("--name", "w", "--log-file", self.path("worker.log"))
        self.broker.until_logged(r"worker w-1 came .*1 slots, kinds .*add")
        self.until_state(self.submit("fail", "because", "--attempts", "1"), "dead")
        self.broker.until_logged(r"task 1 \(fail in queue default\) is dead after 1 attempts: "
                                 "failed: because")
        workers.process.terminate()
        workers.wait()
        self.broker.until_logged("worker w-1 left")
        wait_until(lambda: any(name.startswith("worker") and name.endswith(".log")
                               for name in os.listdir(self.folder.name)), "the log files")

    def test_control_characters_of_others_do_not_reach_the_terminal(self):
        self.start_workers()
        number = self.submit("fail", "red \x1b[31m alert\x07", "--attempts", "1")
        self.until_state(number, "dead")
        line = self.broker.until_logged("task 1 .* is dead").string
        self.assertNotIn("\x1b", line)
        for arguments in (["status", str(number)], ["list"], ["result", str(number)]):
            status, out, err = self.client(*arguments)
            self.assertNotIn("\x1b", out + err, arguments)

    def test_a_log_file_is_written(self):
        path = self.path("broker.log")
        broker = self.start("xebec-broker", "--data", self.path("more"), "--clients",
                            "tcp://127.0.0.1:*", "--workers", "tcp://127.0.0.1:*", "--updates",
                            "tcp://127.0.0.1:*", "--log-file", path)
        broker.until_logged("ready")
        broker.process.terminate()
        self.assertEqual(broker.wait(), 0)
        with open(path) as log:
            self.assertIn("stopped", log.read())


class Versions(unittest.TestCase):
    def test_every_program_knows_its_own(self):
        for name in ("broker", "worker", "client", "monitor"):
            status, out, _ = run(f"xebec-{name}", "--version")
            self.assertEqual((status, out), (0, f"xebec-{name} 0.1.0\n"))


if __name__ == "__main__":
    unittest.main()
