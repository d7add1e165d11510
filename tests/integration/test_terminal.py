"""What programs do on a terminal: they show progress, ask before they change many, and paint."""

import os
import pty
import select
import subprocess
import time
import unittest

from harness import BIN, PATIENCE, WithBroker, wait_until


class OnTerminal:
    """A program whose standard streams are a terminal; what it shows is collected."""

    def __init__(self, name, *args, env=None):
        self.shown = ""
        self.terminal, its_end = pty.openpty()
        self.process = subprocess.Popen(
            [os.path.join(BIN, name), *args], stdin=its_end, stdout=its_end, stderr=its_end,
            close_fds=True, env={**os.environ, "TERM": "xterm", **(env or {})})
        os.close(its_end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        os.close(self.terminal)

    def write(self, text):
        os.write(self.terminal, text.encode())

    def read(self):
        """False at the end."""
        if not select.select([self.terminal], [], [], 0.05)[0]:
            return True
        try:
            octets = os.read(self.terminal, 65536)
        except OSError:  # nobody has the other end any more
            return False
        self.shown += octets.decode(errors="replace")
        return bool(octets)

    def until_shown(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.shown:
            if not self.read() or time.monotonic() > end:
                raise AssertionError(f"waited in vain for {text!r}; it showed {self.shown!r}")

    def until_end(self):
        end = time.monotonic() + PATIENCE
        while self.read():
            if time.monotonic() > end:
                raise AssertionError(f"it does not end; it showed {self.shown!r}")
        return self.process.wait(PATIENCE)


class Terminal(WithBroker):
    def client_on_terminal(self, *args):
        return OnTerminal("xebec-client", "--broker", self.broker.clients, *args)

    def submit_nights(self):
        for _ in range(2):
            self.submit("echo", "hi", "--queue", "nights")

    def count(self, state):
        return len(self.client_json("list", "--queue", "nights", "--state", state))

    def test_a_bulk_change_asks_first(self):
        self.submit_nights()
        with self.client_on_terminal("cancel", "--queue", "nights", "--all") as program:
            program.until_shown("2 tasks match")
            program.until_shown("cancel them all? [y/N] ")
            program.write("n\n")
            status = program.until_end()
            self.assertIn("nothing was changed", program.shown)
        self.assertEqual((status, self.count("ready")), (1, 2))

        with self.client_on_terminal("cancel", "--queue", "nights", "--all") as program:
            program.until_shown("[y/N] ")
            program.write("y\n")
            status = program.until_end()
            self.assertIn("cancelled 2 tasks", program.shown)
        self.assertEqual((status, self.count("cancelled")), (0, 2))

    def test_a_batch_shows_how_far_it_is(self):
        self.start_workers(*self.held())
        with open(self.path("tasks.jsonl"), "w") as batch:
            batch.write('{"kind": "echo", "args": [1]}\n{"kind": "held"}\n')
        with self.client_on_terminal("submit", "--batch", self.path("tasks.jsonl"),
                                     "--wait") as program:
            program.until_shown("submitted 2 tasks, 0 refused; 1 succeeded, 0 failed")
            self.let_go()
            status = program.until_end()
            self.assertTrue(program.shown.endswith(
                "\r\x1b[Ksubmitted 2 tasks, 0 refused; 2 succeeded, 0 failed\r\n"), program.shown)
        self.assertEqual(status, 0)

    def watch_on_terminal(self, **more):
        with OnTerminal("xebec-monitor", "--broker", self.broker.clients, "--updates",
                        self.broker.updates, "--count", "1", **more) as program:
            wait_until(lambda: self.submit("echo", "hi") and program.read() and program.shown,
                       "a line of the monitor")
            self.assertEqual(program.until_end(), 0, program.shown)
            return program.shown

    def test_the_monitor_paints_unless_it_is_told_not_to(self):
        self.assertIn("\x1b[", self.watch_on_terminal())
        for plain in ({"NO_COLOR": "1"}, {"TERM": "dumb"}):
            shown = self.watch_on_terminal(env=plain)
            self.assertIn("echo", shown)
            self.assertNotIn("\x1b[", shown)


class Logs(WithBroker):
    def start_broker(self, endpoints=None, **more):
        with open(self.path("broker.log"), "w") as log:
            log.write("x" * (10 * 1024 * 1024 - 20))
        self.BROKER_ARGUMENTS = ("--log-file", self.path("broker.log"))
        return super().start_broker(endpoints, **more)

    def test_a_full_log_file_makes_way_for_another(self):
        wait_until(lambda: os.path.exists(self.path("broker.1.log")), "the old file's new name")
        self.assertEqual(os.path.getsize(self.path("broker.1.log")), 10 * 1024 * 1024 - 20)
        self.assertLess(os.path.getsize(self.path("broker.log")), 10_000)


if __name__ == "__main__":
    unittest.main()
