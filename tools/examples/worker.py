#!/usr/bin/python3
"""A xebec worker. Copy it and replace the handlers; § are the sections of docs/protocol.md."""

import argparse
import json
import os
import random
import signal
import struct
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import msgpack
import zmq

HEADER = struct.Struct(">4s4B2Q2I")
ERROR, HELLO, WELCOME, PING, PONG, BYE, ASSIGN, EXTEND = 1, 2, 3, 4, 5, 6, 34, 36
DONE, FAIL, RELEASE, RECALL, REVOKE, DRAIN = 38, 40, 42, 44, 46, 58
NOT_REGISTERED = 4
NEVER = float("inf")


class Task:
    """What a handler is given: one attempt, and the lease on it."""

    def __init__(self, item, frames, since):
        self.lease = {0: item[0], 1: item[1]}  # id and fence
        self.kind, self.is_json, self.attempt = item.get(3, ""), item.get(6) == 1, item.get(7, 0)
        payload = item.get(5, b"")
        self.payload = frames[payload] if isinstance(payload, int) else payload
        self.lease_s, self.run_max_s = item[8] / 1000, item[9] / 1000
        self.ends_at, self.extend_at = since + self.lease_s, since + self.lease_s / 3
        self.run_until, self.report_at = NEVER, 0
        self.cancelled = threading.Event()  # set: nobody wants the result any more

    def stop(self):
        if not self.future.cancel():  # then it has been started
            self.cancelled.set()

    def run(self, handler, result_octets_max):
        """Runs in a thread of the pool, and returns the report."""
        began, frames = time.monotonic(), []
        self.run_until = began + self.run_max_s
        try:
            arguments = json.loads(self.payload) if self.is_json else [self.payload]
            value = handler(self, *arguments)
            is_json = not isinstance(value, bytes)
            octets = json.dumps(value, ensure_ascii=False).encode() if is_json else value
            if len(octets) > result_octets_max:
                raise ValueError("the result is too large")
            frames = [octets] if len(octets) > 1024 else []
            kind, outcome = DONE, {2: 0 if frames else octets, 3: int(is_json)}
        except Exception as error:
            name, text = type(error).__name__, str(error)[:1000]
            kind, outcome = FAIL, {2: {0: name, 1: text}}
        took = time.monotonic() - began
        if took >= self.run_max_s:
            kind, outcome = FAIL, {2: {0: "timed_out"}}
        elif self.cancelled.is_set():
            return RELEASE, {0: [self.lease], 1: True}, []
        return kind, {0: [self.lease | outcome | {4: int(took * 1e6)}]}, frames


class Worker:
    """Serves a broker with handlers: functions of the task and its arguments, by kind."""

    def __init__(self, broker, handlers, slots, credit=0):
        self.broker, self.handlers, self.slots, self.credit = broker, handlers, slots, credit
        self.hello = {0: 1, 1: f"{os.uname().nodename}-{os.getpid()}", 2: 1, 3: 1, 4: 0, 5: 0, 6: list(handlers), 8: slots, 13: random.getrandbits(64)}
        self.pool = ThreadPoolExecutor(slots)
        self.woken, self.wake = os.pipe()
        self.context, self.socket = zmq.Context(), None
        self.tasks, self.requests = {}, {}  # by id and fence, in order of assignment; by correlation
        self.session = self.correlation = 0
        self.heartbeat_s, self.liveness_s, self.pause_s = 1, 5, 0.5
        self.proven_at, self.drained_at, self.draining = 0, NEVER, False

    def serve(self):
        """Returns when it was drained and nothing is left to report."""
        self.connect()
        while not self.draining or self.tasks or (self.session and self.proven_at < self.drained_at):
            ready = zmq.select([self.socket, self.woken], [], [], 0.1)[0]
            if self.woken in ready:
                os.read(self.woken, 4096)
            if self.socket in ready:
                self.receive()
            self.tick()
        if self.session: self.send(BYE)
        self.socket.close(linger=1000)
        self.context.term()

    def connect(self):
        if self.socket:
            self.socket.close(linger=0)  # what is still in it must not arrive behind the hello
        self.socket = self.context.socket(zmq.DEALER)
        self.socket.connect(self.broker)
        self.introduce()

    def introduce(self):
        held = list(self.tasks.values())
        self.hello[5] = self.session or self.hello[5]
        self.session, self.drained_at = 0, NEVER
        self.requests.clear()
        self.dead_at = time.monotonic() + self.pause()
        self.send(HELLO, self.hello | {9: max(self.slots, len(held)), 10: [task.lease for task in held]}, about=held)

    def pause(self):
        self.pause_s = min(2 * self.pause_s, 5)
        return self.pause_s * random.uniform(0.5, 1)

    def send(self, kind, body={}, frames=(), about=(), correlation=None):
        now = time.monotonic()
        if correlation is None:
            correlation = self.correlation = self.correlation + 1
            self.requests[correlation] = kind, now, about
        header = HEADER.pack(b"\xf5XB1", 1, 0, kind, 0, correlation, self.session, len(frames), 0)
        self.socket.send_multipart([b"", header, msgpack.packb(body), *frames])
        self.ping_at = now + self.heartbeat_s / 2

    def tick(self):
        now = time.monotonic()
        if now >= self.dead_at:
            self.connect()
        for task in self.tasks.values():
            if now >= min(task.ends_at, task.run_until):
                task.stop()
            if self.draining:
                task.future.cancel()
        if not self.session:
            return
        for task in self.tasks.values():
            if task.future.done() and now >= task.report_at:
                task.report_at = NEVER
                unstarted = RELEASE, {0: [task.lease]}
                self.send(*(unstarted if task.future.cancelled() else task.future.result()), about=[task])
        if self.draining and self.drained_at == NEVER:
            self.drained_at = time.monotonic()
            self.send(DRAIN)
            self.send(PING)
        due = [task for task in self.tasks.values() if now >= task.extend_at]
        if due:
            for task in due: task.extend_at = now + task.lease_s / 3
            self.send(EXTEND, {0: [task.lease for task in due]}, about=due)
        if now >= self.ping_at:
            self.send(PING)

    def receive(self):
        parts = self.socket.recv_multipart()
        if len(parts) < 3 or not parts[1].startswith(b"\xf5XB1\1"):
            return
        _, _, _, kind, _, correlation, session, _, _ = HEADER.unpack_from(parts[1])
        body, frames = msgpack.unpackb(parts[2], strict_map_key=False), parts[3:]
        request, sent_at, about = self.requests.pop(correlation, (None, 0, []))
        if not request and session != self.session:
            return  # of a session that is over
        now = time.monotonic()
        self.proven_at = max(self.proven_at, sent_at)
        self.dead_at = now + self.liveness_s
        if kind == WELCOME:
            self.session, self.hello[4] = session, max(self.hello[4], body[0])
            self.heartbeat_s, self.liveness_s = body[2] / 1000, body[3] / 1000
            self.pause_s = 0.5
            ....
