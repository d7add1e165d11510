#!/usr/bin/python3
"""Submits a task to xebec and prints its result. All numbers are those of docs/protocol.md."""

import argparse, itertools, json, random, secrets, struct, sys, time

import msgpack, zmq

HEADER = struct.Struct(">4s4B2Q2I")
ERROR, HELLO, WELCOME, PING, PONG, BYE, SUBMIT, OUTCOMES = 1, 2, 3, 4, 5, 6, 16, 22
RETRY_HELPS = {4, 16, 17, 19, 20, 21}  # codes of problems; an error says it by itself
SUCCEEDED, OTHER_ENDS = 4, {5: "dead", 6: "cancelled", 7: "expired"}


def new_id():
    """A UUIDv7: milliseconds, version 7, variant 2, and the rest random."""
    octets = bytearray((time.time_ns() // 1_000_000).to_bytes(6, "big") + secrets.token_bytes(10))
    octets[6], octets[8] = octets[6] & 0x0F | 0x70, octets[8] & 0x3F | 0x80
    return bytes(octets)


class Session:
    """One session, on a socket of its own: nothing of an earlier one can follow its hello.
    ConnectionError ends it: another may go better, but not before so many seconds."""

    def __init__(self, broker, hello):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.connect(broker)
        self.number = self.correlation = 0
        self.heartbeat_s = self.liveness_s = 2.5  # until the welcome says them
        self.heard_at = time.monotonic()
        self.send(HELLO, hello)

    def send(self, kind, body={}, frames=(), correlation=None):
        if correlation is None:
            correlation = self.correlation = self.correlation + 1
        header = HEADER.pack(b"\xf5XB1", 1, 0, kind, 0, correlation, self.number, len(frames), 0)
        self.socket.send_multipart([b"", header, msgpack.packb(body), *frames])
        self.sent_at = time.monotonic()

    def receive(self, seconds):
        """Returns type, body and frames of a message; or type 0 after so long without one."""
        if time.monotonic() >= self.sent_at + self.heartbeat_s:
            self.send(PING)
        if not self.socket.poll(1000 * seconds):
            if time.monotonic() >= self.heard_at + self.liveness_s:
                raise ConnectionError(0)
            return 0, {}, []
        self.heard_at = time.monotonic()
        _, header, body, *frames = self.socket.recv_multipart()
        kind, _, correlation, number = HEADER.unpack_from(header)[3:7]
        body = msgpack.unpackb(body, strict_map_key=False)
        if kind == WELCOME:
            self.number, self.heartbeat_s, self.liveness_s = number, body[2] / 1000, body[3] / 1000
        elif kind == PING:
            self.send(PONG, correlation=correlation)
        elif kind == ERROR and not body.get(3):
            sys.exit(f"refused: {body.get(2)!r}")
        elif kind in (ERROR, BYE):
            raise ConnectionError(body.get(4, 0) / 1000)
        return kind, body, frames


def run(broker, task, payloads, deadline):
    """Returns the task's outcome and its payload frames; None when the time is over."""
    hello = {2: 1, 3: 1, 13: secrets.randbits(64)}
    for pause_s in itertools.chain([0.2, 0.5, 1, 2], itertools.repeat(5)):
        session, was_told = Session(broker, hello), False
        try:
            while time.monotonic() < deadline:
                kind, body, frames = session.receive(0.1)
                if kind == WELCOME:
                    hello[4] = body[0]
                    session.send(SUBMIT, {0: [task], 1: True}, payloads)  # again: the same id
                elif kind == SUBMIT + 1 and 2 in body[0][0]:
                    problem = body[0][0][2]
                    if problem[0] not in RETRY_HELPS:
                        sys.exit(f"refused: {problem.get(1)!r}")
                    raise ConnectionError(0)
                elif kind == OUTCOMES:  # it may come before the answer to the submit
                    session.send(BYE)
                    return body[0][0], frames
                elif kind == PONG and was_told:
                    raise ConnectionError(0)  # the outcome that the last pong spoke of was lost
                elif kind == PONG:
                    was_told = body.get(0, 0) > 0
            return None, []
        except ConnectionError as ended:
            pause_s = max(random.uniform(pause_s / 2, pause_s), *ended.args)
            time.sleep(max(0, min(pause_s, deadline - time.monotonic())))
        finally:
            session.socket.close(linger=100)


def argument(text):
    try:
        return json.loads(text, parse_constant=str)  # NaN and the like are not JSON
    except ValueError:
        return text


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--broker", default="tcp://127.0.0.1:5555")
    parser.add_argument("--timeout", type=float, default=60, metavar="S")
    parser.add_argument("kind", metavar="KIND")
    parser.add_argument("arguments", metavar="ARG", nargs="*", type=argument, help="JSON or a text")
    options = parser.parse_args()
    payload = json.dumps(options.arguments).encode()
    payloads = [payload] if len(payload) > 1024 else []
    task = {0: new_id(), 1: options.kind, 2: 0 if payloads else payload, 3: 1}
    outcome, frames = run(options.broker, task, payloads, time.monotonic() + options.timeout)
    if not outcome:
        print("not finished in time", file=sys.stderr)
        sys.exit(3)
    if outcome[2] != SUCCEEDED:
        error = outcome.get(5, {})
        sys.exit(f"{OTHER_ENDS[outcome[2]]}: {error.get(0, '')!r} {error.get(1, '')!r}")
    result = outcome.get(3, b"")
    sys.stdout.buffer.write((frames[result] if isinstance(result, int) else result) + b"\n")
