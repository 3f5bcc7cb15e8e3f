"""The gateway against the real contract: typed views, events, refusals and payments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from market.chain.deploy import deploy_market
from market.chain.deployment import Deployment
from market.chain.gateway import Gateway, default_policy
from market.chain.rpc import Rpc
from market.devnet import Devnet, dev_account
from market.errors import ChainError, RefusedError
from market.events import ProjectCreated, ProjectFunded, Revealed, RoundOpened, Sealed, TrainerRegistered
from market.keccak import keccak256
from market.params import MINIMAL, Content, Params
from market.phases import Phase
from market.seals import seal_hash, short_seal
from market.tokens import TokenFacts
from market.units import NATIVE, ZERO_ADDRESS
from tests.chain.child import QUICK
from tests.fixtures_chain import MakeGateway

pytestmark = pytest.mark.chain
CONTENT = Content(b"\x01" * 32, b"\x02" * 32, b"\x03" * 32)
ROOT, SALT = b"\xaa" * 32, b"\xbb" * 32
OWNER, TRAINER, OTHER = 1, 2, 3


def small(gateway: Gateway, **changes: object) -> Params:
    params: Params = MINIMAL.project(gateway.now(), coefficients=2048, **changes)
    return params


def create(gateway: Gateway, **changes: object) -> int:
    receipt = gateway.send("create", small(gateway, **changes), CONTENT)
    (created,) = receipt.events
    assert isinstance(created, ProjectCreated)
    return created.project


@pytest.fixture(params=["anvil", "ganache"])
def gateways(request: pytest.FixtureRequest) -> dict[int, Gateway]:
    """Owner and two trainers on either chain."""
    devnet: Devnet = request.getfixturevalue(request.param)
    deployment, _ = deploy_market(Rpc(devnet.url), dev_account(0), MINIMAL.limits)
    signers = {i: dev_account(i) for i in (OWNER, TRAINER, OTHER)}
    return {i: Gateway(devnet.url, deployment, signer, policy=QUICK) for i, signer in signers.items()}


def test_round_from_creation_to_reveal__views_and_events_agree(gateways: dict[int, Gateway]) -> None:
    owner = gateways[OWNER]
    project = create(owner, seats=2, min_seals=2)
    params, content = owner.params(project)
    owner.send("fund", project, params.pot, value=params.pot)
    for seat, account in enumerate((TRAINER, OTHER)):
        payout = dev_account(9).address
        gateways[account].send(
            "register", project, seat, payout, params.min_stake, [], value=params.min_stake
        )
    owner.send("open", project)
    for seat, account in enumerate((TRAINER, OTHER)):
        trainer = gateways[account]
        trainer.send("seal", project, 1, seat, _seal(trainer, project), intent=f"seal/{project}/1")
    assert owner.phase(project, 1) == Phase.REVEAL
    gateways[TRAINER].send("reveal", project, 1, 0, ROOT, SALT, b"\x04" * 32)

    view = owner.round(project, 1)
    assert (view.phase, view.seal_count, view.reveal_count) == (Phase.REVEAL, 2, 1)
    assert view.base_root == content.model_root == CONTENT.model_root
    assert owner.slot(project, 1, 0) == ROOT
    assert owner.slot(project, 1, 1) == _seal(gateways[OTHER], project)
    assert owner.project(project).head == 1
    assert owner.seat(project, 0).stake == params.min_stake
    assert owner.seat_index(project, dev_account(OTHER).address) == 1
    assert owner.seat_index(project, dev_account(5).address) is None
    assert owner.result(project, 1).poster == ZERO_ADDRESS
    assert not owner.aggregator(project, dev_account(5).address).banned
    assert owner.held(NATIVE) == params.pot + 2 * params.min_stake
    assert owner.credit(NATIVE, dev_account(OWNER).address) == 0
    kinds = [type(log.event) for log in owner.events(project=project)]
    seats = [TrainerRegistered] * 2
    assert kinds == [ProjectCreated, ProjectFunded, *seats, RoundOpened, Sealed, Sealed, Revealed]


def _seal(trainer: Gateway, project: int) -> bytes:
    assert trainer.signer is not None
    chain, market = trainer.deployment.chain_id, trainer.address
    address = trainer.signer.address
    return short_seal(seal_hash(chain, market, project, 1, address, CONTENT.model_root, ROOT, SALT))


def test_send_refused__typed_error_with_arguments_and_no_nonce(gateways: dict[int, Gateway]) -> None:
    owner = gateways[OWNER]
    project = create(owner)
    account = dev_account(OTHER).address
    before = owner.rpc.request("eth_getTransactionCount", [account, "latest"])

    with pytest.raises(RefusedError) as caught:
        gateways[OTHER].send("stop", project)

    assert caught.value.name == "MarketNotOwner"
    assert caught.value.args_ == {"caller": account, "owner": dev_account(OWNER).address}
    assert "sign with the key that created the project" in str(caught.value)
    assert owner.rpc.request("eth_getTransactionCount", [account, "latest"]) == before


def test_call_view_of_unknown_project__refused_with_count(gateways: dict[int, Gateway]) -> None:
    with pytest.raises(RefusedError, match="MarketUnknownProject"):
        gateways[OWNER].project(99)


def test_call_dry_run__shows_refusal_without_key(make_gateway: MakeGateway) -> None:
    project = create(make_gateway(OWNER))
    reader = make_gateway()
    assert reader.call("stop", project, sender=dev_account(OWNER).address) == ()
    with pytest.raises(RefusedError, match="MarketNotOwner"):
        reader.call("stop", project, sender=dev_account(OTHER).address)
    assert not reader.project(project).stopped


def test_send_without_key__e209(make_gateway: MakeGateway) -> None:
    with pytest.raises(ChainError, match="E209 this command has no key"):
        make_gateway().send("open", 1)


def test_send_wrong_arguments__bug_not_refusal(make_gateway: MakeGateway) -> None:
    with pytest.raises(TypeError, match=r"open takes 1 arguments \(\['project'\]\), got 2"):
        make_gateway(OWNER).send("open", 1, 2)
    with pytest.raises(KeyError):
        make_gateway(OWNER).send("noSuchFunction")


def test_send_journalled_intent__restart_returns_the_first_receipt(
    make_gateway: MakeGateway, tmp_path: Path
) -> None:
    gateway = make_gateway(OWNER, tmp_path)
    project = create(gateway)
    first = gateway.send("fund", project, 7, value=7, intent="fund/1")

    again = make_gateway(OWNER, tmp_path).send("fund", project, 7, value=7, intent="fund/1")

    assert again == first
    assert gateway.project(project).escrow == 7
    assert gateway.resume() == []


def test_receipt__gas_fee_and_block(anvil: Devnet, make_gateway: MakeGateway) -> None:
    gateway = make_gateway(OWNER)
    before = gateway.balance(dev_account(OWNER).address)
    receipt = gateway.send("create", small(gateway), CONTENT)
    assert receipt.fee == before - gateway.balance(dev_account(OWNER).address)
    assert receipt.block == gateway.block_number()
    assert 21_000 < receipt.gas_used < receipt.fee


def test_now__follows_the_clock_of_the_chain(anvil: Devnet, make_gateway: MakeGateway) -> None:
    gateway = make_gateway()
    before = gateway.now()
    anvil.advance(1000)
    assert 1000 <= gateway.now() - before <= 1010


def test_phase__ends_by_time_alone_without_a_block(anvil: Devnet, make_gateway: MakeGateway) -> None:
    gateway = make_gateway(OWNER)
    project = create(gateway)
    gateway.send("fund", project, MINIMAL.pot, value=MINIMAL.pot)
    gateway.send("open", project)
    assert gateway.phase(project, 1) == Phase.COMMIT
    anvil.request("evm_increaseTime", MINIMAL.windows.commit + 1)
    assert gateway.phase(project, 1) == Phase.VOID


class TestEvents:
    def test_events_of_one_project__leave_out_the_others(self, make_gateway: MakeGateway) -> None:
        gateway = make_gateway(OWNER)
        first, second = create(gateway), create(gateway)
        gateway.send("fund", second, 5, value=5)

        logs = list(gateway.events(project=second))

        assert [log.event for log in gateway.events(project=first)][1:] == []
        assert logs[-1].event == ProjectFunded(second, dev_account(OWNER).address, 5)
        assert (logs[-1].block, logs[-1].block_hash) == (
            gateway.block_number(),
            gateway.block_hash(gateway.block_number()),
        )
        assert len(list(gateway.events())) == 3

    def test_events_ranges__bounds_are_inclusive(self, make_gateway: MakeGateway) -> None:
        gateway = make_gateway(OWNER)
        project = create(gateway)
        at = gateway.send("fund", project, 5, value=5).block
        assert len(list(gateway.events(at, at))) == 1
        assert list(gateway.events(at + 1, at)) == []
        assert len(list(gateway.events(at - 1, at))) == 2

    def test_events_over_many_ranges__each_once(
        self, anvil: Devnet, make_gateway: MakeGateway, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("market.chain.events.RANGE", 3)
        gateway = make_gateway(OWNER)
        project = create(gateway)
        for amount in range(1, 5):
            gateway.send("fund", project, amount, value=amount)
            anvil.request("anvil_mine", "0x2")
        amounts = [e.event.amount for e in gateway.events() if isinstance(e.event, ProjectFunded)]
        assert amounts == [1, 2, 3, 4]

    def test_block_hash_of_future_block__empty(self, make_gateway: MakeGateway) -> None:
        assert make_gateway().block_hash(10**9) == ""


class TestTokens:
    def test_allow_native__value_is_the_amount(self, make_gateway: MakeGateway) -> None:
        assert make_gateway(OWNER).allow(NATIVE, 7) == 7

    def test_fund_in_tokens__exact_approval_and_nothing_left_over(
        self, make_gateway: MakeGateway, erc20: str
    ) -> None:
        gateway = make_gateway(0)
        token = gateway.token(erc20)
        project = create(gateway, token=erc20)
        before = token.balance(dev_account(0).address)

        value = gateway.allow(erc20, 500, "allow/1")
        gateway.send("fund", project, 500, value=value)

        assert value == 0
        assert token.balance(gateway.address) == 500 == gateway.held(erc20)
        assert before - token.balance(dev_account(0).address) == 500
        assert token.allowance(dev_account(0).address, gateway.address) == 0
        assert token.facts() == TokenFacts(erc20, "TEST", 18)

    def test_approve_over_smaller_allowance__reset_to_zero_first(
        self, make_gateway: MakeGateway, erc20: str
    ) -> None:
        gateway = make_gateway(0)
        token = gateway.token(erc20)
        for amount, expected in ((5, 5), (9, 9), (3, 9)):
            token.approve(gateway.address, amount)
            assert token.allowance(dev_account(0).address, gateway.address) == expected

    def test_token_without_code__says_nothing_and_e207(self, make_gateway: MakeGateway) -> None:
        token = make_gateway().token(dev_account(5).address)

        assert token.facts() == TokenFacts(dev_account(5).address, "", None)
        with pytest.raises(ChainError, match=r"E207 .* is no ERC-20 token"):
            token.balance(dev_account(0).address)

    def test_approve_without_key__e209(self, make_gateway: MakeGateway, erc20: str) -> None:
        with pytest.raises(ChainError, match="E209"):
            make_gateway().token(erc20).approve(dev_account(1).address, 1)


@pytest.mark.parametrize(("chain_id", "blocks"), [(31337, 0), (1337, 0), (1, 2), (10, 2)])
def test_default_policy__waits_on_public_chains(chain_id: int, blocks: int) -> None:
    assert default_policy(chain_id).confirmations == blocks


def test_gateway_other_contract_with_the_right_hash__e201(anvil: Devnet, deployment: Deployment) -> None:
    anvil.request("anvil_setCode", deployment.market, "0x6000")
    forged = replace(deployment, code_hash="0x" + keccak256(b"\x60\x00").hex())
    with pytest.raises(ChainError, match=r"E201 .* is not the contract of this version"):
        Gateway(anvil.url, forged)
