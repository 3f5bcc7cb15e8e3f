"""`/patterns`: every component with sample data, for people who change them and for the tests that look at them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse

from market.index.views import ResultState
from webapp import lines
from webapp import models as m
from webapp import samples as s
from webapp.build.hero import WORDS, hero_of
from webapp.build.money import equation_of
from webapp.build.pages import accuracy_chart, pay_chart, project_detail, step_chart
from webapp.build.rows import result_line, status_of
from webapp.pages import Here
from webapp.text import Coin

router = APIRouter(include_in_schema=False)
STATES = (
    "commit reveal aggregate proposed standing final flat void|running stopped over refunded waiting|"
    "honest unreliable malicious left-out absent|pending checked wrong|convicted cleared displaced replaced"
)


@dataclass(frozen=True)
class PatternsPage:
    """Everything `/patterns` shows."""

    status: m.Status
    states: list[list[str]]
    heroes: list[m.Hero]
    equations: list[m.Equation]
    charts: list[Any]
    results: list[lines.ResultLine]
    coin: Coin
    hostile: str
    amounts: list[int]
    failure: m.Failure


def patterns_model(site: Here) -> PatternsPage:
    """Samples of everything."""
    status = status_of(s.health(), site.settings, site.version)
    page = project_detail(status, s.project_page(), 950_000)
    rows = [s.round_row(number, *case) for number, case in enumerate(s.PHASES, 2)]
    return PatternsPage(
        status=status,
        states=[group.split() for group in STATES.split("|")],
        heroes=[hero_of(None, s.PARAMS, "running")] + [hero_of(row, s.PARAMS, "running") for row in rows],
        equations=[
            equation_of(s.money(), 11, False),
            equation_of(s.money(burned=5, penalty_pool=12), 11, False),
        ],
        charts=[
            page.accuracy,
            page.pay,
            accuracy_chart([], None),
            step_chart([], 15),
            pay_chart([], Coin()),
        ],
        results=[result_line(s.result_row(6, state)) for state in ResultState],
        coin=Coin(),
        hostile=s.HOSTILE,
        amounts=[0, 1, 17, 10**12 - 1, 10**12, 12_345_678_901_234_567, 10**18, 1_234_567 * 10**18],
        failure=m.Failure("project 99 is not in the index; it may be new, or not exist", "W404", 404),
    )


@router.get("/patterns", response_class=HTMLResponse)
def patterns(site: Here) -> Response:
    """Every component."""
    return site.html("patterns", patterns_model(site), words=list(WORDS.values()))
