"""Plain pirates, written from RFC 6 and the Guide's programs: Lazy Pirate clients and Paranoid
Pirate workers of both dialects, at the real broker (I25)."""

import signal
import threading
import time

from harness import *

OCTET = {"ready": b"\x01", "heartbeat": b"\x02"}
TEXT = {"ready": b"READY", "heartbeat": b"HEARTBEAT"}


class PlainWorker:
    """A worker of the Paranoid Pirate Protocol, moved by hand. Says that it is ready at once."""

    def __init__(self, endpoint, dialect, identity=None):
        self.dialect = dialect
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.linger = 0
        if identity is not None:
            self.socket.identity = identity
        self.socket.connect(endpoint)
        self.signal("ready")

    def signal(self, name):
        self.socket.send(self.dialect[name])

    def receive(self, patience=PATIENCE):
        """The next message that is no heartbeat; nothing if none comes."""
        end = time.monotonic() + patience
        while (left := end - time.monotonic()) > 0:
            if self.socket.poll(int(left * 1000)):
                frames = self.socket.recv_multipart()
                if frames != [self.dialect["heartbeat"]]:
                    return frames
        return None

    def request(self, patience=PATIENCE):
        frames = self.receive(patience)
        assert frames is not None and len(frames) == 3 and frames[1] == b"", frames
        return frames

    def heard_heartbeat(self, patience=PATIENCE):
        return self.socket.poll(int(patience * 1000)) and \
            self.socket.recv_multipart() == [self.dialect["heartbeat"]]

    def reply(self, address, body):
        self.socket.send_multipart([address, b"", body])

    def close(self):
        self.socket.close()


class EchoWorker(threading.Thread):
    """One like the Guide's: a single thread that answers, and heartbeats between requests. Comes
    back on a new socket when it hears nothing for three seconds."""

    def __init__(self, endpoint, dialect):
        super().__init__(daemon=True)
        self.endpoint, self.dialect, self.ends = endpoint, dialect, threading.Event()
        self.start()

    def run(self):
        while not self.ends.is_set():
            worker = PlainWorker(self.endpoint, self.dialect)
            heard = time.monotonic()
            while not self.ends.is_set() and time.monotonic() - heard < 3:
                if worker.socket.poll(500):
                    frames = worker.socket.recv_multipart()
                    heard = time.monotonic()
                    if len(frames) == 3:
                        worker.socket.send_multipart(frames)
                worker.signal("heartbeat")
            worker.close()

    def stop(self):
        self.ends.set()
        self.join()


def lazy_pirate(endpoint):
    socket = zmq.Context.instance().socket(zmq.REQ)
    socket.linger = 0
    socket.connect(endpoint)
    return socket


def ask(endpoint, body, timeout=2.5, tries=3):
    """What the Guide's Lazy Pirate does: a new socket for each try. Nothing if it gives up."""
    for _ in range(tries):
        socket = lazy_pirate(endpoint)
        socket.send(body)
        if socket.poll(int(timeout * 1000)):
            reply = socket.recv_multipart()
            socket.close()
            return reply
        socket.close()
    return None


class PlainPeers(WithBroker):
    def worker(self, dialect=OCTET, identity=None):
        worker = PlainWorker(self.broker.workers, dialect, identity)
        self.addCleanup(worker.close)
        return worker

    def pirate(self):
        socket = lazy_pirate(self.broker.clients)
        self.addCleanup(socket.close)
        return socket

    def echo(self, dialect):
        worker = EchoWorker(self.broker.workers, dialect)
        self.addCleanup(worker.stop)
        return worker

    def answer_of(self, socket, patience=PATIENCE):
        self.assertTrue(socket.poll(int(patience * 1000)), "no answer came")
        return socket.recv_multipart()

    def until_workers(self, count):
        wait_until(lambda: len(self.workers()) == count, f"{count} workers to be there")


