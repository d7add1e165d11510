"""Real programs on loopback, and peers that speak in raw frames written from docs/protocol.md."""

import atexit
import contextlib
import json
import os
import re

import struct
import subprocess
import tempfile
import threading
import time
import unittest
import weakref

import msgpack
import zmq

BIN = os.environ["XEBEC_BIN"]
PATIENCE = 60.0  # the longest anything may take, on a busy machine and under sanitizers

# Message types, docs/protocol.md.
ERROR, HELLO, WELCOME, PING, PONG, BYE = 1, 2, 3, 4, 5, 6
SUBMIT, SUBMITTED, QUERY, QUERIED, WAIT, WAITED, OUTCOMES = 16, 17, 18, 19, 20, 21, 22
CANCEL, CANCELLED, RETRY, RETRIED, LIST, LISTED = 24, 25, 26, 27, 28, 29
CREDIT, ASSIGN, EXTEND, EXTENDED, DONE, DONE_ANSWER = 32, 34, 36, 37, 38, 39
FAIL, FAIL_ANSWER, RELEASE, RELEASE_ANSWER, RECALL, REVOKE = 40, 41, 42, 43, 44, 46
WORKERS, WORKERS_ANSWER, STATS, STATS_ANSWER = 56, 57, 60, 61
BACKUP, BACKUP_ANSWER, BACKUP_READ, BACKUP_PIECE, BACKUP_END, BACKUP_ENDED = 64, 65, 66, 67, 68, 69
ACCEPTED, REPEAT, STALE, UNKNOWN = 0, 1, 2, 3

STATES = ["scheduled", "blocked", "ready", "leased", "succeeded", "dead", "cancelled", "expired"]


def wait_until(condition, what, patience=PATIENCE):
    """Waits until `condition()` is true and returns its value."""
    end = time.monotonic() + patience
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {patience} s in vain for: {what}")
        time.sleep(0.01)


