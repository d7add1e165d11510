"""The broker's files: a disk that fills up (F7) or is slow (F10), folders that are not what they
should be (F25, F26), repair (I24), and being asked to stop at any moment (F27)."""

import ctypes
import hashlib
import shutil
import signal

from ledger import *

MIB = 1 << 20


def content_of(folder):
    """Everything in a folder: names, modes and octets."""
    found = {}
    for path, _, files in os.walk(folder):
        for name in files:
            file = os.path.join(path, name)
            with open(file, "rb") as content:
                found[file] = (os.stat(file).st_mode, hashlib.sha256(content.read()).hexdigest())
    return found


class WithData(WithBroker):
    def stop(self, number=signal.SIGTERM):
        self.broker.send(number)
        return self.broker.wait()

    def restart(self, number=signal.SIGTERM):
        self.stop(number)
        self.broker = self.start_broker(self.broker.endpoints)

    def start_in_vain(self, *args, program=("xebec-broker",), data=None, may_cut=False):
        """A start that is refused: what it says. The journal stays as it was; with `may_cut` a
        tail that a kill has torn may have been put aside before."""
        data = data or self.path("data")
        is_in_use = self.broker.process.poll() is None
        before = content_of(os.path.join(data, "journal"))
        endpoints = sum((["--" + name, "tcp://127.0.0.1:*"]
                         for name in ("clients", "workers", "updates")), [])
        status, out, err = run(*program, "--data", data, *endpoints, *args)
        self.assertEqual(status, 1, err)
        self.assertEqual(len(err.strip().splitlines()), 1, err)
        if not is_in_use and not may_cut:
            self.assertEqual(content_of(os.path.join(data, "journal")), before)
        return err

    def journal(self, name=""):
        return self.path(os.path.join("data", "journal", name))


@unittest.skipIf(os.geteuid() != 0, "only root can mount a tmpfs")
class FullDisk(WithData):
    """A tmpfs of 256 MiB: two segments fit beside a file of 120 MiB, and no third."""

    BROKER_ARGUMENTS = ("--memory", "1MiB")

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="xebec-test-")
        self.addCleanup(self.folder.cleanup)
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256m", "xebec-test",
                                  self.folder.name], capture_output=True, text=True)
        if mounted.returncode != 0:
            self.skipTest("cannot mount a tmpfs here: " + mounted.stderr.strip())
        self.addCleanup(lambda: subprocess.run(["umount", "-l", self.folder.name], check=True))
        with open(self.path("filler"), "wb") as filler:
            os.posix_fallocate(filler.fileno(), 0, 120 * MIB)
        self.broker = self.start_broker()
        self.ledger = Ledger()
        self.submitter = Submitter(self.ledger, "submitter", self.broker.clients, 1,
                                   outstanding_max=1000, per_second=5000, octets_max=60_000).start()
        self.addCleanup(self.submitter.stop)

    def start_runner(self):
        self.runner = Runner(self.ledger, "runner", self.broker.workers, 2).start()
        self.programs = self.start("xebec-worker", "--broker", self.broker.workers,
                                   "--concurrency", "4")

    def until_full(self):
        self.broker.until_logged("the disk is full: new tasks are refused")
        wait_until(lambda: self.submitter.refusals[READ_ONLY] > 0 or self.ledger.faults,
                   "a task to be refused")

    def end(self):
        self.submitter.stop()
        self.submitter.thread.join(PATIENCE)
        self.runner.stop()
        self.runner.thread.join(PATIENCE)
        self.restart(signal.SIGKILL)
        reader = Reader(self.ledger, "reader", self.broker.clients, 3)
        reader.join()
        reader.read_all()
        self.assertEqual(len(reader.list_all()), len(self.ledger.tasks))
        reader.close()
        self.assertEqual(self.ledger.faults, [])
        self.assertEqual(self.ledger.unfinished(), 0)

    def test_it_refuses_tasks_finishes_what_is_there_and_goes_on_by_itself(self):  # F7, I18, L4
        self.start_runner()
        self.until_full()
        self.assertIn("disk", self.submitter.refusal_text)
        wait_until(lambda: not self.submitter.waiting or self.ledger.faults,
                   "everything accepted to be finished although the disk is full")
        self.assertIsNone(self.broker.process.poll())
        finished = self.ledger.finished
        os.remove(self.path("filler"))
        self.broker.until_logged("there is room on the disk again")
        wait_until(lambda: self.ledger.finished > finished or self.ledger.faults,
                   "tasks to be taken and finished again")
        self.end()

    def test_a_broker_killed_then_starts_once_there_is_room(self):  # F7, F1
        self.submitter.outstanding_max = 100_000  # nothing ends, so that no segment can go
        self.until_full()
        self.stop(signal.SIGKILL)
        self.assertIn("No space left on device", self.start_in_vain(may_cut=True))
        os.remove(self.path("filler"))
        self.broker = self.start_broker(self.broker.endpoints)
        self.submitter.outstanding_max = 100
        self.start_runner()
        self.end()


