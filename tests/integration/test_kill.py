"""kill -9 of the broker under load, again and again (F1): at random, and at every failpoint. Then
every task is accounted for (I1 I2 I3 I4 I6 I8 I9 I22).

XEBEC_KILL_SECONDS says how long the random part lasts, XEBEC_KILL_SEED makes its dice the same."""

import signal
import sys

from ledger import *

SECONDS = float(os.environ.get("XEBEC_KILL_SECONDS", "60"))
SEED = int(os.environ.get("XEBEC_KILL_SEED", time.time_ns() % 1_000_000))
# The newest 100,000 final tasks outlive any budget of retention: with fewer, each can be asked for.
TASKS_MAX = 90_000
CONCURRENCY = 4
STUCK = 15_000  # tasks that nobody runs, over two segments of a MiB

# Passed at a start; under load; and when there are segments that nobody needs.
START_POINTS = ["start.before_copy", "start.before_opening", "start.before_seal", "start.sealed"]
WRITE_POINTS = ["batch.before_write", "batch.written", "batch.flushed", "batch.told", "mark.written",
                "next.named", "next.before_seal", "next.sealed", "next.opened"]
RETIRE_POINTS = ["retire.before", "retire.renamed"]


class CommandLine(threading.Thread):
    """Runs xebec-client with a batch, waits for its results, and again."""

    def __init__(self, ledger, endpoint, seed, runs_max):
        super().__init__(name="xebec-client", daemon=True)
        self.ledger, self.endpoint, self.runs_max = ledger, endpoint, runs_max
        self.dice, self.ends, self.runs = random.Random(seed), threading.Event(), 0

    def run(self):
        while not self.ends.is_set() and self.runs < self.runs_max:
            self.runs += 1
            entries = [self.ledger.add("echo", self.dice.choice((b"", b"short", b"long" * 200)))
                       for _ in range(100)]
            lines = "".join(json.dumps({"kind": "echo", "payload": entry.payload.decode(),
                                        "id": str(uuid.UUID(bytes=entry.id))}) + "\n"
                            for entry in entries)
            status, out, err = run("xebec-client", "--broker", self.endpoint, "--timeout", "120s",
                                   "--json", "submit", "--batch", "-", "--wait", stdin=lines,
                                   patience=150)
            if status != 0:
                self.ledger.faults.append(f"xebec-client ended with {status}: {err} {out[-500:]}")
                return
            for told in json.loads(out):
                entry = entries[told["line"] - 1]
                self.ledger.acknowledge(entry, told["number"])
                result = told.get("result") or ""
                if (told["state"], result) != ("succeeded", entry.payload.decode()):
                    self.ledger.fault("I8", entry, f"xebec-client was told {told}")


class Litter(threading.Thread):
    """Tasks that retention removes at once: their segments are soon needed no more."""

    def __init__(self, endpoint):
        super().__init__(name="litter", daemon=True)
        self.endpoint, self.ends = endpoint, threading.Event()

    def run(self):
        line = json.dumps({"kind": "echo", "queue": "litter", "payload": "x" * 5000}) + "\n"
        while not self.ends.is_set():
            run("xebec-client", "--broker", self.endpoint, "--timeout", "30s", "submit", "--batch", "-",
                "--wait", stdin=line * 500)


