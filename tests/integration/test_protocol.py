"""The broker in raw frames, as docs/protocol.md says."""

import os
import unittest

import harness as h
from harness import RawClient, RawPeer, RawWorker, WithBroker, new_id


def item(task=None, kind="add", **more):
    return {0: task or new_id(), 1: kind, 2: b"[2,3]", 3: 1, **more}


class Sessions(WithBroker):
    def test_a_request_without_a_session_is_told_to_say_hello(self):
        peer = RawPeer(self.broker.clients)
        answer = peer.ask(h.QUERY, {0: [1]}, h.QUERIED)
        self.assertEqual((answer.type, answer.body[1]), (h.ERROR, "not_registered"))
        self.assertGreater(answer.body[5], 0)

    def test_a_session_belongs_to_its_connection(self):
        owner, thief = RawClient(self.broker.clients), RawPeer(self.broker.clients)
        thief.session = owner.session
        answer = thief.ask(h.QUERY, {0: [1]}, h.QUERIED)
        self.assertEqual(answer.body[1], "not_registered")
        self.assertEqual(owner.ask(h.QUERY, {0: [1]}, h.QUERIED).type, h.QUERIED)

    def test_roles_have_their_own_ports(self):
        peer = RawPeer(self.broker.clients)
        self.assertEqual(peer.hello({0: 1, 1: "w", 6: ["add"], 8: 1}).type, h.ERROR)

    def test_versions_that_are_not_spoken_are_refused_legibly(self):  # F25
        peer = RawPeer(self.broker.clients)
        answer = peer.ask(h.HELLO, {2: 7, 3: 9}, h.WELCOME)
        self.assertEqual(answer.type, h.ERROR)

    def test_nonsense_changes_nothing(self):  # F23
        client = RawClient(self.broker.clients)
        noise = RawPeer(self.broker.clients)
        for frames in ([b""], [b"", b""], [b"hello"], [b"", b"\xf5XB1"], [b"", b"\xf5XB1" + b"\0" * 28],
                       [b"", b"\xf5XB1" + b"\xff" * 28, b"\xc1"], [b""] * 50):
            noise.socket.send_multipart(frames)
        noise.send(h.SUBMIT, {0: "not a list"})
        self.assertEqual(noise.receive(h.ERROR, patience=10).type, h.ERROR)

        self.assertEqual(client.submit(item()).body[0][0].get(0, 0), 0)
        figures = client.ask(h.STATS, {}, h.STATS_ANSWER).body[0]
        self.assertGreater(figures[3][13], 0)
        # Two of them may be a plain client's, who gets no task that anybody sees.
        self.assertEqual(len(client.ask(h.LIST, {}, h.LISTED).body[0]), 1)


class Submitting(WithBroker):
    def test_each_item_of_a_batch_is_judged_alone(self):
        client = RawClient(self.broker.clients)
        task = new_id()
        answer = client.submit(item(task), item(task), item(task, kind="sub"), item(kind="no spaces"),
                               item(**{}), {**item(), 5: 12})
        statuses = [(status.get(0, 0), status.get(2, {}).get(0, 0)) for status in answer.body[0]]
        self.assertEqual(statuses, [(0, 0), (1, 0), (2, 11), (2, 8), (0, 0), (2, 9)])

    def test_too_many_items_are_refused_whole(self):
        client = RawClient(self.broker.clients)
        answer = client.submit(*[item() for _ in range(4097)])
        self.assertEqual((answer.type, answer.body[1]), (h.ERROR, "too_large"))
        figures = client.ask(h.STATS, {}, h.STATS_ANSWER).body[0]
        self.assertEqual(figures[3].get(0, 0), 0)

    def test_an_id_from_the_future_is_refused(self):
        client = RawClient(self.broker.clients)
        future = bytearray(new_id())
        future[0] += 1
        answer = client.submit(item(bytes(future)))
        self.assertEqual(answer.body[0][0][2][0], 13)


