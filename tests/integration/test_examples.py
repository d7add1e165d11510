"""The client and the worker in tools/examples, with the real programs and with each other."""

import json
import os
import signal
import struct
import sys
import time
import unittest

import msgpack
import zmq

from harness import (ACCEPTED, ASSIGN, BYE, DONE, DONE_ANSWER, ERROR, EXTEND, EXTENDED, FAIL, HELLO,
                     OUTCOMES, PATIENCE, PING, PONG, RECALL, RELEASE, REPEAT, REVOKE, SUBMIT,
                     SUBMITTED, UNKNOWN, WELCOME, Message, WithBroker, new_id, run, wait_until)

DRAIN = 58

EXAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "tools", "examples")
CLIENT = os.path.join(EXAMPLES, "client.py")
WORKER = os.path.join(EXAMPLES, "worker.py")

# The worker with handlers that take long. It says what it tells and is told of its leases.
WATCHED_WORKER = """
import os, signal, sys, time
import msgpack, worker

def say(*words):
    os.write(1, " ".join(map(str, words)).encode() + b"\\n")  # at once: threads speak, too

def nap(task, seconds):
    say("naps")
    if task.cancelled.wait(seconds):
        say("cancelled")
        raise InterruptedError("cancelled")
    say("rested")
    return seconds

def compute(task, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
    return seconds

def mumble(task):
    raise ValueError("um\\udc80")

worker.HANDLERS |= {"nap": nap, "compute": compute, "mumble": mumble,
                    "say": lambda task, size: "x" * size}

class Watched(worker.Worker):
    def send(self, kind, body={}, *rest, **more):
        super().send(kind, body, *rest, **more)
        if kind == worker.HELLO:
            say("hello, holds", len(body[10]))

    def receive(self, now, empty, header, body, *frames):
        super().receive(now, empty, header, body, *frames)
        if header[6] - 1 in (worker.DONE, worker.FAIL, worker.RELEASE):
            statuses = msgpack.unpackb(body, strict_map_key=False)[0]
            say("answer to", header[6] - 1, "is", *statuses)

watched = Watched(sys.argv[1], int(sys.argv[2]))
signal.signal(signal.SIGTERM, lambda *_: setattr(watched, "draining", True))
watched.serve()
"""


class Files(unittest.TestCase):
    def test_are_short_enough_to_be_shown_whole(self):
        for path in (CLIENT, WORKER):
            with open(path) as file:
                lines = file.read().splitlines()
            self.assertLess(len(lines), 120, path)
            self.assertLessEqual(max(map(len, lines)), 100, path)


class WithExamples(WithBroker):
    def python_client(self, *args):
        return run(sys.executable, CLIENT, "--broker", self.broker.clients, *args)

    def start_python_client(self, *args):
        return self.start(sys.executable, CLIENT, "--broker", self.broker.clients, *args)

    def start_python_worker(self, *args):
        return self.until_come(self.start(sys.executable, WORKER, "--broker", self.broker.workers,
                                          *args))

    def start_watched_worker(self, slots=1):
        return self.until_come(self.start(sys.executable, "-c", WATCHED_WORKER, self.broker.workers,
                                          str(slots), env={"PYTHONPATH": EXAMPLES}))

    def until_come(self, worker):
        wait_until(self.workers, "the worker to come")
        return worker

    def until_said(self, program, line, times=1):
        try:
            wait_until(lambda: program.out.count(line) >= times, f"the worker to say {line!r}")
        except AssertionError as vain:
            raise AssertionError(f"{vain}; it said {program.out}, {program.err}") from None

    def restart(self, number):
        self.broker.send(number)
        self.broker.wait()
        self.broker = self.start_broker(self.broker.endpoints)


