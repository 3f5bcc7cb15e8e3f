"""The composition root: settings of one command, and the gateway, store and key built from them.

Nothing else reads the environment. An option wins over its variable, a variable over the default:

    --home         FAIRTRAIN_HOME         data folder: keystores, journals, deployments, the embedded store
    --rpc          FAIRTRAIN_RPC          URL of a node (several: comma-separated), else the running devnet's
    --second-rpc   FAIRTRAIN_SECOND_RPC   URL of another node that must agree before anything is sent
    --deployment   FAIRTRAIN_DEPLOYMENT   deployment file, else deployments/<chain id>.json in the data folder
    --store        FAIRTRAIN_STORE        folder:PATH or kubo:MULTIADDRESS, else `store` in the data folder
    --json                                one JSON document on standard output
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click
import platformdirs

from market.cli.output import Output
from market.devnet import rpc_request

if TYPE_CHECKING:  # keys and the chain client take seconds to load: only commands that use them pay for it
    from eth_account.signers.local import LocalAccount

    from market.chain.deployment import Deployment
    from market.chain.gateway import Gateway
    from market.chain.rpc import Rpc
    from market.keystore import Key
    from market.store.restored import RestoredStore

DEFAULT_RPC = "http://127.0.0.1:8545"
F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class App:
    """Settings of one process and the objects that follow from them."""

    home: Path = field(default_factory=lambda: _home(os.environ.get("FAIRTRAIN_HOME")))
    rpc_urls: str | None = field(default_factory=lambda: os.environ.get("FAIRTRAIN_RPC") or None)
    second_rpc: str | None = field(default_factory=lambda: os.environ.get("FAIRTRAIN_SECOND_RPC") or None)
    deployment_file: Path | None = field(
        default_factory=lambda: _path(os.environ.get("FAIRTRAIN_DEPLOYMENT"))
    )
    store_url: str | None = field(default_factory=lambda: os.environ.get("FAIRTRAIN_STORE") or None)
    as_json: bool = False

    @property
    def out(self) -> Output:
        """Printer in the mode that the user chose."""
        return Output(self.as_json)

    @property
    def journal_dir(self) -> Path:
        """Folder of transaction journals, shared by all commands of a user."""
        return self.home / "journal"

    @property
    def devnet_file(self) -> Path:
        """What `fairtrain devnet` leaves for other commands: url, pid, kind."""
        return self.home / "devnet.json"

    @property
    def url(self) -> str:
        """RPC URL in use: the option, the variable, the devnet of this data folder, the usual port."""
        if self.rpc_urls:
            return self.rpc_urls
        if self.devnet_file.is_file():
            return str(json.loads(self.devnet_file.read_text())["url"])
        return DEFAULT_RPC

    def rpc(self) -> Rpc:
        """A connection; it is tried at the first request."""
        from market.chain.rpc import Rpc

        return Rpc(self.url)

    def deployment(self) -> Deployment:
        """The market of the chain at `url`. ChainError E206 (no node), E207 (nothing deployed there)."""
        from market.chain.deployment import Deployment, default_path

        if self.deployment_file is not None:
            return Deployment.load(self.deployment_file)
        chain_id = int(self.rpc().request("eth_chainId"), 16)
        return Deployment.load(default_path(self.home, chain_id))

    def gateway(self, signer: LocalAccount | None = None) -> Gateway:
        """The market, ready to read, and to send with `signer`. ChainError E201: another chain."""
        from market.chain.gateway import Gateway
        from market.chain.rpc import Rpc

        second = Rpc(self.second_rpc) if self.second_rpc and signer else None
        return Gateway(self.rpc(), self.deployment(), signer, self.journal_dir, second=second)

    def store(self) -> RestoredStore:
        """The content-addressed store, with what this data folder restored of results."""
        from market.store import open_store
        from market.store.restored import RestoredStore

        inner = open_store(self.store_url or f"folder:{self.home / 'store'}")
        return RestoredStore(inner, self.home / "restored")

    def key(self, keystore: Path, password_file: Path | None = None) -> Key:
        """Opens a keystore; the password comes from the file, FAIRTRAIN_PASSWORD or a prompt."""
        from market.keystore import find_password, open_key

        prompt = _prompt if os.isatty(0) else None
        return open_key(keystore, find_password(prompt, password_file))


pass_app = click.make_pass_decorator(App, ensure=True)
"""Gives a command the App as its first argument."""


def common_options(command: F) -> F:
    """Adds the options of every command to a command or group; the innermost use wins."""
    options = (
        _setting("--home", "home", _home, "DIR", "Data folder (FAIRTRAIN_HOME)."),
        _setting("--rpc", "rpc_urls", str, "URL", "Node to talk to (FAIRTRAIN_RPC)."),
        _setting(
            "--second-rpc", "second_rpc", str, "URL", "Another node that must agree before anything is sent."
        ),
        _setting("--deployment", "deployment_file", _path, "FILE", "Deployment file (FAIRTRAIN_DEPLOYMENT)."),
        _setting("--store", "store_url", str, "STORE", "folder:PATH or kubo:MULTIADDRESS (FAIRTRAIN_STORE)."),
        click.option(
            "--json",
            is_flag=True,
            is_eager=True,
            expose_value=False,
            callback=_set_json,
            help="Print one JSON document.",
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def running_chain_id(url: str) -> int | None:
    """Chain id that answers at `url`, None if nobody does; needs no chain client."""
    from market.errors import ChainError

    try:
        return int(rpc_request(url.split(",")[0], "eth_chainId", timeout_s=2.0), 16)
    except ChainError:
        return None


def _setting(flag: str, name: str, parse: Callable[[str], Any], metavar: str, text: str) -> Callable[[F], F]:
    def store(context: click.Context, _: click.Parameter, value: str | None) -> None:
        if value is not None:
            setattr(context.ensure_object(App), name, parse(value))

    return click.option(flag, metavar=metavar, expose_value=False, callback=store, help=text)


def _set_json(context: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(App).as_json = True


def _home(text: str | None) -> Path:
    return Path(text).expanduser() if text else Path(platformdirs.user_data_dir("fairtrain"))


def _path(text: str | None) -> Path | None:
    return Path(text).expanduser() if text else None


def _prompt() -> str:
    return str(click.prompt("Password", hide_input=True, err=True))
