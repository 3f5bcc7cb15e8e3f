// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {MarketBase} from "./MarketBase.sol";
import {Registry} from "./Registry.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {Asks} from "./libraries/Asks.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {Phases} from "./libraries/Phases.sol";
import {Relations} from "./libraries/Relations.sol";
import {Results} from "./libraries/Results.sol";
import {Seats} from "./libraries/Seats.sol";
import {Aggregator, BURN_ADDRESS, Project, ROOT_FLOOR, Round, Seat} from "./state.sol";
import {Account, Ask, Content, Limits, Opening, Params, Phase, Post, Refutation, Windows} from "./types.sol";
import {FINAL, FLAT, Holder, NONE, Pair, Progress, Tally, TallyLib, VOID, Verdict, VerdictLib} from "./words.sol";

/// One contract holds all money and all rounds. See `interfaces/IMarket.sol` for what each call promises, and
/// `contracts/README.md` for the protocol on one page.
contract Market is IMarket, MarketBase {
    address private immutable REGISTRY;
    address private immutable COURT;

    /// @param court The code of refutations: a contract of its own, since creation code has a limit too. Clients compare it.
    constructor(Limits memory limits_, address court) {
        Relations.checkLimits(limits_);
        _expectCode(court);
        _limits = limits_;
        REGISTRY = address(new Registry());
        COURT = court;
    }

    // ----- projects, seats and the reference: `Registry` has the code -----

    function create(Params calldata, Content calldata) external returns (uint256) {
        return abi.decode(_inRegistry(), (uint256));
    }

    function stop(uint256) external {
        _inRegistry();
    }

    function refund(uint256) external {
        _inRegistry();
    }

    function register(uint256, uint16, address, uint96, bytes32[] calldata) external payable {
        _inRegistry();
    }

    function addStake(uint256, uint16, uint96) external payable {
        _inRegistry();
    }

    function leave(uint256, uint16, Account calldata, Opening calldata, bytes32[] calldata) external {
        _inRegistry();
    }

    function evict(uint256, uint16, Account calldata, Opening calldata, bytes32[] calldata) external {
        _inRegistry();
    }

    function sealReference(uint256, uint256, bytes32) external {
        _inRegistry();
    }

    function revealReference(uint256, uint256, bytes32, bytes32, bytes32) external {
        _inRegistry();
    }

    /// SAFETY: the code was made by this market's constructor, has no state of its own and cannot be replaced.
    function _inRegistry() private returns (bytes memory) {
        return Address.functionDelegateCall(REGISTRY, msg.data);
    }

    // ----- refutations and asks: `Court` has the code -----

    function refute(uint256, uint256, Refutation calldata) external {
        _inCourt();
    }

    function ask(uint256, uint256, Ask calldata) external payable returns (uint256) {
        return abi.decode(_inCourt(), (uint256));
    }

    function answer(uint256, bytes calldata) external {
        _inCourt();
    }

    function convictSilent(uint256) external {
        _inCourt();
    }

    function settleAsk(uint256) external {
        _inCourt();
    }

    function courtOf() external view returns (address) {
        return COURT;
    }

    /// SAFETY: the code is fixed by the constructor, as are the checks that it asks, and has no state of its own.
    function _inCourt() internal returns (bytes memory) {
        return Address.functionDelegateCall(COURT, msg.data);
    }

    // ----- owner -----

    function fund(uint256 project, uint96 amount) external payable nonReentrant {
        Project storage p = _existing(project);
        _pull(p.frozen.token, amount);
        _expectRunning(p, project);

        p.escrowAndBucket = p.escrowAndBucket.plus(amount, 0);

        emit ProjectFunded(project, msg.sender, amount);
    }

    // ----- trainers -----

    function seal(uint256 project, uint256 round, uint256 seat, bytes32 seal_) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally t = r.tally;
        _expect(project, round, Phases.derive(p, r, round, t), IN_COMMIT);
        if (seal_ == 0 || uint256(seal_) >= ROOT_FLOOR) revert MarketBadSeal(seal_);
        Holder h = _holderOf(p, seat);
        // INVARIANT: one seal for each seat and round, and it is never changed.
        if (r.slots[seat] != 0) revert MarketAlreadySealed(round, seat);
        if (t.sealCount() == 0) _expectFreshBase(p, r, round);

        bool active = true;
        if (!h.revealed() || h.last() + 1 != round) active = _sealAfterGap(p, h, project, round, seat);
        r.slots[seat] = uint256(seal_);
        r.tally = Seats.endCommit(p, round, t.withSeal(active));

        emit Sealed(project, round << 16 | seat, seal_);
    }

    function reveal(uint256 project, uint256 round, uint256 seat, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest)
        external
    {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally t = r.tally;
        _expect(project, round, Phases.derive(p, r, round, t), IN_REVEAL);
        if (uint256(updateRoot) < ROOT_FLOOR) revert MarketRootTooSmall(updateRoot);
        // INVARIANT: the seal binds the sender, so a seal copied from another seat cannot be opened. That the sender
        // still holds the seat needs no check: a seat cannot be left before the round that it sealed is terminal.
        Holder h = _holderOf(p, seat);
        uint256 sealed_ = r.slots[seat];
        if (sealed_ == 0 || sealed_ >= ROOT_FLOOR) revert MarketNotSealed(round, seat, bytes32(sealed_));
        uint256 opened = Hashes.sealOf(project, round, msg.sender, r.baseRoot, updateRoot, salt);
        if (opened != sealed_) revert MarketSealMismatch(bytes32(opened), bytes32(sealed_));

        r.slots[seat] = uint256(updateRoot);
        p.seats[seat].holder = h.withReveal(round);
        r.tally = Seats.endReveal(t.withReveal(Hashes.seedTerm(msg.sender, updateRoot, salt)));

        emit Revealed(project, round << 16 | seat, updateRoot, salt, fileDigest);
    }

    function claim(
        uint256 project,
        uint256 round,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        _expect(project, round, phaseOf(project, round), IN_FINAL);
        Seats.checkIndex(p, seat);
        Seat storage s = p.seats[seat];
        if (s.holder.signer() == address(0)) revert MarketSeatFree(seat);
        _expectAccount(p, r, seat, account, opening, proof);
        Pair own = s.stakeAndClaimed;
        if (account.pay <= own.second()) revert MarketNothingDue();
        uint256 due = account.pay - own.second();
        Pair purse = p.escrowAndBucket;
        // INVARIANT: claims of a project never exceed what its FINAL results named, so no lie reaches other projects.
        if (due > purse.second()) revert MarketBucketTooLow(due, purse.second());

        s.stakeAndClaimed = own.plus(0, due);
        p.escrowAndBucket = purse.minus(0, due);
        _credit(p.frozen.token, s.payout, due);

        emit Claimed(project, seat, s.payout, uint96(due));
    }

    function claimFlat(uint256 project, uint256 round, uint16 seat, uint256 tenure) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        _expect(project, round, phaseOf(project, round), IN_FLAT);
        Seats.checkIndex(p, seat);
        if (!Seats.revealedIn(p, round, seat)) revert MarketNotRevealed(round, seat);
        if (r.taken[seat]) revert MarketAlreadyTaken(round, seat);
        address payout = Seats.payoutIn(p, round, seat, tenure);

        r.taken[seat] = true;
        uint96 share = uint96(r.verdict.paid());
        r.pot -= share;
        _credit(p.frozen.token, payout, share);

        emit FlatClaimed(project, round, seat, payout, share);
    }

    // ----- aggregators -----

    function addBond(uint256 project, uint96 amount) external payable nonReentrant {
        Project storage p = _existing(project);
        _pull(p.frozen.token, amount);
        Aggregator storage a = p.aggregators[msg.sender];
        if (a.banned) revert MarketBanned(msg.sender);

        a.bond += amount;
        _openCredit(p.frozen.token, msg.sender);

        emit BondAdded(project, msg.sender, amount);
    }

    function removeBond(uint256 project, uint96 amount) external {
        Project storage p = _existing(project);
        if (amount == 0) revert MarketZeroAmount();
        Aggregator storage a = p.aggregators[msg.sender];
        // INVARIANT: every result that can still be refuted has a bond of 1.5 pots behind it, and at least the floor.
        uint256 floor = p.terms.bondFloor();
        uint256 kept = a.locked == 0 ? 0 : a.locked > floor ? a.locked : floor;
        if (a.bond < kept + amount) revert MarketBondTooLow(a.bond, kept + amount);

        a.bond -= amount;
        _credit(p.frozen.token, msg.sender, amount);

        emit BondRemoved(project, msg.sender, amount);
    }

    function post(uint256 project, uint256 round, Post calldata post_) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally t = r.tally;
        Phase phase = Phases.derive(p, r, round, t);
        _expect(project, round, phase, IN_AGGREGATE | IN_PROPOSED);
        bool replaces = phase == Phase.Proposed;
        Verdict v = Results.examine(p, r, t, round, replaces, post_);

        // A stored result, replaced or cleared with one below it, still locks its poster's bond.
        if (r.poster != address(0)) Results.unlock(p, r.poster);
        Results.lock(p, t, replaces);
        bytes32 commitment = Results.store(p, r, t, v, project, round, post_);

        emit ResultPosted(project, round, msg.sender, commitment, uint40(v.standsAt()), v.merged(), post_);
    }

    // ----- anyone, when due -----

    function open(uint256 project) external {
        Project storage p = _existing(project);
        _expectRunning(p, project);
        Progress g = p.progress;
        bytes32 base = p.rounds[g.lastResult()].modelRoot;
        uint256 head = g.head();
        bool again = head != 0 && _emptyHead(p, head);
        // INVARIANT: a COMMIT is restarted only while nobody has sealed in it, so no seal is ever undone.
        if (again && p.rounds[head].baseRoot == base) revert MarketBaseUnchanged(base);
        if (!again) _expect(project, head, phaseOf(project, head), IN_STANDING | IN_FINAL | IN_FLAT | IN_VOID);
        uint256 below = again ? head - 1 : head;
        if (g.tip() != below) revert MarketOutOfOrder(below, g.tip());
        _expect(project, g.lastResult(), phaseOf(project, g.lastResult()), IN_STANDING | IN_FINAL);

        Tally last = p.rounds[head].tally;
        uint256 active = again ? last.activeLeft() : Seats.activeNext(g, last);
        bool awaited = again ? last.referenceAwaited() : Seats.awaitsReference(p, head, last);
        if (!again) _reserve(p, ++head);
        Round storage r = p.rounds[head];
        Tally t =
            TallyLib.opened(block.timestamp + p.windows.commit, p.windows.reveal, active, p.terms.minSeals(), awaited);
        r.tally = t;
        r.baseRoot = base;

        emit RoundOpened(project, head, base, r.pot, uint40(t.commitEnd()), uint40(t.revealEnd()));
    }

    function voidRound(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        _expect(project, round, phaseOf(project, round), IN_VOID);
        if (r.verdict.outcome() != NONE) revert MarketAlreadySettled(project, round);

        r.verdict = r.verdict.withOutcome(VOID);
        uint96 pot = uint96(p.terms.pot());
        p.escrowAndBucket = p.escrowAndBucket.plus(pot, 0);
        p.poolAndMisses = p.poolAndMisses.plus(r.pot - pot, 0);
        r.pot = 0;
        Results.endWithoutResult(p, round);

        emit RoundVoided(project, round, pot);
    }

    function flatten(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally t = r.tally;
        _expect(project, round, Phases.derive(p, r, round, t), IN_AGGREGATE);
        Progress g = p.progress;
        if (g.tip() + 1 != round) revert MarketOutOfOrder(round, g.tip());
        uint256 since = t.revealEnd() > g.lastEventAt() ? t.revealEnd() : g.lastEventAt();
        uint256 due = since + p.windows.dead;
        if (block.timestamp < due) revert MarketTooEarly(block.timestamp, due);

        Results.release(p, r);
        Results.chargeMisses(p, r, t);
        uint256 count = t.revealCount();
        uint256 share = r.pot / count; // rounded down; the rest goes back to the escrow
        p.escrowAndBucket = p.escrowAndBucket.plus(r.pot - share * count, 0);
        r.pot = uint96(share * count);
        r.verdict = r.verdict.withCharged().withOutcome(FLAT).withPaid(share);
        Results.endWithoutResult(p, round);

        emit RoundFlattened(project, round, uint96(share), uint16(count));
    }

    function skip(uint256 project) external {
        Project storage p = _existing(project);
        Progress g = p.progress;
        bool tip = Results.endedWithoutResult(p, g.tip() + 1);
        bool terminal = Results.endedWithoutResult(p, g.terminalUpTo() + 1);
        if (!tip && !terminal) revert MarketNothingToSkip(g.tip(), g.terminalUpTo());

        if (tip) g = g.withTip(g.tip() + 1);
        if (terminal) g = g.withTerminal(g.terminalUpTo() + 1);
        p.progress = g;

        emit RoundSkipped(project, g.tip(), g.terminalUpTo());
    }

    function clear(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        _expect(project, round, phaseOf(project, round), IN_PROPOSED | IN_STANDING);
        Round storage r = p.rounds[round];
        address poster = r.poster;
        if (!p.aggregators[poster].banned) revert MarketPosterNotConvicted(poster);

        Results.remove(p, r, round);

        emit ResultCleared(project, round, poster);
    }

    function release(uint256 project, uint256 round) external {
        Project storage p = _existing(project);
        Round storage r = p.rounds[round];
        address poster = r.poster;
        if (poster == address(0) || round <= p.progress.tip()) {
            revert MarketNothingToRelease(round, p.progress.tip());
        }

        Results.release(p, r);

        emit BondReleased(project, round, poster);
    }

    function finalise(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        _expect(project, round, phaseOf(project, round), IN_STANDING);
        Verdict v = r.verdict;
        _expectChallenged(p, r, v);
        Progress g = p.progress;
        // INVARIANT: FINAL in order. Between `prev` and this round every round is FLAT or VOID.
        if (v.prev() != g.lastFinal()) revert MarketBelowNotFinal(v.prev(), g.lastFinal());
        address poster = r.poster;
        if (p.aggregators[poster].banned) revert MarketBanned(poster);

        r.verdict = v.withOutcome(FINAL);
        p.progress = g.withFinal(round);
        uint256 fee = p.terms.fee();
        // SAFETY: `post` refused a `paid` above what the fee leaves of the pot, and the pot has only grown since.
        uint256 rest = r.pot - fee - v.paid();
        r.pot = 0;
        p.escrowAndBucket = p.escrowAndBucket.plus(rest, v.paid());
        Results.unlock(p, poster);
        _credit(p.frozen.token, poster, fee);

        emit RoundFinalised(project, round, poster, uint96(fee), uint96(v.paid()), uint96(rest));
    }

    function withdraw(address token, address to) external nonReentrant {
        if (to == address(0)) revert MarketZeroAddress();
        _send(token, msg.sender, to);
    }

    function burn(address token) external nonReentrant {
        _send(token, BURN_ADDRESS, BURN_ADDRESS);
    }

    // ----- steps of the calls above -----

    /// INVARIANT: nobody trains on a base that no longer stands; after the first seal the base is a fact.
    function _expectFreshBase(Project storage p, Round storage r, uint256 round) private view {
        Progress g = p.progress;
        if (g.tip() + 1 != round) revert MarketOutOfOrder(round, g.tip());
        bytes32 standing = p.rounds[g.lastResult()].modelRoot;
        if (r.baseRoot != standing) revert MarketStaleBase(r.baseRoot, standing);
    }

    /// W is over, and with it whatever was asked. INVARIANT: nothing is FINAL while somebody waits for an answer, nor before
    /// the last answer could be used.
    function _expectChallenged(Project storage p, Round storage r, Verdict v) private view {
        Windows storage w = p.windows;
        uint256 due = v.standsAt() + w.challenge;
        if (v.asked()) due += uint256(w.answer) + w.refute;
        if (block.timestamp < due) revert MarketTooEarly(block.timestamp, due);
        if (!v.asked()) return;
        uint256 open_ = _openAsks[Asks.postingOf(r.commitment, v)];
        if (open_ != 0) revert MarketAsksOpen(open_);
    }

    /// A seal that does not follow a reveal of the round before: settles what the seat owes and writes its word.
    function _sealAfterGap(Project storage p, Holder h, uint256 project, uint256 round, uint256 seat)
        private
        returns (bool active)
    {
        uint256 last = Seats.lastSealed(p, seat, h);
        active = Seats.isActive(h, last, round);
        // A seat that joined in this very round was counted for the next when it registered, and now by its seal.
        if (Seats.isActive(h, last, round + 1)) p.progress = p.progress.withActive(-1);
        Seats.debitMiss(p, project, seat, last);
        // INVARIANT: every seal that may be missed has a unit behind it.
        uint256 stake = p.seats[seat].stakeAndClaimed.first();
        if (stake < p.terms.unit()) revert MarketStakeTooLow(stake, p.terms.unit());
        p.seats[seat].holder = h.withSeal(round);
    }

    /// Whether the head has no seal and is not settled, so that it may be opened again.
    function _emptyHead(Project storage p, uint256 head) private view returns (bool) {
        return p.rounds[head].tally.sealCount() == 0 && p.rounds[head].verdict.outcome() == NONE;
    }

    /// Makes `round` the head and moves its pot out of the escrow.
    function _reserve(Project storage p, uint256 round) private {
        Progress g = p.progress;
        if (g.openCount() >= p.frozen.openRounds) revert MarketTooManyOpenRounds(g.openCount(), p.frozen.openRounds);
        uint256 pot = p.terms.pot();
        Pair purse = p.escrowAndBucket;
        if (purse.first() < pot) revert MarketEscrowTooLow(purse.first(), pot);

        p.progress = g.withHead();
        p.escrowAndBucket = purse.minus(pot, 0);
        uint256 pool = p.poolAndMisses.first();
        if (pool != 0) p.poolAndMisses = p.poolAndMisses.minus(pool, 0);
        p.rounds[round].verdict = VerdictLib.opened();
        p.rounds[round].pot = uint96(pot + pool);
    }
}
