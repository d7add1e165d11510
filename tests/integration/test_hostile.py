"""Hostile and unlucky peers (F14, F20, F22, F23, F24): the broker lives, its memory comes back to
where it was, honest peers are served and see nothing of it."""

import random
import resource
import socket as sockets
import threading
import time

from harness import *

MAGIC = b"\xf5\x58\x42\x31"
MIB = 1 << 20
KEPT = 64 * MIB  # freed memory that the broker keeps for the next message (broker/main.cc)


def raw_dealer(endpoint, test):
    socket = zmq.Context.instance().socket(zmq.DEALER)
    socket.linger = 0
    socket.sndhwm = 0
    socket.connect(endpoint)
    test.addCleanup(socket.close)
    return socket


def address(endpoint):
    host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
    return host, int(port)


class Flood(threading.Thread):
    """Does something again and again until it is stopped; counts how often."""

    def __init__(self, act):
        super().__init__(daemon=True)
        self.act, self.count, self.ends = act, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ends.is_set():
            self.act()
            self.count += 1

    def stop(self):
        self.ends.set()
        self.join()


class Hostile(WithBroker):
    def memory(self):
        """Resident octets of the broker."""
        with open(f"/proc/{self.broker.pid}/statm") as file:
            return int(file.read().split()[1]) * resource.getpagesize()

    def cpu_seconds(self):
        with open(f"/proc/{self.broker.pid}/stat") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def totals(self):
        return self.client_json("stats")["totals"]

    def assert_alive(self):
        self.assertIsNone(self.broker.process.poll(), "\n".join(self.broker.err[-5:]))

    def assert_serves(self):
        """An honest client's task goes through an honest worker."""
        worker = RawWorker(self.broker.workers, name="honest", kinds=("honest",))
        client = RawClient(self.broker.clients)
        client.submit({0: new_id(), 1: "honest", 2: b"question"}, wait=True)
        (task, fence), = worker.assignments()
        worker.done(task, fence, b"answer")
        self.assertEqual(client.receive(OUTCOMES).body[0][0][3], b"answer")
        worker.send(BYE, {})
        worker.close()
        client.close()

    def until_memory_is_back(self, before, room=KEPT + 16 * MIB):
        wait_until(lambda: self.memory() < before + room,
                   f"memory to come back to {before >> 20} MiB; it is at {self.memory() >> 20}")


class Malformed(Hostile):
    def test_frames_and_bodies_of_every_kind_on_all_three_ports(self):  # F23
        dice = random.Random(7)
        header = MAGIC + bytes([1, 0, 2, 0]) + bytes(24)

        def frames():
            kind = dice.randrange(6)
            if kind == 0:  # noise
                return [dice.randbytes(dice.randrange(64)) for _ in range(dice.randrange(1, 8))]
            if kind == 1:  # a header with another type, version, flags or count
                changed = bytearray(header)
                changed[dice.randrange(4, 32)] = dice.randrange(256)
                return [b"", bytes(changed), dice.randbytes(dice.randrange(80))]
            if kind == 2:  # a body cut off, or with something behind it
                body = msgpack.packb({0: [{0: bytes(16), 1: "k"}] * 3, 1: True})
                submit = header[:6] + bytes([16]) + header[7:]
                return [b"", submit, body[:dice.randrange(len(body))] + dice.randbytes(2)]
            if kind == 3:  # empty frames
                return [b""] * dice.randrange(1, 40)
            if kind == 4:  # lengths that promise more than there is
                return [b"", header, b"\xdf\xff\xff\xff\xff" + dice.randbytes(8)]
            return [b"", header[:dice.randrange(32)]]

        watcher = zmq.Context.instance().socket(zmq.XSUB)  # a SUB that sends what it likes
        watcher.linger = 0
        watcher.connect(self.broker.updates)
        self.addCleanup(watcher.close)
        peers = [raw_dealer(self.broker.clients, self), raw_dealer(self.broker.workers, self),
                 watcher]
        for _ in range(3000):
            for peer in peers:
                peer.send_multipart(frames())
                while peer.poll(0):
                    peer.recv_multipart()
        self.assert_serves()
        self.assert_alive()
        totals = self.totals()
        self.assertGreater(totals["malformed"], 1000)
        self.assertEqual(len(self.client_json("list")), 1)
        self.assertLess(len(self.broker.err), 50, "the log grows with what strangers send")

    def test_octets_that_are_not_zmtp(self):
        for endpoint in self.broker.endpoints:
            for noise in (b"GET / HTTP/1.1\r\n\r\n", bytes(range(256)) * 64, b"\xff" * 65):
                with sockets.create_connection(address(endpoint)) as peer:
                    peer.sendall(noise)
        self.assert_serves()
        self.assert_alive()

    def test_messages_over_the_limits(self):
        client = RawClient(self.broker.clients)
        before = self.memory()
        refused = client.ask(SUBMIT, {0: [{0: new_id(), 1: "k", 2: 0}]}, SUBMITTED,
                             [b"x" * (16 * MIB + 1)])
        self.assertEqual(refused.body[0][0][0], 2)  # that item alone
        many = client.ask(SUBMIT, {0: [{0: new_id(), 1: "k"} for _ in range(4097)]}, SUBMITTED)
        self.assertEqual((many.type, many.body[1]), (ERROR, "too_large"))
        frames = client.ask(SUBMIT, {0: [{0: new_id(), 1: "k"}]}, SUBMITTED, [b"x"] * 1025)
        self.assertEqual((frames.type, frames.body[1]), (ERROR, "too_large"))
        # A frame beyond the largest limit ends the connection; nothing of it is kept.
        huge = raw_dealer(self.broker.clients, self)
        huge.send_multipart([b"", MAGIC + bytes(28), b"x" * (40 * MIB)])
        self.assert_serves()
        self.assertEqual(self.totals()["submitted"], 1)
        client.close()
        self.until_memory_is_back(before)


