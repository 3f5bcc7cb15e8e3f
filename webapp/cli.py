"""`fairtrain web`: index and dashboard with one command. The index is a process of its own, so that pages cannot hurt
it; this process holds no key, asks no node, and opens the database read-only."""

from __future__ import annotations

import multiprocessing
import os
import socket
import time
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

import click

from market.cli import run as run_command
from market.cli.context import App, common_options, pass_app
from market.errors import ChainError, InputError
from market.index.cli import database_option, database_url, index

if TYPE_CHECKING:  # web framework and database take a second to load
    from market.index.queries import Reader
    from webapp.settings import Settings

PATIENCE_S = 30.0
"""For the index's first block."""
WISH_KEY = "FAIRTRAIN_WISH_KEY"


@click.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", type=click.IntRange(0, 65_535), default=8000, show_default=True, help="0: any free one."
)
@click.option("--allow-host", "names", multiple=True, metavar="NAME", help="A name that visitors may use.")
@click.option(
    "--publish/--no-publish",
    default=None,
    help="Owners' files go into the store (default: only where the site listens on loopback).",
)
@click.option(
    "--index/--no-index", "with_index", default=True, show_default=True, help="Start the indexer too."
)
@click.option("--stale-after", type=click.IntRange(1), default=120, show_default=True, help="Seconds.")
@click.option("--chain-name", default="", help="The network's name for people.")
@click.option("--wallet-rpc", default="", metavar="URL", help="Offered to wallets that lack the chain.")
@click.option("--wish-url", default="", metavar="URL", help="OpenAI-compatible service for sentences (off).")
@click.option("--wish-model", default="", help=f"Its model; its key comes from {WISH_KEY}.")
@database_option
@common_options
@pass_app
def web(
    app: App,
    /,
    host: str,
    port: int,
    database: str | None,
    with_index: bool,
    **options: object,
) -> None:
    """Start the dashboard, and the index that it reads."""
    settings = settings_of(app, host, database, **options)
    listener = listen(host, port)
    child = None
    try:
        child = start_index(app, settings.database) if with_index else None
        reader = wait_for_index(settings, child)
        with reader:
            serve(app, settings, reader, listener)
    finally:
        listener.close()
        if child is not None:
            child.terminate()
            child.join(10)


def settings_of(app: App, host: str, database: str | None, **options: object) -> Settings:
    """Settings from options. InputError E107 for options that do not go together."""
    from webapp.settings import LOOPBACK, Settings, WishEndpoint

    publish, url, model = options["publish"], str(options["wish_url"]), str(options["wish_model"])
    if bool(url) != bool(model):
        raise InputError("E107", "--wish-url and --wish-model go together")
    names = tuple(str(name).lower() for name in options["names"])  # type: ignore[attr-defined]
    local = host in LOOPBACK
    if not local and not names:
        raise InputError(
            "E107", f"--host {host} is open to others: say by --allow-host which names they may use"
        )
    deployment = app.deployment()
    devnet = deployment.chain_id in (31337, 1337) and local
    return Settings(
        deployment=deployment,
        database=database_url(app, database),
        store=app.store_url or f"folder:{app.home / 'store'}",
        hosts=(*LOOPBACK, *names) if local else names,
        publish=local if publish is None else bool(publish),
        stale_after_s=int(str(options["stale_after"])),
        poll_s=1 if devnet else 3,
        rpc_hint=str(options["wallet_rpc"]) or (app.url if devnet else ""),
        chain_name=str(options["chain_name"]),
        wish=WishEndpoint(url, model, os.environ.get(WISH_KEY, "")) if url else None,
    )


def start_index(app: App, database: str) -> BaseProcess:
    """`fairtrain index run` as a child that ends with us."""
    words = ["run", "--database", database, "--home", str(app.home), "--rpc", app.url]
    words += ["--deployment", str(app.deployment_file)] if app.deployment_file else []
    words += ["--store", app.store_url] if app.store_url else []
    child = multiprocessing.get_context("spawn").Process(target=_index, args=(words,), daemon=True)
    child.start()
    return child


def _index(words: list[str]) -> None:
    raise SystemExit(run_command(index, words, name="fairtrain index"))


def wait_for_index(settings: Settings, child: BaseProcess | None) -> Reader:
    """The index, once it has tables. ChainError E208 after half a minute, or when the indexer ended."""
    from market.index.queries import open_reader

    until = time.monotonic() + (PATIENCE_S if child else 0)
    while True:
        try:
            return open_reader(settings.database, settings.stale_after_s)
        except ChainError:
            if child is not None and child.exitcode not in (None, 0):
                raise ChainError("E208", "the indexer ended; its message stands above") from None
            if time.monotonic() >= until:
                raise
        time.sleep(0.1)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. ChainError E206 where the port is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
        made.listen()  # visitors wait from here on, instead of being turned away
    except OSError as error:
        made.close()
        raise ChainError(
            "E206", f"cannot listen on {host}, port {port} ({error.strerror}); pass --port N"
        ) from None
    return made


def serve(app: App, settings: Settings, reader: Reader, listener: socket.socket) -> None:
    """Until interrupted."""
    import uvicorn

    from webapp.app import create_app

    site = create_app(settings, reader)
    config = uvicorn.Config(
        site,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=False,
        limit_concurrency=256,
        timeout_keep_alive=5,
        h11_max_incomplete_event_size=2 * settings.limits.headers,
        ws="none",
        lifespan="off",
    )
    host, port = listener.getsockname()[:2]
    shown = f"[{host}]" if ":" in host else host
    app.out.line(
        f"dashboard at http://{shown}:{port}, {'publishing into' if settings.publish else 'not into'} the store"
    )
    app.out.result({"ok": True, "url": f"http://{shown}:{port}", "publish": settings.publish})
    uvicorn.Server(config).run(sockets=[listener])