class Working(WithBroker):
    def test_results_reach_the_one_who_waits(self):
        client, other = RawClient(self.broker.clients), RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers)
        task = new_id()
        client.submit(item(task), wait=True)
        [(assigned, fence)] = worker.assignments()
        self.assertEqual(assigned, task)

        self.assertEqual(worker.done(task, fence).body[0], [h.ACCEPTED])

        outcome = client.receive(h.OUTCOMES).body
        self.assertEqual((outcome[0][0][0], outcome[0][0][3], outcome[1]), (task, b"5", 1))
        self.assertFalse(other.socket.poll(200))

    def test_large_payloads_travel_in_frames_of_their_own(self):
        client = RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers)
        task, payload, result = new_id(), b"\x00\xff" * 500_000, b"r" * 3_000_000
        client.ask(h.SUBMIT, {0: [{0: task, 1: "add", 2: 0}], 1: True}, h.SUBMITTED, [payload])
        message = worker.receive(h.ASSIGN)
        self.assertEqual(message.payloads[message.body[0][0][5]], payload)

        worker.ask(h.DONE, {0: [{0: task, 1: message.body[0][0][1], 2: 0}]}, h.DONE_ANSWER, [result])

        outcome = client.receive(h.OUTCOMES)
        self.assertEqual(outcome.payloads[outcome.body[0][0][3]], result)

    def test_a_done_is_accepted_once_and_only_under_its_lease(self):  # I7, I9
        client = RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers)
        task = new_id()
        client.submit(item(task))
        [(_, fence)] = worker.assignments()

        self.assertEqual(worker.done(task, fence + 1).body[0], [h.STALE])
        self.assertEqual(worker.done(task, fence).body[0], [h.ACCEPTED])
        self.assertEqual(worker.done(task, fence, b"6").body[0], [h.REPEAT])
        self.assertEqual(worker.done(new_id(), fence).body[0], [h.UNKNOWN])

    def test_tasks_are_spread_before_anyone_gets_two(self):
        workers = [RawWorker(self.broker.workers, f"w{n}", credit=10) for n in range(3)]
        client = RawClient(self.broker.clients)
        client.submit(*[item() for _ in range(3)])
        self.assertEqual([len(worker.assignments()) for worker in workers], [1, 1, 1])

    def test_higher_priorities_go_first(self):
        client = RawClient(self.broker.clients)
        tasks = {priority: new_id() for priority in (0, 9, 5)}
        client.submit(*[{**item(task), 5: priority} for priority, task in tasks.items()])
        worker = RawWorker(self.broker.workers, credit=3)
        self.assertEqual([task for task, _ in worker.assignments()],
                         [tasks[9], tasks[5], tasks[0]])

    def test_a_lost_worker_pays_only_for_what_it_can_have_started(self):  # I12
        client = RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers, "victim", slots=1, credit=3)
        tasks = [new_id() for _ in range(3)]
        client.submit(*[item(task) for task in tasks])
        self.assertEqual(len(worker.assignments()), 3)
        worker.close()
        h.wait_until(lambda: client.state(tasks[0]) == "ready", "the worker to be missed")

        other = RawWorker(self.broker.workers, "heir", slots=3)
        attempts = [entry[7] for entry in other.receive(h.ASSIGN).body[0]]
        self.assertEqual(attempts, [2, 1, 1])

    def test_a_worker_that_reconnects_keeps_its_leases(self):
        client = RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers, "mover")
        task = new_id()
        client.submit(item(task), wait=True)
        [(_, fence)] = worker.assignments()

        again = RawWorker(self.broker.workers, "mover", held=[(task, fence)],
                          previous=worker.session)
        self.assertEqual(again.welcome.body[5], [30_000])
        self.assertEqual(again.done(task, fence).body[0], [h.ACCEPTED])
        self.assertEqual(worker.ask(h.PING, {}, h.PONG).body[1], "not_registered")  # I17

    def test_a_cancelled_attempt_is_revoked_and_holds_its_slot_until_answered(self):
        client = RawClient(self.broker.clients)
        worker = RawWorker(self.broker.workers)
        first, second = new_id(), new_id()
        client.submit(item(first), item(second))
        [(_, fence)] = worker.assignments()

        answer = client.ask(h.CANCEL, {0: [first]}, h.CANCELLED)
        self.assertEqual(answer.body[0][0].get(0, 0), 0)
        revoked = worker.receive(h.REVOKE).body[0][0]
        self.assertEqual((revoked[0], revoked[1]), (first, fence))
        self.assertEqual(client.state(second), "ready")

        worker.ask(h.RELEASE, {0: [{0: first, 1: fence}]}, h.RELEASE_ANSWER)
        self.assertEqual([task for task, _ in worker.assignments()], [second])
        self.assertEqual(client.state(first), "cancelled")

    def test_an_idle_worker_gets_what_another_has_not_started(self):
        client = RawClient(self.broker.clients)
        slow = RawWorker(self.broker.workers, "slow", credit=4)
        tasks = [new_id() for _ in range(4)]
        client.submit(*[item(task) for task in tasks])
        fences = dict(slow.assignments())
        idle = RawWorker(self.broker.workers, "idle")

        recalled = [(lease[0], lease[1]) for lease in slow.receive(h.RECALL).body[0]]
        self.assertEqual(recalled, [(tasks[3], fences[tasks[3]])])
        slow.ask(h.RELEASE, {0: [{0: tasks[3], 1: fences[tasks[3]]}]}, h.RELEASE_ANSWER)
        self.assertEqual([task for task, _ in idle.assignments()], [tasks[3]])

    def test_the_broker_says_good_bye(self):
        worker, client = RawWorker(self.broker.workers), RawClient(self.broker.clients)
        client.submit(item(kind="nobody"), wait=True)
        self.broker.process.terminate()

        self.assertEqual(worker.receive(h.BYE).body[0], "shutting_down")
        self.assertEqual(client.receive(h.ERROR).body[1], "shutting_down")
        self.assertEqual(client.receive(h.BYE).body[0], "shutting_down")
        self.assertEqual(self.broker.wait(), 0)


