"""The command line as people and scripts use it."""

import json
import unittest
import uuid

from harness import WithBroker, new_id, run, wait_until


class Arithmetic(WithBroker):
    def test_gives_results(self):
        self.start_workers()
        for arguments, result in ((("add", "2", "3"), "5\n"), (("subtract", "2", "3"), "-1\n"),
                                  (("multiply", "4", "2.5"), "10.0\n"),
                                  (("divide", "7", "2"), "3.5\n"), (("divide", "6", "2"), "3\n"),
                                  (("echo", "hello"), '["hello"]\n')):
            with self.subTest(arguments):
                status, out, err = self.client("submit", *arguments, "--wait")
                self.assertEqual((status, out, err), (0, result, ""))

    def test_fails_without_crashing(self):
        self.start_workers()
        status, out, err = self.client("submit", "divide", "1", "0", "--wait")

        self.assertEqual((status, out), (1, ""))
        self.assertIn("division_by_zero", err)
        self.assertEqual(self.task("last")["state"], "dead")
        self.assertEqual(self.client("submit", "add", "1", "1", "--wait")[1], "2\n")


class Batch(WithBroker):
    def test_one_bad_line_fails_alone(self):
        self.start_workers()
        lines = ['{"kind": "add", "args": [1, 2]}', "not json", '{"kind": "bad kind!"}', "",
                 '{"kind": "add", "args": [3, 4], "colour": "red"}',
                 '{"kind": "echo", "payload_base64": "AP8="}']
        status, out, err = self.client("submit", "--batch", "-", "--wait", "--json",
                                       stdin="\n".join(lines) + "\n")

        self.assertEqual(status, 1)
        items = {item["line"]: item for item in json.loads(out)}
        self.assertEqual(sorted(items), [1, 2, 3, 5, 6])
        self.assertEqual(items[1]["state"], "succeeded")
        self.assertEqual(items[6]["state"], "succeeded")
        for line in (2, 3, 5):
            self.assertTrue(items[line]["error"], items[line])
        self.assertEqual(len(self.client_json("list")), 2)

    def test_thousands_of_tasks_each_have_one_result(self):
        self.start_workers("--concurrency", "2", count=2)
        lines = "".join(f'{{"kind": "add", "args": [{n}, 1]}}\n' for n in range(5000))
        status, out, _ = self.client("submit", "--batch", "-", "--wait", "--json", stdin=lines)

        self.assertEqual(status, 0)
        results = {item["line"]: item["result"] for item in json.loads(out)}
        self.assertEqual(results, {n + 1: n + 1 for n in range(5000)})
        stats = self.client_json("stats")["totals"]
        self.assertEqual((stats["submitted"], stats["succeeded"]), (5000, 5000))


