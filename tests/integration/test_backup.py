"""xebec-client backup, on a broker with segments of 1 MiB: under load, while segments go; refused,
interrupted and killed (F26, I1 I2 I6 I8 I18)."""

import signal
import stat

from ledger import *
from test_kill import Litter

MIB = 1 << 20


def segments_of(folder):
    return sorted(int(name[8:]) for name in os.listdir(os.path.join(folder, "journal"))
                  if name.startswith("segment-"))


class Backups(WithBroker):
    BROKER_PROGRAM = "../tests/xebec-broker-failpoints"
    BROKER_ARGUMENTS = ("--memory", "1MiB")

    def setUp(self):
        super().setUp()
        self.copy = self.path("copy")

    def start_litter(self):
        self.client("queue", "set", "litter", "--retention", "100ms")
        litter = Litter(self.broker.clients)
        litter.start()
        self.addCleanup(litter.ends.set)
        return litter

    def start_on(self, folder):
        broker = Broker(folder, *self.BROKER_ARGUMENTS, program=self.BROKER_PROGRAM)
        self.addCleanup(broker.kill)
        return broker

    def begin(self):
        """A client with a backup under way, and its answer."""
        client = RawClient(self.broker.clients)
        answer = client.ask(BACKUP, {}, BACKUP_ANSWER)
        self.assertEqual(answer.type, BACKUP_ANSWER, answer.body)
        return client, answer.body

    def fill_a_segment(self):
        for _ in range(12):
            self.submit("nobody", "--payload", "x" * 50_000)

    def epoch(self, broker):
        return int(broker.has_logged(r"boot epoch (\d+)").group(1))


class UnderLoad(Backups):
    def begin_load(self):
        self.ledger = Ledger()
        self.submitters = [Submitter(self.ledger, f"submitter-{n}", self.broker.clients, n,
                                     per_second=300).start() for n in range(2)]
        self.runners = [Runner(self.ledger, f"runner-{n}", self.broker.workers, 10 + n).start()
                        for n in range(2)]
        self.programs = self.start("xebec-worker", "--broker", self.broker.workers,
                                   "--concurrency", "4")
        self.litter = self.start_litter()

    def end_load(self):
        self.litter.ends.set()
        self.litter.join(PATIENCE)
        for peers in (self.submitters, self.runners):
            for peer in peers:
                peer.stop()
            for peer in peers:
                peer.thread.join(PATIENCE)
                self.assertFalse(peer.thread.is_alive(), peer.describe())
        self.assertEqual(self.ledger.faults, [])

    def until_segments_go(self):
        first = segments_of(self.path("data"))[0]
        wait_until(lambda: segments_of(self.path("data"))[0] > first + 2 or self.ledger.faults,
                   "segments to go")

    def expect_all_of(self, entries, outcomes):
        """Of the broker that runs now: these tasks, and these outcomes. No worker is there."""
        client = RawClient(self.broker.clients)
        ended = 0
        while entries:
            asked = entries[:200]
            answer = client.ask(QUERY, {0: [entry.id for entry in asked], 1: True, 2: True}, QUERIED)
            self.assertEqual(answer.type, QUERIED, answer.body)
            for entry, item in zip(asked, answer.body[0]):
                self.assertIn(1, item, f"task {entry.number} is lost")
                view = item[1]
                self.assertEqual((view[0], view[1], view[2]), (entry.number, entry.id, entry.kind))
                if view.get(4, 0) == SUCCEEDED:
                    ended += 1
                    result = octets_of(answer, item.get(4, b""))
                    self.assertEqual(result, entry.right_result)
                    outcome = (SUCCEEDED, result, view.get(15, 0))
                    self.assertEqual(outcomes.get(entry.id, outcome), outcome)
                else:
                    self.assertNotIn(entry.id, outcomes, f"the end of task {entry.number} is lost")
                    self.assertEqual(octets_of(answer, item.get(2, b"")), entry.payload)
            entries = entries[len(answer.body[0]):]
        client.close()
        return ended

    def test_everything_acknowledged_before_is_in_it(self):  # I1 I2 I6 I8, F26
        self.begin_load()
        self.until_segments_go()
        entries = list(self.ledger.acknowledged)
        outcomes = {entry.id: entry.outcome for entry in entries if entry.outcome}
        self.assertGreater(len(outcomes), 100)

        told = self.client_json("backup", self.copy)
        self.assertEqual(set(told), {"segments", "octets", "seconds", "epoch"})
        self.assertEqual(told["segments"], len(segments_of(self.copy)))
        self.assertEqual(told["epoch"], self.epoch(self.broker))
        self.broker.until_logged("a backup has ended: its client is done with it")
        first = segments_of(self.copy)[0]
        wait_until(lambda: segments_of(self.path("data"))[0] > first or self.ledger.faults,
                   "the first segment of the backup to go")
        self.end_load()
        self.broker.send(signal.SIGKILL)
        self.broker.wait()

        for path, _, names in os.walk(self.copy):
            self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o700, path)
            for name in names:
                mode = os.stat(os.path.join(path, name)).st_mode
                self.assertEqual(stat.S_IMODE(mode), 0o600, name)
        self.programs.kill()
        self.broker = self.start_on(self.copy)
        self.assertGreater(self.epoch(self.broker), told["epoch"])
        self.assertIsNone(self.broker.has_logged("cut|damaged"))
        self.assertFalse([name for name in os.listdir(os.path.join(self.copy, "journal"))
                          if name.startswith("cut-")])
        ended = self.expect_all_of(entries, outcomes)
        self.assertGreaterEqual(ended, len(outcomes))
        self.start_workers()
        self.assertEqual(self.client("submit", "add", "2", "3", "--wait")[1], "5\n")

    def test_what_it_needs_stays_until_it_ends(self):  # I1
        self.begin_load()
        self.until_segments_go()
        client, begun = self.begin()
        held = {view[0]: view[1] for view in begun[2]}
        last = max(held)
        wait_until(lambda: segments_of(self.path("data"))[-1] > last + 12 or self.ledger.faults,
                   "the journal to go on for twelve segments")
        self.assertEqual(self.ledger.faults, [])
        self.assertEqual([segment for segment in segments_of(self.path("data")) if segment <= last],
                         sorted(held))
        for segment, octets in held.items():
            with open(self.path(f"data/journal/segment-{segment:010}"), "rb") as file:
                content = file.read(octets)
            for offset in range(0, octets, MIB):
                piece = client.ask(BACKUP_READ, {0: begun[0], 1: segment, 2: offset,
                                                 3: min(MIB, octets - offset)}, BACKUP_PIECE)
                self.assertEqual(piece.type, BACKUP_PIECE, piece.body)
                self.assertEqual(octets_of(piece, piece.body[0]), content[offset:offset + MIB])

        client.ask(BACKUP_END, {0: begun[0]}, BACKUP_ENDED)
        wait_until(lambda: segments_of(self.path("data"))[0] > min(held) or self.ledger.faults,
                   "what was held to go")
        self.end_load()


