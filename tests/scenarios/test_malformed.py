"""Malformed and missing updates: the seat is left out with the reason, the honest others are paid.

Rows of the bad-input matrix that reach the aggregator: what stands on chain is well-formed, the file is not.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from market.cid import digest
from market.claims import document_of
from market.codec import UPDATE, encode, update_root
from market.devnet import Devnet
from market.observe import Observer
from market.phases import Phase
from tests.fixtures_chain import MakeGateway
from tests.scenarios.market_in_process import (
    DESCRIPTION,
    Market,
    an_update,
    open_market,
    reveal_by_hand,
    seal_by_hand,
)

pytestmark = pytest.mark.chain

GOOD = encode(an_update() * np.arange(DESCRIPTION.d, dtype=np.int16), UPDATE)
SIZE = len(GOOD)


def bad_padding() -> bytes:
    """B08: the last coefficient lies after d and is not zero."""
    return GOOD[:-2] + b"\x00\x11"


Files = Callable[[], tuple[bytes, bytes]]
"""(bytes that are served, root that is revealed)"""

CASES: dict[str, tuple[Files, str]] = {
    "B01 empty": (lambda: (b"", update_root(GOOD)), f"E101 length: got 0 bytes, expected {SIZE}"),
    "B02 short": (
        lambda: (GOOD[:-1], update_root(GOOD)),
        f"E101 length: got {SIZE - 1} bytes, expected {SIZE}",
    ),
    "B03 long": (lambda: (GOOD + b"\0", update_root(GOOD)), f"E101 length: got more than {SIZE} bytes"),
    "B06 bit": (lambda: (b"\x01" + GOOD[1:], update_root(GOOD)), "E110 root mismatch"),
    "B07 chunks": (
        lambda: (GOOD[2048:4096] + GOOD[:2048] + GOOD[4096:], update_root(GOOD)),
        "E110 root mismatch",
    ),
    "B08 padding": (lambda: (bad_padding(), update_root_of(bad_padding())), "E111 padding"),
    "B09 other d": (lambda: (GOOD + GOOD, update_root(GOOD)), f"E101 length: got more than {SIZE} bytes"),
    "B18 zip": (lambda: (b"PK\x03\x04" + bytes(100), update_root(GOOD)), "E101 length: got 104 bytes"),
    "B28 unserved": (lambda: (b"", update_root(GOOD)), "E143 not available"),
}


def update_root_of(data: bytes) -> bytes:
    """Root of any bytes of whole leaves, without the padding check."""
    from market.merkle import depth_for, leaf_hash, root_of

    leaves = [leaf_hash(i, data[at : at + 2048]) for i, at in enumerate(range(0, len(data), 2048))]
    return root_of(leaves, depth_for(len(leaves)))


@pytest.fixture
def market(anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path) -> Market:
    return open_market(anvil, make_gateway, tmp_path)


def test_post_malformed_updates__each_left_out_with_its_reason_and_others_paid(
    anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    market = open_market(anvil, make_gateway, tmp_path, seats=16, min_seals=8)
    honest = [market.join() for _ in range(3)]
    bad = {case: market.register()[:2] for case in CASES}
    market.aggregate()
    market.fund(1)
    market.run_until(lambda: market.owner.round(market.project, 1).seal_count == len(honest))
    roots = {case: files()[1] for case, (files, _) in CASES.items()}
    salts = {case: seal_by_hand(market, *bad[case], 1, roots[case]) for case in CASES}
    market.run_until(lambda: market.owner.round(market.project, 1).reveal_count == len(honest))
    for case, (files, _) in CASES.items():
        named = b"\x77" * 32 if case.startswith("B28") else digest(market.store.put(files()[0]))
        reveal_by_hand(market, *bad[case], 1, roots[case], salts[case], named)

    with caplog.at_level(logging.WARNING):
        market.run_until(lambda: market.owner.project(market.project).last_result == 1)
        market.stop()
        market.run_until(market.over)
        market.run_until(lambda: not market.turn())

    observer = Observer(market.owner, market.project)
    observer.refresh()
    seats = document_of(market.store, observer.history.round(1).posts[-1]).seats
    verdicts = {entry.seat: entry.verdict for entry in seats}
    for case, (_, reason) in CASES.items():
        seat = bad[case][0]
        assert verdicts[seat] == "left out", case
        assert f"left out, seat {seat}: {reason}" in caplog.text, case
    paid = [market.owner.credit(market.params.token, node.me) - market.params.min_stake for node in honest]
    assert min(paid) > 0


def test_post_zero_update__is_included_and_earns_nothing(market: Market) -> None:
    """B12: format is right, so it is not refused; it just proves no contribution."""
    from trainer.producers import zero

    for _ in range(3):
        market.join()
    lazy = market.join(zero)
    market.aggregate()
    market.fund(1)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)
    market.stop()
    market.run_until(market.over)
    market.run_until(lambda: not market.turn())

    assert market.owner.phase(market.project, 1) is Phase.FINAL
    assert market.owner.result(market.project, 1).included_count == 4
    assert market.owner.credit(market.params.token, lazy.me) == market.params.min_stake


def test_post_saturated_update__is_clipped_and_the_market_goes_on(market: Market) -> None:
    """B13: all coefficients at the int16 limits."""
    for _ in range(4):
        market.join()
    market.join(lambda context: an_update(32_767))
    market.aggregate()
    market.fund(1)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)

    observer = Observer(market.owner, market.project)
    observer.refresh()
    document = document_of(market.store, observer.history.round(1).posts[-1])
    weights = document.weights()
    assert weights[4] < min(weights[seat] for seat in range(4))
    assert DESCRIPTION.d == len(an_update())
