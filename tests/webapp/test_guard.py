"""Who is asked, how large, how often (W2, W6), and what every answer carries."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from tests.webapp.conftest import Client, Open
from webapp.guard import CSP, HEADERS, Guard, RefusedRequestError, Visitors
from webapp.samples import who
from webapp.settings import Limits

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.mark.parametrize(
    "path", ["/", "/projects/1.json", "/nope", "/static/app.js", "/healthz", "/api/errors"]
)
def test_every_answer__carries_the_headers(site: Client, path: str) -> None:
    headers = site.get(path).headers

    for name, value in HEADERS.items():
        assert headers[name] == value


def test_policy__allows_nothing_inline_and_nothing_from_elsewhere() -> None:
    assert "unsafe" not in CSP
    assert "http" not in CSP
    assert "default-src 'none'" in CSP
    assert "frame-ancestors 'none'" in CSP


@pytest.mark.parametrize(
    "host", ["evil.example", "127.0.0.1.evil.example", "", "localhost.", "0.0.0.0", "[::2]"]
)
def test_request_for_another_host__refuses(site: Client, host: str) -> None:
    answer = site.get("/projects.json", headers={"host": host})

    assert (answer.status_code, answer.json()["code"]) == (421, "W421")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9999", "localhost:1", "[::1]:80", "[::1]"])
def test_request_for_our_host__answers(site: Client, host: str) -> None:
    assert site.get("/projects.json", headers={"host": host}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:8001"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
def test_write_from_another_site__refuses(site: Client, headers: dict[str, str]) -> None:
    answer = site.post("/api/wish", json={"sentence": "x"}, headers=headers)

    assert (answer.status_code, answer.json()["code"]) == (403, "W403")


@pytest.mark.parametrize(
    "headers", [{}, {"origin": "http://127.0.0.1:8000", "sec-fetch-site": "same-origin"}]
)
def test_write_from_this_site__answers(site: Client, headers: dict[str, str]) -> None:
    assert site.post("/api/wish", json={"sentence": "x"}, headers=headers).status_code == 200


@pytest.mark.parametrize(("extra", "status"), [(-1, 200), (0, 200), (1, 413)])
def test_body_at_its_limit__refuses_one_more_byte(open_site: Open, extra: int, status: int) -> None:
    site = open_site(limits=Limits(body=1_000))
    body = "title=" + "x" * (994 + extra)

    assert site.post("/create", content=body, headers=FORM).status_code == status


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999999999999", "x"])
def test_body_with_a_bad_length__refuses(site: Client, length: str) -> None:
    answer = asyncio.run(raw(site, [(b"content-length", length.encode())]))

    assert answer["status"] == 413


def test_body_in_pieces_beyond_the_limit__refuses_before_it_is_whole(site: Client) -> None:
    pieces = [{"type": "http.request", "body": b"x" * 65_536, "more_body": True} for _ in range(100)]

    answer = asyncio.run(raw(site, [], pieces))

    assert answer["status"] == 413
    assert len(pieces) > 90


async def raw(
    site: Client, headers: list[tuple[bytes, bytes]], pieces: list[Any] | None = None
) -> dict[str, Any]:
    """A request as a server hands it over."""
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        message: dict[str, Any] = pieces.pop(0) if pieces else {"type": "http.disconnect"}
        return message

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "POST",
        "path": "/create",
        "query_string": b"",
        "client": ("1.2.3.4", 1),
    }
    await site.app({**scope, "headers": [(b"host", b"localhost"), *headers]}, receive, send)
    return sent[0]


def test_slow_body__is_given_up(open_site: Open) -> None:
    site = open_site(limits=Limits(request_s=0.05))

    async def run() -> int:
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            await asyncio.sleep(5)
            return {}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/create",
            "query_string": b"",
            "client": ("1.2.3.4", 1),
        }
        await site.app({**scope, "headers": [(b"host", b"localhost")]}, receive, send)
        return int(sent[0]["status"])

    assert asyncio.run(run()) == 408


def test_slow_answer__is_given_up(site: Client) -> None:
    async def never(scope: Any, receive: Any, send: Any) -> None:
        await asyncio.sleep(5)

    settings = site.app._settings  # type: ignore[attr-defined]
    guard = Guard(
        never, type(settings)(settings.deployment, "", limits=Limits(request_s=0.05)), lambda failure: ""
    )

    assert Client(guard).get("/x.json").status_code == 503


@pytest.mark.parametrize(("extra", "status"), [(0, 200), (1, 414)])
def test_query_at_its_limit__refuses_one_more_byte(site: Client, extra: int, status: int) -> None:
    query = "limit=1&x=" + "a" * (2_048 - 10 + extra)

    assert site.get(f"/projects.json?{query}").status_code == status


def test_large_headers__refuse(site: Client) -> None:
    assert site.get("/", headers={"x-large": "a" * 20_000}).status_code == 431


@pytest.mark.parametrize("header", ["bytes=0-0", "bytes=" + ",".join(f"{n}-{n}" for n in range(1_000))])
def test_range_header__is_ignored(site: Client, header: str) -> None:
    assert site.get("/static/app.js", headers={"range": header}).status_code == 200


def test_too_many_requests__429_until_the_next_minute() -> None:
    now = [0.0]
    visitors = Visitors(Limits(per_minute=3, writes_per_minute=1), lambda: now[0])
    for _ in range(3):
        visitors.count("a", False)

    with pytest.raises(RefusedRequestError, match="at most 3"):
        visitors.count("a", False)
    visitors.count("b", False)
    visitors.count("a", True)
    with pytest.raises(RefusedRequestError, match="at most 1"):
        visitors.count("a", True)
    now[0] = 60.0
    visitors.count("a", False)


def test_many_visitors__bounded_memory() -> None:
    visitors = Visitors(Limits(visitors=10))
    for number in range(1_000):
        visitors.count(str(number), False)

    assert len(visitors._seen) == 10


def test_rate_limit_over_the_site__pages_too_but_not_health(open_site: Open) -> None:
    site = open_site(limits=Limits(per_minute=2))
    codes = [site.get("/projects.json").status_code for _ in range(3)]

    assert codes == [200, 200, 429]
    assert site.get("/healthz").status_code == 200
    assert "Too fast" in site.get("/").text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "TRACE", "CONNECT"])
def test_other_methods__refuse(site: Client, method: str) -> None:
    assert site.request(method, "/projects/1").status_code in (403, 405)


def test_websocket__is_closed(site: Client) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(site.app({"type": "websocket"}, None, send))  # type: ignore[arg-type]

    assert sent == [{"type": "websocket.close", "code": 1008}]


@pytest.mark.parametrize(
    "text",
    ["' OR 1=1 --", "1; DROP TABLE projects", "1 UNION SELECT 1", "%00", "..%2f..%2fetc%2fpasswd", "{{7*7}}"],
)
def test_strings_of_injection__are_refused_or_nothing(site: Client, text: str) -> None:
    for path in (f"/projects/{text}", f"/trainers/{text}", f"/?offset={text}", f"/projects/1?goal={text}"):
        assert site.get(path).status_code in (404, 422)


def test_failure__has_one_shape(site: Client) -> None:
    answers: list[httpx.Response] = [
        site.get("/projects/9.json"),
        site.get("/projects.json?limit=0"),
        site.get("/x.json"),
        site.get("/projects.json", headers={"host": "evil.example"}),
        site.post("/api/wish", content="{", headers={"content-type": "application/json"}),
    ]
    for answer in answers:
        body = json.loads(answer.text)
        assert body.keys() == {"ok", "error", "code", "status"}
        assert (body["ok"], body["status"]) == (False, answer.status_code)


def test_visitor__is_never_read_from_a_header(open_site: Open) -> None:
    """No proxy header moves a visitor to another rate limit."""
    site = open_site()
    for number in range(3):
        site.get("/projects.json", headers={"x-forwarded-for": f"10.0.0.{number}", "forwarded": who(1)})

    assert len(site.app._visitors._seen) == 1  # type: ignore[attr-defined]
