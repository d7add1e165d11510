#!/usr/bin/python3
"""A xebec worker: put your own handlers in. All numbers are those of docs/protocol.md."""

import argparse, concurrent.futures, json, os, random, signal, struct, threading, time, types

import msgpack, zmq

HEADER = struct.Struct(">4s4B2Q2I")
ERROR, HELLO, WELCOME, PING, PONG, BYE, ASSIGN, EXTEND = 1, 2, 3, 4, 5, 6, 34, 36
DONE, FAIL, RELEASE, RECALL, REVOKE, DRAIN = 38, 40, 42, 44, 46, 58

HANDLERS = {"word_count": lambda task, text: len(text.split()),
            "reverse": lambda task, text: text[::-1]}  # long ones look at task.cancelled, an Event


class Worker:
    def __init__(self, broker, slots):
        self.broker, self.pool = broker, concurrent.futures.ThreadPoolExecutor(slots)
        self.hello = {0: 1, 1: f"{os.uname().nodename}-{os.getpid()}", 2: 1, 3: 1,
                      6: list(HANDLERS), 8: slots, 13: random.getrandbits(64)}
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.tasks, self.draining, self.dismissed, self.pause_s = [], False, False, 1
        self.session = self.correlation = self.proven_at = self.beat_at = 0

    def serve(self):
        while self.tasks or not self.dismissed:  # dismissed: the broker has answered the drain
            now = time.monotonic()
            if now >= self.beat_at:
                self.beat(now)
            for task in self.tasks:
                if now >= task.ends_at:
                    task.cancelled.set()
                if self.session and (now >= task.due_at or self.session != task.session):
                    task.due_at, task.session = now + task.lease_s / 3, self.session
                    self.send(*(task.report or (EXTEND, {0: [task.lease]})), task=task)
            if self.socket.poll(10):  # milliseconds: so soon it sees that a handler has ended
                self.receive(time.monotonic(), *self.socket.recv_multipart())
        if self.session:
            self.send(BYE)
        self.socket.close(linger=1000)

    def beat(self, now):
        if self.session and now < self.heard_at + self.welcome[3] / 1000:
            self.beat_at = now + self.welcome[2] / 2000  # twice a heartbeat, for leases of 1 s
            return self.send(DRAIN if self.draining else PING)
        self.socket.close(linger=0)  # a new one: nothing of an old session can follow its hello
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.connect(self.broker)
        self.session, self.requests, self.dismissed = 0, {}, self.draining
        self.beat_at, self.pause_s = now + self.pause_s, min(2 * self.pause_s, 5)
        self.send(HELLO, self.hello | {9: max(self.hello[8], len(self.tasks)),
                                       10: [task.lease for task in self.tasks]})

    def send(self, kind, body={}, frames=(), task=None, correlation=None):
        if correlation is None:
            correlation = self.correlation = self.correlation + 1
            self.requests[correlation] = time.monotonic(), task
        header = HEADER.pack(b"\xf5XB1", 1, 0, kind, 0, correlation, self.session, len(frames), 0)
        body = msgpack.packb(body, unicode_errors="replace")
        self.socket.send_multipart([b"", header, body, *frames])

    def receive(self, now, _, header, body, *frames):
        kind, _, correlation, session = HEADER.unpack_from(header)[3:7]
        body = msgpack.unpackb(body, strict_map_key=False)
        sent_at, task = self.requests.pop(correlation if kind % 2 else 0, (0, None))
        self.proven_at, self.heard_at = max(self.proven_at, sent_at), now
        if kind == WELCOME:
            self.session, self.welcome, self.beat_at, self.pause_s = session, body, 0, 1
            self.hello |= {4: body[0], 5: session}
        elif kind == ASSIGN and not self.draining:
            for item in body[0]:
                task = types.SimpleNamespace(
                    lease={0: item[0], 1: item[1]}, lease_s=item[8] / 1000, report=None, session=0,
                    ends_at=self.proven_at + item[8] / 1000, due_at=0, cancelled=threading.Event())
                self.tasks.append(task)
                self.pool.submit(self.run, task, item, frames)
        elif kind in (ASSIGN, RECALL, REVOKE):  # what is known runs already, as credit is slots
            for lease in body[0]:
                known = [task for task in self.tasks if task.lease.items() <= lease.items()]
                if not known:
                    self.send(RELEASE, {0: [{0: lease[0], 1: lease[1]}]})
                elif kind == REVOKE:
                    known[0].cancelled.set()
        elif kind == EXTEND + 1:
            task.ends_at = sent_at + body[0][0] / 1000  # 0 milliseconds: it is over
        elif kind == PING:
            self.send(PONG, correlation=correlation)
        elif kind in (DRAIN, DRAIN + 1):
            self.draining, self.dismissed = True, kind == DRAIN + 1
        elif kind == ERROR and not body.get(3):
            raise SystemExit(f"the broker refuses: {body.get(2)!r}")
        elif kind in (ERROR, BYE):
            self.session = 0
            self.beat_at = now + max(random.uniform(0.2, self.pause_s), body.get(4, 0) / 1000)
        elif task in self.tasks:
            self.tasks.remove(task)

    def run(self, task, item, frames):  # in a thread: no handler can hold up the heartbeat
        began, payload = time.monotonic(), item.get(5, b"")
        try:
            arguments = json.loads(frames[payload] if isinstance(payload, int) else payload)
            result = json.dumps(HANDLERS[item[3]](task, *arguments), ensure_ascii=False).encode()
            if len(result) > self.welcome[4][1]:
                raise ValueError("the result is too large")
            took_us = int((time.monotonic() - began) * 1e6)
            report = DONE, {0: [task.lease | {2: 0, 3: 1, 4: took_us}]}, [result]
        except Exception as error:
            report = FAIL, {0: [task.lease | {2: {0: type(error).__name__, 1: str(error)[:1000]}}]}
        stopped = RELEASE, {0: [task.lease], 1: True}
        task.report, task.due_at = stopped if task.cancelled.is_set() else report, 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", default="tcp://127.0.0.1:5556")
    parser.add_argument("--slots", type=int, default=1)
    worker = Worker(**vars(parser.parse_args()))
    signal.signal(signal.SIGTERM, lambda *_: setattr(worker, "draining", True))
    worker.serve()
