"""The pages of an index in PostgreSQL are those of one in SQLite, to the last character."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from market.index import health
from market.index.queries import open_reader
from tests.index.conftest import new_database, sqlite_url
from tests.index.published import Published
from tests.index.sync import service
from tests.stateful.world import someone
from tests.webapp.conftest import Client, settings_for
from webapp.app import create_app

NOW = 1_800_000_000
TOKEN = someone(50)


@dataclass
class Twins:
    """The same chain behind two sites."""

    made: Published
    sites: dict[str, Client]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory, postgres_server: str) -> Iterator[Twins]:
    """A project paid in a token, with rounds that are final, standing and open, and a seat that left."""
    folder = tmp_path_factory.mktemp("twins")
    made = Published(folder).start(token=TOKEN, open_rounds=3)
    made.to_standing(final=True)
    made.to_standing()
    made.world.open()
    chain = made.mine()
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setattr(health.time, "time", lambda: float(NOW))
        sites = {}
        for name, url in (("sqlite", sqlite_url(folder)), ("postgresql", new_database(postgres_server))):
            with service(url, chain, made.store) as running:
                running.wall = lambda: float(NOW)
                running.catch_up()
            reader = stack.enter_context(open_reader(url))
            site = create_app(settings_for(folder), reader, lambda: float(NOW))
            sites[name] = Client(site)
        yield Twins(made, sites)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/projects/1",
        "/projects/1/rounds/1",
        "/projects/1/rounds/2",
        "/projects/1/rounds/3",
        "/projects/1/models",
        "/trainers/TRAINER",
        "/watch",
        "/create",
        "/projects/9",
    ],
)
def test_page_and_twin__are_the_same_from_both_databases(twins: Twins, path: str) -> None:
    path = path.replace("TRAINER", twins.made.world.trainers[0])
    for address in (path, path + ".json" if path not in ("/", "/create") else "/projects.json"):
        answers = {name: site.get(address) for name, site in twins.sites.items()}
        ours, theirs = answers["sqlite"], answers["postgresql"]

        assert ours.status_code == theirs.status_code
        assert ours.status_code == (404 if path == "/projects/9" else 200)
        assert ours.text == theirs.text


def test_numbers_from_both__are_the_specifications(twins: Twins) -> None:
    project = twins.made.world.project
    for site in twins.sites.values():
        page = site.get("/projects/1.json").json()

        assert (page["coin"]["token"], page["coin"]["decimals"], int(page["escrow"])) == (
            TOKEN,
            6,
            project.escrow,
        )
        assert [int(seat["stake"]) for seat in page["seats"]] == [
            s.stake for _, s in sorted(project.seats.items())
        ]
        assert page["equation"]["balances"]


def test_writes_of_the_site__reach_no_database(twins: Twins) -> None:
    """Calls are encoded from what is read, claims with what proves them."""
    calls = [
        site.post("/api/calls/seat/claim", json={"project": 1, "seat": 1}).json()["steps"]
        for site in twins.sites.values()
    ]

    assert calls[0] == calls[1]
    assert calls[0][0]["signature"].startswith("claim(uint256,uint256,uint16,(int64")
