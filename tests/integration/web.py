"""xebec-monitor web, spoken to over HTTP; and its OpenAPI description, to hold answers against."""

import http.client
import json
import os
import time
from urllib.parse import urlsplit

import jsonschema

from harness import PATIENCE, WithBroker, wait_until

DOCUMENT = os.path.join(os.path.dirname(__file__), "../../docs/openapi.json")
OPENAPI_SCHEMA = "/usr/share/openapi-specification/schemas/v3.0/schema.json"


class Answer:
    def __init__(self, status, headers, content):
        self.status, self.headers, self.content = status, headers, content

    @property
    def json(self):
        return json.loads(self.content)


class WithWeb(WithBroker):
    WEB_ARGUMENTS = ()

    def setUp(self):
        super().setUp()
        self.web = self.start_web(*self.WEB_ARGUMENTS)

    def start_web(self, *args):
        program = self.start("xebec-monitor", "--updates", self.broker.updates, "--broker",
                             self.broker.clients, "web", "--listen", "127.0.0.1:0", *args)
        wait_until(lambda: program.out or program.process.poll() is not None, "an address")
        self.assertTrue(program.out, program.err)
        program.url = program.out[0].rstrip("/")
        program.host = urlsplit(program.url).netloc
        return program

    def ask(self, method, path, body=None, headers=None, web=None):
        """One request; a body that is not bytes goes as JSON."""
        connection = http.client.HTTPConnection((web or self.web).host, timeout=60)
        try:
            if body is not None and not isinstance(body, bytes):
                body = json.dumps(body).encode()
            connection.request(method, path, body, headers or {})
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        finally:
            connection.close()

    def api(self, method, path, body=None, **more):
        return self.ask(method, "/api/v1" + path, body, **more)

    def until_live(self, condition, what):
        """Waits for an event of the live stream that the condition accepts, and returns it."""
        for event in self.events("/live"):
            if event[0] == "live" and condition(json.loads(event[1])):
                return json.loads(event[1])
        raise AssertionError(f"the stream ended before: {what}")

    def events(self, path, web=None):
        """Yields (name, data) of server-sent events until the server ends the stream."""
        connection = http.client.HTTPConnection((web or self.web).host, timeout=60)
        self.addCleanup(connection.close)
        connection.request("GET", "/api/v1" + path)
        response = connection.getresponse()
        self.assertEqual(response.status, 200)
        self.assertEqual(response.headers["Content-Type"], "text/event-stream")
        name, end = None, time.monotonic() + PATIENCE
        for line in response:
            self.assertLess(time.monotonic(), end, f"what was waited for on {path}")
            line = line.decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: "):
                yield name, line[6:]


class Description:
    """docs/openapi.json: whether an answer is one that it describes."""

    def __init__(self):
        with open(DOCUMENT) as file:
            self.document = json.load(file)
        components = self._plain(self.document["components"])
        self.schemas = {"components": components}

    def _plain(self, node):
        """OpenAPI's schemas as JSON Schema's: `nullable` is its own."""
        if isinstance(node, list):
            return [self._plain(item) for item in node]
        if not isinstance(node, dict):
            return node
        plain = {key: self._plain(value) for key, value in node.items() if key != "nullable"}
        return {"anyOf": [plain, {"type": "null"}]} if node.get("nullable") is True else plain

    def schema_of(self, name):
        return {"$ref": f"#/components/schemas/{name}", **self.schemas}

    def validate(self, value, name):
        jsonschema.validate(value, self.schema_of(name))

    def validate_answer(self, method, path, answer):
        responses = self.document["paths"][path][method.lower()]["responses"]
        response = responses[str(answer.status)]
        if "$ref" in response:
            response = self.document["components"]["responses"][response["$ref"].split("/")[-1]]
        content = response.get("content", {}).get("application/json")
        if content:
            jsonschema.validate(answer.json,
                                {**self._plain(content["schema"]), **self.schemas})