class Ends(Backups):
    """Of backups that are not finished."""

    def test_a_client_that_leaves(self):
        client, begun = self.begin()
        client.send(BYE, {})
        self.broker.until_logged("a backup has ended: its client has left")
        answer = RawClient(self.broker.clients).ask(
            BACKUP_READ, {0: begun[0], 1: begun[2][0][0], 3: 512}, BACKUP_PIECE)
        self.assertEqual((answer.type, answer.body[1]), (ERROR, "backup_over"))

    def test_a_client_that_is_killed(self):
        self.fill_a_segment()
        client = self.start("xebec-client", "--broker", self.broker.clients, "backup", self.copy,
                            before="ulimit -f 512;")  # a signal ends it at 512 KiB of a file
        self.assertEqual(client.wait(), -signal.SIGXFSZ, client.err)

        status, _, err = run("xebec-broker", "--data", self.copy)
        self.assertEqual(status, 1)
        self.assertIn("unfinished-backup is no file of a journal", err)
        status, _, err = self.client("backup", self.copy)
        self.assertEqual(status, 2)
        self.assertIn("is not empty", err)
        self.broker.until_logged("a backup has ended: its client (has left|is silent)")
        self.assertEqual(self.client("backup", self.path("another"))[0], 0)

    def test_a_client_that_cannot_write(self):
        self.fill_a_segment()
        client = self.start("xebec-client", "--broker", self.broker.clients, "backup", self.copy,
                            before="trap '' XFSZ; ulimit -f 512;")
        self.assertEqual(client.wait(), 1)
        self.assertIn("File too large", client.err[0])
        self.assertFalse(os.path.exists(self.copy))
        self.broker.until_logged("a backup has ended: its client has left")


class Refused(Backups):
    def test_a_folder_with_files(self):  # I18
        os.mkdir(self.copy)
        with open(os.path.join(self.copy, "precious"), "w") as file:
            file.write("mine")
        for folder in (self.copy, os.path.join(self.copy, "precious")):
            status, out, err = self.client("backup", folder)
            self.assertEqual((status, out, len(err.splitlines())), (2, "", 1), err)
        self.assertEqual(os.listdir(self.copy), ["precious"])
        self.assertIsNone(self.broker.has_logged("backup"))
        self.assertTrue(self.submit("nobody"))

    def test_a_broker_without_a_journal(self):
        volatile = Broker(self.path("volatile"), "--durability", "none")
        self.addCleanup(volatile.kill)
        status, _, err = run("xebec-client", "--broker", volatile.clients, "backup", self.copy)
        self.assertEqual(status, 1)
        self.assertIn("its tasks are in memory only (no_journal)", err)
        self.assertFalse(os.path.exists(self.copy))

    def test_a_third(self):  # I18
        first, _ = self.begin()
        second, _ = self.begin()
        status, _, err = self.client("--timeout", "1s", "backup", self.copy)
        self.assertEqual(status, 1, err)
        self.assertIn("two backups are under way already (retry_later)", err)
        first.send(BYE, {})
        self.assertEqual(self.client("backup", self.copy)[0], 0)
        second.close()

    def test_more_than_there_is(self):  # I18, F23
        client, begun = self.begin()
        segment, octets = begun[2][-1][0], begun[2][-1][1]
        for wanted in ({2: octets, 3: 1}, {3: octets + 1}, {2: 2**64 - 1, 3: 2}, {3: 0},
                       {3: MIB + 1}):
            answer = client.ask(BACKUP_READ, {0: begun[0], 1: segment, **wanted}, BACKUP_PIECE)
            self.assertEqual((answer.type, answer.body[1]), (ERROR, "bad_value"), wanted)
        answer = client.ask(BACKUP_READ, {0: begun[0], 1: segment, 3: octets}, BACKUP_PIECE)
        self.assertEqual(len(octets_of(answer, answer.body[0])), octets)

    def test_an_empty_folder_is_taken(self):
        os.mkdir(self.copy, 0o755)
        number = self.submit("nobody", "--payload", "kept")
        status, out, err = self.client("backup", self.copy + "/")
        self.assertEqual((status, err), (0, ""))
        self.assertRegex(out, r"^backed up \d+ octets in 1 segment within \S+\n$")
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        self.broker = self.start_on(self.copy)
        self.assertEqual(self.task(number)["state"], "ready")


if __name__ == "__main__":
    unittest.main()
