// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {IMarket} from "../../src/interfaces/IMarket.sol";
import {Content, Limits, Params, Phase, Windows} from "../../src/types.sol";
import {PayMock, RuleMock, TreeMock} from "../mocks/ChecksMock.sol";

interface IMarketHarness is IMarket {
    function convict(uint256 project, uint256 round, address refuter) external;
}

/// Actors by role, one project whose numbers all derive from a few, and what trainers do in its rounds.
abstract contract Actors is Test {
    uint256 internal constant P = 1; // the project of most tests
    uint16 internal constant SEATS = 10;
    uint16 internal constant MIN_SEALS = 3;
    uint16 internal constant EXPECTED = 4; // trainers that take part in every round unless a test says so
    uint96 internal constant POT = 12 ether;
    uint96 internal constant UNIT = POT / MIN_SEALS; // 4 ether
    uint96 internal constant STAKE = 3 * UNIT;
    uint96 internal constant BOND_FLOOR = 1 ether;
    uint96 internal constant LOCK = POT * 3 / 2; // 18 ether
    uint96 internal constant BOND = 3 * LOCK;
    uint16 internal constant FEE_BPS = 500;
    uint96 internal constant FEE = POT * 5 / 100;
    uint96 internal constant FUNDS = 10 * POT;
    uint32 internal constant COMMIT = 100;
    uint32 internal constant REVEAL = 90;
    uint32 internal constant T1 = 20;
    uint32 internal constant TX = 60;
    uint32 internal constant W = 700;
    uint32 internal constant DEAD = 300;
    uint32 internal constant T_ANS = 100;
    uint32 internal constant T_REF = 110;
    uint64 internal constant ASK_FLOOR = 1000; // wei for each byte of an answer
    address internal constant BURN = 0x000000000000000000000000000000000000dEaD;

    uint16 internal seats = SEATS; // the seat limit of the project, for the steps below

    IMarketHarness internal market;
    address internal token; // 0 = native; a test may set it before `_start`
    address internal referenceKey; // 0 = none; a test may set it before `_start`
    address internal owner = makeAddr("owner");
    address internal aggregator = makeAddr("aggregator");
    address internal rival = makeAddr("rival"); // another honest aggregator
    address internal liar = makeAddr("liar"); // an aggregator to be convicted
    address internal watcher = makeAddr("watcher");
    address internal anyone = makeAddr("anyone");

    function setUp() public virtual {
        vm.warp(1_700_000_000);
        market = IMarketHarness(deployCode("MarketHarness.sol:MarketHarness", abi.encode(_limits(), _court())));
        _start();
    }

    /// The code of refutations, with checks that answer as evidence tells them.
    function _court() internal virtual returns (address) {
        bytes memory checks = abi.encode(new TreeMock(), new RuleMock(), new PayMock());
        return deployCode("MarketHarness.sol:CourtHarness", checks);
    }

    /// A funded project with four seated trainers and three bonded aggregators.
    function _start() internal virtual {
        _create(_params());
        _fund(FUNDS);
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _register(seat);
        }
        _bond(aggregator, BOND);
        _bond(rival, BOND);
        _bond(liar, BOND);
    }

    // ----- parameters -----

    function _limits() internal pure virtual returns (Limits memory) {
        return Limits({
            min: Windows(1, 1, 1, 1, 1, 1, 1, 1),
            max: Windows(1e6, 1e6, 1e6, 1e6, 1e7, 1e6, 1e6, 1e6),
            maxSeats: 1024,
            maxCoefficients: 1 << 30,
            maxFeeBps: 2000,
            maxOpenRounds: 32,
            maxLifetime: 365 days,
            askFloor: ASK_FLOOR
        });
    }

    function _params() internal view virtual returns (Params memory p) {
        p.token = token;
        p.pot = POT;
        p.minStake = UNIT;
        p.bondFloor = BOND_FLOOR;
        p.feeBps = FEE_BPS;
        p.seats = seats;
        p.minSeals = MIN_SEALS;
        p.expectedSeats = EXPECTED;
        p.openRounds = 3;
        p.rule = 1;
        p.deltaRows = 3;
        p.fileRounds = 2;
        p.columns = 256;
        p.coefficients = 1_000_000;
        p.endDate = uint40(block.timestamp + 30 days);
        p.referenceKey = referenceKey;
        p.windows = Windows(COMMIT, REVEAL, T1, TX, W, T_ANS, T_REF, DEAD);
    }

    function _content() internal pure returns (Content memory) {
        return Content(keccak256("description"), keccak256("model file"), keccak256("model"));
    }

    // ----- actors -----

    function _trainer(uint256 seat) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("trainer", seat)))));
    }

    function _payout(uint256 seat) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode("payout", seat)))));
    }

    function _create(Params memory params) internal returns (uint256) {
        vm.prank(owner);
        return market.create(params, _content());
    }

    /// Gives `from` what it needs and makes the next call its own; returns the value to send.
    function _ready(address from, uint256 amount) internal virtual returns (uint256) {
        vm.deal(from, from.balance + amount);
        vm.prank(from);
        return amount;
    }

    function _fund(uint96 amount) internal {
        market.fund{value: _ready(owner, amount)}(P, amount);
    }

    function _register(uint256 seat) internal {
        market.register{value: _ready(_trainer(seat), STAKE)}(P, uint16(seat), _payout(seat), STAKE, new bytes32[](0));
    }

    function _bond(address account, uint96 amount) internal {
        market.addBond{value: _ready(account, amount)}(P, amount);
    }

    // ----- what trainers submit -----

    function _root(uint256 round, uint256 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("update", round, seat)) | bytes32(uint256(1) << 255);
    }

    function _salt(uint256 round, uint256 seat) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", round, seat));
    }

    function _sealValue(uint256 round, uint256 seat) internal view returns (bytes32) {
        return
            _sealOf(P, round, _trainer(seat), market.roundOf(P, round).baseRoot, _root(round, seat), _salt(round, seat));
    }

    function _sealOf(uint256 project, uint256 round, address trainer, bytes32 base, bytes32 root, bytes32 salt)
        internal
        view
        returns (bytes32)
    {
        bytes32 full = keccak256(
            abi.encode(
                keccak256("fairtrain/seal/1"), block.chainid, address(market), project, round, trainer, base, root, salt
            )
        );
        return full & bytes32((uint256(1) << 216) - 1);
    }

    function _seal(uint256 round, uint256 seat) internal {
        bytes32 value = _sealValue(round, seat);
        vm.prank(_trainer(seat));
        market.seal(P, round, seat, value);
    }

    function _reveal(uint256 round, uint256 seat) internal {
        vm.prank(_trainer(seat));
        market.reveal(P, round, seat, _root(round, seat), _salt(round, seat), keccak256("file"));
    }

    function _open() internal returns (uint256 round) {
        market.open(P);
        return market.projectOf(P).head;
    }

    /// Opens a round in which the first `count` trainers seal; COMMIT is over afterwards.
    function _openAndSeal(uint256 count) internal returns (uint256 round) {
        round = _open();
        for (uint256 seat; seat < count; ++seat) {
            _seal(round, seat);
        }
        if (market.phaseOf(P, round) == Phase.Commit) vm.warp(market.roundOf(P, round).commitEnd);
    }

    /// A round in which `sealed_` trainers seal and the first `revealed` of them reveal; REVEAL is over afterwards.
    function _toAggregate(uint256 sealed_, uint256 revealed) internal returns (uint256 round) {
        round = _openAndSeal(sealed_);
        for (uint256 seat; seat < revealed; ++seat) {
            _reveal(round, seat);
        }
        if (market.phaseOf(P, round) == Phase.Reveal) vm.warp(market.roundOf(P, round).revealEnd);
    }
}