class SlowDisk(WithData):
    """Each flush of a batch takes a while: the broker that has failpoints is held up there."""

    BROKER_PROGRAM = "../tests/xebec-broker-failpoints"

    def restart_with_flushes_of(self, milliseconds):
        self.stop()
        self.broker = self.start_broker(self.broker.endpoints, env={
            "XEBEC_FAILPOINT": f"batch.written:{milliseconds}ms"})

    def expect_nobody_blamed(self, succeeded):
        totals = self.client_json("stats")["totals"]
        self.assertEqual([totals[name] for name in ("succeeded", "stale", "workers_lost", "returned")],
                         [succeeded, 0, 0, 0])
        self.assertEqual({task["attempts"] for task in self.client_json("list", "--limit", "1000")},
                         {1})
        self.assertFalse(self.broker.has_logged("lease of task|worker .* lost"))

    def test_many_share_its_flushes(self):  # F10, I1
        for milliseconds, count in ((50, 400), (1000, 200)):
            with self.subTest(milliseconds):
                self.restart_with_flushes_of(milliseconds)
                workers = self.start("xebec-worker", "--broker", self.broker.workers,
                                     "--concurrency", "4")
                client, began = RawClient(self.broker.clients), time.monotonic()
                tasks = [new_id() for _ in range(count)]
                for task in tasks:
                    client.send(SUBMIT, {0: [{0: task, 1: "echo"}], 1: True})
                client.receive(SUBMITTED)
                self.assertGreater(time.monotonic() - began, milliseconds / 1000)
                ended = set()
                while len(ended) < count:
                    ended |= {item[0] for item in client.receive(OUTCOMES).body[0]}
                self.assertEqual(ended, set(tasks))
                self.assertLess(time.monotonic() - began, 5 + 8 * milliseconds / 1000)
                self.expect_nobody_blamed(succeeded=count)
                client.close()
                workers.process.terminate()
                self.assertEqual(workers.wait(), 0)

    def test_no_lease_and_no_worker_dies_of_one_that_stands_for_longer(self):  # F10, L2
        self.client("queue", "set", "short", "--lease", "2s")
        number = self.submit("sleep", "4", "--queue", "short")
        self.restart_with_flushes_of(5500)  # longer than a worker may be silent
        self.start("xebec-worker", "--broker", self.broker.workers)
        began = time.monotonic()
        status, out, err = self.client("--timeout", "30s", "result", str(number), "--wait")
        self.assertEqual(status, 0, err)
        self.assertGreater(time.monotonic() - began, 5.5)
        self.expect_nobody_blamed(succeeded=1)


