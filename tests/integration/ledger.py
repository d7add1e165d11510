"""A ledger of tasks, and peers that keep it: they submit, run and look for as long as they are told
to, outlive any number of brokers, and write down what they sent and what they were told. Whatever
contradicts a promise (docs/architecture.md, I1 to I22) is a fault."""

import hashlib
import random
import threading
import time
import uuid
from collections import Counter, deque

from harness import *

SUCCEEDED, DEAD = 4, 5
CREATED, EXISTS, REFUSED = 0, 1, 2
CONFLICT, QUEUE_FULL, RETRY_LATER, READ_ONLY, SHUTTING_DOWN = 11, 16, 17, 19, 20
INLINE_OCTETS_MAX = 1024
SILENCE_MAX = 2.0  # then a peer takes its connection for dead
PING_EVERY = 0.4


def answer_to(payload):
    """What the handler of the kind `answer` gives: 0 to some 4,000 octets, by the payload alone."""
    digest = hashlib.sha256(payload).digest()
    size = (7, 200, 257, 600, 4000, 0)[digest[0] % 6] + digest[1] % 8
    return (digest * (size // len(digest) + 1))[:size]


class Entry:
    def __init__(self, task, kind, payload):
        self.id, self.kind, self.payload = task, kind, payload
        self.right_result = answer_to(payload) if kind == "answer" else payload
        self.number = None        # once it is acknowledged
        self.was_answered = False  # by a submit answer, not only by an outcome
        self.outcome = None       # state, result, fence
        self.done_fence = None    # of the accepted result, as its worker was told
        self.fences = {}          # by worker, the highest
        self.failures = 0         # attempts whose failure was accepted
        self.failures_maybe = 0   # or perhaps
        self.results_told = 0


class Ledger:
    def __init__(self):
        self.lock = threading.Lock()
        self.tasks = {}
        self.by_number = {}
        self.acknowledged = []
        self.finished = 0
        self.counts = Counter()
        self.faults = []

    def fault(self, rule, entry, what):
        task = entry.id.hex() if entry else "-"
        self.faults.append(f"{rule}: task {entry and entry.number} {task}: {what}")

    def add(self, kind, payload, task=None):
        entry = Entry(task or new_id(), kind, payload)
        with self.lock:
            self.tasks[entry.id] = entry
        return entry

    def unfinished(self):
        with self.lock:
            return len(self.tasks) - self.finished

    # ---- what clients are told ----

    def acknowledge(self, entry, number, status=None):
        """`status`: of a submit answer. An outcome may come first, and acknowledges as well."""
        with self.lock:
            if status == CREATED and entry.was_answered:
                self.fault("I1", entry, "was accepted once more: the first time is forgotten")
            entry.was_answered = entry.was_answered or status is not None
            if entry.number is None:
                entry.number = number
                self.acknowledged.append(entry)
                other = self.by_number.setdefault(number, entry)
                if other is not entry:
                    self.fault("I3", entry, f"{other.id.hex()} has its number")
            elif entry.number != number:
                self.fault("I3", entry, f"has the number {number} too")

    def unknown(self, entry, to):
        with self.lock:
            self.fault("I1", entry, f"is unknown to {to}")

    def end(self, task, state, result, fence):
        with self.lock:
            entry = self.tasks.get(task)
            if entry is None:
                self.faults.append(f"I2: a task that nobody submitted has ended: {task.hex()}")
                return None
            entry.results_told += 1
            outcome = (state, result, fence)
            if entry.outcome is None:
                entry.outcome = outcome
                self.finished += 1
                if state != SUCCEEDED:
                    self.fault("I8", entry, f"ended {STATES[state]}")
                elif result != entry.right_result:
                    self.fault("I8", entry, f"has another result than its handler's: {result[:40]!r}"
                                            f" ({len(result)} octets)")
                if entry.done_fence not in (None, fence):
                    self.fault("I6", entry, "ended with another attempt than the accepted one")
            elif entry.outcome != outcome:
                self.fault("I8", entry, "has two outcomes: "
                           f"{[(o[0], len(o[1]), o[2]) for o in (entry.outcome, outcome)]}")
            return entry

    def show(self, view, shown, had_ended=False):
        """A view of a task, as a query or a list gives it. `shown`: what this reader saw before, by
        id; `had_ended`: so somebody was told before the reader asked."""
        with self.lock:
            entry = self.tasks.get(view[1])
            if entry is None:
                self.faults.append(f"I2: nobody submitted the task that is shown: {view[1].hex()}")
                return None
            if entry.number is not None and entry.number != view[0]:
                self.fault("I3", entry, f"is shown with the number {view[0]}")
            if (view.get(2), view.get(3)) != (entry.kind, "default"):
                self.fault("I2", entry, f"is shown with {view.get(2)} and {view.get(3)}")
            before, now = shown.get(entry.id, (0, 0)), (view.get(16, 0), view.get(17, 0))
            if now < before:
                self.fault("I20", entry, f"went back from version {before} to {now}")
            shown[entry.id] = now
            if had_ended and view.get(4, 0) != entry.outcome[0]:
                self.fault("I8", entry, f"has ended and is shown {STATES[view.get(4, 0)]}")
            return entry

    # ---- what workers are told ----

    def assign(self, worker, item, payload):
        with self.lock:
            entry = self.tasks.get(item[0])
            if entry is None:
                self.faults.append(f"I2: nobody submitted the task assigned: {item[0].hex()}")
                return
            self.counts["assignments"] += 1
            if payload != entry.payload:
                self.fault("I2", entry, f"is assigned with another payload ({len(payload)} octets "
                                        f"instead of {len(entry.payload)})")
            if (item.get(3), item.get(4)) != (entry.kind, "default"):
                self.fault("I2", entry, f"is assigned with {item.get(3)} and {item.get(4)}")
            if entry.done_fence is not None and item[1] > entry.done_fence:
                self.fault("I8", entry, "is assigned although its result was accepted")
            for other, fence in entry.fences.items():
                if fence == item[1] or (other == worker and fence > item[1]):
                    self.fault("I6", entry, f"fence {item[1]:x} for {worker}, {fence:x} for {other}")
            entry.fences[worker] = max(item[1], entry.fences.get(worker, 0))

    def report(self, task, fence, status, failed, was_repeated, was_acknowledged):
        """The broker's word on a report. An assignment does not wait for the disk: a task that was
        not acknowledged may have run and be forgotten (I4)."""
        with self.lock:
            entry = self.tasks[task]
            self.counts[("accepted", "repeat", "stale", "unknown")[status]] += 1
            if status == UNKNOWN and was_acknowledged:
                self.fault("I1", entry, "is unknown to the worker that ran it")
            elif failed:
                entry.failures += status == ACCEPTED
                entry.failures_maybe += status == STALE and was_repeated
            elif status in (ACCEPTED, REPEAT):
                if entry.done_fence not in (None, fence):
                    self.fault("I6", entry, "had two attempts accepted")
                if status == REPEAT and not was_repeated:
                    self.fault("I7", entry, "a first report was called a repetition")
                entry.done_fence = fence
                if entry.outcome and entry.outcome[2] != fence:
                    self.fault("I6", entry, "ended with another attempt than the accepted one")


def octets_of(message, value):
    return message.payloads[value] if isinstance(value, int) else value


class Enduring(RawPeer):
    """A peer on a thread of its own that says hello again, on a new socket, when it hears nothing."""

    def __init__(self, ledger, name, endpoint, seed):
        self.ledger, self.name, self.endpoint = ledger, name, endpoint
        self.dice = random.Random(seed)
        self.instance = self.dice.getrandbits(63) + 1
        self.previous = 0
        self.epoch = 0
        self.ends = threading.Event()
        self.heard_at = self.pinged_at = time.monotonic()
        self.handlers = {}
        super().__init__(endpoint)
        self.thread = threading.Thread(target=self.run, name=name, daemon=True)

    def start(self):
        self.thread.start()
        return self

    def stop(self):
        self.ends.set()

    def run(self):
        try:
            self.join()
            while not (self.ends.is_set() and self.is_idle()):
                self.turn()
            self.send(BYE, {})
            self.close()
        except BaseException as error:
            self.ledger.faults.append(f"{self.name} ended: {error!r}")
            raise

    def join(self):
        while True:
            self.close()
            RawPeer.__init__(self, self.endpoint)
            said = self.send(HELLO, {2: 1, 3: 1, 4: self.epoch, 5: self.previous, 13: self.instance,
                                     **self.introduction()}, session=0)
            end = time.monotonic() + 1
            while time.monotonic() < end:
                message = self.take(100)
                if message and message.type == WELCOME and message.correlation == said:
                    self.session = self.previous = message.session
                    if message.body[0] < self.epoch:
                        self.ledger.faults.append(f"I6: epoch {message.body[0]} after {self.epoch}")
                    self.epoch = message.body[0]
                    self.welcomed(message)
                    return

    def take(self, patience_ms):
        if not self.socket.poll(patience_ms):
            return None
        self.heard_at = time.monotonic()
        return Message(self.socket.recv_multipart())

    def turn(self):
        message = self.take(20)
        while message:
            if message.type == PING:
                self.send(PONG, {}, correlation=message.correlation)
            elif message.type == ERROR and message.body[0] == 4:  # not_registered
                return self.join()
            elif message.type in self.handlers:
                self.handlers[message.type](message)
            message = self.take(0)
        now = time.monotonic()
        if now - self.heard_at > SILENCE_MAX:
            return self.join()
        if now - self.pinged_at > PING_EVERY:
            self.pinged_at = now
            self.send(PING, {})
        self.work()

    def introduction(self):
        return {0: 0}

    def is_idle(self):
        return True

    def welcomed(self, message):
        pass

    def work(self):
        pass


class Submitter(Enduring):
    """Submits in batches, waits for all outcomes, and repeats what is not answered."""

    def __init__(self, ledger, name, endpoint, seed, outstanding_max=400, per_second=1000,
                 octets_max=9000):
        super().__init__(ledger, name, endpoint, seed)
        self.outstanding_max, self.per_second, self.octets_max = (outstanding_max, per_second,
                                                                  octets_max)
        self.began = time.monotonic()
        self.unanswered = {}     # by correlation: entries and what they are submitted for
        self.unsubmitted = deque()
        self.waiting = {}        # acknowledged, without an outcome
        self.answered_once = []
        self.refusals = Counter()
        self.refusal_text = ""
        self.retry_at = 0
        self.submitted = 0
        self.is_paused = False
        self.handlers = {SUBMITTED: self.answered, OUTCOMES: self.ended, WAITED: self.waited,
                         ERROR: self.refused}

    def is_idle(self):
        return not (self.unanswered or self.unsubmitted or self.waiting)

    def describe(self):
        return (f"{self.name}: {len(self.unanswered)} submits without an answer, {len(self.waiting)} "
                f"tasks without an outcome, {len(self.unsubmitted)} to be submitted again")

    def welcomed(self, message):
        again = list(self.unanswered.values())
        self.unanswered.clear()
        for batch in again:
            self.submit(batch)
        self.wait_for(list(self.waiting))

    def wait_for(self, tasks):
        for at in range(0, len(tasks), 1000):
            self.send(WAIT, {0: tasks[at:at + 1000]})

    def waited(self, message):
        for item in message.body[0]:
            if item.get(0, {}).get(0):
                entry = self.ledger.tasks.get(item.get(2))
                self.ledger.fault("I1", entry, f"cannot be waited for: {item[0]}")

    def work(self):
        room = self.outstanding_max - len(self.waiting) - sum(map(len, self.unanswered.values()))
        if self.unsubmitted:
            if time.monotonic() > self.retry_at:
                batch = [self.unsubmitted.popleft() for _ in range(min(50, len(self.unsubmitted)))]
                self.submit(batch)
            return
        due = 200 + (time.monotonic() - self.began) * self.per_second - self.submitted
        if room > 0 and due > 0 and not self.is_paused and not self.ends.is_set():
            self.submit(self.new_batch(self.dice.randint(1, min(50, room))))

    def new_batch(self, size):
        self.submitted += size
        batch = [(self.new_entry(), "new") for _ in range(size)]
        if self.answered_once:
            if self.dice.random() < 0.1:
                batch.append((self.dice.choice(self.answered_once), "again"))
            if self.dice.random() < 0.05:
                batch.append((self.dice.choice(self.answered_once), "other"))
        return batch

    def new_entry(self):
        size = self.dice.choice((0, 3, 100, 256, 257, 1024, 2000, self.octets_max))
        return self.ledger.add(self.dice.choice(("answer", "answer", "echo")),
                               self.dice.randbytes(size))

    def submit(self, batch):
        items, frames = [], []
        for entry, purpose in batch:
            payload = entry.payload + (b"other" if purpose == "other" else b"")
            if len(payload) > INLINE_OCTETS_MAX:
                frames.append(payload)
                payload = len(frames) - 1
            items.append({0: entry.id, 1: entry.kind, 2: payload})
        self.unanswered[self.send(SUBMIT, {0: items, 1: True}, frames)] = batch

    def answered(self, message):
        batch = self.unanswered.pop(message.correlation, [])
        for (entry, purpose), item in zip(batch, message.body[0]):
            status, code = item.get(0, CREATED), item.get(2, {}).get(0, 0)
            if status != REFUSED:
                if purpose == "other":
                    self.ledger.fault("I3", entry, "was accepted with other content")
                self.ledger.acknowledge(entry, item[1], status)
                if purpose == "new":
                    self.answered_once.append(entry)
                if entry.outcome is None:
                    self.waiting[entry.id] = True
            elif code in (QUEUE_FULL, RETRY_LATER, READ_ONLY, SHUTTING_DOWN):
                self.refusals[code] += 1
                self.refusal_text = item[2].get(1, "")
                self.unsubmitted.append((entry, purpose))
                self.retry_at = time.monotonic() + 0.2
            elif not (purpose == "other" and code == CONFLICT):
                self.ledger.fault("I3", entry, f"was refused: {item[2]}")
        for entry, _ in batch:  # the outcome may have come first
            if entry.outcome is not None:
                self.waiting.pop(entry.id, None)

    def refused(self, message):
        batch = self.unanswered.pop(message.correlation, None)
        if batch:
            self.refusals[message.body[0]] += len(batch)
            self.refusal_text = message.body.get(2, "")
            self.unsubmitted.extend(batch)
            self.retry_at = time.monotonic() + 0.2

    def ended(self, message):
        for item in message.body[0]:
            entry = self.ledger.end(item[0], item[2], octets_of(message, item.get(3, b"")),
                                    item.get(6, 0))
            self.waiting.pop(item[0], None)
            if entry and item.get(1):
                self.ledger.acknowledge(entry, item[1])


class Runner(Enduring):
    """A worker for `answer`. Some first attempts fail. While there is work it always holds a lease,
    and what it has not had an answer to it reports again."""

    def __init__(self, ledger, name, endpoint, seed, slots=4, credit=32):
        super().__init__(ledger, name, endpoint, seed)
        self.slots, self.credit = slots, credit
        self.leases = {}     # by id and fence: number of the attempt, in the order of assignment
        self.reports = {}    # by id and fence: failed, how often it was sent, acknowledged before
        self.unanswered = {}
        self.idle_since = time.monotonic()
        self.handlers = {ASSIGN: self.assigned, DONE_ANSWER: self.answered, FAIL_ANSWER: self.answered,
                         RECALL: self.give_back, REVOKE: self.give_back}

    def introduction(self):
        return {0: 1, 1: self.name, 6: ["answer"], 8: self.slots, 9: self.credit,
                10: [{0: task, 1: fence} for task, fence in self.leases]}

    def is_idle(self):
        return not self.leases

    def describe(self):
        return (f"{self.name}: {len(self.leases)} leases, {len(self.reports)} of them reported, "
                f"{len(self.unanswered)} reports without an answer")

    def welcomed(self, message):
        self.unanswered.clear()
        for lease, left in zip(list(self.leases), message.body.get(5, [])):
            if left == 0 and lease not in self.reports:
                self.ledger.counts["leases over after a reconnect"] += 1
                del self.leases[lease]
        self.report([lease for lease in self.leases if lease in self.reports])

    def assigned(self, message):
        self.idle_since = time.monotonic()
        for item in message.body[0]:
            self.ledger.assign(self.name, item, octets_of(message, item.get(5, b"")))
            self.leases[(item[0], item[1])] = item.get(7, 0)

    def give_back(self, message):
        refs = [(ref[0], ref[1]) for ref in message.body[0]]
        refs = [lease for lease in refs if lease not in self.reports]
        for lease in refs:
            self.leases.pop(lease, None)
        if refs:
            self.send(RELEASE, {0: [{0: task, 1: fence} for task, fence in refs]})

    def work(self):
        waiting = [lease for lease in self.leases if lease not in self.reports]
        if time.monotonic() - self.idle_since < 0.3 and not self.ends.is_set():
            waiting = waiting[:-1]  # one is always under way
        for lease in waiting:
            failed = self.leases[lease] == 1 and self.dice.random() < 0.03
            self.reports[lease] = [failed, 0, False]
        self.report(waiting)

    def report(self, leases):
        failed = [lease for lease in leases if self.reports[lease][0]]
        for lease in failed:
            self.note_sent(self.send(FAIL, {0: [{0: lease[0], 1: lease[1],
                                                 2: {0: "flaky", 1: "the first time"}}]}), [lease])
        done = [lease for lease in leases if not self.reports[lease][0]]
        if not done:
            return
        items, frames = [], []
        for task, fence in done:
            result = self.ledger.tasks[task].right_result
            if len(result) > INLINE_OCTETS_MAX:
                frames.append(result)
                result = len(frames) - 1
            items.append({0: task, 1: fence, 2: result})
        self.note_sent(self.send(DONE, {0: items}, frames), done)

    def note_sent(self, correlation, leases):
        self.unanswered[correlation] = leases
        for lease in leases:
            self.reports[lease][1] += 1
            self.reports[lease][2] = self.ledger.tasks[lease[0]].number is not None

    def answered(self, message):
        leases = self.unanswered.pop(message.correlation, [])
        for lease, status in zip(leases, message.body[0]):
            failed, sent, was_acknowledged = self.reports.pop(lease)
            del self.leases[lease]
            self.ledger.report(*lease, status, failed, sent > 1, was_acknowledged)


class Reader(Enduring):
    """Asks for tasks that were acknowledged, with payload and result."""

    def __init__(self, ledger, name, endpoint, seed):
        super().__init__(ledger, name, endpoint, seed)
        self.asked = {}          # by correlation: entries, and whether they had ended then
        self.shown = {}
        self.looks = 0
        self.handlers = {QUERIED: self.answered}

    def welcomed(self, message):
        self.asked.clear()

    def work(self):
        if not self.asked and self.ledger.acknowledged:
            entries = [self.dice.choice(self.ledger.acknowledged) for _ in range(20)]
            self.ask_for(entries)

    def ask_for(self, entries):
        self.asked[self.send(QUERY, {0: [entry.id for entry in entries], 1: True, 2: True})] = [
            (entry, entry.outcome is not None) for entry in entries]

    def answered(self, message):
        """Gives how many of those asked for were answered."""
        asked = self.asked.pop(message.correlation, [])
        for (entry, had_ended), item in zip(asked, message.body[0]):
            self.looks += 1
            if 1 not in item:
                self.ledger.unknown(entry, self.name)
                continue
            self.ledger.show(item[1], self.shown, had_ended)
            payload = octets_of(message, item.get(2, b""))
            if item[1].get(4, 0) == SUCCEEDED:
                self.ledger.end(entry.id, SUCCEEDED, octets_of(message, item.get(4, b"")),
                                item[1].get(15, 0))
            elif payload != entry.payload:
                self.ledger.fault("I2", entry, "is shown with another payload")
        return len(message.body[0])

    def read_all(self):
        """Everything acknowledged; on the caller's thread, instead of `start`, after `join`."""
        entries = list(self.ledger.acknowledged)
        while entries:
            self.ask_for(entries[:200])
            answered = self.answered(self.receive(QUERIED))
            entries = entries[answered:]

    def list_all(self):
        """Every task of the queue that the broker has, and how many attempts it counts."""
        attempts, cursor = {}, 0
        while True:
            page = self.ask(LIST, {0: {1: "default"}, 1: cursor, 2: 1000}, LISTED).body
            for view in page.get(0, []):
                if self.ledger.show(view, self.shown, had_ended=True):
                    attempts[view[1]] = view.get(6, 0)
            cursor = page.get(1, 0)
            if not cursor:
                return attempts


__all__ = [name for name in globals() if not name.startswith("_")]