class Unfinished(WithBroker):
    """What is said of tasks whose end, or acceptance, is not known when the time is up."""

    nowhere = ["--broker", "tcp://127.0.0.1:1", "--timeout", "300ms"]
    lines = '{"kind": "nobody"}\n{"kind": "nobody"}\n'

    def test_a_batch_without_an_answer_says_so(self):
        status, out, err = run("xebec-client", *self.nowhere, "submit", "--batch", "-",
                               stdin=self.lines)
        self.assertEqual((status, out), (3, "submitted 0 tasks, 0 refused, 2 without an answer\n"))
        self.assertIn("is xebec-broker running there?", err)
        status, out, _ = run("xebec-client", *self.nowhere, "submit", "--batch", "-", "--json",
                             stdin=self.lines)
        self.assertEqual(status, 3)
        items = json.loads(out)
        self.assertEqual([(item["line"], item["number"], item["state"]) for item in items],
                         [(1, None, "unknown"), (2, None, "unknown")])
        self.assertTrue(all(item["id"] and item["error"] for item in items))

    def test_a_batch_lists_what_was_accepted(self):
        status, out, err = self.client("submit", "--batch", "-", "--wait", "--timeout", "1s",
                                       "--json", stdin='{"kind": "nobody"}\n')
        self.assertEqual(status, 3)
        self.assertIn("1 task has not ended within 1s", err)
        [item] = json.loads(out)
        self.assertEqual((item["line"], item["number"], item["state"], item["id"], item["error"]),
                         (1, 1, "submitted", self.task(1)["id"], None))

    def test_a_line_that_expires_has_no_error(self):
        line = '{"kind": "nobody", "deadline": "200ms"}\n'
        status, out, _ = self.client("submit", "--batch", "-", "--wait", "--json", stdin=line)
        self.assertEqual((status, json.loads(out)[0]["error"]), (1, None))
        self.assertEqual(self.client("submit", "--batch", "-", "--wait", stdin=line)[2],
                         "xebec-client: line 1: task 2 is expired\n")

    def test_a_single_task_is_told_as_it_is_known(self):
        status, out, err = self.client("submit", "nobody", "--wait", "--timeout", "500ms", "--json")
        self.assertEqual(status, 3)
        self.assertIn("task 1 was accepted, and has not ended within 500ms", err)
        task = json.loads(out)
        self.assertEqual((task["number"], task["state"], task["id"], task["error"]),
                         (1, "submitted", self.task(1)["id"], None))
        status, out, err = run("xebec-client", *self.nowhere, "submit", "nobody", "--json")
        self.assertEqual(status, 3)
        task = json.loads(out)
        self.assertEqual((task["number"], task["state"]), (None, "unknown"))
        self.assertTrue(task["id"] and task["error"])

    def test_json_leaves_nothing_out(self):
        self.submit("nobody")
        status, out, _ = self.client("status", "1", "99", "1", "--json")
        self.assertEqual(status, 1)
        first, missing, last = json.loads(out)
        self.assertEqual((first["number"], last["number"], missing["task"]), (1, 1, "99"))
        self.assertEqual(missing["error"]["class"], "unknown_task")
        for command in ("status", "result"):
            status, out, _ = self.client(command, "99", "--json")
            self.assertEqual((status, json.loads(out)), (1, missing))
        status, out, _ = self.client("result", "1", "--json")
        self.assertEqual(status, 3)
        waiting = json.loads(out)
        self.assertEqual((waiting["task"], waiting["state"], waiting["error"]["class"]),
                         ("1", "ready", "not_ended"))


class Repeating(WithBroker):
    def test_the_same_id_is_the_same_task(self):
        task = "01890a5d-ac96-774b-bcce-b302099a8057"
        first = self.client_json("submit", "add", "1", "2", "--id", task)
        again = self.client_json("submit", "add", "1", "2", "--id", task)
        status, _, err = self.client("submit", "add", "1", "3", "--id", task)

        self.assertEqual(first["number"], again["number"])
        self.assertEqual(status, 1)
        self.assertIn("conflict", err)
        self.assertEqual(len(self.client_json("list")), 1)

    def test_a_deadline_from_acceptance_is_the_same_each_time(self):
        command = ("submit", "add", "1", "2", "--deadline", "10m",
                   "--id", "01890a5d-ac96-774b-bcce-b302099a8057")
        first = self.client_json(*command)
        again = self.client_json(*command)

        self.assertEqual(first["number"], again["number"])
        self.assertEqual(first["deadline"], again["deadline"])


    def test_a_result_that_retention_removed_is_not_invented(self):
        self.start_workers()
        self.client("queue", "set", "brief", "--retention", "300ms")
        again = ["submit", "add", "2", "3", "--id", str(uuid.UUID(bytes=new_id())), "--queue",
                 "brief"]
        self.assertEqual(self.client(*again, "--wait")[:2], (0, "5\n"))
        wait_until(lambda: not self.client_json("list"), "the task to be removed")

        sentence = "task 1 succeeded, but its retention is over and its result is gone"
        self.assertEqual(self.client(*again, "--wait"), (1, "", f"xebec-client: {sentence}\n"))
        status, out, _ = self.client(*again, "--wait", "--json")
        self.assertEqual(status, 1)
        waited = json.loads(out)
        self.assertEqual((waited["number"], waited["state"]), (1, "succeeded"))
        self.assertEqual(waited["error"]["class"], "removed")
        self.assertNotIn("result", waited)
        self.assertEqual((waited["kind"], waited["accepted_at"]), (None, None))
        self.assertEqual(self.client_json(*again), waited)

        line = json.dumps({"kind": "add", "args": [2, 3], "id": again[5], "queue": "brief"})
        status, out, err = self.client("submit", "--batch", "-", "--wait", stdin=line)
        self.assertEqual((status, err), (1, f"xebec-client: line 1: {sentence}\n"))
        self.assertEqual(out, "submitted 1 task, 0 refused; 0 succeeded, 0 failed, "
                              "1 with the result gone\n")
        status, out, _ = self.client("submit", "--batch", "-", "--wait", "--json", stdin=line)
        self.assertEqual(status, 1)
        self.assertEqual(json.loads(out)[0]["error"]["class"], "removed")
        self.assertNotIn("result", json.loads(out)[0])

    def test_a_failure_is_told_although_the_task_is_gone_at_once(self):
        self.start_workers()
        self.client("queue", "set", "brief", "--retention", "0s")
        submit = ["submit", "fail", "broken", "--attempts", "1", "--queue", "brief", "--wait"]
        self.assertEqual(self.client(*submit),
                         (1, "", "xebec-client: task 1 is dead: failed: broken\n"))
        status, out, _ = self.client(*submit, "--json")
        self.assertEqual((status, json.loads(out)["state"]), (1, "dead"))
        self.assertEqual(json.loads(out)["error"], {"class": "failed", "text": "broken"})
        self.assertEqual(self.client("submit", "add", "2", "3", "--queue", "brief", "--wait"),
                         (0, "5\n", ""))


