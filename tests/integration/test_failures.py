"""Workers and clients that die, stop and come back; attempts that run too long; cancelled ones."""

import itertools
import json
import os
import signal
import subprocess
import unittest
import uuid

from harness import (DONE, DONE_ANSWER, RawWorker, WithBroker, is_running, new_id, processes_with,
                     wait_until)
from link import DOWN, UP, Link


class Workers(WithBroker):
    def only_worker(self):
        [worker] = wait_until(lambda: self.workers(), "a worker")
        return worker

    def test_a_killed_worker_is_replaced_and_its_task_runs_elsewhere(self):  # F2
        supervisor = self.start_workers("--name", "w", *self.held())
        number = self.submit("held")
        self.until_state(number, "leased")
        before = self.only_worker()
        os.kill(before["process"], signal.SIGKILL)

        supervisor.until_logged(rf"{before['process']}.*(SIGKILL|signal 9).*\b{number}\b|"
                                rf"w-1.*SIGKILL.*\b{number}\b")
        self.let_go()
        done = self.until_state(number, "succeeded")
        self.assertEqual(done["attempts"], 2)
        self.broker.until_logged(r"worker w-1 lost: .*1 of its tasks went back")
        after = self.only_worker()
        self.assertEqual((after["name"], after["process"] == before["process"]), ("w-1", False))

    def test_a_worker_that_slept_beyond_its_lease_changes_nothing(self):  # F16
        self.start_workers("--name", "sleeper", *self.held())
        sleeper = self.only_worker()["process"]
        number = self.submit("held")
        self.until_state(number, "leased")
        os.kill(sleeper, signal.SIGSTOP)
        self.addCleanup(os.kill, sleeper, signal.SIGCONT)
        self.broker.until_logged("worker sleeper-1 lost: silent")
        watch = self.start("xebec-monitor", "--updates", self.broker.updates, "--broker",
                           self.broker.clients, "--json", "--state", "succeeded")

        self.start_workers("--name", "other", *self.held())
        self.let_go()
        done = self.until_state(number, "succeeded")
        self.assertEqual((done["worker"], done["attempts"]), ("other-1", 2))
        os.kill(sleeper, signal.SIGCONT)

        # It wakes up, finds its lease over, and is given work again.
        wait_until(lambda: len(self.workers()) == 2, "the sleeper to come back")
        for _ in range(4):
            self.submit("add", "1", "1")
        wait_until(lambda: any(worker["name"] == "sleeper-1" and worker["succeeded"] > 0
                               for worker in self.workers()), "the sleeper to work again")
        self.assertEqual(self.task(number), done)
        self.assertLessEqual(sum(f'"number":{number},' in line for line in watch.out), 1)

    def test_a_late_result_is_stale(self):  # F16, in raw frames
        late = RawWorker(self.broker.workers, "late", kinds=["add"])
        number = self.submit("add", "2", "3")
        [(task, fence)] = late.assignments()
        self.broker.until_logged("worker late lost: silent")
        self.start_workers("--name", "quick")
        done = self.until_state(number, "succeeded")

        late.introduce(held=[(task, fence)], previous=late.session)
        self.assertEqual(late.welcome.body.get(5, []), [])
        self.assertEqual(late.done(task, fence, b"666").body[0], [2])
        self.assertEqual(self.task(number), done)
        self.assertEqual(self.client("result", str(number))[1], "5\n")

    def test_workers_and_their_programs_end_with_the_supervisor(self):
        supervisor = self.start_workers("--run", "long=/bin/sleep 987.25", count=2)
        for _ in range(2):
            self.submit("long")
        wait_until(lambda: len(processes_with("987.25")) >= 3, "both programs to run")
        processes = [worker["process"] for worker in self.workers()]

        supervisor.process.kill()

        wait_until(lambda: not any(map(is_running, processes)), "the workers to end")
        wait_until(lambda: not processes_with("987.25"), "the programs to end")

    def test_a_killed_workers_program_ends_with_it(self):
        seconds = f"986.{os.getpid()}"  # of this run: another may have left some behind
        self.start_workers("--run", f"long=/bin/sh -c '/bin/sleep {seconds}; true'")
        self.submit("long")
        wait_until(lambda: len(processes_with(f"/bin/sleep {seconds}")) >= 3, "the program to run")
        before = set(processes_with(seconds))
        os.kill(self.only_worker()["process"], signal.SIGKILL)

        # Its replacement may have begun the task again by then.
        wait_until(lambda: len(before & set(processes_with(seconds))) <= 1, "the program to end")

    def test_drain_finishes_what_runs_and_gives_back_the_rest(self):
        supervisor = self.start_workers("--name", "leaving", *self.held())
        running = self.submit("held")
        self.until_state(running, "leased")
        waiting = self.submit("sleep", "0")
        supervisor.process.terminate()
        wait_until(lambda: self.only_worker()["draining"], "the worker to drain")
        self.let_go()

        self.assertEqual(supervisor.wait(), 0)
        self.assertEqual(self.task(running)["state"], "succeeded")
        left = self.task(waiting)
        self.assertEqual((left["state"], left["attempts"]), ("ready", 0))
        self.assertEqual(self.workers(), [])

    def leave_in_the_middle(self, *arguments):
        """A worker that is asked to leave while it runs what does not end."""
        supervisor = self.start_workers("--name", "leaving", *arguments, *self.held())
        running = self.submit("held")
        self.until_state(running, "leased")
        supervisor.process.terminate()
        return supervisor, running

    def expect_given_back(self, supervisor, running):
        supervisor.wait()
        self.assertEqual(self.workers(), [])
        wait_until(lambda: self.task(running)["state"] in ("ready", "scheduled"),
                   "the task to wait for another worker")
        self.assertEqual(processes_with(self.until_let_go()), [])

    def test_what_is_not_done_within_the_grace_is_given_back(self):
        self.expect_given_back(*self.leave_in_the_middle("--grace", "200ms"))

    def test_a_second_signal_ends_at_once(self):
        supervisor, running = self.leave_in_the_middle("--grace", "10m")
        wait_until(lambda: self.only_worker()["draining"], "the worker to drain")
        supervisor.process.terminate()
        self.expect_given_back(supervisor, running)

    def test_the_client_can_drain_a_worker(self):
        self.start_workers("--name", "tired")
        self.assertEqual(self.client("drain", "tired-1")[0], 0)
        wait_until(lambda: not any(worker["name"] == "tired-1" for worker in self.workers()),
                   "the worker to leave")