class Showing(WithBroker):
    def test_a_worker_is_shown_with_what_its_pings_said_and_what_it_did(self):
        worker, client = RawWorker(self.broker.workers), RawClient(self.broker.clients)

        def shown():
            return client.ask(h.WORKERS, {1: True}, h.WORKERS_ANSWER).body[0][0]

        resources = {0: 420, 1: 5 << 30, 2: 16 << 30, 6: [{0: "Tesla", 1: 900}]}
        self.assertNotIn(15, shown())
        worker.ask(h.PING, {0: resources}, h.PONG)
        client.submit(item())
        worker.done(*worker.assignments()[0])

        self.assertEqual(shown()[15], resources)
        recent = shown()[16]
        self.assertEqual([(attempt[0], attempt[1], attempt[4]) for attempt in recent],
                         [(1, "add", h.STATES.index("succeeded"))])

    def test_a_worker_tells_what_its_machine_uses(self):
        program = self.path("nvidia-smi")
        with open(program, "w") as script:
            script.write("#!/bin/sh\necho 'Tesla, 5, 1, 2'\n")
        os.chmod(program, 0o755)
        path = self.folder.name + ":" + os.environ["PATH"]
        self.start_workers(count=2, env={"PATH": path})
        client = RawClient(self.broker.clients)

        def resources():
            views = client.ask(h.WORKERS, {}, h.WORKERS_ANSWER).body[0]
            return sorted((view.get(15, {}) for view in views), key=lambda one: 6 not in one)

        first, second = h.wait_until(lambda: 6 in (seen := resources())[0] and 2 in seen[1] and seen,
                                     "both to have told")
        self.assertEqual(first[6], [{0: "Tesla", 1: 50, 2: 1 << 20, 3: 2 << 20}])
        self.assertNotIn(6, second, "one of them is enough")
        self.assertGreater(first[2], first[1])
        self.assertGreaterEqual(first[4], first[3])
        self.assertGreater(first[5], 0)

    def test_figures_say_what_the_broker_uses(self):
        client = RawClient(self.broker.clients)
        resources = client.ask(h.STATS, {}, h.STATS_ANSWER).body[0][8]
        self.assertGreater(resources[0], 1 << 20)
        self.assertGreaterEqual(resources[2], 64 << 20)
        self.assertGreater(resources[4], resources[3])
        self.assertEqual(resources[5], 256 << 20)
        self.assertNotIn(6, resources)

    def test_lists_by_error_id_and_time(self):
        worker, client = RawWorker(self.broker.workers), RawClient(self.broker.clients)
        tasks = [new_id(), new_id()]
        client.submit(*map(item, tasks))
        task, fence = worker.assignments()[0]
        worker.ask(h.FAIL, {0: [{0: task, 1: fence, 2: {0: "exit_1", 1: "no such disk"}, 3: True}]},
                   h.FAIL_ANSWER)

        def listed(body):
            return [view[1] for view in client.ask(h.LIST, {0: body}, h.LISTED).body.get(0, [])]

        self.assertEqual(listed({4: "such"}), [tasks[0]])
        self.assertEqual(listed({5: tasks[1].hex()}), [tasks[1]])
        self.assertEqual(listed({6: 1}), [tasks[1], tasks[0]])
        self.assertEqual(listed({7: 1}), [])
        self.assertEqual(client.ask(h.LIST, {0: {5: "xyz"}}, h.LISTED).body[1], "bad_value")

    def test_a_task_tells_of_its_failed_attempts_after_a_restart_too(self):
        task, client = new_id(), RawClient(self.broker.clients)
        client.submit(item(task))
        lost = RawWorker(self.broker.workers, "lost")
        lost.assignments()
        lost.close()
        worker = RawWorker(self.broker.workers, "patient")
        task, fence = worker.assignments()[0]
        worker.ask(h.FAIL, {0: [{0: task, 1: fence, 2: {0: "exit_1", 1: "no disk"}, 3: True}]},
                   h.FAIL_ANSWER)

        def history(client):
            view = client.ask(h.QUERY, {0: [task]}, h.QUERIED).body[0][0][1]
            return [(attempt[0], attempt[2], h.STATES[attempt.get(5, 0)], attempt[6])
                    for attempt in view[18]]

        expected = [(1, "lost", "ready", "worker_lost"), (2, "patient", "dead", "exit_1")]
        self.assertEqual(history(client), expected)
        self.broker.kill()
        self.broker = self.start_broker()
        self.assertEqual(history(RawClient(self.broker.clients)), expected)


if __name__ == "__main__":
    unittest.main()
