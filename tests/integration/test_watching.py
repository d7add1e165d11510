"""The monitor, and slow watchers."""

import json
import os
import signal
import unittest

import zmq

from harness import WithBroker, wait_until


class Monitor(WithBroker):
    def lines_of(self, monitor, count):
        wait_until(lambda: len(monitor.out) >= count, f"{count} lines; so far {monitor.out}")
        return [json.loads(line) for line in monitor.out]

    def test_shows_the_life_of_a_task(self):
        monitor = self.watch("--json")
        self.until_listening(monitor)
        self.start_workers("--name", "w")
        number = self.submit("add", "2", "3")
        self.until_state(number, "succeeded")

        def life():
            lines = [json.loads(line) for line in list(monitor.out)]
            return [line for line in lines if line.get("number") == number]
        wait_until(lambda: len(life()) == 3, "three lines")
        self.assertEqual([line["state"] for line in life()], ["ready", "leased", "succeeded"])
        self.assertEqual([line["version"] for line in life()], [1, 2, 3])
        self.assertEqual(life()[1]["worker"], "w-1")
        sequences = [line["sequence"] for line in life()]
        self.assertEqual(sequences, list(range(sequences[0], sequences[0] + 3)))

    def test_filters_by_queue_and_state(self):
        monitor = self.watch("--json", "--queue", "seen", "--state", "ready")
        everything = self.watch("--json")
        self.until_listening(everything)
        self.start_workers()
        wait_until(lambda: self.submit("add", "1", "1", "--queue", "seen") and monitor.out,
                   "the monitor to listen")
        self.submit("add", "1", "1", "--queue", "unseen")
        last = self.submit("add", "1", "1", "--queue", "seen")
        wait_until(lambda: any(json.loads(line).get("number") == last for line in monitor.out),
                   "the last task")
        for line in map(json.loads, monitor.out):
            if "notice" not in line:
                self.assertEqual((line["queue"], line["state"]), ("seen", "ready"))

    def test_says_when_the_broker_is_away_and_when_it_is_back(self):
        monitor = self.watch()
        self.until_listening(monitor)
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        monitor.until_logged("silent")
        self.broker = self.start_broker(self.broker.endpoints)
        monitor.until_logged("back|new")
        shown = len(monitor.out)
        wait_until(lambda: self.submit("nobody") and len(monitor.out) > shown, "new lines")
        monitor.process.send_signal(signal.SIGINT)
        self.assertEqual(monitor.wait(), 0)

    def test_lets_others_go_first(self):
        monitor = self.watch("--json")
        self.until_listening(monitor)
        threads = os.listdir(f"/proc/{monitor.process.pid}/task")
        self.assertGreater(len(threads), 1)
        self.assertEqual({os.getpriority(os.PRIO_PROCESS, int(thread)) for thread in threads}, {10})

    def test_figures_come_every_second(self):
        self.start_workers(count=2)
        for _ in range(20):
            self.submit("add", "1", "1")
        self.submit("nobody")
        monitor = self.watch("--stats", "--json", "--count", "2")
        self.assertEqual(monitor.wait(), 0)
        row = json.loads(monitor.out[-1])
        self.assertEqual((row["waiting"], row["running"], row["workers"], row["slots"]), (1, 0, 2, 2))

    def test_a_slow_reader_finds_out_and_nobody_else_notices(self):  # F20
        slow = self.watch("--json")
        self.until_listening(slow)
        slow.send(signal.SIGSTOP)
        self.start_workers("--concurrency", "4")
        lines = '{"kind": "echo", "args": ["' + "x" * 40 + '"]}\n'
        status, _, err = self.client("submit", "--batch", "-", "--wait", stdin=lines * 60000)
        self.assertEqual(status, 0, err)

        slow.send(signal.SIGCONT)
        # Whether anything was lost depends on the buffers of the system; what is shown and what is
        # said to be missing add up.
        last = wait_until(lambda: self.sequence_of(slow) >= 180000 and self.sequence_of(slow),
                          "the reader to catch up")
        shown = sum('"queue":"default"' in line and '"notice"' not in line for line in slow.out)
        missed = sum(json.loads(line).get("missed", 0) for line in slow.out
                     if '"notice"' in line and '"default"' in line)
        self.assertEqual(shown + missed, last)

    def sequence_of(self, monitor):
        for line in reversed(monitor.out):
            if '"queue":"default"' in line and '"sequence"' in line:
                return json.loads(line)["sequence"]
        return 0

    def test_a_subscriber_that_never_reads_costs_nobody_anything(self):  # F20
        stuck = zmq.Context.instance().socket(zmq.SUB)
        stuck.linger = 0
        stuck.rcvhwm = 1
        stuck.subscribe(b"")
        stuck.connect(self.broker.updates)
        self.start_workers("--concurrency", "4")
        status, _, err = self.client("submit", "--batch", "-", "--wait",
                                     stdin='{"kind": "echo"}\n' * 30000)
        self.assertEqual(status, 0, err)
        stuck.close()


if __name__ == "__main__":
    unittest.main()
