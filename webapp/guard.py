"""The first thing that a request meets: who is asked, how large, how often; and headers on everything that leaves.

Plain ASGI, so that a refused request costs nothing: no body is read beyond its limit, no route is looked up.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any
from urllib.parse import urlsplit

from webapp.models import Failure
from webapp.settings import Limits, Settings

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
AsgiApp = Callable[[Scope, Receive, Send], Awaitable[None]]

CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; manifest-src 'self'"
)
"""Nothing inline, nothing from elsewhere, nobody may frame us."""

HEADERS = {
    "content-security-policy": CSP,
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    # with no-referrer, browsers post forms of our own with `Origin: null`
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=()",
}
ETAG_LIMIT = 4_000_000
"""Bytes of an answer that may be held to compute its tag; larger ones stream."""
UNLIMITED = ("/healthz", "/metrics", "/static/")


class RefusedRequestError(Exception):
    """A request that goes no further. `status` of HTTP, `code` of docs/dashboard.md."""

    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status, self.code, self.text = status, code, text


class Visitors:
    """How often each address asked within the running minute; forgets the least recent above a bound."""

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._limits, self._clock = limits, clock
        self._seen: OrderedDict[tuple[str, bool], tuple[int, int]] = OrderedDict()

    def count(self, visitor: str, is_write: bool) -> None:
        """Counts a request. Raises RefusedRequestError 429 above the limit."""
        minute = int(self._clock() // 60)
        key = (visitor, is_write)
        since, count = self._seen.pop(key, (minute, 0))
        count = count + 1 if since == minute else 1
        self._seen[key] = (minute, count)
        while len(self._seen) > self._limits.visitors:
            self._seen.popitem(last=False)
        most = self._limits.writes_per_minute if is_write else self._limits.per_minute
        if count > most:
            raise RefusedRequestError(
                429, "W429", f"{count} requests in this minute, at most {most}; wait a moment"
            )


def wants_json(path: str) -> bool:
    """Whether an address belongs to programs."""
    return path.startswith(("/api/", "/healthz", "/metrics", "/openapi")) or path.endswith(".json")


class Guard:
    """Wraps the application. `page` makes a refusal readable for people."""

    def __init__(
        self,
        app: AsgiApp,
        settings: Settings,
        page: Callable[[Failure], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app, self._settings, self._page = app, settings, page
        self._visitors = Visitors(settings.limits, clock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request; everything that is not HTTP passes (start and end of the server) or is refused."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        out = _Answer(scope, send, self._page)
        try:
            headers = self._check(scope)
            body = await self._body(headers, receive)
            if scope["method"] == "HEAD":  # the answer of GET without its body
                scope = {**scope, "method": "GET"}
            async with asyncio.timeout(self._settings.limits.request_s):
                await self._app(scope, _replay(body, receive), out.send)
        except RefusedRequestError as refusal:
            await out.refuse(refusal)
        except TimeoutError:
            limit = self._settings.limits.request_s
            await out.refuse(RefusedRequestError(503, "W503", f"no answer within {limit:g} s; try again"))

    def _check(self, scope: Scope) -> dict[bytes, bytes]:
        limits, raw = self._settings.limits, scope["headers"]
        if sum(len(key) + len(value) for key, value in raw) > limits.headers:
            raise RefusedRequestError(431, "W431", f"headers of more than {limits.headers} bytes")
        if len(scope.get("query_string", b"")) > limits.query or len(scope["path"]) > limits.query:
            raise RefusedRequestError(414, "W414", f"an address of more than {limits.query} bytes")
        headers = dict(raw)
        host = _host_name(headers.get(b"host", b"").decode("latin-1"))
        if host not in self._settings.hosts:
            raise RefusedRequestError(
                421, "W421", "this server does not answer under that name; see `--allow-host`"
            )
        is_write = scope["method"] not in ("GET", "HEAD", "OPTIONS")
        if is_write:
            self._check_origin(headers)
        if not scope["path"].startswith(UNLIMITED):
            self._visitors.count((scope.get("client") or ("unknown", 0))[0], is_write)
        return headers

    def _check_origin(self, headers: dict[bytes, bytes]) -> None:
        """A page elsewhere can make a browser send a form here; it cannot choose these two headers."""
        site = headers.get(b"sec-fetch-site", b"same-origin")
        origin = headers.get(b"origin")
        if site not in (b"same-origin", b"none"):
            raise RefusedRequestError(403, "W403", "this request came from another site")
        if origin is not None and urlsplit(origin.decode("latin-1")).netloc != headers[b"host"].decode(
            "latin-1"
        ):
            raise RefusedRequestError(403, "W403", "this request came from another origin")

    async def _body(self, headers: dict[bytes, bytes], receive: Receive) -> bytes:
        most = self._settings.limits.body
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or int(length) > most:
            raise RefusedRequestError(
                413, "W413", f"a body of {length[:20].decode('latin-1')} bytes, at most {most}"
            )
        body: bytes = b""
        try:
            async with asyncio.timeout(self._settings.limits.request_s):
                while True:
                    message = await receive()
                    if message["type"] == "http.disconnect":
                        return body
                    body += message.get("body", b"")
                    if len(body) > most:
                        raise RefusedRequestError(413, "W413", f"a body of more than {most} bytes")
                    if not message.get("more_body"):
                        return body
        except TimeoutError:
            raise RefusedRequestError(408, "W408", "the request came too slowly") from None


class _Answer:
    """Adds headers; holds back small answers to tag them, so that an unchanged page costs a 304."""

    def __init__(self, scope: Scope, send: Send, page: Callable[[Failure], str]) -> None:
        self._scope, self._send, self._page = scope, send, page
        self._start: dict[str, Any] | None = None
        self._held: list[bytes] = []
        self._size = 0
        self.begun = False

    async def send(self, message: dict[str, Any]) -> None:
        """Passes a message of the application on."""
        if message["type"] == "http.response.start":
            self._start = message
            return
        if self.begun:
            await self._send(message)
            return
        self._held.append(message.get("body", b""))
        self._size += len(self._held[-1])
        more = message.get("more_body", False)
        if not more or self._size > ETAG_LIMIT:
            await self._begin(b"".join(self._held), more)

    async def refuse(self, refusal: RefusedRequestError) -> None:
        """A refusal in the form that the address promises, unless something was sent already."""
        if self.begun:
            return
        failure = Failure(refusal.text, refusal.code, refusal.status)
        if wants_json(self._scope["path"]):
            body, kind = json.dumps(asdict(failure)).encode(), b"application/json"
        else:
            body, kind = self._page(failure).encode(), b"text/html; charset=utf-8"
        headers = [(b"content-type", kind), (b"cache-control", b"no-store")]
        if refusal.status == 429:
            headers.append((b"retry-after", b"60"))
        self._start = {"type": "http.response.start", "status": refusal.status, "headers": headers}
        await self._begin(body, False)

    async def _begin(self, body: bytes, more: bool) -> None:
        assert self._start is not None
        self.begun = True
        start = dict(self._start)
        headers = [(k, v) for k, v in start["headers"] if k.lower() != b"content-length" or more]
        headers += [(k.encode(), v.encode()) for k, v in HEADERS.items()]
        present = {key.lower() for key, _ in headers}
        if start["status"] == 200 and self._scope["method"] in ("GET", "HEAD") and not more and body:
            tag = b'"' + hashlib.blake2b(body, digest_size=12).hexdigest().encode() + b'"'
            headers.append((b"etag", tag))
            if b"cache-control" not in present:
                headers.append((b"cache-control", b"no-cache"))
            if tag in dict(self._scope["headers"]).get(b"if-none-match", b""):
                start["status"], body = 304, b""
                headers = [(k, v) for k, v in headers if k.lower() != b"content-type"]
        elif b"cache-control" not in present:
            headers.append((b"cache-control", b"no-store"))
        if not more and start["status"] != 304:
            headers.append((b"content-length", str(len(body)).encode()))
        if self._scope["method"] == "HEAD":
            body = b""
        await self._send({**start, "headers": headers})
        await self._send({"type": "http.response.body", "body": body, "more_body": more})


def _replay(body: bytes, receive: Receive) -> Receive:
    """The body that was read already, then whatever the server says."""
    given = False

    async def again() -> dict[str, Any]:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return again


def _host_name(host: str) -> str:
    """The name without port: `[::1]:80` -> `::1`."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.rpartition(":")[0] if ":" in host else host