class Program:
    """A running program; its output is collected line by line."""

    def __init__(self, name, *args, stdin=subprocess.DEVNULL, env=None, before=None):
        self.name = name
        self.out, self.err = [], []
        self.process = subprocess.Popen(
            [*self._shell(before), os.path.join(BIN, name), *args], stdin=stdin,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            env={**os.environ, **(env or {})})
        self._readers = [threading.Thread(target=self._read, args=pair, daemon=True) for pair in
                         ((self.process.stdout, self.out), (self.process.stderr, self.err))]
        for reader in self._readers:
            reader.start()
        atexit.register(self.kill)

    @staticmethod
    def _shell(before):
        """What lets a shell do something first, such as setting limits."""
        return ["bash", "-c", before + ' exec "$0" "$@"'] if before else []

    def _read(self, stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def pid(self):
        return self.process.pid

    def send(self, number):
        os.kill(self.pid, number)

    def wait(self, patience=PATIENCE):
        status = self.process.wait(patience)
        for reader in self._readers:
            reader.join(5)
        return status

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def has_logged(self, pattern):
        for line in list(self.err):
            found = re.search(pattern, line)
            if found:
                return found
        return None

    def until_logged(self, pattern):
        def look():
            found = self.has_logged(pattern)
            if not found and self.process.poll() is not None:
                raise AssertionError(f"{self.name} ended with {self.process.returncode} before it "
                                     f"logged {pattern!r}:\n" + "\n".join(self.err))
            return found
        return wait_until(look, f"{self.name} to log {pattern!r}; so far:\n" + "\n".join(self.err))


class Broker(Program):
    """A broker on free ports, or on those of an earlier one."""

    def __init__(self, data, *args, endpoints=None, program="xebec-broker", **more):
        clients, workers, updates = endpoints or ["tcp://127.0.0.1:*"] * 3
        super().__init__(program, "--data", data, "--clients", clients, "--workers", workers,
                         "--updates", updates, *args, **more)
        ready = self.until_logged(r"ready, .*clients (\S+) workers (\S+) updates (\S+)")
        self.clients, self.workers, self.updates = ready.groups()
        self.endpoints = list(ready.groups())


def new_id():
    """A UUIDv7, RFC 9562 section 5.7."""
    octets = bytearray(int(time.time() * 1000).to_bytes(6, "big") + os.urandom(10))
    octets[6] = (octets[6] & 0x0F) | 0x70
    octets[8] = (octets[8] & 0x3F) | 0x80
    return bytes(octets)


class Message:
    def __init__(self, frames):
        assert frames[0] == b"" and frames[1][:4] == b"\xf5\x58\x42\x31", frames
        self.type = frames[1][6]
        self.correlation, self.session, self.payload_count = struct.unpack(">QQI", frames[1][8:28])
        self.body = msgpack.unpackb(frames[2], strict_map_key=False)
        self.payloads = frames[3:]


class RawPeer:
    """A DEALER that speaks the native protocol by hand."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        self.socket.connect(endpoint)
        weakref.finalize(self, self.socket.close)
        self.session = 0
        self.correlation = 0
        self.passed_over = []

    def close(self):
        self.socket.close()

    def send(self, kind, body, payloads=(), session=None, correlation=None):
        if correlation is None:
            self.correlation += 1
            correlation = self.correlation
        header = bytes([0xF5, 0x58, 0x42, 0x31, 1, 0, kind, 0]) + struct.pack(
            ">QQII", correlation, self.session if session is None else session, len(payloads), 0)
        self.socket.send_multipart([b"", header, msgpack.packb(body), *payloads])
        return correlation

    def receive(self, *types, patience=PATIENCE):
        """The next message of one of these types; others are kept for later, pings answered."""
        for message in self.passed_over:
            if not types or message.type in types:
                self.passed_over.remove(message)
                return message
        end = time.monotonic() + patience
        while True:
            left = end - time.monotonic()
            if left <= 0 or not self.socket.poll(int(left * 1000)):
                raise AssertionError(f"no message of types {types} came")
            message = Message(self.socket.recv_multipart())
            if message.type == PING and PING not in types:
                self.send(PONG, {}, correlation=message.correlation)
            elif not types or message.type in types:
                return message
            else:
                self.passed_over.append(message)

    def ask(self, kind, body, answer, payloads=()):
        correlation = self.send(kind, body, payloads)
        while True:
            message = self.receive(answer, ERROR)
            if message.correlation == correlation:
                return message

    @contextlib.contextmanager
    def heard(self):
        """Pings the broker meanwhile, so that it is not given up; nobody else may use it then."""
        over = threading.Event()

        def ping():
            while not over.wait(1):
                self.send(PING, {})
        thread = threading.Thread(target=ping, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def hello(self, body):
        welcome = self.ask(HELLO, {2: 1, 3: 1, **body}, WELCOME)
        if welcome.type == WELCOME:
            self.session = welcome.session
        return welcome


class RawWorker(RawPeer):
    def __init__(self, endpoint, name="raw", kinds=("add",), slots=1, credit=None, **more):
        super().__init__(endpoint)
        self.name, self.kinds, self.slots, self.credit = name, list(kinds), slots, credit or slots
        self.welcome = self.introduce(**more)

    def introduce(self, held=(), previous=0, epoch_seen=0, host=""):
        return self.hello({0: 1, 1: self.name, 4: epoch_seen, 5: previous, 6: self.kinds,
                           8: self.slots, 9: self.credit,
                           10: [{0: task, 1: fence} for task, fence in held], 11: host})

    def assignments(self):
        return [(item[0], item[1]) for item in self.receive(ASSIGN).body[0]]

    def done(self, task, fence, result=b"5"):
        return self.ask(DONE, {0: [{0: task, 1: fence, 2: result, 3: 1}]}, DONE_ANSWER)


class RawClient(RawPeer):
    def __init__(self, endpoint):
        super().__init__(endpoint)
        self.hello({0: 0})

    def submit(self, *items, wait=False):
        return self.ask(SUBMIT, {0: list(items), 1: wait}, SUBMITTED)

    def state(self, task):
        item = self.ask(QUERY, {0: [task]}, QUERIED).body[0][0]
        return STATES[item[1].get(4, 0)] if 1 in item else None


def run(name, *args, stdin=None, env=None, patience=PATIENCE):
    """Runs a program to its end: status, standard output, standard error."""
    done = subprocess.run([os.path.join(BIN, name), *args], input=stdin, capture_output=True,
                          text=True, timeout=patience, env={**os.environ, **(env or {})},
                          stdin=subprocess.DEVNULL if stdin is None else None)
    return done.returncode, done.stdout, done.stderr


class WithBroker(unittest.TestCase):
    """A broker and a folder of its own for each test; everything started ends with it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="xebec-test-")
        self.addCleanup(self.folder.cleanup)
        self.broker = self.start_broker()

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def start(self, name, *args, **more):
        program = Program(name, *args, **more)
        self.addCleanup(program.kill)
        return program

    BROKER_PROGRAM = "xebec-broker"
    BROKER_ARGUMENTS = ()

    def start_broker(self, endpoints=None, **more):
        broker = Broker(self.path("data"), *self.BROKER_ARGUMENTS, endpoints=endpoints,
                        program=self.BROKER_PROGRAM, **more)
        self.addCleanup(broker.kill)
        return broker

    def start_workers(self, *args, count=1, **more):
        workers = self.start("xebec-worker", "--broker", self.broker.workers, "--count", str(count),
                             *args, **more)
        wait_until(lambda: len(self.workers()) >= count, f"{count} workers to come")
        return workers

    def held(self):
        """What makes a worker run `held`, which ends when `let_go` has been called."""
        return "--run", f"held=/bin/sh -c '{self.until_let_go()}'"

    def until_let_go(self):
        return f"until [ -e {self.path('go')} ]; do sleep 0.02; done"

    def let_go(self):
        open(self.path("go"), "w").close()

    def watch(self, *args):
        return self.start("xebec-monitor", "--updates", self.broker.updates, "--broker",
                          self.broker.clients, *args)

    def until_listening(self, monitor):
        """Submits to the queue `probe` until the monitor shows it: subscriptions take a moment."""
        wait_until(lambda: self.submit("nobody", "--queue", "probe") and monitor.out,
                   "the monitor to listen")

    def client(self, *args, **more):
        return run("xebec-client", "--broker", self.broker.clients, *args, **more)

    def client_json(self, *args, **more):
        status, out, err = self.client(*args, "--json", **more)
        self.assertEqual(status, 0, err)
        return json.loads(out)

    def workers(self):
        return self.client_json("workers")

    def task(self, reference):
        return self.client_json("status", str(reference))

    def until_state(self, reference, state):
        return wait_until(
            lambda: (lambda task: task if task["state"] == state else None)(self.task(reference)),
            f"task {reference} to be {state}")

    def submit(self, *args):
        return self.client_json("submit", *args)["number"]


def is_running(pid):
    try:
        with open(f"/proc/{pid}/stat") as stat:
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def processes_with(marker):
    """Ids of running processes whose environment or command line holds `marker`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as command:
                if marker.encode() in command.read() and is_running(int(pid)):
                    found.append(int(pid))
        except (FileNotFoundError, ProcessLookupError, PermissionError):
            pass
    return [pid for pid in found if pid != os.getpid()]


__all__ = [name for name in globals() if not name.startswith("_")]
