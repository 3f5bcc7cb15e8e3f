"""Whether the site may be believed, and by whom it is measured."""

from __future__ import annotations

import pytest

from market.errors import ChainError
from market.index import views as v
from tests.webapp.conftest import Client, Open
from webapp.sample_facts import SampleFacts
from webapp.samples import who


class GoneFacts(SampleFacts):
    """A database that does not answer."""

    def health(self) -> v.Health:
        raise ChainError("E208", "the index database does not answer")


def test_healthz_fresh__200(site: Client) -> None:
    assert site.get("/healthz").json() == {"ok": True, "state": "following", "block": 18_204, "lag_s": 2}


@pytest.mark.parametrize(
    "facts", [SampleFacts(stale=True, lag_s=500), SampleFacts(state="halted", problem="E203"), GoneFacts()]
)
def test_healthz_stale_halted_or_gone__503(open_site: Open, facts: SampleFacts) -> None:
    answer = open_site(facts).get("/healthz")

    assert answer.status_code == 503
    assert answer.json()["ok"] is False


def test_metrics__count_routes_by_their_pattern(open_site: Open) -> None:
    site = open_site()
    for path in ("/projects/1", "/projects/2", "/projects/77", f"/trainers/{who(3)}", "/nope/x"):
        site.get(path)

    text = site.get("/metrics").text

    assert 'fairtrain_web_requests_total{route="/projects/{project:int}",status="200"} 2.0' in text
    assert 'route="/projects/{project:int}",status="404"} 1.0' in text
    assert 'route="none",status="404"} 1.0' in text
    assert "/projects/77" not in text
    assert "fairtrain_index_block 18204.0" in text
    assert "fairtrain_index_stale 0.0" in text


def test_metrics_without_a_database__still_answer(open_site: Open) -> None:
    answer = open_site(GoneFacts()).get("/metrics")

    assert answer.status_code == 200
    assert "fairtrain_index_stale 1.0" in answer.text
