"""Links that are interrupted without anybody being told: half-open connections (F14), partitions in
one direction or both, and links that come and go (F13)."""

import time

from ledger import *
from link import DOWN, UP, Link

DONE_HEADER = b"\xf5XB1\x01\x00" + bytes([DONE])  # as docs/protocol.md has it
FOUND_MAX = 20  # seconds; a minute is what is promised


class Links(WithBroker):
    def setUp(self):
        super().setUp()
        self.to_workers_port = self.link_to(self.broker.workers)
        self.to_clients_port = self.link_to(self.broker.clients)

    def link_to(self, endpoint):
        link = Link(endpoint)
        self.addCleanup(link.close)
        return link

    def totals(self):
        return self.client_json("stats")["totals"]

    def start_far_worker(self, *args):
        self.start("xebec-worker", "--broker", self.to_workers_port.endpoint, "--name", "far", *args)
        wait_until(self.workers, "the worker behind the link to come")

    def until_it_works_again(self):
        def has_worked():
            self.submit("add", "1", "1")
            return any(worker["name"] == "far-1" and worker["succeeded"] > 0
                       for worker in self.workers())
        wait_until(has_worked, "the worker behind the link to work again")


class HalfOpen(Links):
    def lose_a_worker_and_hear_it_late(self, *directions):
        self.start_far_worker(*self.held())
        number = self.submit("held")
        self.until_state(number, "leased")
        self.to_workers_port.cut(*directions)
        self.let_go()  # it sends its result as long as it takes its connection for one
        began = time.monotonic()
        self.broker.until_logged("worker far-1 lost: silent .* 1 of its tasks went back")
        self.assertLess(time.monotonic() - began, FOUND_MAX)

        self.start_workers("--name", "near", *self.held())
        done = self.until_state(number, "succeeded")
        self.assertEqual((done["worker"], done["attempts"]), ("near-1", 2))
        wait_until(lambda: self.to_workers_port.holds(DONE_HEADER), "its result to be under way")
        self.to_workers_port.heal()
        self.until_it_works_again()
        wait_until(lambda: self.totals()["stale"] == 1, "its late result to be refused")
        self.assertEqual(self.task(number), done)
        self.assertEqual(self.totals()["workers_lost"], 1)

    def test_a_worker_behind_one_is_lost_and_comes_back(self):  # F14, I7 I8 I17 L2
        self.lose_a_worker_and_hear_it_late()

    def test_a_worker_that_is_not_heard_is_lost_and_comes_back(self):  # F13, I7 I8 I17 L2
        self.lose_a_worker_and_hear_it_late(UP)

    def test_a_worker_whose_link_is_forgotten_takes_another(self):  # F14
        self.start_far_worker(*self.held())
        number = self.submit("held")
        self.until_state(number, "leased")
        began = time.monotonic()
        self.to_workers_port.forget()
        self.let_go()
        self.until_it_works_again()
        self.assertLess(time.monotonic() - began, FOUND_MAX)
        self.until_state(number, "succeeded")

    def test_a_client_that_waits_is_told_later(self):  # F14, L3
        self.start_workers(*self.held())
        waiting = self.start("xebec-client", "--broker", self.to_clients_port.endpoint, "submit",
                             "held", "--wait")
        wait_until(lambda: self.client_json("list", "--state", "leased"), "the task to be leased")
        self.to_clients_port.cut()
        self.let_go()
        number = self.client_json("list")[0]["number"]
        done = self.until_state(number, "succeeded")
        self.assertIsNone(waiting.process.poll())
        self.to_clients_port.heal()
        self.assertEqual(waiting.wait(), 0, waiting.err)
        self.assertEqual(self.task(number), done)

    def test_a_client_in_the_middle_of_a_batch_takes_another_link(self):  # F14, I3 L3
        self.start_workers("--concurrency", "4")
        lines = [json.dumps({"kind": "echo", "args": [n]}) + "\n" for n in range(5000)]
        sessions = self.client_json("stats")["sessions"]
        client = self.start("xebec-client", "--broker", self.to_clients_port.endpoint, "--json",
                            "submit", "--batch", "-", "--wait", stdin=subprocess.PIPE)
        client.process.stdin.writelines(lines[:2500])
        client.process.stdin.flush()
        wait_until(lambda: self.totals()["submitted"] > 1000, "the first tasks")
        self.to_clients_port.forget()
        client.process.stdin.writelines(lines[2500:])
        client.process.stdin.close()
        self.assertEqual(client.wait(), 0, client.err)
        told = json.loads("\n".join(client.out))
        self.assertEqual(sorted(task["result"] for task in told), [[n] for n in range(5000)])
        totals = self.totals()
        self.assertEqual([totals[name] for name in ("submitted", "assigned", "succeeded", "stale")],
                         [5000] * 3 + [0])
        wait_until(lambda: self.client_json("stats")["sessions"] == sessions,
                   "the sessions of both links to end", FOUND_MAX)


