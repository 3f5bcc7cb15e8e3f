"""A node that misbehaves on demand: an HTTP proxy in front of a real one."""

from __future__ import annotations

import json
import threading
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HTML = (200, b"<html>gateway error</html>")
FAULTS: dict[str, tuple[int, bytes]] = {
    "429": (429, b"slow down"),
    "500": (500, b"oops"),
    "503 html": (503, b"<html></html>"),
    "html": HTML,
    "garbage": (200, b'{"jsonrpc": "2.0", "resu'),
    "array": (200, b"[]"),
    "no result": (200, b'{"jsonrpc": "2.0", "id": 1}'),
    "limit": (200, b'{"jsonrpc": "2.0", "id": 1, "error": {"code": -32005, "message": "limit exceeded"}}'),
}
"""Answers that say nothing about the question; `drop` and `drop after` close the connection instead."""


Lie = Callable[[str, Any], Any]
"""(method, honest result) -> what the node answers."""


class FaultyNode:
    """`plan` lists what happens to the next requests, `only` names the one method that is disturbed; `lie`
    changes results."""

    def __init__(self, upstream: str) -> None:
        self.upstream = upstream
        self.plan: list[str] = []
        self.only = ""
        self.seen: list[str] = []
        self.url = ""
        self.lie: Lie = lambda _method, result: result

    def next_fault(self, method: str) -> str:
        """The fault for this request, empty for none."""
        self.seen.append(method)
        return self.plan.pop(0) if self.plan and self.only in ("", method) else ""


@contextmanager
def faulty_node(upstream: str) -> Iterator[FaultyNode]:
    """Runs the proxy on a free port until the block ends."""
    node = FaultyNode(upstream)
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(node))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    node.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield node
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _handler(node: FaultyNode) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            method = json.loads(body)["method"]
            fault = node.next_fault(method)
            if fault == "drop":
                return
            if fault in FAULTS:
                return self._answer(*FAULTS[fault])
            request = urllib.request.Request(node.upstream, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10) as reply:
                answer = json.loads(reply.read())
            if "result" in answer:
                answer["result"] = node.lie(method, answer["result"])
            if fault != "drop after":
                self._answer(400 if fault == "status 400" else 200, json.dumps(answer).encode())

        def _answer(self, status: int, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
