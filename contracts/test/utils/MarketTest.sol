// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {IMarket, IMarketFacts} from "../../src/interfaces/IMarket.sol";
import {
    Account as SeatAccount,
    Below,
    Content,
    Limits,
    Opening,
    Params,
    Phase,
    Post,
    ProjectView,
    ResultView,
    RoundView,
    Windows
} from "../../src/types.sol";
import {PayMock, RuleMock, TreeMock} from "../mocks/ChecksMock.sol";
import {Trees} from "./Trees.sol";

interface IMarketHarness is IMarket {
    function convict(uint256 project, uint256 round, address refuter) external;
}

/// Actors by role, one project whose numbers all derive from a few, and steps that move it on.
abstract contract MarketTest is Test {
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

    bytes32 internal draftModel; // makes the model of the next drafts another one

    IMarketHarness internal market;
    address internal token; // 0 = native; a test may set it before `_start`
    address internal owner = makeAddr("owner");
    address internal aggregator = makeAddr("aggregator");
    address internal rival = makeAddr("rival"); // another honest aggregator
    address internal liar = makeAddr("liar"); // an aggregator to be convicted
    address internal watcher = makeAddr("watcher");
    address internal anyone = makeAddr("anyone");

    /// Accounts of each result by round, as its poster computed them, and the opening of its commitment.
    mapping(uint256 round => SeatAccount[]) internal accountsOf;
    mapping(uint256 round => Opening) internal openings;
    mapping(uint256 round => Post) internal posts;

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

    function _limits() internal pure returns (Limits memory) {
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

    // ----- results -----

    /// A complete post of `round` that pays everybody who revealed the same.
    function _draft(uint256 round) internal view returns (Post memory post) {
        RoundView memory r = market.roundOf(P, round);
        uint256 prev = r.phase == Phase.Proposed ? market.resultOf(P, round).prev : market.projectOf(P).lastResult;
        ResultView memory below = market.resultOf(P, prev);
        post.prevCommitment = below.commitment;
        post.revealSum = r.revealSum;
        post.revealCount = r.revealCount;
        post.deltaDigest = keccak256("delta");
        post.modelDigest = keccak256("model");
        post.documentDigest = keccak256("document");
        post.roots.sketches = keccak256("sketches");
        post.roots.gram = keccak256("gram");
        post.roots.steps = keccak256("steps");
        post.roots.delta = keccak256("delta tree");
        post.roots.model =
            r.baseRoot == below.modelRoot ? keccak256(abi.encode("model", round, draftModel)) : below.modelRoot;
        post.paid = (POT - FEE) / 2;
        uint256 words = (uint256(seats) + 255) / 256;
        post.included = new uint256[](words);
        _revealedSeats(round, post.included, 0);
        post.rows = new uint256[](1 + 2 * words);
        uint256 deltas;
        for (uint256 at_ = prev; at_ != 0 && deltas < 3; at_ = market.resultOf(P, at_).prev) {
            ++deltas;
        }
        post.rows[0] = (1 << deltas) - 1;
        for (uint256 back = 1; back <= 2 && back < round; ++back) {
            _revealedSeats(round - back, post.rows, 1 + (back - 1) * words);
        }
        if (seats > 12) post.roots.columns = keccak256("columns");
        post.roots.accounts = keccak256("accounts");
    }

    /// Sets the bits of the seats that revealed in `round`, from word `from` on.
    function _revealedSeats(uint256 round, uint256[] memory words, uint256 from) internal view {
        for (uint256 seat; seat < seats; ++seat) {
            if (_revealed(round, seat)) words[from + seat / 256] |= 1 << (seat % 256);
        }
    }

    function _revealed(uint256 round, uint256 seat) internal view returns (bool) {
        return uint256(market.slotOf(P, round, seat)) >= 1 << 216;
    }

    /// Posts with accounts that carry the previous result's pay on.
    function _post(address poster, uint256 round) internal {
        _postWith(poster, round, _draft(round));
    }

    function _postWith(address poster, uint256 round, Post memory post) internal {
        post = _prepare(poster, round, post);
        vm.prank(poster);
        market.post(P, round, post);
    }

    /// Computes the accounts of a post and keeps what claims will need.
    function _prepare(address poster, uint256 round, Post memory post) internal returns (Post memory) {
        uint256 prev = market.phaseOf(P, round) == Phase.Proposed
            ? market.resultOf(P, round).prev
            : market.projectOf(P).lastResult;
        delete accountsOf[round];
        uint256 count;
        for (uint256 i; i < post.included.length; ++i) {
            count += _bits(post.included[i]);
        }
        for (uint256 seat; seat < seats; ++seat) {
            SeatAccount memory a = prev == 0 ? SeatAccount(8192, 0, 0) : accountsOf[prev][seat];
            if (post.included[seat / 256] >> (seat % 256) & 1 != 0) a.pay += uint128(post.paid / count);
            accountsOf[round].push(a);
        }
        (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
        openings[round] = Trees.opening(address(market), P, round, poster, post);
        posts[round] = post;
        return post;
    }

    /// Opens the results below `round`, newest first.
    function _below(uint256 round, uint256 count) internal view returns (Below[] memory below) {
        below = new Below[](count);
        for (uint256 k; k < count; ++k) {
            round = market.resultOf(P, round).prev;
            below[k] = Below(openings[round].context, posts[round].roots);
        }
    }

    function _bits(uint256 word) internal pure returns (uint256 count) {
        for (; word != 0; word &= word - 1) {
            ++count;
        }
    }

    /// A round with a complete result by `poster`.
    function _toStanding(address poster) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        _warpPastFirstRight(poster, round);
        _post(poster, round);
    }

    function _warpPastFirstRight(address poster, uint256 round) internal {
        address first = market.resultOf(P, market.projectOf(P).lastResult).poster;
        uint256 until = market.roundOf(P, round).revealEnd + T1;
        if (first != address(0) && first != poster && block.timestamp < until) vm.warp(until);
    }

    /// A round whose result leaves out the last revealed seat.
    function _toProposed(address poster) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        _warpPastFirstRight(poster, round);
        Post memory post = _draft(round);
        post.included[0] &= ~(uint256(1) << (EXPECTED - 1));
        _postWith(poster, round, post);
    }

    /// A FINAL round whose accounts name seat 0 malicious with `penalty`.
    function _withPenalty(uint128 penalty) internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        Post memory post = _prepare(aggregator, round, _draft(round));
        accountsOf[round][0].penalty = penalty;
        (post.roots.accounts,) = Trees.prove(accountsOf[round], 0);
        openings[round] = Trees.opening(address(market), P, round, aggregator, post);
        vm.prank(aggregator);
        market.post(P, round, post);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
    }

    function _toFinal() internal returns (uint256 round) {
        round = _toStanding(aggregator);
        vm.warp(block.timestamp + W);
        market.finalise(P, round);
    }

    /// A round that ends without a result: revealed by all, posted by nobody.
    function _toFlat() internal returns (uint256 round) {
        round = _toAggregate(EXPECTED, EXPECTED);
        vm.warp(block.timestamp + DEAD + 1000);
        market.flatten(P, round);
    }

    function _toVoid() internal returns (uint256 round) {
        round = _openAndSeal(MIN_SEALS - 1);
        market.voidRound(P, round);
    }

    function _claim(uint256 round, uint256 seat) internal {
        (, bytes32[] memory proof) = Trees.prove(accountsOf[round], seat);
        market.claim(P, round, uint16(seat), accountsOf[round][seat], openings[round], proof);
    }

    function _leave(uint256 seat) internal {
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _departure(seat);
        vm.prank(_trainer(seat));
        market.leave(P, uint16(seat), account, opening, proof);
    }

    function _leaveRefused(uint256 seat, bytes memory error_) internal {
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _departure(seat);
        vm.expectRevert(error_);
        vm.prank(_trainer(seat));
        market.leave(P, uint16(seat), account, opening, proof);
    }

    /// What a departure of `seat` must show now.
    function _departure(uint256 seat)
        internal
        view
        returns (SeatAccount memory account, Opening memory opening, bytes32[] memory proof)
    {
        uint256 last = market.projectOf(P).lastFinal;
        if (last == 0) return (SeatAccount(8192, 0, 0), opening, proof);
        (, proof) = Trees.prove(accountsOf[last], seat);
        return (accountsOf[last][seat], openings[last], proof);
    }

    // ----- expectations -----

    function _expectWrongPhase(uint256 round, Phase current, uint256 allowed) internal {
        vm.expectRevert(abi.encodeWithSelector(IMarketFacts.MarketWrongPhase.selector, P, round, current, allowed));
    }

    function _phase(uint256 round) internal view returns (Phase) {
        return market.phaseOf(P, round);
    }

    function _bit(Phase phase) internal pure returns (uint256) {
        return 1 << uint256(phase);
    }

    /// I-02, first half: what the market holds is exactly what it owes in this project and as credits.
    function _liabilities(address[] memory accounts) internal view returns (uint256 sum) {
        ProjectView memory v = market.projectOf(P);
        sum = uint256(v.escrow) + v.bucket + v.penaltyPool;
        for (uint256 round = 1; round <= v.head; ++round) {
            RoundView memory r = market.roundOf(P, round);
            sum += r.pot - r.uncharged;
        }
        for (uint256 seat; seat < SEATS; ++seat) {
            sum += market.seatOf(P, seat).stake;
        }
        sum -= v.missesOwed;
        for (uint256 id = 1; token == address(0) && id <= market.askCount(); ++id) {
            sum += market.askOf(id).price;
        }
        for (uint256 i; i < accounts.length; ++i) {
            sum += market.aggregatorOf(P, accounts[i]).bond + market.creditOf(token, accounts[i]);
        }
    }

    /// Everybody who may hold a bond or a credit in the tests.
    function _everybody() internal view returns (address[] memory list) {
        list = new address[](8 + 2 * SEATS);
        (list[0], list[1], list[2], list[3]) = (owner, aggregator, rival, liar);
        (list[4], list[5], list[6]) = (watcher, anyone, BURN);
        for (uint256 seat; seat < SEATS; ++seat) {
            list[7 + 2 * seat] = _payout(seat);
            list[8 + 2 * seat] = _trainer(seat);
        }
        list[7 + 2 * SEATS] = address(0xdead1);
    }

    function _assertEquation() internal view {
        assertEq(_liabilities(_everybody()), market.held(token), "liabilities == held");
        assertLe(market.held(token), _balance(address(market)), "held <= balance");
    }

    function _balance(address account) internal view virtual returns (uint256) {
        return account.balance;
    }
}
