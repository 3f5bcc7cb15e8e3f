// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Content, Limits, Params, Windows} from "../../src/types.sol";
import {PayMock, RuleMock, TreeMock} from "../mocks/ChecksMock.sol";
import {Plain} from "../tokens/Mocks.sol";
import {IMarketHarness} from "../utils/Actors.sol";
import {ILens} from "./Lens.sol";

/// The stage of the campaign: one market, two projects that are played (1: native coin, 2: an ERC-20), a third that
/// nobody touches, and everybody who acts in them. Small numbers: six seats, windows of seconds.
abstract contract World is Test {
    uint256 internal constant PROJECTS = 2;
    uint256 internal constant BYSTANDER = 3;
    uint16 internal constant SEATS = 6; // accounts trees of depth 3, the last two leaves absent
    uint16 internal constant MIN_SEALS = 2;
    uint16 internal constant EXPECTED = 3;
    uint8 internal constant OPEN_ROUNDS = 3; // D
    uint8 internal constant DELTA_ROWS = 3; // K
    uint16 internal constant FEE_BPS = 500;
    uint256 internal constant SIGNERS = 8;
    uint256 internal constant HONEST = 3; // aggregators that are never convicted come first
    uint256 internal constant LIARS = 6;
    uint32 internal constant COMMIT = 100;
    uint32 internal constant REVEAL = 90;
    uint32 internal constant T1 = 20;
    uint32 internal constant TX = 60;
    uint32 internal constant W = 700;
    uint32 internal constant DEAD = 300;
    uint32 internal constant T_ANS = 100;
    uint32 internal constant T_REF = 110;
    uint64 internal constant ASK_FLOOR = 1000; // wei for each byte of an answer
    uint40 internal constant BIRTH = 1_700_000_000;
    address internal constant BURN = 0x000000000000000000000000000000000000dEaD;

    IMarketHarness internal market;
    ILens internal lens;
    address internal coin;
    uint256 internal time; // every step sets the clock to it, so that it lasts from call to call
    uint256 internal entropy; // of the running step

    address[] internal accounts; // everybody who may hold a credit
    address[] internal aggregators;
    address internal watcher = makeAddr("watcher");
    address internal outsider = makeAddr("outsider");

    function _stage() internal {
        time = BIRTH;
        vm.warp(time);
        market = IMarketHarness(deployCode("MarketHarness.sol:MarketHarness", abi.encode(_limits(), _court())));
        lens = ILens(deployCode("Lens.sol:Lens"));
        coin = address(new Plain());
        for (uint256 i; i < HONEST + LIARS; ++i) {
            aggregators.push(_actor("aggregator", i));
        }
        accounts = aggregators;
        accounts.push(watcher);
        accounts.push(outsider);
        accounts.push(BURN);
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            accounts.push(_owner(p));
        }
        for (uint256 i; i < SIGNERS; ++i) {
            accounts.push(_payout(i));
        }
        for (uint256 p = 1; p <= PROJECTS + 1; ++p) {
            vm.prank(_owner(p));
            market.create(_params(p), Content(keccak256("text"), keccak256("file"), keccak256(abi.encode("model", p))));
        }
    }

    /// The code of refutations, with checks that answer as evidence tells them.
    function _court() private returns (address) {
        bytes memory checks = abi.encode(new TreeMock(), new RuleMock(), new PayMock());
        return deployCode("MarketHarness.sol:CourtHarness", checks);
    }

    // ----- who -----

    function _actor(string memory role, uint256 i) internal pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encode(role, i)))));
    }

    function _owner(uint256 p) internal pure returns (address) {
        return _actor("owner", p);
    }

    /// Key of the owner's reference; the second project has none.
    function _reference(uint256 p) internal pure returns (address) {
        return p == 1 ? _actor("reference", p) : address(0);
    }

    function _signer(uint256 i) internal pure returns (address) {
        return _actor("signer", i);
    }

    function _payout(uint256 i) internal pure returns (address) {
        return _actor("payout", i);
    }

    // ----- how much -----

    function _pot(uint256 p) internal pure returns (uint96) {
        return p == 2 ? 7_000_001 : 12 ether; // the odd one makes every division leave something
    }

    function _unit(uint256 p) internal pure returns (uint96) {
        return _pot(p) / MIN_SEALS;
    }

    function _lock(uint256 p) internal pure returns (uint96) {
        return _pot(p) * 3 / 2;
    }

    function _floor(uint256 p) internal pure returns (uint96) {
        return _pot(p) / 10;
    }

    function _fee(uint256 p) internal pure returns (uint256) {
        return uint256(_pot(p)) * FEE_BPS / 10_000;
    }

    function _endDate(uint256 p) internal pure returns (uint40) {
        return BIRTH + (p == 2 ? 6_000 : 30 days); // the second ends within many runs
    }

    function _token(uint256 p) internal view returns (address) {
        return p == 2 ? coin : address(0);
    }

    function _balance(uint256 p, address account) internal view returns (uint256) {
        return p == 2 ? Plain(coin).balanceOf(account) : account.balance;
    }

    /// Gives `from` what it needs and makes the next call its own; returns the value to send.
    function _ready(uint256 p, address from, uint256 amount) internal returns (uint256 value) {
        if (p == 2) {
            Plain(coin).mint(from, amount);
            vm.prank(from);
            Plain(coin).approve(address(market), amount);
        } else {
            vm.deal(from, from.balance + amount);
            value = amount;
        }
        vm.prank(from);
    }

    // ----- when and which -----

    function _draw(uint256 n) internal returns (uint256) {
        entropy = uint256(keccak256(abi.encode(entropy)));
        return entropy % n;
    }

    function _limits() private pure returns (Limits memory) {
        return Limits({
            min: Windows(1, 1, 1, 1, 1, 1, 1, 1),
            max: Windows(1e6, 1e6, 1e6, 1e6, 1e7, 1e6, 1e6, 1e6),
            maxSeats: 8,
            maxCoefficients: 1 << 30,
            maxFeeBps: 2000,
            maxOpenRounds: 32,
            maxLifetime: 365 days,
            askFloor: ASK_FLOOR
        });
    }

    function _params(uint256 p) internal view returns (Params memory v) {
        v.token = _token(p);
        v.pot = _pot(p);
        v.minStake = _unit(p);
        v.bondFloor = _floor(p);
        v.feeBps = FEE_BPS;
        v.seats = SEATS;
        v.minSeals = MIN_SEALS;
        v.expectedSeats = EXPECTED;
        v.openRounds = OPEN_ROUNDS;
        v.rule = 1;
        v.deltaRows = DELTA_ROWS;
        v.fileRounds = 2;
        v.columns = 256;
        v.coefficients = 1000;
        v.endDate = _endDate(p);
        v.referenceKey = _reference(p);
        v.windows = Windows(COMMIT, REVEAL, T1, TX, W, T_ANS, T_REF, DEAD);
    }
}
