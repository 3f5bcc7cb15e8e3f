"""The create page: sentence, file and form end in one configuration with one hash."""

from __future__ import annotations

import html
import json
import re
import socket
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import pytest

from market.configuration import MAX_BYTES, read_configuration
from market.errors import DocumentError
from market.params import DEMO
from tests.webapp.conftest import Client, Open
from webapp.form import read_form
from webapp.samples import NOW
from webapp.settings import WishEndpoint

WANTED = {"title": "Iris", "features": "4", "labels": "3", "budget": "2", "seats": "4"}
SENTENCE = "4 features, 3 classes, 4 trainers, budget 2 ETH"


def post(site: Client, path: str = "/create", **fields: str) -> Any:
    return site.post(
        path, content=urlencode(fields), headers={"content-type": "application/x-www-form-urlencoded"}
    )


def hash_on(text: str) -> str:
    found = re.search(r'id="hash">([0-9a-f]{64})<', text)
    assert found
    return found[1]


def test_form_and_file_and_api__one_hash(site: Client) -> None:
    by_form = post(site, **WANTED)
    saved = post(site, "/create/file", **WANTED)
    by_file = post(site, action="import", configuration=saved.text)
    by_api = site.post("/api/configuration", json={"fields": WANTED}).json()

    assert hash_on(by_form.text) == hash_on(by_file.text) == by_api["hash"]
    assert read_configuration(saved.content).hash == by_api["hash"]
    assert 'filename="iris.json"' in saved.headers["content-disposition"]


def test_sentence_on_the_page__fills_the_form(site: Client) -> None:
    page = post(site, action="wish", sentence=SENTENCE).text

    assert 'id="f-features" name="features" value="4"' in page
    assert "Understood" in page
    assert hash_on(page)


def test_unclear_sentence_on_the_page__asks_and_has_no_preview(site: Client) -> None:
    page = html.unescape(
        post(site, action="wish", sentence="classify my 12-column CSV, 20 hospitals, 2 ETH").text
    )

    assert "One question" in page
    assert "Which classes are there?" in page
    assert 'id="hash"' not in page


def test_form_with_errors__shows_each_beside_its_field(site: Client) -> None:
    page = post(site, **{**WANTED, "seats": "0", "fee": "x"}).text

    assert page.count('aria-invalid="true"') == 2
    assert 'href="#f-seats"' in page


def test_live_preview__is_the_part_alone(site: Client) -> None:
    part = post(site, "/create?part=live", **WANTED)

    assert "<html" not in part.text
    assert hash_on(part.text)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"description": 1}', '{"version":1,"version":1}', "x" * 50_000]
)
def test_import_of_something_else__says_what_is_wrong(site: Client, text: str) -> None:
    answer = post(site, action="import", configuration=text)

    assert answer.status_code == 200
    assert "E180" in answer.text


@pytest.mark.parametrize("body", [b"\xff", b"&" * 200, b"a=%zz" * 100])
def test_malformed_form__refuses_or_shows_the_form(site: Client, body: bytes) -> None:
    answer = site.post("/create", content=body)

    assert answer.status_code in (200, 422)


def test_file_of_a_form_with_errors__refuses(site: Client) -> None:
    assert post(site, "/create/file", title="x").status_code == 422


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"version": 2}, "/version"),
        ({"budget": 5}, "/budget"),
        ({"budget": str(1 << 96)}, "/budget"),
        ({"goal_ppm": 0}, "/goal_ppm"),
        ({"goal_ppm": 1_000_001}, "/goal_ppm"),
        ({"extra": 1}, "/extra"),
    ],
)
def test_read_configuration_wrong_part__names_its_place(change: dict[str, Any], place: str) -> None:
    made = read_form(WANTED, "demo", DEMO.limits, NOW).configuration
    assert made is not None
    body = {**json.loads(made.to_bytes()), **change}

    with pytest.raises(DocumentError, match=place):
        read_configuration(json.dumps(body).encode())


