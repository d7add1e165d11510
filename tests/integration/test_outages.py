"""Brokers that stop and come back under everybody."""

import json
import signal
import threading
import time
import unittest

import zmq

from harness import (ACCEPTED, ASSIGN, BYE, DONE, DONE_ANSWER, ERROR, EXTEND, EXTENDED, FAIL,
                     FAIL_ANSWER, HELLO, OUTCOMES, PING, PONG, QUERIED, QUERY, REPEAT, STALE, UNKNOWN,
                     WAIT, WELCOME, Message, RawClient, RawWorker, WithBroker, new_id, run, wait_until)


class Restarting(WithBroker):
    def restart(self, number=signal.SIGTERM):
        self.broker.send(number)
        self.broker.wait()
        self.broker = self.start_broker(self.broker.endpoints)


class Restart(Restarting):
    def test_workers_introduce_themselves_again(self):
        self.start_workers("--name", "w", count=2)
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                self.restart(number)
                wait_until(lambda: len(self.workers()) == 2, "both workers to come back")
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
        self.assertEqual(len(self.client_json("list")), 1)

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
        self.assertEqual(len(json.loads(out)), 20000)
        wait_until(lambda: self.client_json("queues")[0]["tasks"]["succeeded"] == 20000,
                   "all to be done")

    def test_everything_is_there_again(self):  # F1, I1, I8, I9
        worker = RawWorker(self.broker.workers)
        client = RawClient(self.broker.clients)
        done, dead, late = new_id(), new_id(), new_id()
        client.submit({0: done, 1: "add", 2: b"p" * 1000})
        [(_, fence)] = worker.assignments()
        worker.done(done, fence, b"r" * 1000)
        client.submit({0: dead, 1: "add", 9: 1})
        [(_, dead_fence)] = worker.assignments()
        worker.ask(FAIL, {0: [{0: dead, 1: dead_fence, 2: {0: "no", 1: "never"}}]}, FAIL_ANSWER)
        client.submit({0: late, 1: "other", 5: 9, 6: 3_600_000})
        self.client("queue", "set", "default", "--attempts", "7")
        self.client("pause", "default")
        before = self.client_json("list"), self.client_json("queues")
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
            self.restart(number)
            with self.subTest(number):
                listed, queues = self.client_json("list"), self.client_json("queues")
                self.assertEqual(listed, before[0])
                for key in ("name", "paused", "settings"):
                    self.assertEqual(queues[0].get(key), before[1][0].get(key), key)
                self.assertEqual(self.client("result", "1")[1].rstrip(), "r" * 1000)
                again = RawWorker(self.broker.workers)
                self.assertEqual(again.done(done, fence, b"r" * 1000).body[0], [REPEAT])
                self.assertEqual(again.done(dead, dead_fence).body[0], [STALE])
                answer = RawClient(self.broker.clients).submit({0: done, 1: "add", 2: b"p" * 1000},
                                                               {0: dead, 1: "add", 9: 2})
                self.assertEqual([item.get(0, 0) for item in answer.body[0]], [1, 2])

    def test_a_worker_that_comes_back_keeps_its_tasks(self):  # F18
        worker = RawWorker(self.broker.workers, slots=2)
        client = RawClient(self.broker.clients)
        kept, dropped = new_id(), new_id()
        client.submit({0: kept, 1: "add"}, {0: dropped, 1: "add"})
        leases = worker.assignments()
        while len(leases) < 2:
            leases += worker.assignments()
        fences = dict(leases)
        self.restart(signal.SIGKILL)
        again = RawWorker(self.broker.workers, slots=2, held=[(kept, fences[kept])],
                          previous=worker.session, epoch_seen=worker.welcome.body[0])
        self.assertGreater(again.welcome.body[5][0], 0)
        self.assertEqual(again.done(kept, fences[kept]).body[0], [ACCEPTED])
        # Nobody named the other one: after a while it goes to whoever is there, uncharged.
        message = again.welcome
        while message.type != ASSIGN:
            again.send(PING, {})
            message = again.receive(ASSIGN, PONG)
        [(task, fence)] = [(item[0], item[1]) for item in message.body[0]]
        self.assertEqual(task, dropped)
        self.assertGreater(fence, fences[dropped])
        self.assertEqual(again.done(dropped, fences[dropped]).body[0], [STALE])
        self.assertEqual(again.done(dropped, fence).body[0], [ACCEPTED])
        self.broker.until_logged("1 tasks were running when the broker last ended")