class Folders(WithData):
    def submit_some(self):
        """Three tasks, large enough that most of a segment is needed."""
        return [self.submit("nobody", "--payload", "x" * 50_000) for _ in range(3)]

    def test_one_in_use(self):  # F26
        self.assertIn("another broker is using", self.start_in_vain())
        self.assertTrue(self.submit("nobody"))

    def test_one_of_a_newer_xebec(self):  # F25
        self.submit_some()
        self.stop()
        golden = os.path.join(os.path.dirname(__file__), "../golden/journal-v3")
        self.assertTrue(os.path.isdir(golden))
        shutil.rmtree(self.journal())
        shutil.copytree(golden, self.journal())
        write_version(self.journal("segment-0000000001"), 5)
        said = self.start_in_vain()
        self.assertIn("has version 5 of the journal's format", said)
        self.assertIn("start the newer xebec that wrote it", said)

    def test_one_with_a_foreign_file(self):
        self.submit_some()
        self.stop()
        with open(self.journal("notes.txt"), "w") as file:
            file.write("mine")
        said = self.start_in_vain()
        self.assertIn("notes.txt", said)
        os.remove(self.journal("notes.txt"))
        self.broker = self.start_broker()
        self.assertEqual(len(self.client_json("list")), 3)

    def test_one_with_a_segment_missing(self):
        self.submit_some()
        self.restart()
        self.submit_some()
        self.stop()
        os.remove(self.journal("segment-0000000001"))
        self.assertIn("segment 1 of the journal is missing", self.start_in_vain())

    def test_a_restored_backup_gets_a_higher_epoch(self):  # F26, I6
        first, second = new_id(), new_id()
        RawClient(self.broker.clients).submit({0: first, 1: "add"})
        self.stop()
        shutil.copytree(self.path("data"), self.path("backup"))
        # The later run is ahead of the clock, as after many restarts.
        with open(self.path("data/epoch")) as file:
            ahead = int(file.read()) + 10_000
        with open(self.path("data/epoch"), "w") as file:
            file.write(f"{ahead}\n")
        self.broker = self.start_broker(self.broker.endpoints)
        worker = RawWorker(self.broker.workers, slots=2)
        [(task, fence)] = worker.assignments()
        self.assertEqual((task, fence >> 32), (first, ahead + 1))
        RawClient(self.broker.clients).submit({0: second, 1: "add"})
        [(_, second_fence)] = worker.assignments()
        self.stop(signal.SIGKILL)
        shutil.rmtree(self.path("data"))
        os.rename(self.path("backup"), self.path("data"))

        self.broker = self.start_broker(self.broker.endpoints)
        again = RawWorker(self.broker.workers, slots=2, previous=worker.session,
                          held=[(first, fence), (second, second_fence)], epoch_seen=ahead + 1)
        self.assertGreater(again.welcome.body[0], ahead + 1)
        self.assertEqual(again.welcome.body[5], [0, 0])
        [(task, new_fence)] = again.assignments()
        self.assertEqual(task, first)
        self.assertGreater(new_fence, fence)
        self.assertEqual(again.done(first, fence).body[0], [STALE])
        self.assertEqual(again.done(second, second_fence).body[0], [UNKNOWN])
        self.assertEqual(again.done(first, new_fence).body[0], [ACCEPTED])
        self.broker.until_logged("its data is an old copy")

    def test_they_are_private(self):
        self.submit_some()
        self.restart()
        for path, _, files in os.walk(self.path("data")):
            self.assertEqual(os.stat(path).st_mode & 0o777, 0o700, path)
            for name in files:
                mode = os.stat(os.path.join(path, name)).st_mode & 0o777
                self.assertEqual(mode, 0o600, name)

    @unittest.skipIf(os.geteuid() != 0, "only root can become somebody else")
    def test_one_of_another_user(self):  # F26
        self.submit_some()
        self.stop()
        program = self.path("xebec-broker")  # where everybody can reach it
        shutil.copy(os.path.join(BIN, "xebec-broker"), program)
        os.chmod(self.folder.name, 0o755)
        somebody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program]
        os.chmod(self.path("data"), 0o755)
        said = self.start_in_vain(program=somebody)
        self.assertIn("lock: Permission denied; start as the user who owns the folder", said)
        # Half of it: the journal's files are still root's.
        for name in ("", "lock", "epoch", "journal"):
            os.chown(self.path(os.path.join("data", name)), 65534, 65534)
        said = self.start_in_vain(program=somebody)
        self.assertIn("segment-0000000001: Permission denied; start the broker as the user who owns",
                      said)
        said = self.start_in_vain(program=somebody, data="/proc/xebec")
        self.assertIn("cannot make the folder /proc/xebec", said)


def write_version(path, version):
    """Another version into a segment's header, with a right checksum (docs/journal.md)."""
    checksum = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
    checksum.restype, checksum.argtypes = ctypes.c_uint64, [ctypes.c_char_p, ctypes.c_size_t]
    with open(path, "r+b") as file:
        header = bytearray(file.read(40))
        header[8:10] = version.to_bytes(2, "little")
        file.seek(0)
        file.write(header + checksum(bytes(header), len(header)).to_bytes(8, "little"))


