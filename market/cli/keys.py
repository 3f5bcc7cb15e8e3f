"""Whose key signs a command: an encrypted keystore, or a public test key on a devnet."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import click

from market.cli.context import App
from market.devnet import dev_account
from market.errors import InputError, KeystoreError
from market.keystore import Key

F = TypeVar("F", bound=Callable[..., Any])

DEVNET_CHAINS = (31337, 1337)
"""Chain ids of anvil and Ganache: the only ones on which public test keys are accepted."""


@dataclass(frozen=True)
class KeyChoice:
    """What the user said about the key."""

    keystore: Path | None
    password_file: Path | None
    devnet_key: int | None

    def open(self, app: App) -> Key:
        """The key. Raises KeystoreError E210-E219, InputError E189 for a test key on a real chain."""
        if self.devnet_key is not None:
            chain_id = int(app.rpc().request("eth_chainId"), 16)
            if chain_id not in DEVNET_CHAINS:
                raise InputError(
                    "E189", f"--devnet-key is public; chain {chain_id} is no devnet, use --keystore"
                )
            return Key(bytes(dev_account(self.devnet_key).key))
        path = self.keystore or app.home / "keystores" / "default.json"
        if not path.is_file():
            raise KeystoreError(
                "E211", f"no keystore {path}; make one with `fairtrain trainer init`, or pass --keystore FILE"
            )
        return app.key(path, self.password_file)


def signer_options(command: F) -> F:
    """Adds --keystore, --password-file and --devnet-key; the command takes `choice: KeyChoice`."""
    file = click.Path(dir_okay=False, path_type=Path)

    def collect(**arguments: Any) -> Any:
        choice = KeyChoice(
            arguments.pop("keystore"), arguments.pop("password_file"), arguments.pop("devnet_key")
        )
        return command(choice=choice, **arguments)

    collect.__doc__, collect.__name__ = command.__doc__, command.__name__
    collect.__dict__.update(command.__dict__)
    options = (
        click.option(
            "--keystore", type=file, help="Encrypted key (default: keystores/default.json in --home)."
        ),
        click.option(
            "--password-file", type=file, help="Its password (else FAIRTRAIN_PASSWORD, else a prompt)."
        ),
        click.option(
            "--devnet-key", type=click.IntRange(0, 254), help="Public test key N, on a devnet only."
        ),
    )
    for option in reversed(options):
        option(collect)
    return collect  # type: ignore[return-value]