class RestartWithLittleMemory(Restarting):
    BROKER_ARGUMENTS = ("--memory", "1MiB")

    def test_what_is_on_the_disk_only_is_read_without_delay(self):
        worker = RawWorker(self.broker.workers)
        client = RawClient(self.broker.clients)
        tasks = [new_id() for _ in range(100)]
        for task in tasks:
            client.submit({0: task, 1: "add"})
            [(_, fence)] = worker.assignments()
            worker.done(task, fence, task * 1000)
        self.restart(signal.SIGKILL)
        client = RawClient(self.broker.clients)
        began = time.monotonic()
        for task in tasks:
            answer = client.ask(QUERY, {0: [task], 2: True}, QUERIED)
            self.assertEqual(answer.payloads, [task * 1000])
        # Waiting for the loop's next look at its doors would be 200 ms for each.
        self.assertLess(time.monotonic() - began, 10)


class RestartWithoutJournal(Restarting):
    BROKER_ARGUMENTS = ("--durability", "none")

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
        self.start_workers("--name", "w", *self.held())
        self.until_state(self.submit("held"), "leased")
        self.restart(signal.SIGKILL)
        wait_until(lambda: len(self.workers()) == 1, "the worker to come back")
        self.let_go()
        self.assertEqual(self.client("submit", "add", "2", "3", "--wait")[1], "5\n")

    def test_a_journal_that_is_there_is_not_passed_over(self):
        self.broker.until_logged("durability none: tasks are kept in memory only")
        self.BROKER_ARGUMENTS = ()
        self.restart()
        self.broker.send(signal.SIGTERM)
        self.broker.wait()
        status, _, err = run("xebec-broker", "--data", self.path("data"), "--durability", "none")
        self.assertEqual(status, 1)
        self.assertIn("holds tasks, which --durability none would neither see nor keep", err)


class Crowd:
    """Many raw workers and clients on the caller's thread, for as long as it calls `tend`. They say
    hello again when the broker knows them no more: workers name the leases they hold, clients wait
    again."""

    PING_EVERY = 1.0

    def __init__(self):
        self.members, self.poller = {}, zmq.Poller()
        self.statuses, self.outcomes = [], []

    def add(self, peer):
        self.members[peer.socket] = peer
        self.poller.register(peer.socket, zmq.POLLIN)
        peer.leases, peer.waiting, peer.confirmed = [], set(), None
        peer.is_back, peer.said_hello, peer.pinged_at = False, False, time.monotonic()
        return peer

    def tend(self, patience_ms=20):
        for socket, _ in self.poller.poll(patience_ms):
            while socket.poll(0):
                self.take(self.members[socket], Message(socket.recv_multipart()))
        for peer in self.members.values():
            # Not between hello and welcome: what comes in the old session is answered by an error,
            # and that by another hello.
            if not peer.said_hello and time.monotonic() - peer.pinged_at > self.PING_EVERY:
                peer.pinged_at = time.monotonic()
                peer.send(PING, {})

    def until(self, condition, what):
        wait_until(lambda: self.tend() or condition(), what)

    def take(self, peer, message):
        if message.type == PING:
            peer.send(PONG, {}, correlation=message.correlation)
        elif message.type == ERROR and message.body[0] == 4 and not peer.said_hello:  # not_registered
            peer.said_hello = True
            peer.send(HELLO, {2: 1, 3: 1, 5: peer.session, **self.introduction(peer)}, session=0)
        elif message.type == WELCOME:
            peer.session, peer.is_back, peer.said_hello = message.session, True, False
            peer.confirmed = message.body.get(5, [])
            if peer.waiting:
                peer.send(WAIT, {0: list(peer.waiting)})
        elif message.type == ASSIGN:
            peer.leases += [(item[0], item[1]) for item in message.body[0]]
        elif message.type == DONE_ANSWER:
            self.statuses += message.body[0]
        elif message.type == OUTCOMES:
            for item in message.body[0]:
                self.outcomes.append((item[0], item[2], item.get(6)))
                peer.waiting.discard(item[0])

    @staticmethod
    def introduction(peer):
        if isinstance(peer, RawClient):
            return {0: 0}
        return {0: 1, 1: peer.name, 6: peer.kinds, 8: peer.slots, 9: peer.credit,
                10: [{0: task, 1: fence} for task, fence in peer.leases]}