class Floods(Hostile):
    def flood(self, act):
        flood = Flood(act)
        self.addCleanup(flood.stop)
        return flood

    def test_of_hellos_heartbeats_empty_frames_and_subscriptions(self):  # F22
        before = self.memory()
        hellos = raw_dealer(self.broker.clients, self)
        pings = RawClient(self.broker.clients)
        empty = raw_dealer(self.broker.workers, self)
        ready = raw_dealer(self.broker.workers, self)
        watcher = zmq.Context.instance().socket(zmq.SUB)
        watcher.linger = 0
        watcher.connect(self.broker.updates)
        self.addCleanup(watcher.close)
        hello = msgpack.packb({2: 1, 3: 1})
        header = MAGIC + bytes([1, 0, 2, 0]) + bytes(7) + b"\1" + bytes(16)

        def hello_again():
            for _ in range(50):
                hellos.send_multipart([b"", header, hello])
            while hellos.poll(0):
                hellos.recv_multipart()

        def ping_again():
            for _ in range(50):
                pings.send(PING, {})
            while pings.socket.poll(0):
                pings.socket.recv_multipart()

        def subscribe_again():
            topic = os.urandom(24).hex().encode()
            watcher.subscribe(topic)
            watcher.unsubscribe(topic)

        def ready_again():
            ready.send(b"\x01")
            while ready.poll(0):
                ready.recv_multipart()

        floods = [self.flood(act) for act in
                  (hello_again, ping_again, subscribe_again, ready_again,
                   lambda: empty.send_multipart([b""] * 30))]
        for _ in range(20):
            self.assert_serves()
        for flood in floods:
            flood.stop()
            self.assertGreater(flood.count, 0)
        self.assert_alive()
        totals = self.totals()
        self.assertEqual(totals["submitted"], 20)
        self.assertEqual(totals["succeeded"], 20)
        self.assertLess(len(self.broker.err), 1000)
        self.until_memory_is_back(before)

    def test_of_tiny_submits_is_refused_where_the_memory_ends_and_drains_again(self):  # L4, F21
        for name, limit in (("memory", ("--durability", "none", "--memory", "1MiB")),
                            ("tasks", ("--tasks-max", "5000"))):
            with self.subTest(limit):
                self.expect_refused_and_drained(Broker(self.path(name), *limit))

    def expect_refused_and_drained(self, broker):
        self.broker.kill()
        self.broker = broker
        self.addCleanup(self.broker.kill)
        client = RawClient(self.broker.clients)
        statuses = [item.get(0, 0) for _ in range(20) for item in client.submit(
            *({0: new_id(), 1: "k"} for _ in range(500))).body[0]]
        self.assertIn(2, statuses)
        accepted = statuses.count(0)
        self.assertEqual(self.totals()["submitted"], accepted)
        worker = RawWorker(self.broker.workers, kinds=("k",), credit=8192)
        done = 0
        while done < accepted:
            for task, fence in worker.assignments():
                worker.done(task, fence, b"")
                done += 1
        client.ask(CANCEL, {2: True}, CANCELLED)
        self.assertEqual(self.totals()["succeeded"], accepted)


