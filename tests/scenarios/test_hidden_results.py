"""Posters of right numbers who hide what they computed: nobody can be convicted, and nobody is stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from aggregator.ledger import Ledger
from aggregator.restore import restore_standing
from aggregator.role import AggregatorNode
from aggregator.watch.metrics import Metrics
from aggregator.watch.node import WatchNode
from market.cid import cid_from_digest, cid_of, digest
from market.claims import Place, document_of
from market.cli.context import App
from market.codec import MODEL, UPDATE
from market.devnet import Devnet
from market.errors import VerificationError
from market.events import ResultPosted
from market.observe import Observer
from market.phases import Phase
from market.records import Post
from market.result_document import parse
from market.store.folder import FolderStore
from market.store.restored import RestoredStore
from tests.fixtures_chain import MakeGateway
from tests.scenarios.market_in_process import AGGREGATOR, PACE, RIVAL, Market, open_market
from trainer.rescue import recompute

pytestmark = pytest.mark.chain
WATCHER, SEATS = 3, 2


@pytest.fixture
def market(anvil: Devnet, make_gateway: MakeGateway, tmp_path: Path) -> Market:
    market = open_market(anvil, make_gateway, tmp_path, expected_seats=SEATS)
    for _ in range(SEATS):
        market.join()
    market.fund(2)
    return market


Hide = Callable[[Market, Post], Post]


def junk_names(market: Market, post: Post) -> Post:
    """Announces everything under names of nothing."""
    return replace(post, delta_digest=b"\x01" * 32, model_digest=b"\x02" * 32, document_digest=b"\x03" * 32)


def other_weights(market: Market, post: Post) -> Post:
    """Serves a document with the right accounts and wrong weights: a sample of the delta seems to differ."""
    served = parse(b"".join(market.store.get(cid_from_digest(post.document_digest, 1 << 18), 1 << 18)))
    seats = tuple(seat.model_copy(update={"weight": seat.weight // 2}) for seat in served.seats)
    data = served.model_copy(update={"seats": seats}).to_bytes()
    return replace(post, document_digest=digest(market.store.put(data)))


def serves_nothing(market: Market, post: Post) -> Post:
    """Announces the right names and takes the files away."""
    d, objects = market.params.coefficients, market.folder / "store" / "objects"
    for cid in (
        cid_from_digest(post.delta_digest, UPDATE.file_bytes(d)),
        cid_from_digest(post.model_digest, MODEL.file_bytes(d)),
        cid_from_digest(post.document_digest, 1 << 18),
    ):
        (objects / cid[-2:] / cid).unlink()
    return post


def hider(market: Market, hide: Hide) -> AggregatorNode:
    """An aggregator whose numbers are right."""

    class Hider(AggregatorNode):
        def _publish(self, *args: object) -> Post:
            return hide(market, super()._publish(*args))  # type: ignore[arg-type]

    gateway, bond = market.gateway(AGGREGATOR), market.params.bond * market.params.open_rounds
    gateway.send("addBond", market.project, bond, value=bond)
    address, folder = market.key(AGGREGATOR).address, market.folder / "hider"
    node = Hider(gateway, market.store, market.project, address, folder, PACE, 0.0)
    market.nodes.append(node)
    return node


def watcher(market: Market) -> WatchNode:
    address, folder = market.key(WATCHER).address, market.folder / "watch"
    return WatchNode(
        market.gateway(WATCHER), market.store, market.project, address, folder, PACE, Metrics(market.project)
    )


def posted(market: Market, number: int) -> ResultPosted:
    observer = Observer(market.owner, market.project)
    observer.refresh()
    found = observer.history.posted(market.owner.result(market.project, number).commitment)
    assert found is not None
    return found


def own_restoration(market: Market, store: RestoredStore) -> Callable[[], None]:
    """What `aggregator restore` does."""

    def run() -> None:
        observer = Observer(market.owner, market.project)
        observer.refresh()
        folder = market.folder / "restore"
        folder.mkdir(exist_ok=True)
        place = Place(market.owner.deployment.chain_id, market.owner.deployment.market)
        newest = market.owner.result(market.project, market.owner.project(market.project).last_result)
        restore_standing(Ledger(observer.history, store, place, folder), store, newest.commitment, folder)

    return run


@pytest.mark.parametrize("hide", [junk_names, other_weights, serves_nothing])
def test_right_result_that_is_hidden__trainers_recompute_it_and_are_paid(market: Market, hide: Hide) -> None:
    trainers = list(market.nodes)
    hider(market, hide)
    for node in trainers:
        node._recompute = own_restoration(market, market.store)  # type: ignore[attr-defined]

    market.run_until(lambda: market.owner.project(market.project).head == 2)
    market.stop()
    market.run_until(market.over)
    market.run_until(lambda: not market.turn())

    sealed = market.owner.round(market.project, 2)
    assert (sealed.phase, sealed.reveal_count) == (Phase.FINAL, SEATS)
    paid = [market.owner.credit(market.params.token, node.me) for node in trainers]
    assert all(credit > market.params.min_stake for credit in paid)
    assert market.drain() == 0


@pytest.mark.parametrize("hide", [junk_names, serves_nothing])
def test_right_result_that_is_hidden__the_watcher_restores_it_and_convicts_nobody(
    market: Market, hide: Hide, caplog: pytest.LogCaptureFixture
) -> None:
    node = hider(market, hide)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)
    watch = watcher(market)
    watch.turn(watch.snapshot())

    assert not watch.wrong
    assert not market.owner.aggregator(market.project, node.me).banned
    assert "delta and model and document could not be had as announced" in caplog.text
    announced = posted(market, 1)
    assert document_of(market.store, announced).paid == str(announced.post.paid)
    if hide is serves_nothing:
        size = UPDATE.file_bytes(market.params.coefficients)
        cid = cid_from_digest(announced.post.delta_digest, size)
        assert cid_of(b"".join(FolderStore(market.folder / "store").get(cid, size, exact=True))) == cid


def test_result_that_is_served__nothing_is_restored(market: Market) -> None:
    market.aggregate(RIVAL)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)
    own_restoration(market, market.store)()
    assert not (market.folder / "restored").exists()


def test_restore_of_a_lie__refused_and_nothing_restored(market: Market) -> None:
    hider(market, lambda _, post: replace(junk_names(market, post), paid=post.paid - 1))
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)
    with pytest.raises(VerificationError, match=r"round 1: paid"):
        own_restoration(market, market.store)()
    assert not (market.folder / "restored").exists()


def test_recompute_by_command__what_trainers_run_when_a_base_is_hidden(
    market: Market, anvil: Devnet, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    hider(market, junk_names)
    market.run_until(lambda: market.owner.project(market.project).last_result == 1)
    market.owner.deployment.save(tmp_path / "deployment.json")
    app = App(
        home=tmp_path / "home",
        rpc_urls=anvil.url,
        deployment_file=tmp_path / "deployment.json",
        store_url=f"folder:{market.folder / 'store'}",
    )
    with caplog.at_level("INFO"):
        recompute(app, market.project)
    assert "restore: round 1: delta and model and document" in caplog.text
    assert document_of(app.store(), posted(market, 1)).round == 1