class Moments(WithBroker):
    """kill -9 of a worker at each moment of an attempt (F2). What it runs writes down that it runs:
    `work` until it is let go, `once` for ever if it is the first attempt."""

    def setUp(self):
        super().setUp()
        self.link = Link(self.broker.workers)
        self.addCleanup(self.link.close)
        note = f"echo $XEBEC_TASK_ATTEMPT >> {self.path('runs')}"
        self.supervisor = self.start(
            "xebec-worker", "--broker", self.link.endpoint, "--name", "w",
            "--run", f"work=/bin/sh -c '{note}; {self.until_let_go()}; echo done'",
            "--run", f"once=/bin/sh -c '{note}; [ $XEBEC_TASK_ATTEMPT -gt 1 ] || sleep 600; echo done'")
        [self.worker] = wait_until(self.workers, "the worker to come")

    def kill_worker(self):
        os.kill(self.worker["process"], signal.SIGKILL)

    def runs(self):
        try:
            with open(self.path("runs")) as file:
                return file.read().split()
        except FileNotFoundError:
            return []

    def until_it_runs(self):
        wait_until(self.runs, "the task to run")

    def is_under_way(self, kind, direction):
        return self.link.holds(b"\xf5XB1\x01\x00" + bytes([kind]), direction)

    def expect(self, number, attempts, runs):
        """One result, after so many attempts, of which so many began; and the next worker works."""
        self.let_go()
        done = self.until_state(number, "succeeded")
        self.assertEqual(done["attempts"], attempts)
        self.assertEqual(self.client("result", str(number))[1], "done\n")
        wait_until(lambda: [worker["process"] for worker in self.workers()] not in
                   ([], [self.worker["process"]]), "another process to have taken its place")
        self.assertEqual(self.client("submit", "add", "1", "1", "--wait")[1], "2\n")
        self.assertEqual(self.task(number), done)
        self.assertEqual(self.runs(), runs)
        self.assertEqual(self.client_json("stats")["totals"]["stale"], 0)

    def test_while_it_is_idle(self):  # F2
        self.kill_worker()
        number = self.submit("work")
        self.let_go()
        # It counts as an attempt if the broker gave it to the connection that was closing.
        attempts = self.until_state(number, "succeeded")["attempts"]
        self.expect(number, attempts, [str(attempts)])

    def test_before_it_starts_what_it_was_given(self):  # F2, L2
        os.kill(self.worker["process"], signal.SIGSTOP)
        number = self.submit("work")
        self.until_state(number, "leased")
        self.kill_worker()
        self.expect(number, 2, ["2"])

    def test_in_the_middle(self):  # F2, L2
        number = self.submit("once")
        self.until_it_runs()
        self.kill_worker()
        self.expect(number, 2, ["1", "2"])

    def test_when_its_result_never_arrives(self):  # F2, L2
        self.let_go()
        self.link.cut(UP)
        number = self.submit("work")
        wait_until(lambda: self.is_under_way(DONE, UP), "the result to be under way")
        self.kill_worker()
        self.link.forget()
        self.expect(number, 2, ["1", "2"])

    def test_when_its_result_has_not_arrived_yet(self):  # F2
        self.let_go()
        self.link.cut(UP)
        number = self.submit("work")
        wait_until(lambda: self.is_under_way(DONE, UP), "the result to be under way")
        self.kill_worker()
        self.link.heal()
        self.expect(number, 1, ["1"])

    def test_when_the_answer_to_its_result_has_not_arrived(self):  # F2, I8
        number = self.submit("work")
        self.until_it_runs()
        self.link.cut(DOWN)
        self.let_go()
        wait_until(lambda: self.is_under_way(DONE_ANSWER, DOWN), "the answer to be under way")
        self.kill_worker()
        self.link.heal()
        self.expect(number, 1, ["1"])

    def test_when_all_is_said(self):  # F2, I8
        self.let_go()
        number = self.submit("work")
        self.until_state(number, "succeeded")
        self.kill_worker()
        self.expect(number, 1, ["1"])


