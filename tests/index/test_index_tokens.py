"""Tokens as they name themselves, accounts with what proves them, and the step from an index that had neither."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from sqlalchemy import text

from market.chain.blocks import ChainBlocks
from market.claims import START_PROOF
from market.devnet import Devnet
from market.events import Claimed
from market.index.database import open_writer
from market.index.indexer import Step
from market.index.migrations import _config, upgrade
from market.index.queries import open_reader
from market.store.folder import FolderStore
from market.tokens import TokenFacts
from market.units import NATIVE
from tests.fixtures_chain import MakeGateway
from tests.index.published import Published
from tests.index.sync import dumped, fresh, service, steps, sync
from tests.stateful.world import someone

TOKEN = someone(50)
FACTS = TokenFacts(TOKEN, f"SIM{TOKEN[-4:]}", 6)


def in_token(tmp_path: Path) -> Published:
    """A project that pays in a token, with a FINAL round whose pay is claimed for one seat."""
    made = Published(tmp_path).start(token=TOKEN)
    made.to_standing(final=True)
    return made


# ----- tokens -----


def test_token_of_a_project__stands_in_every_answer_about_it(database: str, tmp_path: Path) -> None:
    made = in_token(tmp_path)
    made.world.call("claim", 1, 1, 0, *proof_of(made, 0))
    sync(database, made.mine(), made.store)

    with open_reader(database) as reader:
        page, round_ = reader.project(1), reader.round(1, 1)
        trainer = reader.trainer(made.world.trainers[0])
        assert page is not None
        assert round_ is not None
        assert trainer is not None
        assert page.token == round_.token == reader.projects().items[0].token == FACTS
        assert [tenure.token for tenure in trainer.tenures] == [FACTS]
        assert [token for token, _ in trainer.claimed] == [FACTS]
        assert {credit.token for credit in trainer.credits} == {FACTS}
        assert reader.token(TOKEN) == FACTS
        assert reader.token(NATIVE) == TokenFacts()
        assert reader.token(someone(51)) is None
    assert dumped(database) == fresh(tmp_path, made.chain, made.store)


def test_token_of_a_project_that_is_taken_back__is_forgotten(database: str, tmp_path: Path) -> None:
    made = in_token(tmp_path)
    chain = made.mine()
    blocks = len(chain.blocks)
    with service(database, chain) as running:
        running.catch_up()
        chain.reorganise(blocks, keep=0.0)

        assert Step.REWOUND in steps(running)

    with open_reader(database) as reader:
        assert reader.token(TOKEN) is None
    assert dumped(database) == fresh(tmp_path, chain)


def returning(word: bytes) -> str:
    """Code of a contract that answers every call with one word."""
    return "0x7f" + word.ljust(32, b"\0").hex() + "5f5260205ff3"


@pytest.mark.chain
@pytest.mark.parametrize(
    ("code", "symbol", "decimals"),
    [
        ("0x", "", None),
        ("0x5f5ffd", "", None),  # reverts
        ("0x5b5f56", "", None),  # burns all gas that it is given
        ("0x00", "", None),  # answers nothing
        ("0x620100005ff3", "", None),  # 64 kB of zeros
        (returning(b"MKR"), "MKR", None),
        (returning(b"<script>"), "", None),
        (returning(bytes(31) + b"\x12"), "", 18),
        (returning(bytes(31) + b"\x4e"), "", None),  # 78 decimals
    ],
)
def test_token_hostile_on_a_real_chain__is_believed_no_further(
    anvil: Devnet, make_gateway: MakeGateway, code: str, symbol: str, decimals: int | None
) -> None:
    address = someone(60)
    anvil.request("anvil_setCode", address, code)
    source = ChainBlocks(make_gateway())

    assert source.token(address, source.head()) == TokenFacts(address, symbol, decimals)


@pytest.mark.chain
def test_token_ordinary_on_a_real_chain__also_of_a_block_before_it(
    make_gateway: MakeGateway, erc20: str
) -> None:
    source = ChainBlocks(make_gateway())

    assert source.token(erc20, source.head()) == TokenFacts(erc20, "TEST", 18)
    assert source.token(erc20, 10**9) == TokenFacts(erc20, "TEST", 18)  # no state there: asked about now


# ----- accounts -----


def proof_of(made: Published, seat: int) -> tuple[object, ...]:
    """What the specification's own world would send."""
    claim = made.world.claim_at(1, seat)
    return claim.account, claim.opening, claim.proof


def test_account_proof__is_what_the_contract_takes(database: str, tmp_path: Path) -> None:
    made = in_token(tmp_path)
    sync(database, made.mine(), made.store)

    with open_reader(database) as reader:
        found = reader.account_proof(1, 2)
        page = reader.project(1)
        assert found is not None
        assert page is not None
        round_, proof = found
        events = made.world.call("claim", 1, round_, 2, proof.account, proof.opening, proof.proof)
        assert [event.amount for event in events if isinstance(event, Claimed)] == [page.seats[2].claimable]
        assert (proof.account, proof.opening, proof.proof) == proof_of(made, 2)
        assert reader.account_proof(1, 1024) is None
        assert reader.account_proof(2, 0) is None


def test_account_proof_before_a_final_round__is_the_start(sqlite: str, tmp_path: Path) -> None:
    made = Published(tmp_path).start()
    made.to_standing()
    sync(sqlite, made.mine(), made.store)

    with open_reader(sqlite) as reader:
        assert reader.account_proof(1, 0) == (0, START_PROOF)


def test_account_proof_nobody_serves__is_none_and_nothing_is_claimable(sqlite: str, tmp_path: Path) -> None:
    made = in_token(tmp_path)
    sync(sqlite, made.mine(), FolderStore(tmp_path / "empty"))

    with open_reader(sqlite) as reader:
        page = reader.project(1)
        assert page is not None
        assert reader.account_proof(1, 0) is None
        assert [seat.claimable for seat in page.seats] == [None, None, None]


# ----- an older index -----


def test_upgrade_of_the_first_form__reads_the_chain_again_and_keeps_measurements(
    database: str, tmp_path: Path
) -> None:
    made = in_token(tmp_path)
    chain, engine = made.mine(), open_writer(database)
    with engine.begin() as connection:
        config = _config()
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(text("INSERT INTO measurements VALUES (1, 1, 500000, 30, 7)"))
        connection.execute(text("INSERT INTO totals VALUES (1, 'funded', '5')"))
    upgrade(engine)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM totals")).scalar() == 0
    engine.dispose()
    sync(database, chain, made.store)

    with open_reader(database) as reader:
        assert [one.accuracy_ppm for one in reader.measurements(1)] == [500_000]
    assert dumped(database) == fresh(tmp_path, chain, made.store)