class Plain(PlainPeers):
    def test_both_dialects_serve_and_are_answered_in_their_own(self):
        for dialect in (OCTET, TEXT):
            worker, client = self.worker(dialect), self.pirate()
            self.assertTrue(worker.heard_heartbeat())
            client.send(b"1")
            address, _, body = worker.request()
            self.assertEqual(body, b"1")
            self.assertEqual(len(address), 27)
            worker.reply(address, b"one")
            self.assertEqual(self.answer_of(client), [b"one"])
            worker.close()

    def test_bodies_of_every_shape_pass_unchanged(self):
        worker, client = self.worker(), self.pirate()
        for body in (b"", b"1", b"\0" * 17, b"@" + b"a" * 32, b"x" * (1 << 20)):
            client.send(body)
            address, _, came = worker.request()
            self.assertEqual(came, body)
            worker.reply(address, body)
            self.assertEqual(self.answer_of(client), [body])

    def test_address_frames_of_a_proxy_come_back_unchanged(self):
        worker = self.worker()
        proxy = zmq.Context.instance().socket(zmq.DEALER)
        proxy.linger = 0
        proxy.connect(self.broker.clients)
        self.addCleanup(proxy.close)
        proxy.send_multipart([b"client-of-proxy", b"\0\0\0\7", b"", b"question"])
        address, _, _ = worker.request()
        worker.reply(address, b"answer")
        self.assertEqual(self.answer_of(proxy), [b"client-of-proxy", b"\0\0\0\7", b"", b"answer"])

    def test_native_clients_are_served_by_plain_workers(self):
        self.echo(TEXT)
        status, out, err = self.client("submit", "plain", "--queue", "plain", "--payload", "abc",
                                       "--wait")
        self.assertEqual((status, out), (0, "abc"), err)
        self.assertTrue(self.task("last")["worker"].startswith("plain-"))

    def test_plain_clients_are_served_by_native_workers(self):
        self.start_workers("--run", "plain=tr a-z A-Z")
        self.assertEqual(ask(self.broker.clients, b"shout"), [b"SHOUT"])
        self.assertEqual(self.client_json("list"), [])  # it has no number, and leaves nothing
        self.assertEqual(self.client_json("stats")["totals"]["succeeded"], 1)

    def test_the_monitor_shows_them(self):
        monitor = self.start("xebec-monitor", "--broker", self.broker.clients, "--updates",
                             self.broker.updates, "--json", "--count", "3")
        wait_until(lambda: self.client_json("stats")["sessions"] >= 2, "the monitor to come")
        self.echo(OCTET)

        def has_seen():
            ask(self.broker.clients, b"1", timeout=1, tries=1)
            return monitor.process.poll() is not None
        wait_until(has_seen, "the monitor to see three updates")
        monitor.wait()
        lines = [json.loads(line) for line in monitor.out]
        self.assertEqual({(line["queue"], line["number"]) for line in lines if "state" in line},
                         {("plain", 0)})

    def test_can_be_turned_off(self):
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        self.broker = Broker(self.path("data"), "--plain", "off")
        self.addCleanup(self.broker.kill)
        worker = self.worker()
        self.assertIsNone(ask(self.broker.clients, b"1", timeout=0.3, tries=1))
        self.assertFalse(worker.heard_heartbeat(patience=1.5))
        self.assertEqual(self.workers(), [])
        self.assertGreaterEqual(self.client_json("stats")["totals"]["malformed"], 2)