class Partitions(Links):
    def test_a_worker_that_hears_nothing_is_heard(self):  # F13, I9 I12 L1
        self.start_far_worker(*self.held())
        number = self.submit("held")
        self.until_state(number, "leased")
        self.to_workers_port.cut(DOWN)
        self.let_go()
        done = self.until_state(number, "succeeded")
        self.assertEqual((done["worker"], done["attempts"]), ("far-1", 1))
        # What it is given then does not reach it. It misses the broker, and closes its connection.
        numbers = [self.submit("add", "1", "1") for _ in range(3)]
        self.broker.until_logged("worker far-1 lost: its connection is gone; 1 of its tasks went back")
        self.to_workers_port.heal()
        self.assertEqual([self.until_state(number, "succeeded")["attempts"] for number in numbers],
                         [2, 1, 1])
        self.assertEqual(self.task(done["number"]), done)

    def test_links_that_come_and_go_lose_nothing(self):  # F13 F14 F15, I1 I2 I3 I6 I8 I9 L1 L3
        seed = time.time_ns() % 1_000_000
        dice, ledger = random.Random(seed), Ledger()
        workers, clients = self.to_workers_port, self.to_clients_port
        submitter = Submitter(ledger, "submitter", clients.endpoint, seed, per_second=300).start()
        runner = Runner(ledger, "runner", workers.endpoint, seed + 1).start()
        reader = Reader(ledger, "reader", clients.endpoint, seed + 2).start()
        self.start("xebec-worker", "--broker", workers.endpoint, "--concurrency", "4")
        self.addCleanup(lambda: [peer.stop() for peer in (submitter, runner, reader)])
        end = time.monotonic() + 6
        while time.monotonic() < end and not ledger.faults:
            link = dice.choice((workers, clients))
            dice.choice((link.cut, link.cut, lambda: link.cut(UP), lambda: link.cut(DOWN)))()
            due = time.monotonic() + dice.choice((0.05, 0.2, 0.5, 1))
            wait_until(lambda: time.monotonic() > due, "the link to heal")
            dice.choice((link.heal, link.heal, link.forget))()
        workers.heal()
        clients.heal()
        for peer in (submitter, reader, runner):
            peer.stop()
            peer.thread.join(PATIENCE)
            self.assertFalse(peer.thread.is_alive(), f"seed {seed}: " + submitter.describe() + ", "
                             + runner.describe())
        last = Reader(ledger, "last", self.broker.clients, seed + 3)
        last.join()
        last.read_all()
        self.assertEqual(set(last.list_all()), set(ledger.tasks))
        last.close()
        self.assertEqual((ledger.faults, ledger.unfinished()), ([], 0), f"seed {seed}")
        self.assertGreater(ledger.finished, 200)


if __name__ == "__main__":
    unittest.main()