class RestartUnderMany(Restarting):
    WORKERS, CLIENTS, LEASES = 300, 300, 2

    def test_all_come_back_and_keep_what_they_had(self):  # F18, F1, I6 I9 I16 L3
        crowd, tasks = Crowd(), self.WORKERS * self.LEASES
        workers, clients = [], []
        for n in range(self.WORKERS):
            workers.append(crowd.add(RawWorker(self.broker.workers, f"w{n}", slots=self.LEASES)))
            crowd.tend(0)
        for n in range(self.CLIENTS):
            client = crowd.add(RawClient(self.broker.clients))
            client.waiting = {new_id() for _ in range(tasks // self.CLIENTS)}
            client.submit(*({0: task, 1: "add"} for task in client.waiting), wait=True)
            clients.append(client)
            crowd.tend(0)
        crowd.until(lambda: sum(len(worker.leases) for worker in workers) == tasks, "all leases")
        leases = {task: fence for worker in workers for task, fence in worker.leases}
        wishes = {task for client in clients for task in client.waiting}

        self.restart(signal.SIGKILL)
        began = time.monotonic()
        crowd.until(lambda: all(peer.is_back for peer in crowd.members.values()),
                    "all peers to come back")
        self.assertLess(time.monotonic() - began, 30)
        for worker in workers:
            self.assertEqual([left > 0 for left in worker.confirmed], [True] * self.LEASES)
            worker.send(DONE, {0: [{0: task, 1: fence, 2: b""} for task, fence in worker.leases]})
        crowd.until(lambda: len(crowd.statuses) == tasks and not any(
            client.waiting for client in clients), "all results to be taken and told")
        self.assertEqual(set(crowd.statuses), {ACCEPTED})
        self.assertEqual(sorted(crowd.outcomes),
                         sorted((task, 4, leases[task]) for task in wishes))
        totals = self.client_json("stats")["totals"]
        self.assertEqual([totals[name] for name in ("assigned", "succeeded", "stale", "workers_lost")],
                         [0, tasks, 0, 0])
        self.assertEqual({task["attempts"] for task in
                          self.client_json("list", "--limit", str(tasks))}, {1})


class Stalled(WithBroker):
    STALL = 7  # seconds: longer than a worker may be silent, and than the leases of the queue `short`

    def stall(self):
        self.broker.send(signal.SIGSTOP)
        due = time.monotonic() + self.STALL
        wait_until(lambda: time.monotonic() > due, "the broker's stall to end")
        self.broker.send(signal.SIGCONT)

    def test_one_that_stood_still_blames_nobody_who_is_there(self):  # F17, I12 L2
        self.client("queue", "set", "short", "--lease", "3s")
        self.start_workers("--name", "real", "--concurrency", "2")
        raw = RawWorker(self.broker.workers, "raw", kinds=["raw"], slots=2)
        gone = RawWorker(self.broker.workers, "gone", kinds=["gone"])
        client = RawClient(self.broker.clients)
        ids = [new_id() for _ in range(3)]
        client.submit(*({0: task, 1: kind, 4: "short"}
                        for task, kind in zip(ids, ("raw", "raw", "gone"))), wait=True)
        leases = raw.assignments()
        while len(leases) < 2:
            leases += raw.assignments()
        gone.assignments()
        during = self.submit("sleep", "2", "--queue", "short")   # ends while the broker stands still
        behind = self.submit("sleep", str(self.STALL + 1))       # ends when it goes on
        waiting = self.start("xebec-client", "--broker", self.broker.clients, "submit", "add", "2",
                             "3", "--queue", "short", "--wait", "--delay", f"{self.STALL}s")
        wait_until(lambda: self.client_json("stats")["tasks"]["leased"] == 5, "all to be leased")

        gone.close()
        self.stall()
        extended = raw.ask(EXTEND, {0: [{0: task, 1: fence} for task, fence in leases]}, EXTENDED)
        self.assertEqual([left > 0 for left in extended.body[0]], [True, True])
        for task, fence in leases:
            self.assertEqual(raw.done(task, fence).body[0], [ACCEPTED])
        raw.send(BYE, {})
        self.assertEqual(waiting.wait(), 0, waiting.err)
        for number in (during, behind):
            task = self.until_state(number, "succeeded")
            self.assertEqual((task["attempts"], task["fence"] & 0xFFFFFFFF), (1, 1))
        told = set()
        while len(told) < 2:
            told |= {item[0] for item in client.receive(OUTCOMES).body[0]}
        self.assertEqual(told, set(ids[:2]))

        # The one that is not there any more is lost when all had time to be heard, and nobody else.
        self.broker.until_logged("worker gone lost: .*1 of its tasks went back")
        totals = self.client_json("stats")["totals"]
        self.assertEqual([totals[name] for name in ("succeeded", "stale", "workers_lost")], [5, 0, 1])
        self.assertFalse(self.broker.has_logged("lease of task|worker (real|raw).* lost"))


class Stopping(WithBroker):
    def test_ends_in_time_with_everybody_connected(self):  # F27
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