class Managing(WithBroker):
    def test_lists_by_state_queue_and_kind(self):
        for queue, kind in (("a", "x"), ("a", "y"), ("b", "x")):
            self.submit(kind, "1", "--queue", queue)
        self.client("cancel", "1")

        def numbers(*filters):
            return [task["number"] for task in self.client_json("list", *filters)]

        self.assertEqual(numbers(), [3, 2, 1])
        self.assertEqual(numbers("--queue", "a"), [2, 1])
        self.assertEqual(numbers("--kind", "x"), [3, 1])
        self.assertEqual(numbers("--state", "cancelled"), [1])
        self.assertEqual(numbers("--state", "ready", "--queue", "a"), [2])

    def test_lists_by_error_id_and_time(self):
        self.start_workers()
        for argument in ("1", "0"):
            self.submit("divide", "1", argument, "--attempts", "1")
        dead = self.until_state(2, "dead")
        self.until_state(1, "succeeded")

        def numbers(*filters):
            return [task["number"] for task in self.client_json("list", *filters)]

        self.assertEqual(numbers("--error", dead["error"]["class"][1:]), [2])
        self.assertEqual(numbers("--error", "no such error"), [])
        self.assertEqual(numbers("--id-prefix", dead["id"]), [2])
        self.assertEqual(numbers("--id-prefix", dead["id"][:4]), [2, 1])
        self.assertEqual(numbers("--since", "1h"), [2, 1])
        self.assertEqual(numbers("--until", "1h"), [])
        self.assertEqual(numbers("--since", dead["accepted_at"], "--until", "0s"), [2])
        for flags in (("--since", "yesterday"), ("--id-prefix", "xyz")):
            self.assertNotEqual(self.client("list", *flags)[0], 0)

    def test_a_task_shows_its_attempts_and_a_worker_its_machine(self):
        self.start_workers()
        number = self.submit("divide", "1", "0", "--attempts", "1")
        self.until_state(number, "dead")

        history = self.task(number)["history"]
        self.assertEqual([(attempt["attempt"], attempt["state"]) for attempt in history],
                         [(1, "dead")])
        worker = wait_until(lambda: next((one for one in self.workers() if one["resources"]), None),
                            "the worker to tell")
        self.assertGreater(worker["resources"]["memory_total"], 0)
        self.assertIn("%", self.client("workers")[1])
        self.assertGreater(self.client_json("stats")["resources"]["resident_octets"], 0)
        self.assertIn("of memory", self.client("stats")[1])

    def test_many_pages_come_as_one_list(self):
        lines = '{"kind": "nobody"}\n' * 2500
        self.assertEqual(self.client("submit", "--batch", "-", stdin=lines)[0], 0)

        self.assertEqual(len(self.client_json("list")), 50)
        listed = [task["number"] for task in self.client_json("list", "--limit", "2400")]
        self.assertEqual(listed, list(range(2500, 100, -1)))

    def test_pause_holds_a_queue_and_resume_lets_it_go(self):
        self.start_workers()
        self.submit("add", "1", "1", "--queue", "nightly")
        self.assertEqual(self.client("pause", "nightly")[0], 0)
        held = self.submit("add", "2", "2", "--queue", "nightly")
        self.assertEqual(self.client("submit", "add", "3", "3", "--wait")[1], "6\n")
        self.assertEqual(self.task(held)["state"], "ready")

        self.assertEqual(self.client("resume", "nightly")[0], 0)
        self.until_state(held, "succeeded")

    def test_a_dead_task_gets_new_attempts(self):
        self.start_workers()
        number = self.submit("fail", "broken", "--attempts", "1")
        dead = self.until_state(number, "dead")
        self.assertEqual((dead["attempts"], dead["error"]["class"]), (1, "failed"))

        self.client("queue", "set", "default", "--attempts", "2", "--pause-first", "10ms")
        self.assertEqual(self.client("retry", str(number))[0], 0)
        again = self.until_state(number, "dead")
        self.assertEqual((again["attempts"], again["attempts_max"]), (3, 3))

    def test_bulk_retry_says_how_many_first(self):
        self.start_workers()
        for _ in range(3):
            self.submit("fail", "--attempts", "1", "--queue", "nightly")
        for number in (1, 2, 3):
            self.until_state(number, "dead")
        self.client("pause", "nightly")

        retry = ["retry", "--state", "dead", "--queue", "nightly", "--all"]
        status, out, err = self.client(*retry)
        self.assertEqual((status, out), (2, ""))
        self.assertIn("3 tasks match", err)
        self.assertIn("--yes", err)
        self.assertEqual(len(self.client_json("list", "--state", "dead")), 3)

        status, out, err = self.client(*retry, "--yes")

        self.assertEqual(status, 0, err)
        self.assertIn("3", out + err)
        self.assertEqual(len(self.client_json("list", "--state", "ready")), 3)

    def test_last_is_said_by_its_number(self):
        self.submit("nobody")
        self.assertEqual(self.client("cancel", "last"), (0, "cancelled 1\n", ""))

    def test_a_delayed_task_waits(self):
        self.start_workers()
        number = self.submit("add", "1", "1", "--delay", "1h")
        self.assertEqual(self.task(number)["state"], "scheduled")
        soon = self.submit("add", "1", "1", "--delay", "300ms")
        self.until_state(soon, "succeeded")
        self.assertEqual(self.task(number)["state"], "scheduled")

    def test_a_deadline_ends_a_task_that_nobody_runs(self):
        number = self.submit("nobody", "--deadline", "300ms")
        self.until_state(number, "expired")


