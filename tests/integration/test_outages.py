"""Brokers that stop and come back under everybody."""

import json
import signal
import threading
import unittest

from harness import (RawClient, RawWorker, UNKNOWN, WithBroker, new_id, run, wait_until)


class Restart(WithBroker):
    def restart(self, number=signal.SIGTERM):
        self.broker.send(number)
        self.broker.wait()
        self.broker = self.start_broker(self.broker.endpoints)

    def test_workers_introduce_themselves_again(self):
        self.start_workers("--name", "w", count=2)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                self.restart(number)
                wait_until(lambda: len(self.workers()) == 2, "both workers to come back")
                self.assertEqual(self.client("submit", "add", "2", "3", "--wait")[1], "5\n")

    def test_results_of_forgotten_tasks_are_unknown(self):
        worker = RawWorker(self.broker.workers)
        client = RawClient(self.broker.clients)
        task = new_id()
        client.submit({0: task, 1: "add"})
        [(_, fence)] = worker.assignments()
        self.restart()
        again = RawWorker(self.broker.workers, held=[(task, fence)], previous=worker.session,
                          epoch_seen=worker.welcome.body[0])

        self.assertEqual(again.welcome.body[5], [0])
        self.assertGreater(again.welcome.body[0], worker.welcome.body[0])
        self.assertEqual(again.done(task, fence).body[0], [UNKNOWN])

    def test_a_real_worker_survives_results_that_nobody_knows(self):
        self.start_workers("--name", "w")
        self.until_state(self.submit("sleep", "2"), "leased")
        self.restart(signal.SIGKILL)
        wait_until(lambda: len(self.workers()) == 1, "the worker to come back")
        self.assertEqual(self.client("submit", "add", "2", "3", "--wait")[1], "5\n")

    def test_a_client_asks_until_the_broker_is_back(self):
        self.start_workers()
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        answers = []
        asking = threading.Thread(target=lambda: answers.append(
            run("xebec-client", "--broker", self.broker.clients, "--timeout", "60s", "submit", "add",
                "2", "3", "--wait")))
        asking.start()
        self.broker = self.start_broker(self.broker.endpoints)
        asking.join()

        self.assertEqual(answers, [(0, "5\n", "")])
        self.assertEqual(self.client_json("stats")["totals"]["submitted"], 1)

    def test_a_batch_goes_on_through_a_restart(self):
        self.start_workers("--concurrency", "4")
        lines = "".join(f'{{"kind": "echo", "args": [{n}]}}\n' for n in range(20000))
        answers = []
        submitting = threading.Thread(target=lambda: answers.append(
            run("xebec-client", "--broker", self.broker.clients, "submit", "--batch", "-", "--json",
                stdin=lines)))
        submitting.start()
        wait_until(lambda: self.client_json("stats")["totals"]["submitted"] > 0, "the first tasks")
        self.restart(signal.SIGKILL)
        submitting.join()

        [(status, out, err)] = answers
        self.assertEqual(status, 0, err)
        # Nothing survives a restart yet; but every line was accepted, before it or after.
        self.assertEqual(len(json.loads(out)), 20000)


class Stopping(WithBroker):
    def test_ends_in_time_with_everybody_connected(self):
        self.start_workers(count=2)
        waiting = self.start("xebec-client", "--broker", self.broker.clients, "submit", "sleep", "600",
                             "--wait")
        wait_until(lambda: self.client_json("list", "--state", "leased"), "the task to be leased")
        self.broker.process.terminate()
        self.assertEqual(self.broker.wait(5), 0)
        waiting.kill()

    def test_raises_its_epoch_above_what_a_peer_has_met(self):  # F26
        client = RawClient(self.broker.clients)
        epoch = client.hello({0: 0}).body[0]
        ahead = RawClient(self.broker.clients)
        self.assertEqual(ahead.hello({0: 0, 4: epoch + 5}).body[0], epoch + 6)
        with open(self.path("data/epoch")) as stored:
            self.assertEqual(stored.read(), f"{epoch + 6}\n")


if __name__ == "__main__":
    unittest.main()
