"""A site over made-up facts, and one over a real index."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from market.chain.deployment import Deployment
from market.params import DEMO
from webapp.app import create_app
from webapp.guard import AsgiApp
from webapp.sample_facts import SampleFacts
from webapp.samples import NOW, tx, who
from webapp.settings import Limits, Settings


class Client:
    """Asks an ASGI application as a browser would, without a server."""

    def __init__(self, app: AsgiApp, base_url: str = "http://127.0.0.1:8000") -> None:
        self.app, self.base_url = app, base_url

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """One request."""

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, raise_app_exceptions=True)  # type: ignore[arg-type]
            async with httpx.AsyncClient(transport=transport, base_url=self.base_url) as client:
                return await client.request(method, path, **options)

        return asyncio.run(ask())

    def get(self, path: str, **options: Any) -> httpx.Response:
        """GET."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """POST."""
        return self.request("POST", path, **options)


DEPLOYMENT = Deployment(
    chain_id=31337,
    genesis_hash=tx(1),
    market=who(200),
    tx=tx(2),
    block=1,
    code_hash=tx(3),
    limits=DEMO.limits,
    court=who(201),
    court_tx=tx(4),
    checks=(),
    preset="demo",
)
Open = Callable[..., Client]


def settings_for(tmp_path: Path, **changes: Any) -> Settings:
    """A site that publishes into a folder of the test."""
    base = Settings(DEPLOYMENT, "", f"folder:{tmp_path / 'store'}", publish=True)
    return replace(base, **changes)


@pytest.fixture
def open_site(tmp_path: Path) -> Open:
    """`open_site(facts, **settings)`: a client of such a site."""

    def make(facts: Any = None, **changes: Any) -> Client:
        return Client(create_app(settings_for(tmp_path, **changes), facts or SampleFacts(), lambda: NOW))

    return make


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Client:
    """The site with samples; building one takes a second, so all tests share it."""
    settings = settings_for(
        tmp_path_factory.mktemp("site"), limits=Limits(per_minute=10**9, writes_per_minute=10**9)
    )
    return Client(create_app(settings, SampleFacts(), lambda: NOW))