class WrongUsage(WithBroker):
    def check(self, status, words, *arguments, stdin=None):
        code, out, err = self.client(*arguments, stdin=stdin)
        self.assertEqual((code, out), (status, ""), err)
        for word in words:
            self.assertIn(word, err)

    def test_says_what_is_wrong(self):
        self.check(2, ["--colour"], "list", "--colour", "red")
        self.check(2, ["1"], "submit", "add", "--priority", "11")
        self.check(2, ["banana"], "submit", "add", "--delay", "banana")
        for command in ("list", "cancel", "retry"):
            for flag in ("--queue", "--kind", "--worker"):
                self.check(2, [flag], command, flag, "")
        self.check(2, ["--queue"], "submit", "add", "--queue", "")
        self.check(2, ["--queue"], "submit", "add", "--queue", "a b")
        self.check(2, ["kind"], "submit", "a b")
        self.check(2, ["--run-max"], "submit", "add", "--run-max", "0s")
        self.check(2, ["ten years"], "submit", "add", "--delay", "4000d")
        self.check(2, ["name"], "queue", "set", "a b")
        self.check(2, ["--attempts"], "queue", "set", "a", "--attempts", "0")
        self.check(2, ["endpoint"], "list", "--broker", "foo")
        self.check(1, ["99"], "status", "99")
        self.check(1, ["no such task"], "result", "99")
        self.check(1, ["no such task"], "cancel", "99")
        self.check(1, [], "pause", "nowhere")
        self.check(2, ["-"], "submit", "--batch", self.path("missing.jsonl"))
        self.check(2, [], "frobnicate")
        self.assertEqual(self.client_json("list"), [])

    def test_output_that_cannot_be_written_is_said(self):
        for redirection in (">/dev/full", ">&-"):
            with self.subTest(redirection):
                client = self.start("xebec-client", "--broker", self.broker.clients, "list",
                                    "--json", before=f"exec {redirection};")
                self.assertEqual(client.wait(), 1)
                self.assertEqual(client.err, ["xebec-client: cannot write to standard output"])

    def test_no_broker_is_said_in_one_sentence(self):
        status, out, err = run("xebec-client", "--broker", "tcp://127.0.0.1:1", "--timeout", "500ms",
                               "status", "1")
        self.assertEqual((status, out), (3, ""))
        self.assertIn("tcp://127.0.0.1:1", err)
        self.assertEqual(err.count("\n"), 1)

    def test_an_unfinished_wait_ends_with_status_three(self):
        status, out, _ = self.client("submit", "nobody", "--wait", "--timeout", "500ms")
        self.assertEqual((status, out), (3, ""))

    def test_the_environment_and_the_file_set_flags(self):
        with open(self.path("client.toml"), "w") as config:
            config.write(f'broker = "{self.broker.clients}"\n')
        status, out, err = run("xebec-client", "--config", self.path("client.toml"), "list", "--json")
        self.assertEqual((status, json.loads(out)), (0, []), err)
        environment = {"XEBEC_CLIENT_BROKER": self.broker.clients}
        status, out, err = run("xebec-client", "list", "--json", env=environment)
        self.assertEqual((status, json.loads(out)), (0, []), err)
        with open(self.path("bad.toml"), "w") as config:
            config.write('brokre = "tcp://127.0.0.1:1"\n')
        status, _, err = run("xebec-client", "--config", self.path("bad.toml"), "list")
        self.assertEqual(status, 2)
        self.assertIn("brokre", err)