class Attempts(WithBroker):
    def test_cancel_stops_a_running_sleep(self):
        self.start_workers()
        number = self.submit("sleep", "600")
        self.until_state(number, "leased")

        self.assertEqual(self.client("cancel", str(number))[0], 0)
        self.assertEqual(self.task(number)["state"], "cancelled")
        # The slot comes back: the same worker runs something else.
        self.assertEqual(self.client("submit", "add", "1", "1", "--wait")[1], "2\n")

    def test_cancel_ends_a_programs_whole_process_group(self):
        self.start_workers("--run", "tree=/bin/sh -c '/bin/sleep 985.5 & /bin/sleep 985.5; wait'")
        number = self.submit("tree")
        # Two programs and their shell; supervisor and worker have the command on their own.
        wait_until(lambda: len(processes_with("985.5")) >= 5, "the group to run")

        self.client("cancel", str(number))

        def sleeping():
            return [pid for pid in processes_with("985.5") if "sleep" in os.readlink(f"/proc/{pid}/exe")
                    or "coreutils" in os.readlink(f"/proc/{pid}/exe")]
        wait_until(lambda: not sleeping(), "the group to be gone")

    def test_run_max_fails_the_attempt(self):
        self.start_workers()
        number = self.submit("sleep", "600", "--run-max", "300ms", "--attempts", "1")
        dead = self.until_state(number, "dead")
        self.assertEqual((dead["error"]["class"], dead["attempts"]), ("timed_out", 1))

    def test_a_program_that_fails_says_why(self):
        self.start_workers("--run", "bad=/bin/sh -c 'echo no such luck >&2; exit 3'", "--run",
                           "hopeless=/bin/sh -c 'exit 65'", "--run", "crash=/bin/sh -c 'kill -SEGV $$'")
        error = self.until_state(self.submit("bad", "--attempts", "1"), "dead")["error"]
        self.assertIn("no such luck", error["text"])
        self.assertIn("3", error["text"])
        hopeless = self.until_state(self.submit("hopeless"), "dead")
        self.assertEqual(hopeless["attempts"], 1)
        crash = self.until_state(self.submit("crash", "--attempts", "1"), "dead")
        self.assertIn("SIGSEGV", crash["error"]["text"])

    def test_a_program_is_given_its_payload_and_its_task(self):
        self.start_workers("--run", "show=/bin/sh -c 'cat; echo \" $XEBEC_TASK_NUMBER "
                           "$XEBEC_TASK_ATTEMPT $XEBEC_TASK_QUEUE\"'")
        status, out, err = self.client("submit", "show", "--payload", "hello", "--queue", "q",
                                       "--wait")
        self.assertEqual((status, out), (0, "hello 1 1 q\n"), err)

    def test_a_poison_task_dies_and_the_rest_goes_on(self):  # F19
        self.start_workers("--run", "poison=/bin/sh -c 'kill -9 $PPID; sleep 5'")
        number = self.submit("poison", "--attempts", "2")
        dead = self.until_state(number, "dead")
        self.assertEqual((dead["error"]["class"], dead["attempts"]), ("worker_lost", 2))
        self.broker.until_logged(rf"task {number} .* is dead after 2 attempts: worker_lost")
        self.assertEqual(self.client("submit", "add", "1", "1", "--wait")[1], "2\n")


