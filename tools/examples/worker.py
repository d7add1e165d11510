#!/usr/bin/python3
"""A xebec worker, made from docs/protocol.md: copy it and put your own handlers in."""

import argparse, json, math, os, random, signal, struct, threading, time
from concurrent.futures import ThreadPoolExecutor

import msgpack, zmq

HEADER = struct.Struct(">4s4B2Q2I")
ERROR, HELLO, WELCOME, PING, PONG, BYE, ASSIGN, EXTEND = 1, 2, 3, 4, 5, 6, 34, 36
DONE, FAIL, RELEASE, RECALL, REVOKE, DRAIN = 38, 40, 42, 44, 46, 58


def word_count(task, text):
    return len(text.split())


def reverse(task, text):
    return text[::-1]


class Task:
    """What a handler is given: one attempt, and the lease on it."""

    def __init__(self, item, frames, since):
        payload = item.get(5, b"")
        self.payload = frames[payload] if isinstance(payload, int) else payload
        self.lease, self.kind, self.lease_s = {0: item[0], 1: item[1]}, item[3], item[8] / 1000
        self.ends_at, self.due_at = since + self.lease_s, since + self.lease_s / 3
        self.report, self.cancelled = None, threading.Event()

    def run(self, handler):
        """In a thread of the pool, so that no handler can hold up the heartbeat."""
        began = time.monotonic()
        try:
            frames = [json.dumps(handler(self, *json.loads(self.payload))).encode()]
            kind, outcome = DONE, {2: 0, 3: 1}  # the result is payload frame 0, and JSON
        except Exception as error:
            kind, outcome, frames = FAIL, {2: {0: type(error).__name__, 1: str(error)[:1000]}}, []
        outcome |= self.lease | {4: int((time.monotonic() - began) * 1e6)}
        stopped = RELEASE, {0: [self.lease], 1: True}
        self.report = stopped if self.cancelled.is_set() else (kind, {0: [outcome]}, frames)
        self.due_at = 0


class Worker:
    def __init__(self, broker, handlers, slots):
        self.broker, self.handlers, self.pool = broker, handlers, ThreadPoolExecutor(slots)
        self.hello = {0: 1, 1: f"{os.uname().nodename}-{os.getpid()}", 2: 1, 3: 1,
                      6: list(handlers), 8: slots, 13: random.getrandbits(64)}
        self.socket, self.tasks, self.draining, self.pause_s = None, {}, False, 0.5
        self.session = self.correlation = self.proven_at = self.drained_at = self.dead_at = 0

    def serve(self):
        """Returns when it was drained and the broker has answered every report."""
        while not self.draining or self.tasks or self.proven_at < self.drained_at:
            now = time.monotonic()
            if now >= self.dead_at:
                self.connect(now)
            if self.session and now >= self.ping_at:
                self.ping_at = now + self.heartbeat_s / 2
                if self.draining:
                    self.drained_at = min(self.drained_at, now)
                    self.send(DRAIN)
                self.send(PING)
            for task in self.tasks.values():
                if now >= task.ends_at:
                    task.cancelled.set()
                if self.session and now >= task.due_at:
                    task.due_at = now + task.lease_s / 3
                    self.send(*(task.report or (EXTEND, {0: [task.lease]})), task=task)
            if self.socket.poll(10):  # milliseconds; then it looks for reports again
                self.receive(time.monotonic(), *self.socket.recv_multipart())
        if self.session:
            self.send(BYE)
        self.socket.close(linger=1000)

    def connect(self, now):
        """Says hello on a new socket, so that nothing of an old session can arrive behind it."""
        if self.socket:
            self.socket.close(linger=0)
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.connect(self.broker)
        self.session, self.requests, self.drained_at = 0, {}, 0
        self.pause_s = min(2 * self.pause_s, 5) * random.uniform(0.8, 1)
        self.dead_at = now + self.pause_s
        held = [task.lease for task in self.tasks.values()]
        self.send(HELLO, self.hello | {9: max(self.hello[8], len(held)), 10: held})

    def send(self, kind, body={}, frames=(), task=None, correlation=None):
        if correlation is None:
            correlation = self.correlation = self.correlation + 1
            self.requests[correlation] = time.monotonic(), task
        header = HEADER.pack(b"\xf5XB1", 1, 0, kind, 0, correlation, self.session, len(frames), 0)
        self.socket.send_multipart([b"", header, msgpack.packb(body), *frames])

    def receive(self, now, _, header, body, *frames):
        kind, _, correlation, session = HEADER.unpack_from(header)[3:7]
        body = msgpack.unpackb(body, strict_map_key=False)
        sent_at, task = self.requests.pop(correlation, (0, None))
        self.proven_at = max(self.proven_at, sent_at)
        if kind == WELCOME:
            self.session, self.ping_at, self.drained_at, self.pause_s = session, 0, math.inf, 0.5
            self.heartbeat_s, self.liveness_s = body[2] / 1000, body[3] / 1000
            self.hello |= {4: body[0], 5: session}
            for task in self.tasks.values():
                task.due_at = 0
        if self.session:
            self.dead_at = now + self.liveness_s
        if kind == ASSIGN and self.draining:
            self.send(RELEASE, {0: [{0: item[0], 1: item[1]} for item in body[0]]})
        elif kind == ASSIGN:
            for item in body[0]:
                task = self.tasks[item[0], item[1]] = Task(item, frames, self.proven_at)
                self.pool.submit(task.run, self.handlers[task.kind])
        elif kind == EXTEND + 1:
            task.ends_at = sent_at + body[0][0] / 1000  # 0 milliseconds: it is over
        elif kind in (DONE + 1, FAIL + 1, RELEASE + 1) and task:
            self.tasks.pop(tuple(task.lease.values()), None)
        elif kind in (RECALL, REVOKE):
            for lease in body[0]:
                task = self.tasks.get((lease[0], lease[1]))
                if not task:
                    self.send(RELEASE, {0: [lease]})
                elif kind == REVOKE:
                    task.cancelled.set()
        elif kind == DRAIN:
            self.draining = True
        elif kind == PING:
            self.send(PONG, correlation=correlation)
        elif kind == ERROR and not body.get(3):
            raise SystemExit(f"the broker refuses: {body.get(2, '')!r}")
        elif kind in (ERROR, BYE):
            self.session, self.dead_at = 0, now + max(self.pause_s, body.get(4, 0) / 1000)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", default="tcp://127.0.0.1:5556")
    parser.add_argument("--slots", type=int, default=1)
    options = parser.parse_args()
    worker = Worker(options.broker, {"word_count": word_count, "reverse": reverse}, options.slots)
    signal.signal(signal.SIGTERM, lambda *_: setattr(worker, "draining", True))
    worker.serve()