@pytest.mark.parametrize("extra", [0, 1])
def test_read_configuration_at_its_size__refuses_one_more_byte(extra: int) -> None:
    made = read_form(WANTED, "demo", DEMO.limits, NOW).configuration
    assert made is not None
    document = made.to_bytes().ljust(MAX_BYTES + extra)

    if extra:
        with pytest.raises(DocumentError, match="at most"):
            read_configuration(document)
    else:
        assert read_configuration(document) == made


def test_read_configuration_address_without_checksum__refuses() -> None:
    made = read_form(WANTED, "demo", DEMO.limits, NOW).configuration
    assert made is not None
    body = json.loads(made.to_bytes())
    body["terms"]["token"] = "0x" + "ab" * 20

    with pytest.raises(DocumentError, match="EIP-55"):
        read_configuration(json.dumps(body).encode())


def test_read_configuration_a_description_alone__says_so() -> None:
    with pytest.raises(DocumentError, match="is this a description alone"):
        read_configuration(b'{"version": 1, "name": "x"}')


# ----- a service that reads sentences: only if the operator names one -----


class Service(BaseHTTPRequestHandler):
    """Answers as an OpenAI-compatible service; `reply` is what the model says."""

    reply = ""
    heard: list[dict[str, Any]] = []  # noqa: RUF012

    def do_POST(self) -> None:
        """One completion, or a redirect."""
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.heard.append({"path": self.path, "key": self.headers["authorization"], "body": body})
        if self.reply == "redirect":
            self.send_response(302)
            self.send_header("location", "http://127.0.0.1:1/")
            self.end_headers()
            return
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"choices": [{"message": {"content": self.reply}}]}).encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Silent."""


@pytest.fixture
def service() -> Iterator[str]:
    """Such a service on this machine."""
    server = HTTPServer(("127.0.0.1", 0), Service)
    Service.heard.clear()
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    server.shutdown()
    thread.join()
    server.server_close()


def test_service_answers__fills_fields_that_are_checked_like_typed_ones(
    open_site: Open, service: str
) -> None:
    Service.reply = json.dumps({"fields": {**WANTED, "seats": 4, "evil": "x"}, "questions": ["Sure?"]})
    site = open_site(wish=WishEndpoint(service, "small", "secret-key"))

    page = post(site, action="wish", sentence="flowers", remote="1").text

    assert hash_on(page) == site.post("/api/configuration", json={"fields": WANTED}).json()["hash"]
    assert "Sure?" in page
    assert "secret-key" not in page
    assert Service.heard[0]["key"] == "Bearer secret-key"


@pytest.mark.parametrize(
    "reply", ["", "no json", "{}", "redirect", '{"fields": 5}', '{"fields": {"seats": [1]}}x']
)
def test_service_answers_nonsense__local_grammar_reads(open_site: Open, service: str, reply: str) -> None:
    Service.reply = reply
    site = open_site(wish=WishEndpoint(service, "small"))

    assert "local grammar" in post(site, action="wish", sentence=SENTENCE, remote="1").text


def test_service_not_asked_for__nothing_leaves(open_site: Open, service: str) -> None:
    site = open_site(wish=WishEndpoint(service, "small"))

    post(site, action="wish", sentence=SENTENCE)
    site.post("/api/wish", json={"sentence": SENTENCE})

    assert Service.heard == []


def test_site_without_a_service__never_opens_a_connection(
    open_site: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    """W3: no page and no call makes this process reach out."""
    site = open_site()
    monkeypatch.setattr(socket.socket, "connect", _forbidden)
    monkeypatch.setattr(socket, "create_connection", _forbidden)

    for path in (
        "/",
        "/projects/1",
        "/projects/1/rounds/6",
        "/watch",
        "/create",
        "/projects/1/models",
        "/metrics",
    ):
        assert site.get(path).status_code == 200
    post(site, action="wish", sentence="http://169.254.169.254/ 3 labs", remote="1")
    post(site, **{**WANTED, "title": "http://169.254.169.254/"})
    configuration = post(site, "/create/file", **WANTED).text
    assert site.post("/api/calls/create", json={"configuration": configuration}).status_code == 200


def _forbidden(*_: Any, **__: Any) -> None:
    raise AssertionError("this process opened a connection")


def test_settings__never_print_the_services_key() -> None:
    assert "secret" not in repr(WishEndpoint("http://x", "m", "secret"))
