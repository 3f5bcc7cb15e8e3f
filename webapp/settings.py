"""Settings of one web process; `webapp.cli` fills them in, nothing else reads options or the environment."""

from __future__ import annotations

from dataclasses import dataclass, field

from market.chain.deployment import Deployment

LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGE_ROWS = 50
"""Rows of a list on one page; `MAX_ROWS` is what a visitor may ask for."""
MAX_ROWS = 100


@dataclass(frozen=True)
class WishEndpoint:
    """An OpenAI-compatible service that reads owners' sentences. `key` is never printed."""

    url: str
    model: str
    key: str = field(default="", repr=False)
    timeout_s: float = 15.0


@dataclass(frozen=True)
class Limits:
    """What one visitor may cost. Sizes in bytes, times in seconds.

    `per_minute`: requests of one address; `writes_per_minute`: those that compute or store something.
    """

    body: int = 131_072
    headers: int = 16_384
    query: int = 2_048
    request_s: float = 10.0
    per_minute: int = 600
    writes_per_minute: int = 60
    visitors: int = 10_000


@dataclass(frozen=True)
class Settings:
    """Where the data is, who may ask, and how old an answer may be.

    `hosts`: names under which the site may be called (DNS rebinding ends here). `publish`: owners' descriptions and
    first models are put into the store; meant for a site that only its owner reaches. `max_coefficients`: models
    above it are created with the command line. `stale_after_s`: the last block is older than this, or the index
    was not seen for as long: pages say so and `/healthz` fails. `rpc_hint`: what a wallet that lacks the chain is
    offered; empty offers nothing.
    """

    deployment: Deployment
    database: str
    store: str = ""
    hosts: tuple[str, ...] = LOOPBACK
    publish: bool = False
    max_coefficients: int = 2_000_000
    stale_after_s: int = 120
    poll_s: int = 3
    rpc_hint: str = ""
    chain_name: str = ""
    wish: WishEndpoint | None = None
    limits: Limits = field(default_factory=Limits)

    @property
    def network(self) -> str:
        """A name for people."""
        known = {31337: "local devnet (anvil)", 1337: "local devnet (Ganache)", 1: "Ethereum"}
        return self.chain_name or known.get(self.deployment.chain_id, f"chain {self.deployment.chain_id}")
