"""What the indexer needs of a chain. `market.chain.blocks.ChainBlocks` is the real one; tests have others."""

from __future__ import annotations

from typing import Protocol

from market.chain.blocks import Header, RawLog
from market.chain.deployment import Deployment
from market.records import ProjectView, RoundView
from market.tokens import TokenFacts


class BlockSource(Protocol):
    """Blocks, logs and getters of one market. Errors: ChainError E206 where the node does not answer."""

    @property
    def deployment(self) -> Deployment:
        """The market, and how to recognise its chain."""

    def check(self) -> None:
        """ChainError E201 if this is another chain."""

    def head(self) -> int:
        """Number of the latest block."""

    def now(self) -> int:
        """Time of the pending block, unix seconds."""

    def header(self, number: int) -> Header | None:
        """Header of a block; None if there is none."""

    def logs(self, first: int, last: int) -> list[RawLog]:
        """Logs of blocks first .. last; a faulty node may leave some out, or repeat some."""

    def project_count(self, block: int) -> int | None:
        """The contract's counter at a block; None where the node has no state of that block."""

    def project(self, project: int, block: int) -> ProjectView | None:
        """The contract's view at a block; None as above."""

    def round(self, project: int, round_: int, block: int) -> RoundView | None:
        """The contract's view at a block; None as above."""

    def token(self, address: str, block: int) -> TokenFacts:
        """What an ERC-20 token said of itself at a block; a later answer where the node has no state of it."""
