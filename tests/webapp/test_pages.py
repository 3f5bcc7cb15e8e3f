"""Every page and its JSON twin: fresh, empty, stale, halted, missing."""

from __future__ import annotations

import dataclasses
import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from market.errors import ChainError
from market.index import views as v
from tests.webapp.conftest import Client, Open
from webapp import models as m
from webapp.sample_facts import EmptyFacts, SampleFacts
from webapp.samples import NOW, who

PAGES = [
    "/",
    "/projects/1",
    "/projects/2",
    "/projects/3",
    "/projects/1/rounds/6",
    "/projects/1/models",
    f"/trainers/{who(3)}",
    "/watch",
    "/create",
    "/patterns",
    "/status",
]
TWINS = {
    "/projects.json": m.ProjectsPage,
    "/projects/1.json": m.ProjectDetail,
    "/projects/1/rounds/6.json": m.RoundDetail,
    "/projects/1/models.json": m.ModelsDetail,
    f"/trainers/{who(3)}.json": m.TrainerDetail,
    "/watch.json": m.WatchDetail,
    "/status.json": m.Status,
}
LIVE = ["/", "/projects/1", "/projects/1/rounds/6", f"/trainers/{who(3)}", "/watch", "/status"]


class Tags(HTMLParser):
    """Counts what opens and closes, and collects links."""

    VOID = frozenset({"br", "hr", "img", "input", "line", "link", "meta", "path", "rect"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]

    def handle_endtag(self, tag: str) -> None:
        if tag in self.VOID:
            return
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag, f"</{tag}> closes another"


@pytest.mark.parametrize("path", PAGES)
def test_page__is_well_formed_and_has_no_inline_script_or_style(site: Client, path: str) -> None:
    answer = site.get(path)
    tags = Tags()
    tags.feed(answer.text)

    assert answer.status_code == 200
    assert tags.open == []
    names = {name for _, name, _ in tags.attributes}
    assert "style" not in names
    assert not [name for name in names if name.startswith("on")]
    assert not re.search(r"<script(?![^>]* src=)", answer.text)
    assert "<style" not in answer.text


@pytest.mark.parametrize("path", PAGES)
def test_page_links__stay_on_this_site(site: Client, path: str) -> None:
    tags = Tags()
    tags.feed(site.get(path).text)
    links = [
        value for _, name, value in tags.attributes if name in ("href", "src", "action", "hx-get", "hx-post")
    ]

    assert links
    assert not [link for link in links if not link.startswith(("/", "#"))]


@pytest.mark.parametrize("path", PAGES)
def test_page_scripts__are_pinned_by_their_hash(site: Client, path: str) -> None:
    text = site.get(path).text

    for tag in re.findall(r"<(?:script|link rel=\"stylesheet\")[^>]*>", text):
        assert 'integrity="sha384-' in tag


@pytest.mark.parametrize("path", TWINS)
def test_twin__has_every_field_of_its_page_model(site: Client, path: str) -> None:
    body = site.get(path).json()

    assert body.keys() == {field.name for field in dataclasses.fields(TWINS[path])}


def test_twin_amounts__are_decimal_text(site: Client) -> None:
    body = site.get("/projects/1.json").json()

    assert isinstance(body["equation"]["entered"], str)
    assert int(body["equation"]["entered"]) == sum(int(part["amount"]) for part in body["equation"]["parts"])
    assert isinstance(body["seats"][0]["earned"], str)


@pytest.mark.parametrize("path", LIVE)
def test_live_part__is_inside_its_page_and_has_no_frame(site: Client, path: str) -> None:
    page, part = site.get(path).text, site.get(path, params={"part": "live"})

    assert part.status_code == 200
    assert "<html" not in part.text
    assert path == "/status" or part.text.strip() in page
    assert int(part.headers["x-chain-now"]) == NOW


@pytest.mark.parametrize("path", LIVE)
def test_live_part_asked_again__304_without_a_body(site: Client, path: str) -> None:
    first = site.get(path, params={"part": "live"})
    again = site.get(path, params={"part": "live"}, headers={"if-none-match": first.headers["etag"]})

    assert (again.status_code, again.content) == (304, b"")


def test_live_part_of_another_name__refuses(site: Client) -> None:
    assert site.get("/projects/1", params={"part": "main"}).status_code == 422


@pytest.mark.parametrize(
    "path",
    [
        "/projects/9",
        "/projects/9/rounds/1",
        "/projects/1/rounds/8",
        "/projects/9/models",
        f"/trainers/{who(77)}",
    ],
)
def test_page_of_nothing__404_in_both_forms(site: Client, path: str) -> None:
    page, twin = site.get(path), site.get(f"{path}.json")

    assert page.status_code == twin.status_code == 404
    assert "W404" in page.text
    assert twin.json() == {"error": twin.json()["error"], "code": "W404", "status": 404, "ok": False}


@pytest.mark.parametrize(
    "path",
    [
        "/projects/0",
        f"/projects/{1 << 63}",
        "/projects/1/rounds/0",
        "/trainers/0x12",
        "/?limit=101",
        "/?offset=-1",
    ],
)
def test_page_out_of_range__refuses(site: Client, path: str) -> None:
    assert site.get(path).status_code in (404, 422)


@pytest.mark.parametrize("limit", [1, 100])
def test_list_at_its_limits__answers(site: Client, limit: int) -> None:
    assert len(site.get("/projects.json", params={"limit": limit}).json()["projects"]["items"]) <= limit


def test_pages_before_the_first_block__say_so(open_site: Open) -> None:
    site = open_site(EmptyFacts())

    assert "Waiting for the first block" in site.get("/").text
    assert "Nothing is indexed yet" in site.get("/").text
    assert "No result is open" in site.get("/watch").text


def test_pages_of_a_stale_index__have_a_banner(open_site: Open) -> None:
    site = open_site(SampleFacts(stale=True, lag_s=3_700, state="behind"))

    assert "These numbers may be old" in site.get("/projects/1").text
    assert "1 h 1 min" in site.get("/projects/1").text


def test_pages_of_a_halted_index__show_why_escaped(open_site: Open) -> None:
    site = open_site(SampleFacts(stale=True, state="halted", problem="E203 <b>deep</b>"))

    assert "The index has stopped" in site.get("/").text
    assert "<b>deep</b>" not in site.get("/").text


def test_open_pages_of_an_index_that_becomes_stale__get_the_banner_with_their_footer(open_site: Open) -> None:
    part = open_site(SampleFacts(stale=True, lag_s=3_700)).get("/status", params={"part": "live"}).text
    fresh = open_site().get("/status", params={"part": "live"}).text

    assert 'id="banner" hx-swap-oob="true"' in part
    assert "These numbers may be old" in part
    assert "These numbers" not in fresh


class BrokenFacts(SampleFacts):
    """A database that is gone."""

    def health(self) -> v.Health:
        raise ChainError("E208", "cannot open /srv/somebody/index.sqlite")


def test_pages_without_a_database__503_without_its_path(open_site: Open) -> None:
    site = open_site(BrokenFacts())
    page, twin = site.get("/projects/1"), site.get("/projects/1.json")

    assert page.status_code == twin.status_code == 503
    assert "somebody" not in page.text + twin.text
    assert twin.json()["code"] == "E208"


def test_project_before_its_first_round__says_what_is_missing(site: Client) -> None:
    text = site.get("/projects/3").text

    assert "No round has opened" in text
    assert "Nobody has joined" in text
    assert "No store has served the description" in text


def test_project_with_a_goal__draws_it(site: Client) -> None:
    assert "goal 80.00 %" in site.get("/projects/1", params={"goal": "80"}).text
    assert "was measured in round" in site.get("/projects/1", params={"goal": "80"}).text
    assert "was measured in round" not in site.get("/projects/1", params={"goal": "95"}).text


@pytest.mark.parametrize("goal", ["abc", "1e3", "-1", "<script>", "1" * 9])
def test_project_with_a_bad_goal__refuses(site: Client, goal: str) -> None:
    assert site.get("/projects/1", params={"goal": goal}).status_code == 422


def test_every_chart__has_a_table_with_every_value(site: Client) -> None:
    body = site.get("/projects/1.json").json()
    text = site.get("/projects/1").text

    for name in ("accuracy", "agreement", "steps", "pay"):
        assert body[name]["points"]
        for point in body[name]["points"]:
            assert f">{point['text']}</td>" in text


def test_static_file__is_served_for_ever_and_nothing_else_is(site: Client) -> None:
    assert "immutable" in site.get("/static/app.js").headers["cache-control"]
    for path in ("/static/../app.py", "/static/%2e%2e%2fapp.py", "/static/none.js", "/static/htmx-LICENSE"):
        assert site.get(path).status_code == 404


def test_head_request__headers_of_get_without_a_body(site: Client) -> None:
    head, get = site.request("HEAD", "/projects/1"), site.get("/projects/1")

    assert head.content == b""
    assert head.headers["etag"] == get.headers["etag"]


def test_round_page__shows_the_reference_as_its_twin_does(site: Client) -> None:
    text = site.get("/projects/1/rounds/6").text
    line = site.get("/projects/1/rounds/6.json").json()["reference"]

    assert (line["state"], line["included"]) == ("revealed", True)
    for value in (line["key"], line["seal_tx"], line["reveal_tx"], line["cid"], line["root"]):
        assert value in text
    assert line["why"] in text


def test_trainer_page__says_why_for_each_round(site: Client) -> None:
    text = site.get(f"/trainers/{who(3)}").text

    assert text.count("does not point where the others") == 7
    assert "7 of 7 rounds" in text


def test_model_page__loads_in_three_lines(site: Client) -> None:
    code = site.get("/projects/1/models.json").json()["code"]

    assert len(code) == 3
    assert "nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2)" in code[1]


def test_openapi__names_every_page_and_twin(site: Client) -> None:
    paths: dict[str, Any] = json.loads(site.get("/openapi.json").text)["paths"]

    assert {
        "/",
        "/projects/{project}",
        "/projects/{project}.json",
        "/watch.json",
        "/api/calls/create",
    } <= paths.keys()
    assert not [path for path in paths if path.startswith("/docs")]