class Connections(Hostile):
    def test_that_say_nothing_are_let_go(self):
        before = self.memory()
        silent = [sockets.create_connection(address(self.broker.clients)) for _ in range(200)]
        self.assert_serves()
        for peer in silent:  # the broker closes them: their handshake never came
            peer.settimeout(PATIENCE)
            while peer.recv(1024):
                pass
            peer.close()
        self.until_memory_is_back(before)

    def test_thousands_opened_and_closed_leave_nothing(self):
        worker = RawWorker(self.broker.workers, kinds=("honest",))
        descriptors = f"/proc/{self.broker.pid}/fd"
        before, memory = len(os.listdir(descriptors)), None
        for turn in range(30):
            peers = [RawPeer(self.broker.clients) for _ in range(100)]
            for peer in peers:
                peer.hello({0: 0})
            for peer in peers:
                peer.close()
            memory = memory or self.memory()
        self.assert_serves_with(worker)
        wait_until(lambda: len(os.listdir(descriptors)) <= before + 5,
                   "the descriptors of those that left to be closed")
        self.assertLess(self.memory(), memory + 64 * MIB)

    def assert_serves_with(self, worker):
        client = RawClient(self.broker.clients)
        client.submit({0: new_id(), 1: "honest"}, wait=True)
        while True:
            message = worker.receive(ASSIGN, ERROR)
            if message.type == ERROR:  # it was silent for longer than a worker may be
                worker.introduce()
                continue
            worker.done(message.body[0][0][0], message.body[0][0][1])
            break
        self.assertEqual(client.receive(OUTCOMES).body[0][0][2], 4)

    def test_beyond_the_limit_on_open_files_close_the_door_for_a_while(self):  # F24
        self.broker.kill()
        self.broker = Broker(self.path("data"), before="ulimit -n 300;")
        self.addCleanup(self.broker.kill)
        client = RawClient(self.broker.clients)
        peers = []
        self.addCleanup(lambda: [peer.close() for peer in peers])

        def has_closed():
            try:
                peers.append(sockets.create_connection(address(self.broker.workers), timeout=1))
            except OSError:
                pass
            return self.broker.has_logged("no file descriptor is left")
        wait_until(has_closed, "the broker to run out of descriptors")
        began, cpu = time.monotonic(), self.cpu_seconds()

        def has_opened_again():  # it serves those it has meanwhile, and does not spin
            client.ask(PING, {}, PONG)
            return self.broker.has_logged("is open again")
        wait_until(has_opened_again, "the broker to look for descriptors again")
        self.assertLess(self.cpu_seconds() - cpu, 0.5 * (time.monotonic() - began))
        for peer in peers:
            peer.close()
        wait_until(lambda: self.client("stats")[0] == 0, "new peers to be served again")

    def test_too_few_files_are_said_at_the_start(self):  # F24
        broker = Program("xebec-broker", "--data", self.path("other"), before="ulimit -n 100;")
        self.assertEqual(broker.wait(), 1)
        self.assertRegex(broker.err[-1], "only 100 files may be open.*ulimit -n")


