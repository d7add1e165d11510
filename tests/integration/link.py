"""A way to the broker that a test can interrupt, as a network does: nothing arrives any more, and
nobody is told."""

import socket
import threading

UP, DOWN = "to the broker", "from the broker"
HELD_MAX = 1 << 16  # then the sender's own buffers fill, as they do when nobody acknowledges


class Flow:
    """One direction of one connection: a thread that takes in, and one that passes on."""

    def __init__(self, link, direction, source, sink):
        self.link, self.direction, self.source, self.sink = link, direction, source, sink
        self.held, self.has_ended, self.is_forgotten = bytearray(), False, False
        for act in (self.take_in, self.pass_on):
            threading.Thread(target=act, daemon=True).start()

    def take_in(self):
        octets = True
        while octets:
            try:
                octets = self.source.recv(HELD_MAX)
            except OSError:
                octets = b""
            with self.link.changed:
                self.held += octets
                self.has_ended = not octets
                self.link.changed.notify_all()
                self.link.changed.wait_for(
                    lambda: len(self.held) < HELD_MAX or self.link.is_closed)

    def pass_on(self):
        while True:
            with self.link.changed:
                self.link.changed.wait_for(self.may_pass)
                octets, ends = bytes(self.held), self.has_ended or self.link.is_closed
                self.held.clear()
                self.link.changed.notify_all()
            try:
                self.sink.sendall(octets)
                if ends:
                    self.sink.shutdown(socket.SHUT_WR)
            except OSError:
                ends = True
            if ends:
                return

    def may_pass(self):
        is_due = self.held or self.has_ended
        return self.link.is_closed or (is_due and not self.is_forgotten
                                       and self.direction not in self.link.cuts)


class Link:
    """Forwards TCP connections to an endpoint of the broker, each direction by itself."""

    def __init__(self, endpoint):
        self.target = ("127.0.0.1", int(endpoint.rsplit(":", 1)[1]))
        self.changed = threading.Condition()
        self.cuts, self.flows, self.sockets, self.is_closed = set(), [], [], False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connect, args=(peer,), daemon=True).start()

    def connect(self, peer):
        with self.changed:
            self.sockets.append(peer)
            self.changed.wait_for(lambda: UP not in self.cuts or self.is_closed)
            if self.is_closed:
                return
            try:
                broker = socket.create_connection(self.target)
            except OSError:
                peer.close()
                return
            self.sockets.append(broker)
            for side in (peer, broker):
                side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.flows += [Flow(self, UP, peer, broker), Flow(self, DOWN, broker, peer)]

    def cut(self, *directions):
        """From now on nothing arrives there, neither octets nor that somebody has closed."""
        with self.changed:
            self.cuts |= set(directions or (UP, DOWN))

    def heal(self):
        """What was held arrives now, late."""
        with self.changed:
            self.cuts.clear()
            self.changed.notify_all()

    def forget(self):
        """The connections there are stay silent for ever; new ones work."""
        with self.changed:
            for flow in self.flows:
                flow.is_forgotten = True
            self.cuts.clear()
            self.changed.notify_all()

    def holds(self, octets, direction=UP):
        """Whether they are under way, and do not arrive."""
        with self.changed:
            return any(octets in flow.held for flow in self.flows if flow.direction == direction)

    def close(self):
        with self.changed:
            self.is_closed = True
            self.changed.notify_all()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for side in self.sockets:
            try:
                side.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # its peer was first
            side.close()


__all__ = ["Link", "UP", "DOWN"]