class Repair(WithData):
    def frame_of(self, task):
        """The frame in which it was accepted."""
        status, out, err = run("xebec-journal-dump", "--data", self.path("data"), "--json")
        self.assertEqual(status, 0, err)
        for line in map(json.loads, out.splitlines()):
            if line.get("frame") == "batch":
                frame = line
            elif line.get("task") == task:
                return frame
        raise AssertionError(out)

    def test_damage_is_seen_and_cut_only_when_asked(self):  # F11, I24
        tasks = [self.submit("nobody", "--payload", "x" * 300) for _ in range(4)]
        self.stop()
        third = self.frame_of(tasks[2])
        segment = self.journal(f"segment-{third['segment']:010}")
        with open(segment, "r+b") as file:
            file.seek(third["offset"] + 80)
            octet = file.read(1)[0]
            file.seek(third["offset"] + 80)
            file.write(bytes([octet ^ 1]))

        said = self.start_in_vain()
        self.assertIn(f"{segment} is damaged at octet {third['offset']}", said)
        self.assertIn("xebec-broker --repair", said)

        before = content_of(self.path("data"))
        status, out, err = run("xebec-broker", "--data", self.path("data"), "--repair")
        self.assertEqual((status, err), (1, ""))
        self.assertIn(f"{segment} is damaged at octet {third['offset']}", out)
        self.assertIn("A repair would cut from there", out)
        self.assertIn("Nothing has been changed", out)
        self.assertEqual(content_of(self.path("data")), before)

        status, out, err = run("xebec-broker", "--data", self.path("data"), "--repair-now")
        self.assertEqual((status, err), (0, ""))
        kept = re.search(r"Kept in (\S+)", out).group(1)
        self.assertTrue(os.path.exists(kept))

        self.broker = self.start_broker()
        self.assertEqual([task["number"] for task in self.client_json("list")], tasks[1::-1])
        self.assertEqual(self.client("submit", "nobody")[0], 0)
        self.stop()
        status, out, _ = run("xebec-broker", "--data", self.path("data"), "--repair")
        self.assertEqual(status, 0)
        self.assertIn("is not damaged: there is nothing to repair", out)

    def test_a_result_that_has_rotted_is_not_made_up(self):  # F11, I24
        worker = RawWorker(self.broker.workers)
        results = [bytes([65 + n]) * 50_000 for n in range(3)]
        again = ("submit", "add", "1", "1", "--id", str(uuid.UUID(bytes=new_id())))
        for command, result in zip((("submit", "add"), again, ("submit", "add")), results):
            self.assertEqual(self.client(*command)[0], 0)
            [(task, fence)] = worker.assignments()
            worker.done(task, fence, result)
        self.restart()  # results of older segments are read when they are asked for
        with open(self.journal("segment-0000000001"), "r+b") as file:
            file.seek(file.read().index(results[1]) + 777)
            file.write(b"x")

        for command in (("result", "2"), ("result", "2", "--wait"), (*again, "--wait")):
            status, out, err = self.client(*command)
            self.assertEqual((status, out), (1, ""), command)
            self.assertIn("damaged", err)
        status, out, err = self.client("result", "3")
        self.assertEqual((status, out.rstrip() == results[2].decode(), err), (0, True, ""))
        self.broker.until_logged("the result of task 2 is lost")

    def test_a_journal_in_use_is_not_repaired(self):
        status, _, err = run("xebec-broker", "--data", self.path("data"), "--repair-now")
        self.assertEqual(status, 1)
        self.assertIn("another broker is using", err)


class AskedToStop(WithData):
    TASKS = 300_000

    def start_and_stop(self, delay, times):
        """Starts a broker and asks it to stop so long after; gives its status."""
        endpoints = sum((["--" + name, "tcp://127.0.0.1:*"]
                         for name in ("clients", "workers", "updates")), [])
        began = time.monotonic()
        broker = self.start("xebec-broker", "--data", self.path("data"), *endpoints)
        wait_until(lambda: time.monotonic() - began > delay, "the moment to stop it")
        for _ in range(times):
            broker.send(signal.SIGTERM)
        status = broker.wait(5)
        # 1 is the answer to a second signal; before the first line of main a signal ends it.
        self.assertIn(status, (0, -signal.SIGTERM, *([1] if times > 1 else [])), broker.err)
        return status, bool(broker.has_logged("ready"))

    def test_while_it_reads_the_journal_once_and_twice(self):  # F27
        lines = '{"kind": "nobody", "args": [1]}\n' * self.TASKS
        status, _, err = self.client("submit", "--batch", "-", "--json", stdin=lines)
        self.assertEqual(status, 0, err)
        self.restart()
        took = re.search(r"journal: (\d+) records read in (\d+) ms",
                         self.broker.until_logged("journal: .* records read").string)
        self.assertGreaterEqual(int(took.group(1)), self.TASKS)
        self.stop()
        steps = 12
        ends = [self.start_and_stop(step / steps * (int(took.group(2)) / 1000 + 0.05), times)
                for step in range(steps) for times in (1, 2)]
        self.assertTrue(any(status == 0 and not was_ready for status, was_ready in ends), ends)
        self.broker = self.start_broker()
        self.assertEqual(self.client_json("stats")["tasks"]["ready"], self.TASKS)

    def test_under_load_once_and_twice(self):  # F27, I1
        ledger = Ledger()
        submitter = Submitter(ledger, "submitter", self.broker.clients, 1).start()
        runner = Runner(ledger, "runner", self.broker.workers, 2).start()
        self.start("xebec-worker", "--broker", self.broker.workers)
        for times in (1, 2, 1, 2):
            finished = ledger.finished
            wait_until(lambda: ledger.finished > finished + 200 or ledger.faults, "tasks to finish")
            for _ in range(times):
                self.broker.send(signal.SIGTERM)
            self.assertIn(self.broker.wait(6), (0, 1) if times > 1 else (0,))
            self.broker = self.start_broker(self.broker.endpoints)
        submitter.stop()
        submitter.thread.join(PATIENCE)
        runner.stop()
        runner.thread.join(PATIENCE)
        reader = Reader(ledger, "reader", self.broker.clients, 3)
        reader.join()
        reader.read_all()
        reader.close()
        self.assertEqual(ledger.faults, [])
        self.assertEqual(ledger.unfinished(), 0)


if __name__ == "__main__":
    unittest.main()
