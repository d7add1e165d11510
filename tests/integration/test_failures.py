"""Workers that die, stop and come back; attempts that run too long; cancelled ones."""

import os
import signal
import unittest

from harness import RawWorker, WithBroker, is_running, processes_with, wait_until


class Workers(WithBroker):
    def only_worker(self):
        [worker] = wait_until(lambda: self.workers(), "a worker")
        return worker

    def test_a_killed_worker_is_replaced_and_its_task_runs_elsewhere(self):  # F2
        supervisor = self.start_workers("--name", "w")
        number = self.submit("sleep", "3")
        self.until_state(number, "leased")
        before = self.only_worker()
        os.kill(before["process"], signal.SIGKILL)

        supervisor.until_logged(rf"{before['process']}.*(SIGKILL|signal 9).*\b{number}\b|"
                                rf"w-1.*SIGKILL.*\b{number}\b")
        done = self.until_state(number, "succeeded")
        self.assertEqual(done["attempts"], 2)
        self.broker.until_logged(r"worker w-1 lost: .*1 of its tasks went back")
        after = self.only_worker()
        self.assertEqual((after["name"], after["process"] == before["process"]), ("w-1", False))

    def test_a_worker_that_slept_beyond_its_lease_changes_nothing(self):  # F16
        self.start_workers("--name", "sleeper")
        sleeper = self.only_worker()["process"]
        number = self.submit("sleep", "2")
        self.until_state(number, "leased")
        os.kill(sleeper, signal.SIGSTOP)
        self.addCleanup(os.kill, sleeper, signal.SIGCONT)
        self.broker.until_logged("worker sleeper-1 lost: silent")
        watch = self.start("xebec-monitor", "--updates", self.broker.updates, "--broker",
                           self.broker.clients, "--json", "--state", "succeeded")

        self.start_workers("--name", "other")
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
        supervisor = self.start_workers("--name", "leaving")
        running = self.submit("sleep", "1")
        self.until_state(running, "leased")
        waiting = self.submit("sleep", "0")
        supervisor.process.terminate()

        self.assertEqual(supervisor.wait(), 0)
        self.assertEqual(self.task(running)["state"], "succeeded")
        left = self.task(waiting)
        self.assertEqual((left["state"], left["attempts"]), ("ready", 0))
        self.assertEqual(self.workers(), [])

    def test_the_client_can_drain_a_worker(self):
        self.start_workers("--name", "tired")
        self.assertEqual(self.client("drain", "tired-1")[0], 0)
        wait_until(lambda: not any(worker["name"] == "tired-1" for worker in self.workers()),
                   "the worker to leave")


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


if __name__ == "__main__":
    unittest.main()
