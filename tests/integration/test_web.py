"""The HTTP API, as its description says, and what keeps it safe."""

import base64
import json
import os
import signal
import socket
import threading
import unittest

import jsonschema

from harness import run, wait_until
from web import OPENAPI_SCHEMA, Description, WithWeb

PROGRAM_PAYLOAD = bytes(range(256))


class Api(WithWeb):
    def setUp(self):
        super().setUp()
        self.description = Description()
        self.seen = set()

    def call(self, method, path, status, body=None, template=None, **more):
        """A request whose answer must have this status and be as described."""
        answer = self.api(method, path, body, **more)
        self.assertEqual(answer.status, status, answer.content)
        template = template or path.split("?")[0]
        self.description.validate_answer(method, template, answer)
        return answer

    def test_its_description_is_an_openapi_document(self):
        with open(OPENAPI_SCHEMA) as file:
            jsonschema.validate(self.description.document, json.load(file))
        served = self.call("GET", "/openapi.json", 200)
        self.assertEqual(served.json, self.description.document)

    def test_a_task_from_submit_to_result(self):
        self.start_workers("--name", "w")
        answer = self.call("POST", "/tasks", 201, {"kind": "add", "args": [2, 3]})
        task = answer.json
        self.assertEqual(answer.headers["Location"], f"/api/v1/tasks/{task['id']}")
        one = "/tasks/{task}"
        result = self.call("GET", f"/tasks/{task['id']}/result?wait=30s", 200,
                           template=one + "/result")
        self.assertEqual((result.content, result.headers["Content-Type"]),
                         (b"5", "application/json"))
        shown = self.call("GET", f"/tasks/{task['number']}", 200, template=one).json
        self.assertEqual((shown["state"], shown["worker"]), ("succeeded", "w-1"))
        self.assertEqual(self.call("GET", "/tasks/last", 200, template=one).json, shown)
        self.call("GET", f"/tasks/{task['id']}/payload", 410, template=one + "/payload")
        self.call("POST", f"/tasks/{task['id']}/cancel", 409, template=one + "/cancel")
        again = self.call("POST", "/tasks", 200,
                          {"kind": "add", "args": [2, 3], "id": task["id"]}).json
        self.assertEqual(again, {**task, "existed": True})
        self.call("POST", "/tasks", 409, {"kind": "add", "args": [4], "id": task["id"]})

    def test_octets_come_back_as_they_were(self):
        encoded = base64.b64encode(PROGRAM_PAYLOAD).decode()
        task = self.call("POST", "/tasks", 201, {"kind": "echo", "payload_base64": encoded}).json
        payload = self.call("GET", f"/tasks/{task['id']}/payload", 200,
                            template="/tasks/{task}/payload")
        self.assertEqual(payload.content, PROGRAM_PAYLOAD)
        waiting = self.call("GET", f"/tasks/{task['id']}/result", 202,
                            template="/tasks/{task}/result").json
        self.assertEqual(waiting["state"], "ready")
        self.start_workers()
        result = self.call("GET", f"/tasks/{task['id']}/result?wait=30s", 200,
                           template="/tasks/{task}/result")
        self.assertEqual((result.content, result.headers["Content-Type"]),
                         (PROGRAM_PAYLOAD, "application/octet-stream"))

    def test_each_task_of_an_array_succeeds_or_fails_alone(self):
        answers = self.call("POST", "/tasks", 200, [
            {"kind": "add", "args": [1, 1]}, {"kind": "not a kind"}, {"args": []},
            {"kind": "echo", "payload": "x", "queue": "other", "priority": 9}]).json
        self.assertEqual(["error" in answer for answer in answers], [False, True, True, False])
        page = self.call("GET", "/tasks?queue=other", 200).json
        self.assertEqual([(task["kind"], task["priority"]) for task in page["tasks"]],
                         [("echo", 9)])
        self.assertIsNone(page["cursor"])

    def test_lists_go_on_with_their_cursor(self):
        self.call("POST", "/tasks", 200, [{"kind": "add", "args": [n]} for n in range(25)])
        numbers, cursor = [], ""
        while cursor is not None:
            page = self.call("GET", f"/tasks?limit=10&state=ready&kind=add&cursor={cursor}", 200).json
            numbers += [task["number"] for task in page["tasks"]]
            cursor = page["cursor"]
        self.assertEqual(numbers, sorted(numbers, reverse=True))
        self.assertEqual(len(set(numbers)), 25)
        one = self.call("GET", "/tasks?id_prefix=" + page["tasks"][0]["id"], 200).json["tasks"]
        self.assertEqual([task["number"] for task in one], [page["tasks"][0]["number"]])
        count = self.call("GET", "/tasks/count?kind=add&since=1h", 200).json
        self.assertEqual(count, {"count": 25, "cursor": None})

    def test_a_task_that_died_is_found_explained_and_retried(self):
        self.start_workers()
        task = self.call("POST", "/tasks", 201,
                         {"kind": "fail", "args": ["<b>no</b>"], "attempts": 1}).json
        self.until_state(task["id"], "dead")
        refused = self.call("GET", f"/tasks/{task['id']}/result?wait=1s", 409,
                            template="/tasks/{task}/result").json
        self.assertIn("<b>no</b>", refused["error"]["text"])
        errors = self.call("GET", "/errors", 200).json
        self.assertEqual([(e["count"], e["latest"]) for e in errors], [(1, task["number"])])
        self.call("POST", f"/tasks/{task['id']}/retry", 200, template="/tasks/{task}/retry")
        self.until_state(task["id"], "dead")
        changed = self.call("POST", "/tasks/retry", 200, {"state": ["dead"], "kind": "fail"}).json
        self.assertEqual(changed, {"matched": 1, "changed": 1, "cursor": None})

    def test_cancels_all_that_match(self):
        self.call("POST", "/tasks", 200, [{"kind": "nobody", "args": [n]} for n in range(7)])
        changed = self.call("POST", "/tasks/cancel", 200, {"kind": "nobody"}).json
        self.assertEqual((changed["changed"], changed["cursor"]), (7, None))
        count = self.call("GET", "/tasks/count?state=cancelled", 200).json
        self.assertEqual(count["count"], 7)

    def test_cancels_every_task_only_if_told_so(self):
        self.call("POST", "/tasks", 200, [{"kind": "nobody", "args": [n]} for n in range(3)])
        refused = self.call("POST", "/tasks/cancel", 400, {}).json["error"]
        self.assertIn('"all": true', refused["text"])
        self.assertEqual(self.call("GET", "/tasks/count?state=ready", 200).json["count"], 3)
        changed = self.call("POST", "/tasks/cancel", 200, {"all": True}).json
        self.assertEqual(changed["changed"], 3)

    def test_queues_are_paused_resumed_and_set(self):
        queue = self.call("PATCH", "/queues/nightly", 200, {"attempts": 3, "lease_ms": 7000},
                          template="/queues/{queue}").json
        self.assertEqual((queue["settings"]["attempts"], queue["settings"]["lease_ms"]), (3, 7000))
        for verb, is_paused in (("pause", True), ("resume", False)):
            queue = self.call("POST", f"/queues/nightly/{verb}", 200,
                              template="/queues/{queue}/" + verb).json
            self.assertEqual(queue["paused"], is_paused)
        self.call("POST", "/queues/none/pause", 404, template="/queues/{queue}/pause")
        self.call("PATCH", "/queues/nightly", 400, {"lease": 7}, template="/queues/{queue}")
        self.call("PATCH", "/queues/nightly", 400, {"lease_ms": -7}, template="/queues/{queue}")
        wait_until(lambda: [q for q in self.call("GET", "/queues?spark=1", 200).json
                            if q["name"] == "nightly" and not q["paused"]
                            and 0 in q["spark"]], "the queue in the list")

    def test_workers_come_are_lost_and_are_drained(self):
        workers = self.start_workers("--name", "w", "--concurrency", "2", count=2)
        self.submit("sleep", "600")
        shown = wait_until(lambda: [w for w in self.call("GET", "/workers?recent=1", 200).json
                                    if w["current"]], "a worker with a task")
        self.assertEqual([task["kind"] for task in shown[0]["current"]], ["sleep"])
        victim = shown[0]
        # The supervisor would start another in its place, which is nothing that this is about.
        workers.send(signal.SIGSTOP)
        os.kill(victim["process"], signal.SIGKILL)
        lost = wait_until(lambda: self.call("GET", "/workers/lost", 200).json, "a lost worker")
        self.assertEqual([(w["name"], w["held"]) for w in lost], [(victim["name"], 1)])
        other = next(w["name"] for w in self.call("GET", "/workers", 200).json
                     if w["name"] != victim["name"])
        self.call("POST", f"/workers/{other}/drain", 202, template="/workers/{worker}/drain")
        self.call("POST", "/workers/nobody/drain", 404, template="/workers/{worker}/drain")
        workers.send(signal.SIGCONT)

    def test_stats_and_history(self):
        self.start_workers()
        self.submit("add", "2", "3")
        self.until_live(lambda live: live["totals"]["succeeded"] == 1, "one success")
        stats = self.call("GET", "/stats", 200).json
        self.assertEqual(stats["totals"]["succeeded"], 1)
        history = self.call("GET", "/history?step=1", 200).json
        self.assertEqual({len(column) for column in history["columns"].values()}, {3600})
        # The second under way, and one that the machine was busy in, may have no value.
        known = [value for value in history["columns"]["workers"][-10:] if value is not None]
        self.assertEqual(known[-1], 1)
        self.call("GET", "/history?step=0", 400)

    def test_live_figures_and_their_verdict(self):
        live = self.until_live(lambda live: live["broker"]["state"] == "connected", "a broker")
        self.description.validate(live, "Live")
        self.submit("nobody")
        live = self.until_live(lambda live: live["findings"], "a finding")
        self.assertIn("no worker serves nobody", live["findings"][0]["text"])
        self.assertEqual(live["verdict"], "One thing needs a look.")
        self.assertEqual([queue["name"] for queue in live["queues"]], ["default"])

    def test_says_when_the_broker_is_away_and_when_it_is_back(self):
        self.until_live(lambda live: live["broker"]["state"] == "connected", "a broker")
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        self.until_live(lambda live: live["broker"]["state"] == "silent", "silence")
        self.call("GET", "/stats", 504)
        wait_until(lambda: int(self.call("GET", "/queues", 200).headers["Age"]) >= 2, "its age")
        texts = {self.call("POST", "/tasks", 504, body).json["error"]["text"]
                 for body in ({"kind": "add"}, [{"kind": "add"}, {"kind": "echo"}])}
        self.assertEqual(texts, {"the broker does not answer; the request was not sent"})
        self.broker = self.start_broker(self.broker.endpoints)
        live = self.until_live(lambda live: live["broker"]["state"] == "connected", "a broker")
        self.assertEqual(live["findings"], [])
        kinds = [mark["kind"] for mark in self.call("GET", "/history", 200).json["marks"]]
        self.assertIn("broker_silent", kinds)
        self.assertIn("broker_restarted", kinds)

    def test_says_that_there_never_was_a_broker(self):
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        web = self.start_web()
        for path in ("/queues", "/workers", "/workers/lost"):
            answer = self.call("GET", path, 504, web=web)
            self.assertEqual(answer.json["error"]["class"], "no_answer")

    def test_every_change_of_a_task_is_told(self):
        self.start_workers()
        events = self.events("/updates?queue=seen&kind=add")
        # Subscriptions take a moment: tasks are submitted until the first is shown.
        stop = threading.Event()

        def submit():
            while not stop.wait(0.05):
                self.api("POST", "/tasks", {"kind": "add", "args": [1, 2], "queue": "seen"})
                self.api("POST", "/tasks", {"kind": "add", "args": [1, 2], "queue": "unseen"})
        thread = threading.Thread(target=submit)
        thread.start()
        try:
            for name, data in events:
                if name == "task":
                    update = json.loads(data)
                    self.description.validate(update, "Update")
                    self.assertEqual((update["queue"], update["kind"]), ("seen", "add"))
                    if update["state"] == "succeeded":
                        break
        finally:
            stop.set()
            thread.join()

    def test_wrong_requests_are_told_why(self):
        for method, path, status, body in (
                ("GET", "/tasks?state=lost", 400, None), ("GET", "/tasks?limit=0", 400, None),
                ("GET", "/tasks?cursor=x", 400, None), ("GET", "/tasks?since=yesterday", 400, None),
                ("GET", "/tasks?queue=a+b", 400, None), ("GET", "/tasks?stat=dead", 400, None),
                ("GET", "/tasks/count?limit=5", 400, None), ("POST", "/tasks", 400, b"{"),
                ("POST", "/tasks", 400, {"kind": "add", "priority": 10}),
                ("POST", "/tasks/cancel", 400, [])):
            answer = self.call(method, path, status, body)
            self.assertTrue(answer.json["error"]["text"], path)
        self.call("GET", "/tasks/999", 404, template="/tasks/{task}")
        self.call("GET", "/tasks/x", 400, template="/tasks/{task}")
        self.assertEqual(self.api("GET", "/nothing").json["error"]["class"], "unknown_path")
        self.assertEqual(self.api("PUT", "/tasks", {}).status, 404)