class Failures(PlainPeers):
    def test_a_worker_that_heartbeats_while_busy_gets_nothing_more(self):
        worker, first, second = self.worker(), self.pirate(), self.pirate()
        first.send(b"first")
        address, _, _ = worker.request()
        second.send(b"second")
        for _ in range(5):
            worker.signal("heartbeat")
        self.assertIsNone(worker.receive(patience=1))
        worker.reply(address, b"one")
        self.assertEqual(self.answer_of(first), [b"one"])
        self.assertEqual(worker.request()[2], b"second")

    def test_a_request_whose_worker_dies_reaches_another_of_the_other_dialect_in_its_time(self):
        for mine, other in ((OCTET, TEXT), (TEXT, OCTET)):
            dying, client = self.worker(mine), self.pirate()
            client.send(b"question")
            began = time.monotonic()
            dying.request()
            survivor = self.echo(other)
            self.until_workers(2)
            dying.close()
            self.assertEqual(self.answer_of(client), [b"question"])
            self.assertLess(time.monotonic() - began, 7, "its client would have given up")
            survivor.stop()
            self.until_workers(0)

    def test_an_old_address_changes_nothing(self):
        worker, client = self.worker(), self.pirate()
        client.send(b"first")
        old, _, _ = worker.request()
        worker.reply(old, b"one")
        self.assertEqual(self.answer_of(client), [b"one"])
        client.send(b"second")
        address, _, _ = worker.request()
        worker.reply(old, b"one again")
        worker.reply(b"x" + b"0" * 26, b"forged")
        worker.reply(address, b"two")
        self.assertEqual(self.answer_of(client), [b"two"])
        self.assertEqual(self.client_json("stats")["totals"]["stale"], 2)

    def test_ready_while_busy_gives_the_request_to_who_is_ready(self):
        worker, client = self.worker(), self.pirate()
        client.send(b"question")
        old, _, _ = worker.request()
        worker.signal("ready")
        again, _, body = worker.request()
        self.assertEqual(body, b"question")
        self.assertNotEqual(again, old)
        worker.reply(old, b"of the past")
        worker.reply(again, b"answer")
        self.assertEqual(self.answer_of(client), [b"answer"])

    def test_two_with_the_same_identity_harm_nobody(self):
        first = self.worker(TEXT, b"A0FF-4A14")
        self.until_workers(1)
        second = self.worker(TEXT, b"A0FF-4A14")  # ZeroMQ ignores it: it hears nothing
        self.assertFalse(second.heard_heartbeat(patience=1.5))
        client = self.pirate()
        client.send(b"question")
        first.signal("heartbeat")
        address, _, _ = first.request()
        first.reply(address, b"answer")
        self.assertEqual(self.answer_of(client), [b"answer"])
        again = self.worker(TEXT, b"BBBB-0001")  # as the Guide's does after three seconds
        self.assertTrue(again.heard_heartbeat())

    def test_a_client_that_gives_up_and_asks_again_is_answered(self):
        worker, client = self.worker(), self.pirate()
        client.send(b"question")
        first, _, _ = worker.request()
        client.close()
        retry = self.pirate()
        retry.send(b"question")
        worker.reply(first, b"answer to nobody")
        address, _, body = worker.request()
        self.assertEqual(body, b"question")
        worker.reply(address, b"answer")
        self.assertEqual(self.answer_of(retry), [b"answer"])

    def test_a_request_that_nobody_serves_in_time_is_expired_and_never_answered(self):
        client = self.pirate()
        client.send(b"question")
        wait_until(lambda: self.client_json("stats")["totals"]["expired"] == 1,
                   "the request to expire")
        worker = self.worker()
        self.assertIsNone(worker.receive(patience=0.5))
        self.assertFalse(client.poll(0))

    def test_both_kinds_of_workers_and_clients_survive_a_restart_of_the_broker(self):
        self.echo(OCTET), self.echo(TEXT)
        self.until_workers(2)
        self.assertEqual(ask(self.broker.clients, b"before"), [b"before"])
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        answers = []
        client = threading.Thread(
            target=lambda: answers.append(ask(self.broker.clients, b"during", tries=20)))
        client.start()
        self.broker = self.start_broker(self.broker.endpoints)
        client.join(PATIENCE)
        self.assertEqual(answers, [[b"during"]])
        self.until_workers(2)

    def test_malformed_frames_are_counted_and_change_nothing(self):
        worker = self.worker()
        for frames in ([b"\x03"], [b"READY", b"READY"], [b"", b""], [b"token", b"x", b"y"], [b""]):
            worker.socket.send_multipart(frames)
        raw = zmq.Context.instance().socket(zmq.DEALER)
        raw.linger = 0
        raw.connect(self.broker.clients)
        self.addCleanup(raw.close)
        for frames in ([b"no delimiter"], [b""], [b"", b"two", b"bodies"]):
            raw.send_multipart(frames)
        wait_until(lambda: self.client_json("stats")["totals"]["malformed"] >= 8,
                   "all of it to be counted")
        client = self.pirate()
        client.send(b"1")
        address, _, _ = worker.request()
        worker.reply(address, b"one")
        self.assertEqual(self.answer_of(client), [b"one"])


if __name__ == "__main__":
    unittest.main()