class OtherPrograms(WithBroker):
    def test_refuse_wrong_flags(self):
        for name, arguments, word in (
                ("xebec-broker", ["--durability", "perhaps"], "durability"),
                ("xebec-broker", ["--clients", "tcp://0.0.0.0:5555"], "--insecure-network"),
                ("xebec-broker", ["--nonsense"], "--nonsense"),
                ("xebec-worker", ["--count", "0"], "--count"),
                ("xebec-worker", ["--run", "broken"], "KIND=COMMAND"),
                ("xebec-monitor", ["--state", "happy"], "happy")):
            with self.subTest((name, arguments)):
                status, out, err = run(name, *arguments)
                self.assertEqual((status, out), (2, ""), err)
                self.assertIn(word, err)

    def test_a_second_broker_on_the_same_folder_is_refused(self):
        status, _, err = run("xebec-broker", "--data", self.path("data"), "--clients",
                             "tcp://127.0.0.1:*", "--workers", "tcp://127.0.0.1:*", "--updates",
                             "tcp://127.0.0.1:*")
        self.assertEqual(status, 1)
        self.assertIn("another broker", err)

    def test_a_port_in_use_is_said(self):
        status, _, err = run("xebec-broker", "--data", self.path("other"), "--clients",
                             self.broker.clients)
        self.assertEqual(status, 1)
        self.assertIn(self.broker.clients, err)


if __name__ == "__main__":
    unittest.main()