class Killed(WithBroker):
    BROKER_ARGUMENTS = ("--memory", "1MiB")

    def setUp(self):
        super().setUp()
        self.ledger = Ledger()
        self.kills, self.counted, self.lost_workers_tasks, self.worker_kills = 0, 0, 0, 0
        self.restart_times = []

    def begin_load(self, per_second, **more):
        print(f"seed {SEED}", file=sys.stderr)
        clients, workers = self.broker.clients, self.broker.workers
        self.submitters = [Submitter(self.ledger, f"submitter-{n}", clients, SEED + n,
                                     per_second=per_second / 2, **more).start()
                           for n in range(2)]
        self.runners = [Runner(self.ledger, f"runner-{n}", workers, SEED + 10 + n).start()
                        for n in range(2)]
        self.reader = Reader(self.ledger, "reader", clients, SEED + 20).start()
        self.command_line = CommandLine(self.ledger, clients, SEED + 30, TASKS_MAX // 10 // 100)
        self.command_line.start()
        self.programs = self.start("xebec-worker", "--broker", workers, "--count", "2",
                                   "--concurrency", str(CONCURRENCY), "--name", "program")
        wait_until(lambda: self.ledger.finished > 200 or self.ledger.faults, "the load to begin")

    def end_load(self):
        peers = [*self.submitters, self.command_line, self.reader]
        for peer in peers:
            peer.ends.set()
        for peer in peers:
            self.join(getattr(peer, "thread", peer))
        for peer in self.runners:
            peer.stop()
        for peer in self.runners:
            self.join(peer.thread)

    def join(self, thread):
        thread.join(PATIENCE)
        if thread.is_alive():
            self.fail(self.describe())

    def describe(self):
        return "\n".join([f"seed {SEED}", *self.ledger.faults[:20],
                          *(peer.describe() for peer in (*self.submitters, *self.runners)),
                          *self.describe_unfinished(), "the broker's last words:",
                          *self.broker.err[-10:]])

    def describe_unfinished(self):
        if self.broker.process.poll() is not None:
            return []
        entries = [entry for entry in self.ledger.tasks.values() if entry.outcome is None][:5]
        return [f"{entry.kind} {entry.number}: " + "".join(
            self.client("status", str(uuid.UUID(bytes=entry.id)), "--json")[1:3]) for entry in entries]

    def expect_no_faults(self):
        if self.ledger.faults:
            self.fail(self.describe())

    def is_under_way(self):
        """A submit is not answered, and a task is leased."""
        return (any(peer.unanswered for peer in self.submitters)
                and any(len(peer.leases) > len(peer.reports) for peer in self.runners))

    def note_end(self):
        """Of a broker that has just been killed."""
        for line in self.broker.err:
            lost = re.search(r"worker \S+ (?:lost|left): .*; (\d+) of its tasks went back", line)
            self.lost_workers_tasks += int(lost.group(1)) if lost else 0
            self.lost_workers_tasks += bool(re.search("lease of task .* ended", line))
            if re.search("more such lines", line):
                self.fail("the log left lines out: what it says of workers cannot be relied on")

    def come_back(self):
        began = time.monotonic()
        self.broker = self.start_broker(self.broker.endpoints)
        self.restart_times.append(time.monotonic() - began)

    def kill(self):
        counts = self.is_under_way()
        self.broker.send(signal.SIGKILL)
        if self.broker.wait() != -signal.SIGKILL:
            self.fail(self.describe())
        self.kills += 1
        self.counted += counts
        self.note_end()

    def kill_a_worker(self):
        """One of the two processes that run tasks for xebec-worker."""
        with open(f"/proc/{self.programs.pid}/task/{self.programs.pid}/children") as file:
            children = [int(pid) for pid in file.read().split()]
        if children:
            os.kill(children[0], signal.SIGKILL)
            self.worker_kills += 1

    def account(self):
        """After the load: everything is there, once, and what it was, after two more restarts too."""
        ledger = self.ledger
        shown = dict(self.reader.shown)
        for number in (signal.SIGKILL, signal.SIGTERM):
            self.broker.send(number)
            self.broker.wait()
            self.note_end()
            self.come_back()
            last = Reader(ledger, "last", self.broker.clients, SEED + 40)
            last.shown = shown
            last.join()
            last.read_all()
            attempts = last.list_all()
            last.close()
        attempted, listed = set(ledger.tasks), set(attempts)
        acknowledged = {entry.id for entry in ledger.acknowledged}
        finished = sum(entry.outcome is not None for entry in ledger.tasks.values())
        for task in acknowledged - listed:
            ledger.fault("I1", ledger.tasks[task], "is in no list")
        self.explain(attempts)
        times = sorted(self.restart_times)
        print(f"{self.kills} kills, {self.counted} counted, {self.worker_kills} of workers; a restart "
              f"took {times[len(times) // 2]:.2f} s, at most {times[-1]:.2f} s\n"
              f"tasks: {len(attempted)} attempted, {len(acknowledged)} acknowledged, {finished} "
              f"finished, {len(acknowledged - listed)} lost, {len(listed - attempted)} invented, "
              f"{sum(e.results_told for e in ledger.tasks.values())} results told, "
              f"{self.reader.looks} looks\n" + ", ".join(
                  f"{count} {what}" for what, count in ledger.counts.items()), file=sys.stderr)
        self.expect_no_faults()
        self.assertEqual((len(listed), len(acknowledged), finished), (len(attempted),) * 3)
        [queue] = [queue for queue in self.client_json("queues") if queue["name"] == "default"]
        self.assertEqual(sum(queue["tasks"].values()), len(attempted))

    def explain(self, attempts):
        """Beyond the first of each task, attempts are failures, or were under way at a worker that
        was lost: at most as many as it had slots."""
        unexplained = 0
        for task, count in attempts.items():
            entry = self.ledger.tasks.get(task)
            if entry is None:
                continue
            if count < 1 + entry.failures:
                self.ledger.fault("I12", entry, f"has {count} attempts, {entry.failures} failed")
            unexplained += max(0, count - 1 - entry.failures - entry.failures_maybe)
        most = self.worker_kills * CONCURRENCY + self.lost_workers_tasks
        if unexplained > most:
            self.ledger.faults.append(f"I12: {unexplained} attempts too many; at most {most} were "
                                      "under way at a worker that was lost")


class AtRandom(Killed):
    def test_nothing_is_lost_and_nothing_is_done_twice(self):  # F1 F2, I1 I2 I3 I4 I6 I8 I9 I22
        dice = random.Random(SEED)
        self.begin_load(per_second=min(2000, TASKS_MAX * 0.7 / SECONDS))
        end = time.monotonic() + SECONDS
        self.client("queue", "set", "litter", "--retention", "100ms")
        litter = Litter(self.broker.clients)
        litter.start()
        while time.monotonic() < end:
            due = time.monotonic() + dice.uniform(0.2, 3)
            wait_until(lambda: time.monotonic() > due, "the next kill")
            wait_until(lambda: self.is_under_way() or self.ledger.faults,
                       "a submit and a lease to be under way")
            self.kill()
            if self.kills % 5 == 0:
                self.kill_a_worker()
            self.come_back()
            self.expect_no_faults()
        litter.ends.set()
        litter.join(PATIENCE)
        self.end_load()
        self.account()
        self.assertGreater(self.counted, self.kills * 3 // 4)


class AtFailpoints(Killed):
    """The broker that has failpoints, and segments of 1 MiB."""

    BROKER_PROGRAM = "../tests/xebec-broker-failpoints"

    def begin_again(self, point, passes, patience):
        """Starts a broker that will be killed there, and waits until it is. False: it was not."""
        arguments = ["--data", self.path("data"), *self.BROKER_ARGUMENTS]
        for name, endpoint in zip(("clients", "workers", "updates"), self.broker.endpoints):
            arguments += ["--" + name, endpoint]
        endpoints = self.broker.endpoints
        self.broker = self.start(self.BROKER_PROGRAM, *arguments,
                                 env={"XEBEC_FAILPOINT": f"{point}:{passes}"})
        self.broker.endpoints = endpoints
        end = time.monotonic() + patience
        wait_until(lambda: self.broker.process.poll() is not None or time.monotonic() > end
                   or self.ledger.faults, f"{point} to be passed {passes} times")
        self.expect_no_faults()
        if self.broker.process.poll() is None:
            self.kill()
            return False
        if self.broker.wait() != -signal.SIGKILL:
            self.fail(f"{point}:{passes}\n" + self.describe())
        self.kills += 1
        self.counted += self.is_under_way()
        self.note_end()
        return True

    def test_nothing_is_lost_at_any_of_them(self):  # F1, I1 I2 I3 I4 I6 I8 I9 I22
        dice = random.Random(SEED)
        self.begin_load(per_second=1000, octets_max=20_000)
        self.kill()
        passed = Counter()
        for point in WRITE_POINTS * 2:
            passes = dice.randint(1, 3 if point.startswith(("next", "mark")) else 100)
            for peer in self.submitters:
                peer.is_paused = point == "mark.written"  # it is when there is nothing else
            passed[point] += self.begin_again(point, passes, patience=PATIENCE)
            # A start after that may be killed as well, and the start after that one.
            start = dice.choice(START_POINTS)
            passed[start] += self.begin_again(start, 1, patience=PATIENCE)
        for point in START_POINTS:
            passed[point] += self.begin_again(point, 1, patience=PATIENCE)
        for peer in self.submitters:
            peer.is_paused = False
        self.come_back()
        self.end_load()
        self.account()
        print(", ".join(f"{point}: {times}" for point, times in passed.items()), file=sys.stderr)
        for point in WRITE_POINTS + START_POINTS:
            self.assertGreater(passed[point], 0, point)

    def test_nothing_is_lost_while_segments_go(self):  # F1, I1 I22
        dice = random.Random(SEED)
        self.begin_load(per_second=300)
        self.submit_stuck()
        self.client("queue", "set", "litter", "--retention", "100ms")
        litter = Litter(self.broker.clients)
        litter.start()
        self.kill()
        for point in RETIRE_POINTS * 4:
            passes = dice.randint(1, 4)
            self.assertTrue(self.begin_again(point, passes, patience=PATIENCE), f"{point}:{passes}")
            self.begin_again(dice.choice(START_POINTS), 1, patience=PATIENCE)
        self.come_back()
        wait_until(self.is_any_shelved, "segments of stuck tasks to be passed over")
        litter.ends.set()
        litter.join(PATIENCE)
        self.end_load()
        self.account()
        queues = {queue["name"]: queue for queue in self.client_json("queues")}
        self.assertEqual(queues["stuck"]["tasks"]["ready"], STUCK)
        self.assertTrue(self.is_any_shelved())

    # Of a kind that nobody serves: segments full of them stay, and those between them go.
    def submit_stuck(self):
        line = json.dumps({"kind": "later", "queue": "stuck", "payload": "x" * 100}) + "\n"
        status, _, err = self.client("submit", "--batch", "-", stdin=line * STUCK, patience=150)
        self.assertEqual(status, 0, err)

    # Then others have gone from between them.
    def is_any_shelved(self):
        numbers = sorted(int(name.removeprefix("segment-"))
                         for name in os.listdir(self.path("data/journal"))
                         if name.startswith("segment-"))
        return numbers[-1] - numbers[0] + 1 > len(numbers)

    def test_no_program_that_is_installed_has_them(self):
        def has_failpoints(program):
            with open(os.path.join(BIN, program), "rb") as file:
                content = file.read()
            return [name for name in ("XEBEC_FAILPOINT", *WRITE_POINTS, *START_POINTS, *RETIRE_POINTS)
                    if name.encode() in content]

        self.assertEqual(len(has_failpoints(self.BROKER_PROGRAM)), 16)
        for program in os.listdir(BIN):
            self.assertEqual(has_failpoints(program), [], program)


if __name__ == "__main__":
    unittest.main()