class Readers(Hostile):
    def submit_large(self, client, count, octets):
        client.ask(SUBMIT, {0: [{0: new_id(), 1: "k", 2: index} for index in range(count)]},
                   SUBMITTED, [bytes([65 + index % 26]) * octets for index in range(count)])

    def test_that_ask_for_lists_and_read_none_of_them(self):  # F20
        client = RawClient(self.broker.clients)
        client.submit(*({0: new_id(), 1: "k"} for _ in range(2000)))
        before = self.memory()
        peers = [RawClient(self.broker.clients) for _ in range(3)]
        for _ in range(2000):
            for peer in peers:
                peer.send(LIST, {2: 1000})
        for _ in range(20):
            self.assertIsNotNone(client.state(1))
        wait_until(lambda: self.totals()["refused"] > 0, "the broker to refuse more of it")
        most = self.memory() - before
        self.assertLess(most, 3 * 48 * MIB)
        for peer in peers:
            peer.close()
        self.until_memory_is_back(before)

    def test_that_do_not_read_their_assignments(self):  # F20
        client = RawClient(self.broker.clients)
        stalled = RawWorker(self.broker.workers, name="stalled", kinds=("k",), credit=1000)
        self.submit_large(client, 32, MIB)
        self.assert_serves()
        wait_until(lambda: len(self.workers()) == 0, "the silent worker to be lost")
        other = RawWorker(self.broker.workers, name="other", kinds=("k",), credit=1000)
        seen = set()
        while len(seen) < 32:
            for task, fence in other.assignments():
                other.done(task, fence)
                seen.add(task)
        stalled.close()

    def test_that_do_not_read_updates_miss_some_and_harm_nobody(self):  # F20
        watcher = zmq.Context.instance().socket(zmq.SUB)
        watcher.linger = 0
        watcher.rcvhwm = 1
        watcher.connect(self.broker.updates)
        watcher.subscribe(b"")
        self.addCleanup(watcher.close)
        before = self.memory()
        client = RawClient(self.broker.clients)
        for _ in range(100):
            client.submit(*({0: new_id(), 1: "k", 8: 1} for _ in range(200)))
        self.assert_serves()
        self.assertLess(self.memory() - before, 64 * MIB)


class Text(Hostile):
    """Names, texts and payloads with every kind of octet, through every program's output."""

    NASTY = "\x1b]0;owned\x07\x1b[2J\r\n\t\x00\x7f\u202e\u009b31m"

    def test_of_failures_is_escaped_wherever_it_is_shown(self):
        monitor = self.watch()
        self.until_listening(monitor)
        worker = RawWorker(self.broker.workers, kinds=("k",))
        client = RawClient(self.broker.clients)
        client.submit({0: new_id(), 1: "k", 9: 1}, wait=True)
        (task, fence), = worker.assignments()
        worker.ask(FAIL, {0: [{0: task, 1: fence, 2: {0: self.NASTY, 1: self.NASTY}}]},
                   FAIL_ANSWER)
        self.until_state("last", "dead")
        wait_until(lambda: any("dead" in line for line in monitor.out), "the monitor to show it")
        shown = ["\n".join(self.broker.err), "\n".join(monitor.out)]
        for command in (["status", "last"], ["list"], ["result", "last"], ["workers"]):
            _, out, err = self.client(*command)
            shown += [out, err]
        for text in shown:
            for control in "\x1b\x07\x00\x7f\u009b\u202e\r":
                self.assertNotIn(control, text)
        dead = self.client("list", "--state", "dead")[1].splitlines()
        self.assertEqual(len(dead), 2)  # the table's head and one task

    def test_of_names_is_refused(self):
        peer = RawPeer(self.broker.workers)
        for name in ("\x1b[31m", "a b", "", "x" * 129, "\u00e9"):
            refused = peer.ask(HELLO, {0: 1, 1: name, 2: 1, 3: 1, 6: ["k"], 8: 1}, WELCOME)
            self.assertEqual(refused.type, ERROR, repr(name))
        client = RawClient(self.broker.clients)
        for item in ({1: "a b"}, {1: "k", 4: "a.b"}, {1: "\n"}, {1: "k" * 49}):
            status = client.submit({0: new_id(), **item}).body[0][0]
            self.assertEqual(status[0], 2, item)

    def test_of_payloads_passes_unchanged(self):
        octets = bytes(range(256)) * 8
        worker = RawWorker(self.broker.workers, kinds=("k",))
        client = RawClient(self.broker.clients)
        client.submit({0: new_id(), 1: "k", 2: octets}, wait=True)
        assigned = worker.receive(ASSIGN)
        self.assertEqual(assigned.payloads, [octets])
        item, = assigned.body[0]
        worker.ask(DONE, {0: [{0: item[0], 1: item[1], 2: 0}]}, DONE_ANSWER, [octets])
        self.assertEqual(client.receive(OUTCOMES).payloads, [octets])


if __name__ == "__main__":
    unittest.main()
