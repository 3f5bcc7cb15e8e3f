// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {LowLevelCall} from "@openzeppelin/contracts/utils/LowLevelCall.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {IMarketViews} from "./interfaces/IMarket.sol";
import {Asks} from "./libraries/Asks.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {Phases} from "./libraries/Phases.sol";
import {Relations} from "./libraries/Relations.sol";
import {Seats} from "./libraries/Seats.sol";
import {Aggregator, Frozen, OpenAsk, Project, Round, Seat} from "./state.sol";
import {
    Account,
    AggregatorView,
    AskView,
    Content,
    Limits,
    Opening,
    Params,
    Phase,
    ProjectView,
    ResultView,
    RoundView,
    SeatView
} from "./types.sol";
import {Holder, Progress, Tally, Terms, Verdict} from "./words.sol";

/// Storage, guards, the only four places where money enters, moves to a credit or leaves, and the views.
abstract contract MarketBase is IMarketViews, ReentrancyGuard {
    using SafeERC20 for IERC20;

    uint256 internal constant IN_COMMIT = 1 << uint8(Phase.Commit);
    uint256 internal constant IN_REVEAL = 1 << uint8(Phase.Reveal);
    uint256 internal constant IN_AGGREGATE = 1 << uint8(Phase.Aggregate);
    uint256 internal constant IN_PROPOSED = 1 << uint8(Phase.Proposed);
    uint256 internal constant IN_STANDING = 1 << uint8(Phase.Standing);
    uint256 internal constant IN_FINAL = 1 << uint8(Phase.Final);
    uint256 internal constant IN_FLAT = 1 << uint8(Phase.Flat);
    uint256 internal constant IN_VOID = 1 << uint8(Phase.Void);

    Limits internal _limits; // never written after construction
    uint256 public projectCount;
    mapping(uint256 project => Project) internal _projects;
    mapping(address token => mapping(address account => uint256 amountPlusOne)) private _credits;
    mapping(address token => uint256) public held;
    mapping(uint256 id => OpenAsk) internal _asks;
    mapping(bytes32 posting => uint256) internal _openAsks; // without an answer
    uint256 public askCount;

    // ----- guards -----

    function _expect(uint256 project, uint256 round, Phase current, uint256 allowed) internal pure {
        if ((allowed >> uint8(current)) & 1 == 0) revert MarketWrongPhase(project, round, current, allowed);
    }

    function _existing(uint256 project) internal view returns (Project storage p) {
        p = _projects[project];
        if (Terms.unwrap(p.terms) == 0) revert MarketUnknownProject(project, projectCount);
    }

    /// Running: neither stopped nor past its end date.
    function _expectRunning(Project storage p, uint256 project) internal view {
        if (p.progress.stopped()) revert MarketProjectStopped(project);
        if (block.timestamp >= p.frozen.endDate) revert MarketProjectEnded(project, p.frozen.endDate);
    }

    function _expectCode(address account) internal view {
        if (account.code.length == 0) revert MarketNoCode(account);
    }

    /// Whether the result that an ask is about still counts, as it was posted then.
    function _counts(OpenAsk memory a) internal view returns (bool) {
        if (!_counts(phaseOf(a.project, a.round))) return false;
        Round storage r = _projects[a.project].rounds[a.round];
        return Asks.postingOf(r.commitment, r.verdict) == a.posting;
    }

    function _holderOf(Project storage p, uint256 seat) internal view returns (Holder h) {
        // SAFETY: no seat beyond the limit has a holder.
        h = p.seats[seat].holder;
        if (h.signer() != msg.sender) revert MarketNotSigner(msg.sender, h.signer());
    }

    /// The account of `seat` in the result of a FINAL round.
    function _expectAccount(
        Project storage p,
        Round storage r,
        uint256 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) internal view {
        bytes32 commitment = Hashes.commitmentOf(opening);
        if (commitment != r.commitment) revert MarketWrongOpening(commitment, r.commitment);
        // INVARIANT: the depth is exact, so no inner node passes for a leaf.
        uint256 depth = Hashes.depthOf(p.terms.seats());
        if (proof.length != depth) revert MarketProofLength(proof.length, depth);
        bytes32 root = Hashes.merkleRoot(Hashes.accountLeaf(seat, account), seat, proof);
        if (root != opening.accounts) revert MarketWrongProof(root, opening.accounts);
    }

    // ----- money -----

    /// Takes `amount` from the caller. Comes first in a payable function.
    /// SAFETY: the call precedes checks and effects, so that no view ever counts money that has not arrived; what a
    /// token calls back meanwhile cannot enter any function that moves tokens, and is over before anything is read.
    function _pull(address token, uint96 amount) internal {
        if (amount == 0) revert MarketZeroAmount();
        uint256 total = held[token] + amount;
        // INVARIANT: every amount of a token is part of `held`, so no sum of amounts leaves 96 bits.
        if (total > type(uint96).max) revert MarketTooMuchHeld(total, type(uint96).max);
        if (token == address(0)) {
            if (msg.value != amount) revert MarketWrongValue(msg.value, amount);
        } else {
            if (msg.value != 0) revert MarketWrongValue(msg.value, 0);
            uint256 before = IERC20(token).balanceOf(address(this));
            IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
            // INVARIANT: credited equals received; tokens that take a fee or rebase are refused here.
            uint256 received = IERC20(token).balanceOf(address(this)) - before;
            if (received != amount) revert MarketWrongTokenDelta(received, amount);
        }
        held[token] = total;
    }

    /// Adds to what `account` may withdraw. Nothing is ever pushed.
    function _credit(address token, address account, uint256 amount) internal {
        uint256 stored = _credits[token][account];
        _credits[token][account] = (stored == 0 ? 1 : stored) + amount;
    }

    /// Makes later credits of `account` cheap: the word is one above the amount, so it is never zero again.
    function _openCredit(address token, address account) internal {
        if (_credits[token][account] == 0) _credits[token][account] = 1;
    }

    /// Sends the whole credit of `account` to `to`.
    function _send(address token, address account, address to) internal {
        uint256 amount = creditOf(token, account);
        if (amount == 0) revert MarketNothingDue();

        _credits[token][account] = 1;
        held[token] -= amount;
        emit Withdrawn(token, account, to, amount);

        if (token == address(0)) {
            // Returned data is not copied, so a receiver cannot make the sender pay for it.
            if (!LowLevelCall.callNoReturn(to, amount, "")) revert MarketTransferFailed(to, amount);
        } else {
            IERC20(token).safeTransfer(to, amount);
        }
    }

    // ----- views -----

    function limits() external view returns (Limits memory) {
        return _limits;
    }

    function creditOf(address token, address account) public view returns (uint256) {
        uint256 stored = _credits[token][account];
        return stored == 0 ? 0 : stored - 1;
    }

    function phaseOf(uint256 project, uint256 round) public view returns (Phase) {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        return Phases.derive(p, r, round, r.tally);
    }

    function paramsOf(uint256 project) external view returns (Params memory params, Content memory content) {
        Project storage p = _existing(project);
        Terms terms = p.terms;
        Frozen storage frozen = p.frozen;
        params.token = frozen.token;
        params.pot = uint96(terms.pot());
        params.minStake = frozen.minStake;
        params.bondFloor = uint96(terms.bondFloor());
        params.feeBps = uint16(terms.feeBps());
        params.seats = uint16(terms.seats());
        params.minSeals = uint16(terms.minSeals());
        params.expectedSeats = frozen.expectedSeats;
        params.openRounds = frozen.openRounds;
        params.rule = uint8(Relations.RULE);
        params.deltaRows = uint8(terms.deltaRows());
        params.fileRounds = uint8(terms.fileRounds());
        params.columns = uint16(Relations.COLUMNS);
        params.coefficients = frozen.coefficients;
        params.endDate = frozen.endDate;
        params.admissionRoot = frozen.admissionRoot;
        params.referenceKey = frozen.referenceKey;
        params.windows = p.windows;
        content.descriptionDigest = frozen.descriptionDigest;
        content.modelDigest = frozen.modelDigest;
        content.modelRoot = p.rounds[0].modelRoot;
    }

    function projectOf(uint256 project) external view returns (ProjectView memory v) {
        Project storage p = _existing(project);
        Progress g = p.progress;
        v.owner = p.frozen.owner;
        v.stopped = g.stopped();
        v.refunded = g.refunded();
        v.head = uint24(g.head());
        v.tip = uint24(g.tip());
        v.lastResult = uint24(g.lastResult());
        v.lastFinal = uint24(g.lastFinal());
        v.terminalUpTo = uint24(g.terminalUpTo());
        v.openCount = uint16(g.openCount());
        v.activeNext = uint16(Seats.activeNext(g, p.rounds[g.head()].tally));
        v.clearedAt = uint40(g.clearedAt());
        v.lastEventAt = uint40(g.lastEventAt());
        v.escrow = uint96(p.escrowAndBucket.first());
        v.bucket = uint96(p.escrowAndBucket.second());
        v.penaltyPool = uint96(p.poolAndMisses.first());
        v.missesOwed = uint96(p.poolAndMisses.second());
    }

    function roundOf(uint256 project, uint256 round) external view returns (RoundView memory v) {
        Project storage p = _existing(project);
        Round storage r = p.rounds[round];
        Tally t = r.tally;
        Verdict verdict = r.verdict;
        Phase phase = Phases.derive(p, r, round, t);
        v.phase = phase;
        v.commitEnd = uint40(t.commitEnd());
        v.revealEnd = uint40(t.revealEnd());
        v.sealCount = uint16(t.sealCount());
        v.revealCount = uint16(t.revealCount());
        v.activeLeft = uint16(t.activeLeft());
        v.revealSum = uint128(t.revealSum());
        if (phase == Phase.Aggregate && !verdict.charged()) {
            v.uncharged = uint96(t.missedReveals() * p.terms.unit());
        }
        v.pot = r.pot + v.uncharged;
        v.baseRoot = r.baseRoot;
        v.referenceAwaited = t.referenceAwaited();
        v.referenceRevealed = t.referenceRevealed();
        v.referenceSealed = v.referenceRevealed || t.referenceClosed();
        if (_counts(phase)) v.proposedAt = uint40(verdict.proposedAt());
    }

    function resultOf(uint256 project, uint256 round) external view returns (ResultView memory v) {
        Round storage r = _existing(project).rounds[round];
        if (!_counts(phaseOf(project, round))) return v;
        Verdict verdict = r.verdict;
        v.commitment = r.commitment;
        v.modelRoot = r.modelRoot;
        v.poster = r.poster;
        v.standsAt = uint40(verdict.standsAt());
        v.includedCount = uint16(verdict.included());
        v.rowCount = uint16(verdict.rows());
        v.paid = uint96(verdict.paid());
        v.prev = uint24(verdict.prev());
        v.merged = verdict.merged();
        v.asked = verdict.asked();
        if (v.asked) v.openAsks = uint32(_openAsks[Asks.postingOf(r.commitment, verdict)]);
    }

    function askOf(uint256 id) external view returns (AskView memory v) {
        OpenAsk memory a = _asks[id];
        if (a.posting == 0) return v;
        v.project = a.project;
        v.round = a.round;
        v.counts = _counts(a);
        v.root = a.root;
        v.tree = a.tree;
        v.row = a.row;
        v.level = a.level;
        v.index = a.index;
        v.asker = a.asker;
        v.price = a.price;
        v.due = a.due;
        v.answerBytes = uint32(Asks.answerBytes(a));
    }

    function seatOf(uint256 project, uint256 seat) external view returns (SeatView memory v) {
        Project storage p = _existing(project);
        Seats.checkIndex(p, seat);
        Seat storage s = p.seats[seat];
        Holder h = s.holder;
        uint256 last = Seats.lastSealed(p, seat, h);
        v.signer = h.signer();
        v.payout = s.payout;
        v.stake = uint96(s.stakeAndClaimed.first());
        v.joined = uint24(h.joined());
        v.lastSealed = uint24(last);
        v.firstRound = uint24(h.firstRound());
        v.missed = last != 0 && !Seats.revealedIn(p, last, seat);
        v.claimed = uint128(s.stakeAndClaimed.second());
        v.penaltyTaken = s.penaltyTaken;
    }

    function slotOf(uint256 project, uint256 round, uint256 seat) external view returns (bytes32) {
        Project storage p = _existing(project);
        // The reference's slot comes after those of the seats.
        if (seat != p.terms.seats()) Seats.checkIndex(p, seat);
        return bytes32(p.rounds[round].slots[seat]);
    }

    function seatIndexOf(uint256 project, address signer) external view returns (bool, uint16) {
        Project storage p = _existing(project);
        uint256 plusOne = p.seatOf[signer];
        return plusOne == 0 || plusOne > p.terms.seats() ? (false, 0) : (true, uint16(plusOne - 1));
    }

    function tenureCountOf(uint256 project, uint256 seat) external view returns (uint256) {
        return _existing(project).tenures[seat].length;
    }

    function aggregatorOf(uint256 project, address account) external view returns (AggregatorView memory) {
        Aggregator storage a = _existing(project).aggregators[account];
        return AggregatorView({bond: a.bond, locked: a.locked, banned: a.banned});
    }

    function _counts(Phase phase) private pure returns (bool) {
        return (IN_PROPOSED | IN_STANDING | IN_FINAL) >> uint8(phase) & 1 != 0;
    }
}