class Clients(WithBroker):
    """Batches of a client that is killed, with ids. Only `finish` serves the first task of each, so
    that a client that waits does so until it is killed."""

    def setUp(self):
        super().setUp()
        self.start_workers("--concurrency", "4")
        self.sessions = self.client_json("stats")["sessions"]

    def new_batch(self, size):
        ids = [str(uuid.UUID(bytes=new_id())) for _ in range(size)]
        lines = [json.dumps({"kind": "echo", "args": [n], "id": task}) + "\n"
                 for n, task in enumerate(ids)]
        lines[0] = json.dumps({"kind": "late", "id": ids[0]}) + "\n"
        return ids, lines

    def start_client(self, *args, lines=()):
        client = self.start("xebec-client", "--broker", self.broker.clients, "--json", "submit",
                            "--batch", "-", *args, stdin=subprocess.PIPE)
        client.process.stdin.writelines(lines)
        client.process.stdin.flush()
        return client

    @staticmethod
    def told_by(client):
        """By id: what it has said of the tasks so far. Its last line may be cut off."""
        told = (line.rstrip(",") for line in list(client.out) if line.endswith(("}", "},")))
        return {task["id"]: task for task in map(json.loads, told)}

    def kill(self, client):
        client.process.kill()
        self.assertEqual(client.wait(), -signal.SIGKILL)
        return self.told_by(client)

    def finish(self, *clients):
        """Runs the first tasks of their batches, and gives what each client said."""
        worker = RawWorker(self.broker.workers, "finisher", kinds=["late"])
        for client in clients:
            client.process.stdin.close()
            [(task, fence)] = worker.assignments()
            worker.done(task, fence, b"[]")
        for client in clients:
            self.assertEqual(client.wait(), 0, client.err)
        worker.close()
        return [self.told_by(client) for client in clients]

    def expect_each_once(self, ids):
        """In the broker is what was submitted, each once, and each has run once."""
        listed = self.client_json("list", "--limit", str(2 * len(ids)))
        self.assertEqual(sorted(task["id"] for task in listed), sorted(ids))
        self.assertEqual({(task["state"], task["attempts"]) for task in listed}, {("succeeded", 1)})
        totals = self.client_json("stats")["totals"]
        self.assertEqual([totals[name] for name in ("submitted", "assigned", "succeeded", "stale")],
                         [len(ids)] * 3 + [0])

    def test_one_killed_while_it_submits_leaves_what_it_was_told(self):  # F3, I1 I2 I3 I4
        ids, lines = self.new_batch(6000)
        others, other_lines = self.new_batch(2000)
        other = self.start_client("--wait", lines=other_lines)
        told = {}
        for enough in (1, 300, 2000):
            client, feed = self.start_client(), itertools.chain(lines, itertools.repeat("\n"))

            def has_been_told():
                # What there is to say it says when there is more to read.
                client.process.stdin.writelines(line for line, _ in zip(feed, range(20)))
                client.process.stdin.flush()
                return len(client.out) > enough
            wait_until(has_been_told, f"{enough} tasks to be submitted")
            for task, said in self.kill(client).items():
                self.assertIn(said["state"], ("submitted", "existed"))
                self.assertEqual(told.setdefault(task, said["number"]), said["number"])
        self.assertGreater(len(told), 2000)
        present = {task["id"]: task["number"]
                   for task in self.client_json("list", "--limit", "20000")}
        self.assertLessEqual(told.items(), present.items())
        self.assertLessEqual(present.keys(), {*ids, *others})

        again, told_other = self.finish(self.start_client("--wait", lines=lines), other)
        self.assertEqual(told_other.keys(), set(others))
        self.assertEqual(again.keys(), set(ids))
        self.assertLessEqual(told.items(), {task: said["number"]
                                            for task, said in again.items()}.items())
        self.expect_each_once(ids + others)

    def test_one_killed_while_it_waits_harms_nobody(self):  # F3, I3 I8 I16
        ids, lines = self.new_batch(4000)
        others, other_lines = self.new_batch(2000)
        other = self.start_client("--wait", lines=other_lines)
        told = {}
        for enough in (1, 500, 3000):
            client = self.start_client("--wait", lines=lines)
            client.process.stdin.close()
            wait_until(lambda: len(client.out) > enough, f"{enough} tasks to end")
            for task, said in self.kill(client).items():
                del said["line"]
                self.assertEqual(told.setdefault(task, said), said)
        self.assertGreater(len(told), 3000)

        # Whoever comes next is told the same, and of those that are gone nothing is left.
        again, told_other = self.finish(self.start_client("--wait", lines=lines), other)
        self.assertEqual(told_other.keys(), set(others))
        for task, said in again.items():
            del said["line"]
            self.assertEqual(told.get(task, said), said)
        for n, task in enumerate(ids[1:], 1):
            self.assertEqual((again[task]["state"], again[task]["result"]), ("succeeded", [n]))
        self.expect_each_once(ids + others)
        wait_until(lambda: self.client_json("stats")["sessions"] == self.sessions,
                   "the sessions of those that are gone to end", patience=20)


if __name__ == "__main__":
    unittest.main()
