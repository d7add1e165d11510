"""How much a broker holds for a client that asks and hears nothing (F14). With a sanitizer a process
takes several times the memory, so this is for release builds."""

from link import DOWN
from ledger import *
from test_links import Links


class Owed(Links):
    BROKER_ARGUMENTS = ("--memory", "1MiB")  # results are read from the disk for whoever asks

    def memory(self):
        return self.client_json("stats")["resources"]["resident_octets"]

    def test_what_a_client_asks_for_and_never_hears_is_bounded(self):  # F14 F20, I18
        client, other = RawClient(self.to_clients_port.endpoint), RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers, kinds=["k"])
        tasks = [new_id() for _ in range(20)]
        other.submit(*({0: task, 1: "k"} for task in tasks))
        for _ in tasks:
            [(task, fence)] = worker.assignments()
            worker.ask(DONE, {0: [{0: task, 1: fence, 2: 0}]}, DONE_ANSWER, [task * 65536])
        before = self.memory()
        self.to_clients_port.cut(DOWN)
        for n in range(200):
            wish = {0: [tasks[n % len(tasks)]], 2: True}
            client.send(QUERY, wish)
            other.ask(QUERY, wish, QUERIED)  # so that the one before has been answered
        wait_until(lambda: self.totals()["refused"] > 100, "the broker to refuse more of it")
        self.assertLess(self.memory() - before, 64 << 20)
        self.to_clients_port.heal()
        wait_until(lambda: client.ask(QUERY, {0: [tasks[0]], 2: True}, QUERIED).type == QUERIED,
                   "the client to be answered again")


if __name__ == "__main__":
    unittest.main()
