"""Aggregators that lie: what honest trainers and aggregators do then, and how anybody finds out where the lie is.

One market is led to AGGREGATE of its first round; every test starts there on a copy of its folders, with all
processes restarted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from aggregator.judge import Judgement
from aggregator.ledger import Choice, Ledger
from aggregator.role import AggregatorNode
from market.chain.deployment import Deployment
from market.cid import cid_from_digest, cid_of, digest
from market.claims import Place
from market.cli import fairtrain, run
from market.codec import MODEL, UPDATE, decode, encode, model_root, update_root
from market.devnet import Devnet
from market.errors import VerificationError
from market.events import ResultPosted
from market.observe import Observer
from market.phases import Phase
from market.records import Post
from market.result_document import MAX_BYTES, ResultDocument, parse
from tests.scenarios.market_in_process import (
    AGGREGATOR,
    DESCRIPTION,
    PACE,
    RIVAL,
    SLOW,
    Market,
    restarted,
    slow_market,
)

pytestmark = pytest.mark.chain

SEATS = 3

Twist = Callable[[Judgement], Judgement]


class Liar(AggregatorNode):
    """Judges honestly, then changes what it posts."""

    twist: Twist = staticmethod(lambda judgement: judgement)
    forge: Callable[[ResultDocument], bytes] | None = None
    hides = False

    def _publish(self, number: int, choice: Choice, judgement: Judgement, prev: bytes) -> Post:
        post = super()._publish(number, choice, type(self).twist(judgement), prev)
        cid = cid_from_digest(post.document_digest, MAX_BYTES)
        document = b"".join(self._store.get(cid, MAX_BYTES))
        if self.forge is not None:
            document = type(self).forge(parse(document))  # type: ignore[misc]
            post = replace(post, document_digest=digest(self._store.put(document)))
        if self.hides:
            self._store.unpin(cid_of(document))
            (self._folder / "hidden").write_bytes(document)
        return post

    def _remember(self, *_: object) -> None:
        """A liar has nothing to remember."""


def liar_with(**lies: object) -> type[Liar]:
    """A kind of liar."""
    made = {name: staticmethod(lie) if callable(lie) else lie for name, lie in lies.items()}
    return type("ThisLiar", (Liar,), made)


# ----- lies -----


def wrong_model(judgement: Judgement) -> Judgement:
    """One coefficient of the model, none of the delta."""
    values = decode(judgement.model.read_bytes(), DESCRIPTION.d, MODEL).astype(np.int32)
    values[5] += 1
    return _with_model(judgement, values)


def wrong_step(judgement: Judgement) -> Judgement:
    """One coefficient of the delta, and the model that follows from it."""
    delta = decode(judgement.delta.read_bytes(), DESCRIPTION.d, UPDATE).astype(np.int16)
    model = decode(judgement.model.read_bytes(), DESCRIPTION.d, MODEL).astype(np.int32)
    delta[1_200] += 1
    model[1_200] += 1
    judgement.delta.write_bytes(encode(delta, UPDATE))
    roots = replace(judgement.roots, delta=update_root(encode(delta, UPDATE)))
    return _with_model(replace(judgement, roots=roots), model)


def _with_model(judgement: Judgement, values: np.ndarray[tuple[int], np.dtype[np.int32]]) -> Judgement:
    data = encode(values, MODEL)
    judgement.model.write_bytes(data)
    return replace(judgement, roots=replace(judgement.roots, model=model_root(data)))


def wrong_paid(judgement: Judgement) -> Judgement:
    """Half of the pot back to the owner."""
    return replace(judgement, paid=judgement.paid // 2)


def wrong_accounts(document: ResultDocument) -> bytes:
    """Other accounts than those it committed to."""
    first = document.accounts[0].model_copy(update={"pay": "1"})
    return document.model_copy(update={"accounts": (first, *document.accounts[1:])}).to_bytes()


def wrong_weights(document: ResultDocument) -> bytes:
    """Other weights than those that made the delta."""
    first = document.seats[0].model_copy(update={"weight": document.seats[0].weight // 2})
    return document.model_copy(update={"seats": (first, *document.seats[1:])}).to_bytes()


def stranger_in_weights(document: ResultDocument) -> bytes:
    """A seat that never revealed."""
    stranger = document.seats[0].model_copy(update={"seat": 7, "weight": 5})
    return document.model_copy(update={"seats": (*document.seats, stranger)}).to_bytes()


# ----- the market before the lie -----


@pytest.fixture(scope="module")
def before_the_lie(
    session_anvil: Devnet, session_deployment: Deployment, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Market]:
    """Three trainers have revealed in round 1; nobody has posted."""
    snapshot = session_anvil.snapshot()
    market = slow_market(session_anvil, session_deployment, tmp_path_factory.mktemp("before"), SEATS)
    market.run_until(lambda: market.owner.phase(market.project, 1) is Phase.AGGREGATE)
    yield market
    session_anvil.revert(snapshot)


@pytest.fixture
def market(before_the_lie: Market, anvil: Devnet, tmp_path: Path) -> Market:
    """A copy of the market with restarted trainers."""
    return restarted(before_the_lie, tmp_path / "market", SEATS)


def post_lie(market: Market, liar: type[Liar]) -> ResultPosted:
    """The lie as result of round 1."""
    gateway, bond = market.gateway(AGGREGATOR), 3 * market.params.bond
    gateway.send("addBond", market.project, bond, value=bond)
    folder = market.folder / "liar"
    node = liar(gateway, market.store, market.project, market.key(AGGREGATOR).address, folder, PACE, 0.0)
    market.nodes.append(node)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)
    return observed(market).history.round(1).posts[0]


def observed(market: Market) -> Observer:
    observer = Observer(market.owner, market.project)
    observer.refresh()
    return observer


def ledger(market: Market, folder: Path) -> Ledger:
    place = Place(market.owner.deployment.chain_id, market.owner.deployment.market)
    return Ledger(observed(market).history, market.store, place, folder, keep=False)


def try_to_seal(market: Market) -> int:
    """Opens round 2 and gives every trainer its turns; how many sealed."""
    market.run_until(lambda: market.owner.phase(market.project, 2) is not Phase.NONE)
    for _ in range(SEATS):
        market.turn()
    return market.owner.round(market.project, 2).seal_count


def verify_command(market: Market, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """`fairtrain aggregator verify` of round 1: exit code and what it says on standard error."""
    file = market.folder / "deployment.json"
    market.owner.deployment.save(file)
    options = ["--home", market.folder, "--rpc", market.chain.url, "--deployment", file]
    options += ["--store", f"folder:{market.folder / 'store'}"]
    words = ["aggregator", "verify", market.project, 1, *options]
    capsys.readouterr()
    code = run(fairtrain, [str(word) for word in words])
    said = capsys.readouterr()
    return code, said.err or said.out


# ----- what everybody does -----


def test_honest_result__trainers_seal_and_verify_is_equal(
    market: Market, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    posted = post_lie(market, Liar)

    assert ledger(market, tmp_path / "verify").verify(posted).paid == posted.post.paid
    assert try_to_seal(market) == SEATS
    code, said = verify_command(market, capsys)
    assert (code, "equal: all 7 roots" in said) == (0, True)


@pytest.mark.parametrize(
    ("twist", "seen_by_trainers", "seen_by_verifiers"),
    [
        (wrong_model, "round 1: model root: posted 0x", "round 1: root of model: posted 0x"),
        (wrong_step, "round 1: delta, coefficient 1200: posted ", "round 1: root of delta: posted 0x"),
    ],
)
def test_wrong_base__trainers_do_not_seal_and_verifiers_name_it(
    market: Market,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    twist: Twist,
    seen_by_trainers: str,
    seen_by_verifiers: str,
) -> None:
    posted = post_lie(market, liar_with(twist=twist))

    assert try_to_seal(market) == 0
    warnings = [
        text for text in caplog.messages if f"not sealing on this base: E301 {seen_by_trainers}" in text
    ]
    assert len(warnings) == SEATS
    with pytest.raises(VerificationError, match=f"E301 {seen_by_verifiers}"):
        ledger(market, tmp_path / "verify").verify(posted)
    code, said = verify_command(market, capsys)
    assert code == 7
    assert said.startswith(f"error: E301 {seen_by_verifiers}")


def test_wrong_paid__trainers_cannot_tell_but_rivals_do_not_build_on_it(
    market: Market, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    posted = post_lie(market, liar_with(twist=wrong_paid))
    trainers = market.nodes[:SEATS]
    rival = market.aggregate(RIVAL)

    with pytest.raises(VerificationError, match=r"E301 round 1: paid: posted \d+, computed \d+"):
        ledger(market, tmp_path / "verify").verify(posted)
    assert verify_command(market, capsys)[0] == 7
    alive = [*trainers, rival]
    market.run_until(lambda: market.owner.phase(market.project, 2) is Phase.AGGREGATE, alive)
    market.chain.advance(SLOW.first_right + 1)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            market.turn(alive)
    assert market.owner.project(market.project).last_result == 1
    assert [text for text in caplog.messages if "not posting on a wrong result: E301 round 1: paid" in text]
    market.run_until(lambda: market.owner.phase(market.project, 1) is Phase.FINAL, alive)


FORGED: list[tuple[Callable[[ResultDocument], bytes], str]] = [
    (wrong_weights, "E301 round 1: delta, coefficient "),
    (stranger_in_weights, "E301 round 1: seat 7: posted included, computed not revealed"),
    (lambda _: b"not a document", "E185 result document: "),
]


@pytest.mark.parametrize(("forge", "reason"), FORGED, ids=["weights", "stranger", "rubbish"])
def test_forged_document__trainers_do_not_seal_and_the_command_names_it(
    market: Market,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    forge: Callable[[ResultDocument], bytes],
    reason: str,
) -> None:
    posted = post_lie(market, liar_with(forge=forge))

    assert try_to_seal(market) == 0
    assert len([text for text in caplog.messages if f"not sealing on this base: {reason}" in text]) == SEATS
    ledger(market, tmp_path / "verify").verify(posted)  # no number that is committed to is wrong
    code, said = verify_command(market, capsys)
    assert code == 7
    assert said.startswith("error: E301 round 1: digest of document: posted 0x")


def test_forged_accounts__trainers_warn_and_keep_their_pay(
    market: Market, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    posted = post_lie(market, liar_with(forge=wrong_accounts))
    market.stop()

    market.run_until(market.over)
    market.run_until(lambda: not market.turn())

    assert (
        len(
            [
                text
                for text in caplog.messages
                if "accounts cannot be read (E113 accounts: document has" in text
            ]
        )
        == SEATS
    )
    assert market.owner.project(market.project).bucket == posted.post.paid
    assert verify_command(market, capsys)[0] == 7


def test_hidden_document__trainers_warn_and_are_paid_when_it_appears(
    market: Market, caplog: pytest.LogCaptureFixture
) -> None:
    posted = post_lie(market, liar_with(hides=True))
    assert try_to_seal(market) == 0
    assert len([text for text in caplog.messages if "not sealing on this base: E143" in text]) == SEATS
    market.stop()
    market.run_until(market.over)
    market.run_until(lambda: not market.turn())
    assert len([text for text in caplog.messages if "accounts cannot be read (E143" in text]) == SEATS
    held = [market.owner.seat_index(market.project, node.me) for node in market.nodes[:SEATS]]
    assert held == list(range(SEATS))

    market.store.put((market.folder / "liar" / "hidden").read_bytes())
    market.run_until(lambda: not market.turn())

    paid = [
        market.owner.credit(market.params.token, node.me) - market.params.min_stake
        for node in market.nodes[:SEATS]
    ]
    assert sum(paid) == posted.post.paid
    assert min(paid) > 0
    assert market.drain() == 0