class Client(WithExamples):
    def test_prints_what_a_native_worker_returns(self):
        self.start_workers()
        self.assertEqual(self.python_client("add", "2", "3"), (0, "5\n", ""))
        self.assertEqual(self.python_client("echo", "word", '{"a": [1, null]}', "-1", "NaN"),
                         (0, '["word", {"a": [1, null]}, -1, "NaN"]\n', ""))

    def test_sends_and_receives_what_needs_a_frame_of_its_own(self):
        self.start_workers()
        text = "lörem " * 1000
        status, out, _ = self.python_client("echo", text)
        self.assertEqual((status, json.loads(out)), (0, [text]))

    def test_says_why_a_task_failed(self):
        self.start_workers()
        status, out, err = self.python_client("divide", "1", "0")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("division_by_zero", err)

    def test_says_why_a_task_was_refused(self):
        status, out, err = self.python_client("no/kind")
        self.assertEqual((status, out), (1, ""))
        self.assertIn("a kind is", err)

    def test_does_not_wait_for_ever(self):
        self.assertEqual(self.python_client("--timeout", "0.5", "add", "1", "1")[0], 3)
        self.broker.kill()
        self.assertEqual(self.python_client("--timeout", "0.5", "add", "1", "1")[0], 3)

    def test_repeats_its_submit_when_the_broker_was_restarted(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                client = self.start_python_client("add", "2", "3")
                waiting = ("list", "--state", "ready")
                before = wait_until(lambda: self.client_json(*waiting), "the task")
                self.restart(number)
                after = wait_until(lambda: self.client_json(*waiting), "the task to come again")
                self.assertEqual([task["id"] for task in before], [task["id"] for task in after])
                workers = self.start_workers()

                self.assertEqual(client.wait(), 0, client.err)
                self.assertEqual(client.out, ["5"])
                self.assertEqual(self.client_json("stats")["totals"]["succeeded"], 1)
                workers.kill()
                self.restart(signal.SIGKILL)

    def test_asks_until_there_is_a_broker(self):
        self.broker.kill()
        client = self.start_python_client("add", "2", "3")
        self.broker = self.start_broker(self.broker.endpoints)
        self.start_workers()
        self.assertEqual(client.wait(), 0, client.err)
        self.assertEqual(client.out, ["5"])


class Worker(WithExamples):
    def test_runs_what_a_native_client_submits(self):
        self.start_python_worker()
        self.assertEqual(self.client("submit", "word_count", "one two three", "--wait")[1], "3\n")
        self.assertEqual(self.client("submit", "reverse", "añb", "--wait")[1], "bña\n")
        [worker] = self.workers()
        self.assertEqual((worker["kinds"], worker["slots"]), (["reverse", "word_count"], 1))

    def test_fills_its_slots(self):
        worker = self.start_watched_worker(slots=2)
        tasks = [self.submit("nap", "60") for _ in range(3)]
        self.until_said(worker, "naps", times=2)
        self.assertEqual(self.task(tasks[2])["state"], "ready")
        self.client("cancel", str(tasks[0]))
        self.until_said(worker, "naps", times=3)
        worker.kill()

    def test_reports_a_failure_with_its_class_and_text(self):
        self.start_python_worker()
        task = self.until_state(self.submit("reverse", "5", "--attempts", "1"), "dead")
        self.assertEqual(task["error"], {"class": "TypeError",
                                         "text": "'int' object is not subscriptable"})
        again = self.submit("reverse", "5")
        task = self.until_state(again, "scheduled")
        self.assertEqual((task["attempts"], task["error"]["class"]), (1, "TypeError"))

    def test_survives_payloads_that_make_no_sense(self):
        self.start_watched_worker()
        for payload in ("no json", "5", "[]", '["x"]'):
            self.until_state(self.submit("say", "--attempts", "1", "--payload", payload), "dead")
        self.assertEqual(len(self.workers()), 1)

    def test_reports_a_result_that_is_too_large_as_a_failure(self):
        self.start_watched_worker()
        task = self.until_state(self.submit("say", str(17 << 20), "--attempts", "1"), "dead")
        self.assertEqual(task["error"]["text"], "the result is too large")
        status, out, _ = self.client("submit", "say", str(1 << 20), "--wait")
        self.assertEqual((status, len(out)), (0, (1 << 20) + 1))

    def test_is_heard_during_a_task_that_keeps_the_processor_busy(self):
        self.start_watched_worker()
        task = self.until_state(self.submit("compute", "6"), "succeeded")  # it is lost after 5 s
        self.assertEqual(task["attempts"], 1)
        self.assertEqual(self.client_json("stats")["totals"]["workers_lost"], 0)

    def test_extends_its_leases(self):
        self.client("queue", "set", "brief", "--lease", "1s")
        self.start_watched_worker()
        task = self.until_state(self.submit("nap", "3", "--queue", "brief"), "succeeded")
        self.assertEqual(task["attempts"], 1)
        self.assertEqual(self.client_json("stats")["totals"]["returned"], 0)

    def test_cancels_a_handler_and_goes_on(self):
        worker = self.start_watched_worker()
        task = self.submit("nap", "60")
        self.until_state(task, "leased")
        self.client("cancel", str(task))
        self.until_said(worker, "cancelled")
        self.assertEqual(self.client("submit", "reverse", "ab", "--wait")[1], "ba\n")
        self.assertEqual(self.task(task)["state"], "cancelled")

    def test_cancels_a_handler_that_runs_for_too_long(self):
        self.client("queue", "set", "brief", "--lease", "1s")
        worker = self.start_watched_worker()
        task = self.submit("nap", "60", "--queue", "brief", "--run-max", "1s", "--attempts", "1")
        self.assertEqual(self.until_state(task, "dead")["error"]["class"], "timed_out")
        self.until_said(worker, "cancelled")
        self.assertEqual(self.client("submit", "reverse", "ab", "--wait")[1], "ba\n")

    def test_leaves_when_it_is_drained(self):
        for way in ("drain", "SIGTERM"):
            with self.subTest(way):
                worker = self.start_watched_worker()
                running = self.submit("nap", "1")
                self.until_state(running, "leased")
                waiting = self.submit("nap", "1")
                if way == "drain":
                    self.client("drain", self.workers()[0]["name"])
                else:
                    worker.send(signal.SIGTERM)

                self.assertEqual(worker.wait(), 0, worker.err)
                self.assertEqual(self.task(running)["state"], "succeeded")
                self.assertEqual((self.task(waiting)["state"], self.task(waiting)["attempts"]),
                                 ("ready", 0))
                self.assertEqual(self.workers(), [])
                self.client("cancel", str(waiting))
        self.assertEqual(self.client_json("stats")["totals"]["workers_lost"], 0)

    def test_leaves_when_there_is_no_broker(self):
        worker = self.start_watched_worker()
        self.broker.send(signal.SIGTERM)
        self.until_said(worker, "hello, holds 0", times=2)
        worker.send(signal.SIGTERM)
        self.assertEqual(worker.wait(), 0, worker.err)


class Outages(WithExamples):
    def test_a_worker_introduces_itself_to_a_new_broker(self):
        self.start_python_worker()
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                self.restart(number)
                wait_until(self.workers, "the worker to come back")
                self.assertEqual(self.client("submit", "reverse", "ab", "--wait")[1], "ba\n")

    def test_a_report_is_kept_until_the_next_broker_has_it(self):  # I9
        worker = self.start_watched_worker()
        task = self.submit("nap", "1")
        self.until_state(task, "leased")
        self.broker.send(signal.SIGSTOP)
        self.until_said(worker, "rested")
        self.restart(signal.SIGKILL)

        self.until_said(worker, "hello, holds 1")
        self.until_said(worker, f"answer to {DONE} is {ACCEPTED}")
        self.assertEqual(self.until_state(task, "succeeded")["attempts"], 1)

    def test_a_task_goes_on_under_the_next_broker(self):  # F18
        worker = self.start_watched_worker()
        task = self.submit("nap", "3")
        self.until_state(task, "leased")
        self.restart(signal.SIGKILL)

        self.until_said(worker, "hello, holds 1")
        self.assertEqual(self.until_state(task, "succeeded")["attempts"], 1)

    def test_a_report_to_a_broker_that_stands_still_is_repeated(self):
        worker = self.start_watched_worker()
        task = self.submit("nap", "1")
        self.until_state(task, "leased")
        self.broker.send(signal.SIGSTOP)
        self.until_said(worker, "hello, holds 1")  # on a new socket, after 5 s of silence
        self.broker.send(signal.SIGCONT)

        self.assertEqual(self.until_state(task, "succeeded")["attempts"], 1)
        wait_until(lambda: self.workers()[0]["held"] == 0, "the worker to be empty")
        self.assertEqual(self.client("submit", "reverse", "ab", "--wait")[1], "ba\n")


class OutagesWithoutJournal(WithExamples):
    BROKER_ARGUMENTS = ("--durability", "none")

    def test_a_submit_is_repeated_to_a_broker_that_has_forgotten_it(self):
        client = self.start_python_client("add", "2", "3")
        before = wait_until(lambda: self.client_json("list"), "the task")
        self.restart(signal.SIGKILL)
        after = wait_until(lambda: self.client_json("list"), "the task to come again")
        self.assertEqual([task["id"] for task in before], [task["id"] for task in after])
        self.start_workers()

        self.assertEqual(client.wait(), 0, client.err)
        self.assertEqual(client.out, ["5"])
        self.assertEqual(self.client_json("stats")["totals"]["submitted"], 1)

    def test_a_report_is_kept_until_a_new_broker_says_that_it_knows_nothing_of_it(self):
        worker = self.start_watched_worker()
        self.until_state(self.submit("nap", "1"), "leased")
        self.broker.send(signal.SIGSTOP)
        self.until_said(worker, "rested")
        self.restart(signal.SIGKILL)

        self.until_said(worker, "hello, holds 1")
        self.until_said(worker, f"answer to {DONE} is {UNKNOWN}")
        self.assertEqual(self.workers()[0]["held"], 0)
        self.assertEqual(self.client("submit", "reverse", "ab", "--wait")[1], "ba\n")

    def test_a_task_that_a_new_broker_does_not_know_is_cancelled(self):
        worker = self.start_watched_worker()
        self.until_state(self.submit("nap", "60"), "leased")
        self.restart(signal.SIGKILL)
        self.until_said(worker, "cancelled")
        self.until_said(worker, f"answer to {RELEASE} is {UNKNOWN}")


class FakeBroker:
    """A broker's socket that does what a test says, and so what the real one does too rarely."""

    def __init__(self):
        self.socket = zmq.Context.instance().socket(zmq.ROUTER)
        self.socket.linger = 0
        self.socket.bind("tcp://127.0.0.1:*")
        self.endpoint = self.socket.last_endpoint.decode()
        self.peer, self.session, self.answers_pings = None, 0, True

    def send(self, kind, body, correlation=0):
        header = struct.pack(">4s4BQQQ", b"\xf5XB1", 1, 0, kind, 0, correlation, self.session, 0)
        self.socket.send_multipart([self.peer, b"", header, msgpack.packb(body)])

    def receive(self, *kinds):
        """The next message of these types; others are passed over, and pings answered."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            if not self.socket.poll(100):
                continue
            self.peer, *frames = self.socket.recv_multipart()
            message = Message(frames)
            if message.type in kinds:
                return message
            if message.type == PING and self.answers_pings:
                self.send(PONG, {}, message.correlation)
        raise AssertionError(f"no message of types {kinds} came")

    def welcome(self, heartbeat_ms=1000, liveness_ms=5000):
        hello = self.receive(HELLO)
        self.session += 1
        held_ms = [5000] * len(hello.body.get(10, []))
        self.send(WELCOME, {0: 7, 2: heartbeat_ms, 3: liveness_ms, 4: {1: 1 << 24}, 5: held_ms},
                  hello.correlation)
        return hello

    def assign(self, kind, *arguments, lease_ms=30000):
        lease = {0: new_id(), 1: 7 << 32 | 1}
        self.send(ASSIGN, {0: [{**lease, 3: kind, 5: json.dumps(arguments).encode(), 6: 1, 7: 1,
                                8: lease_ms, 9: 3600000}]})
        return lease


class WithFakeBroker(WithExamples):
    def setUp(self):
        self.broker = FakeBroker()
        self.addCleanup(self.broker.socket.close)


class ClientRules(WithFakeBroker):
    def setUp(self):
        super().setUp()
        self.asking = self.start(sys.executable, CLIENT, "--broker", self.broker.endpoint, "add")

    def end(self, submit):
        self.broker.send(OUTCOMES, {0: [{0: submit.body[0][0][0], 2: 4, 3: b"5", 4: 1}], 1: 1})
        self.assertEqual(self.asking.wait(), 0, self.asking.err)
        self.assertEqual(self.asking.out, ["5"])

    def test_an_outcome_may_come_before_the_answer(self):
        self.broker.welcome()
        self.end(self.broker.receive(SUBMIT))
        self.broker.receive(BYE)

    def test_a_submit_is_repeated_until_it_is_answered(self):
        first = self.broker.welcome()
        submit = self.broker.receive(SUBMIT)
        self.broker.send(ERROR, {0: 4, 3: True}, submit.correlation)
        hello = self.broker.welcome()
        again = self.broker.receive(SUBMIT)
        self.assertEqual(again.body, submit.body)
        self.assertEqual((hello.body[4], hello.body[13]), (7, first.body[13]))
        self.end(again)

    def test_a_submit_is_repeated_when_the_queue_was_full(self):
        self.broker.welcome()
        submit = self.broker.receive(SUBMIT)
        self.broker.send(SUBMITTED, {0: [{0: 2, 2: {0: 16, 1: "full"}}]}, submit.correlation)
        self.broker.welcome()
        again = self.broker.receive(SUBMIT)
        self.assertEqual(again.body, submit.body)
        self.end(again)

    def test_an_outcome_that_was_lost_is_asked_for_again(self):
        self.broker.welcome(heartbeat_ms=100)
        submit = self.broker.receive(SUBMIT)
        self.broker.send(SUBMITTED, {0: [{1: 1}]}, submit.correlation)
        for _ in range(2):
            self.broker.send(PONG, {0: 1}, self.broker.receive(PING).correlation)
        self.broker.welcome()
        self.end(self.broker.receive(SUBMIT))

    def test_a_silent_broker_is_left_for_a_new_socket(self):
        self.broker.answers_pings = False
        self.broker.welcome(heartbeat_ms=100, liveness_ms=500)
        before = self.broker.peer
        self.broker.welcome()
        self.assertNotEqual(self.broker.peer, before)
        self.end(self.broker.receive(SUBMIT))

    def test_a_broker_that_names_a_pause_is_obeyed(self):
        hello = self.broker.receive(HELLO)
        began = time.monotonic()
        self.broker.send(ERROR, {0: 17, 3: True, 4: 1000}, hello.correlation)
        self.broker.welcome()
        self.assertGreaterEqual(time.monotonic() - began, 1)
        self.end(self.broker.receive(SUBMIT))


class WorkerRules(WithFakeBroker):
    def setUp(self):
        super().setUp()
        self.worker = self.start(sys.executable, "-c", WATCHED_WORKER, self.broker.endpoint, "3",
                                 env={"PYTHONPATH": EXAMPLES})

    def test_a_ping_is_answered_with_its_number(self):
        self.broker.welcome()
        for correlation in (0, 1, 2, 1 << 63):
            self.broker.send(PING, {}, correlation)
            self.assertEqual(self.broker.receive(PONG).correlation, correlation)

    def test_pings_go_on_while_a_handler_computes(self):
        self.broker.welcome()
        self.broker.assign("compute", 3)
        pings = 0
        while self.broker.receive(PING, DONE).type == PING:
            pings += 1
        self.assertGreaterEqual(pings, 3)  # one each heartbeat, of a second

    def test_leases_that_it_knows_nothing_of_are_released(self):
        self.broker.welcome()
        for kind in (RECALL, REVOKE):
            lease = {0: new_id(), 1: 7 << 32 | 9}
            self.broker.send(kind, {0: [lease]})
            self.assertEqual(self.broker.receive(RELEASE).body, {0: [lease]})

    def test_a_revoke_stops_the_handler_and_is_answered_when_it_has_ended(self):
        self.broker.welcome()
        lease = self.broker.assign("nap", 60)
        self.until_said(self.worker, "naps")
        self.broker.send(REVOKE, {0: [lease]})
        self.assertEqual(self.broker.receive(RELEASE).body, {0: [lease], 1: True})
        self.until_said(self.worker, "cancelled")

    def test_a_lease_that_is_over_stops_the_handler(self):
        self.broker.welcome()
        self.broker.assign("nap", 60)
        extend = self.broker.receive(EXTEND)
        self.broker.send(PING, {}, extend.correlation)  # both sides count for themselves
        self.broker.send(EXTENDED, {0: [0]}, extend.correlation)
        self.until_said(self.worker, "cancelled")

    def test_a_recall_of_what_runs_is_passed_over(self):
        self.broker.welcome()
        lease = self.broker.assign("nap", 0.5)
        self.broker.send(RECALL, {0: [lease]})
        self.assertEqual(self.broker.receive(DONE, RELEASE).type, DONE)

    def test_what_arrives_after_a_drain_is_released(self):
        self.broker.welcome()
        self.broker.send(DRAIN, {})
        lease = self.broker.assign("nap", 60)
        self.assertEqual(self.broker.receive(RELEASE).body, {0: [lease]})
        drain = self.broker.receive(DRAIN)
        self.broker.send(DRAIN + 1, {}, drain.correlation)
        self.broker.receive(BYE)
        self.assertEqual(self.worker.wait(), 0, self.worker.err)

    def test_leases_are_named_from_the_oldest_on(self):
        first = self.broker.welcome()
        leases = [self.broker.assign("nap", 60) for _ in range(3)]
        self.broker.send(ERROR, {0: 4, 3: True}, self.broker.receive(EXTEND).correlation)
        again = self.broker.welcome()
        self.assertEqual(again.body[10], leases)
        self.assertEqual((again.body[4], again.body[5]), (7, 1))
        self.assertEqual(again.body[13], first.body[13])

    def test_a_report_is_repeated_after_a_new_hello(self):
        self.broker.welcome()
        lease = self.broker.assign("reverse", "ab")
        report = self.broker.receive(DONE)
        self.broker.send(ERROR, {0: 4, 3: True}, report.correlation)
        self.assertEqual(self.broker.welcome().body[10], [lease])
        again = self.broker.receive(DONE)
        self.assertEqual((again.body, again.payloads), (report.body, report.payloads))

        self.broker.send(DONE_ANSWER, {0: [REPEAT]}, again.correlation)
        self.broker.send(BYE, {})
        self.assertEqual(self.broker.welcome().body[10], [])

    def test_a_silent_broker_is_left_for_a_new_socket(self):
        self.broker.answers_pings = False
        self.broker.welcome(heartbeat_ms=100, liveness_ms=500)
        before = self.broker.peer
        self.assertEqual(self.broker.receive(HELLO).body[5], 1)
        self.assertNotEqual(self.broker.peer, before)

    def test_a_broker_that_names_a_pause_is_obeyed(self):
        hello = self.broker.receive(HELLO)
        began = time.monotonic()
        self.broker.send(ERROR, {0: 17, 3: True, 4: 1500}, hello.correlation)
        self.broker.welcome()
        self.assertGreaterEqual(time.monotonic() - began, 1.5)

    def test_a_lease_that_nobody_extends_is_over_by_its_own_clock(self):
        self.broker.welcome()
        self.broker.assign("nap", 60, lease_ms=1000)
        self.broker.receive(EXTEND)  # and no answer
        self.until_said(self.worker, "cancelled")
        self.assertTrue(self.broker.receive(RELEASE).body[1])

    def test_a_text_that_is_no_utf8_does_not_end_it(self):
        self.broker.welcome()
        self.broker.assign("mumble")
        self.assertEqual(self.broker.receive(FAIL).body[0][0][2], {0: "ValueError", 1: "um?"})

    def test_a_refusal_that_no_retry_helps_ends_it(self):
        self.broker.send(ERROR, {0: 8, 2: "bad\x1bname"}, self.broker.receive(HELLO).correlation)
        self.assertEqual(self.worker.wait(), 1)
        self.assertEqual(self.worker.err, [r"the broker refuses: 'bad\x1bname'"])


class Both(WithExamples):
    def test_speak_with_each_other(self):
        self.start_python_worker("--slots", "2")
        self.assertEqual(self.python_client("word_count", "one two three"), (0, "3\n", ""))
        text = "añb" * 1000
        self.assertEqual(self.python_client("reverse", text), (0, f'"{text[::-1]}"\n', ""))
        self.client("queue", "set", "default", "--attempts", "1")
        status, _, err = self.python_client("word_count")
        self.assertEqual(status, 1)
        self.assertIn("dead: 'TypeError'", err)


if __name__ == "__main__":
    unittest.main()