class Safety(WithWeb):
    TASK = {"kind": "nobody"}

    def submit_with(self, headers, web=None):
        return self.api("POST", "/tasks", self.TASK, headers=headers, web=web).status

    def test_serves_only_its_own_names(self):
        port = self.web.host.split(":")[1]
        for host, status in ((f"127.0.0.1:{port}", 200), (f"localhost:{port}", 200),
                             (f"evil.example:{port}", 403), ("localhost", 403),
                             (f"localhost.:{port}", 403), ("", 403)):
            self.assertEqual(self.api("GET", "/queues", headers={"Host": host}).status, status, host)

    def test_a_change_from_another_site_is_refused(self):
        own = self.web.url
        for headers, status in (
                ({}, 201), ({"Origin": own}, 201), ({"Sec-Fetch-Site": "same-origin"}, 201),
                ({"Origin": own, "Sec-Fetch-Site": "same-origin"}, 201),
                ({"Origin": "http://evil.example"}, 403), ({"Origin": "null"}, 403),
                ({"Sec-Fetch-Site": "cross-site"}, 403), ({"Sec-Fetch-Site": "same-site"}, 403),
                ({"Sec-Fetch-Site": "none"}, 403),
                ({"Origin": own, "Sec-Fetch-Site": "cross-site"}, 403),
                ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, 403)):
            self.assertEqual(self.submit_with(headers), status, headers)

    def test_the_body_of_a_refused_request_is_not_taken_for_the_next(self):
        inner = json.dumps(self.TASK).encode()
        hidden = (f"POST /api/v1/tasks HTTP/1.1\r\nHost: {self.web.host}\r\n"
                  f"Content-Length: {len(inner)}\r\n\r\n").encode() + inner
        host, port = self.web.host.split(":")
        with socket.create_connection((host, int(port)), timeout=60) as connection:
            connection.sendall((f"POST /api/v1/tasks HTTP/1.1\r\nHost: {self.web.host}\r\n"
                                "Origin: http://evil.example\r\n"
                                f"Content-Length: {len(hidden)}\r\n\r\n").encode() + hidden)
            answer = b""
            try:
                while piece := connection.recv(65536):
                    answer += piece
            except ConnectionResetError:
                pass  # it was closed with octets unread
        self.assertEqual(answer.count(b"HTTP/1.1 "), answer.count(b"HTTP/1.1 403"), answer)
        self.assertEqual(self.client_json("list"), [])

    def test_every_answer_forbids_what_a_page_does_not_need(self):
        for path in ("/", "/tasks", "/assets/style.css", "/api/v1/queues", "/nothing"):
            headers = self.ask("GET", path).headers
            self.assertIn("default-src 'none'", headers["Content-Security-Policy"], path)
            self.assertEqual(headers["X-Content-Type-Options"], "nosniff", path)
            self.assertEqual(headers["Cross-Origin-Resource-Policy"], "same-origin", path)
            self.assertIsNone(headers["Access-Control-Allow-Origin"], path)

    def test_read_only_shows_and_changes_nothing(self):
        web = self.start_web("--read-only")
        self.assertEqual(self.api("GET", "/queues", web=web).status, 200)
        answer = self.api("POST", "/tasks", self.TASK, web=web)
        self.assertEqual((answer.status, answer.json["error"]["class"]), (403, "read_only"))
        for name, data in self.events("/live", web=web):
            self.assertTrue(json.loads(data)["read_only"])
            break

    def test_beyond_loopback_there_is_a_token_or_nothing(self):
        listen = ("--updates", self.broker.updates, "--broker", self.broker.clients, "web",
                  "--listen", "0.0.0.0:0")
        status, _, complaint = run("xebec-monitor", *listen)
        self.assertEqual(status, 2)
        self.assertIn("--token-file", complaint)
        with open(self.path("token"), "w") as file:
            file.write("0123456789abcdef0123456789abcdef\n")
        web = self.start("xebec-monitor", *listen, "--token-file", self.path("token"),
                         "--allow-host", "Queue.lan:80")
        wait_until(lambda: web.out, "an address")
        web.host = web.out[0].split("/")[2].replace("0.0.0.0", "127.0.0.1")
        named = {"Host": "queue.lan:80"}
        bearer = {**named, "Authorization": "Bearer 0123456789abcdef0123456789abcdef"}
        wrong = {**named, "Authorization": "Bearer 0123456789abcdef0123456789abcdeF"}
        self.assertEqual(self.ask("GET", "/", headers=named, web=web).status, 200)
        self.assertEqual(self.api("GET", "/queues", headers=named, web=web).status, 401)
        self.assertEqual(self.api("GET", "/queues", headers=wrong, web=web).status, 401)
        self.assertEqual(self.api("GET", "/queues", headers=bearer, web=web).status, 200)
        self.assertEqual(self.submit_with(named, web), 401)
        self.assertEqual(self.submit_with(bearer, web), 201)

        refused = self.api("POST", "/session", {"token": "no"}, headers=named, web=web)
        self.assertEqual((refused.status, refused.headers["Set-Cookie"]), (401, None))
        session = self.api("POST", "/session", {"token": "0123456789abcdef0123456789abcdef"},
                           headers=named, web=web)
        self.assertEqual(session.status, 204)
        self.assertIn("HttpOnly; SameSite=Strict", session.headers["Set-Cookie"])
        cookie = {**named, "Cookie": session.headers["Set-Cookie"].split(";")[0]}
        self.assertEqual(self.api("GET", "/queues", headers=cookie, web=web).status, 200)
        self.assertEqual(self.submit_with(cookie, web), 403)  # a browser would say who asks
        own = {**cookie, "Origin": "http://queue.lan:80", "Sec-Fetch-Site": "same-origin"}
        self.assertEqual(self.submit_with(own, web), 201)

    def test_an_ipv6_address_is_in_brackets(self):
        for address in ("::1:0", "::1", "[]:0", "localhost"):
            status, _, complaint = run("xebec-monitor", "--updates", self.broker.updates,
                                       "--broker", self.broker.clients, "web", "--listen", address)
            self.assertEqual(status, 2, address)
            self.assertIn("[::1]:5580", complaint)

    def test_a_busy_port_is_said(self):
        status, _, complaint = run("xebec-monitor", "--updates", self.broker.updates, "--broker",
                                   self.broker.clients, "web", "--listen", self.web.host)
        self.assertEqual(status, 1)
        self.assertIn("another program", complaint)

    def test_ends_soon_with_pages_open_and_without_a_broker(self):
        streams = [self.events("/live") for _ in range(5)]
        for stream in streams:
            next(stream)
        self.broker.send(signal.SIGKILL)
        self.broker.wait()
        self.web.send(signal.SIGTERM)
        self.assertEqual(self.web.wait(10), 0)


if __name__ == "__main__":
    unittest.main()
