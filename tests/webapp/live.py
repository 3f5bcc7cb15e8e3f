"""A dashboard over a real chain, in this process: anvil, the real index in a thread, the real server in another."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from market.chain.blocks import ChainBlocks
from market.chain.deployment import Deployment
from market.devnet import Devnet
from market.index.queries import Reader, open_reader
from market.index.run import Service
from market.store import open_store
from tests.fixtures_chain import MakeGateway
from webapp.app import create_app
from webapp.settings import Limits, Settings
from webapp.site import Facts

PATIENCE_S = 20.0


@dataclass
class LiveSite:
    """A running site. `home` looks like a data folder: its store is the site's."""

    url: str
    home: Path
    chain: Devnet
    reader: Reader
    make_gateway: MakeGateway


def wait_until(condition: Callable[[], object], what: str = "") -> None:
    """Looks again and again; AssertionError after a while."""
    until = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < until, f"waited in vain {what}"
        time.sleep(0.05)


@contextmanager
def served(settings: Settings, reader: Facts) -> Iterator[str]:
    """A server in a thread; its address."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    site = create_app(settings, reader)
    server = uvicorn.Server(uvicorn.Config(site, log_level="error", lifespan="off", ws="none"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started, "for the server")
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@contextmanager
def indexed(database: str, make_gateway: MakeGateway, store: str) -> Iterator[None]:
    """The real indexer in a thread."""
    stop = threading.Event()
    service = Service(database, ChainBlocks(make_gateway()), open_store(store), poll_s=0.1)
    service.start()
    thread = threading.Thread(target=service.run, args=(stop.is_set,))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        service.close()


@contextmanager
def live_site(
    home: Path, chain: Devnet, deployment: Deployment, make_gateway: MakeGateway
) -> Iterator[LiveSite]:
    """Index and site over a chain."""
    database, store = f"sqlite:///{home / 'index.sqlite'}", f"folder:{home / 'store'}"
    limits = Limits(per_minute=100_000, writes_per_minute=10_000)
    settings = Settings(
        deployment, database, store, publish=True, poll_s=1, limits=limits, rpc_hint=chain.url
    )
    with (
        indexed(database, make_gateway, store),
        open_reader(database) as reader,
        served(settings, reader) as url,
    ):
        yield LiveSite(url, home, chain, reader, make_gateway)
