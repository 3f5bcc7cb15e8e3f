// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Address} from "@openzeppelin/contracts/utils/Address.sol";

import {MarketBase} from "./MarketBase.sol";
import {Registry} from "./Registry.sol";
import {IMarket} from "./interfaces/IMarket.sol";
import {Facts} from "./libraries/Facts.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {Phases} from "./libraries/Phases.sol";
import {Relations} from "./libraries/Relations.sol";
import {Results} from "./libraries/Results.sol";
import {Seats} from "./libraries/Seats.sol";
import {
    Aggregator,
    BURN_ADDRESS,
    FINAL,
    FLAT,
    Frozen,
    Holder,
    NONE,
    Progress,
    Project,
    ROOT_FLOOR,
    Round,
    Seat,
    Tally,
    Tenure,
    Terms,
    VOID,
    Verdict
} from "./state.sol";
import {Account, Content, Limits, Opening, Params, Phase, Post} from "./types.sol";

/// One contract holds all money and all rounds. See `interfaces/IMarket.sol` for what each call promises, and
/// `contracts/README.md` for the protocol on one page.
contract Market is IMarket, MarketBase {
    using Facts for Project;
    using Facts for Round;
    using Facts for Seat;


    address private immutable REGISTRY;

    constructor(Limits memory limits_) {
        Relations.checkLimits(limits_);
        _limits = limits_;
        REGISTRY = address(new Registry());
    }

    // ----- projects and seats: `Registry` has the code -----

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

    /// SAFETY: the code was made by this market's constructor, has no state of its own and cannot be replaced.
    function _inRegistry() private returns (bytes memory) {
        return Address.functionDelegateCall(REGISTRY, msg.data);
    }

    // ----- owner -----

    function fund(uint256 project, uint96 amount) external payable nonReentrant {
        Project storage p = _existing(project);
        _pull(p.frozen.token, amount);
        _expectRunning(p, project);

        p.put(amount, 0);

        emit ProjectFunded(project, msg.sender, amount);
    }

    // ----- trainers -----

    function seal(uint256 project, uint256 round, uint256 seat, bytes32 seal_) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally memory t = r.tallyOf();
        _expect(project, round, Phases.derive(p, r, round, t), IN_COMMIT);
        if (seal_ == 0 || uint256(seal_) >= ROOT_FLOOR) revert MarketBadSeal(seal_);
        Holder memory h = _holderOf(p, seat);
        // INVARIANT: one seal for each seat and round, and it is never changed.
        if (r.slots[seat] != 0) revert MarketAlreadySealed(round, seat);
        if (t.sealCount == 0) _expectFreshBase(p, r, round);

        bool active = true;
        if (!h.revealed || h.last + 1 != round) active = _sealAfterGap(p, h, project, round, seat);
        r.slots[seat] = uint256(seal_);
        ++t.sealCount;
        if (active) --t.activeLeft;
        if (t.sealCount >= t.minSeals && _allSealed(p, round, t)) t.commitEnd = block.timestamp;
        r.save(t);

        emit Sealed(project, round << 16 | seat, seal_);
    }

    function reveal(
        uint256 project,
        uint256 round,
        uint256 seat,
        bytes32 updateRoot,
        bytes32 salt,
        bytes32 fileDigest
    ) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally memory t = r.tallyOf();
        _expect(project, round, Phases.derive(p, r, round, t), IN_REVEAL);
        if (uint256(updateRoot) < ROOT_FLOOR) revert MarketRootTooSmall(updateRoot);
        // INVARIANT: the seal binds the sender, so a seal copied from another seat cannot be opened. That the sender
        // still holds the seat needs no check: a seat cannot be left before the round that it sealed is terminal.
        Holder memory h = _holderOf(p, seat);
        uint256 sealed_ = r.slots[seat];
        if (sealed_ == 0 || sealed_ >= ROOT_FLOOR) revert MarketNotSealed(round, seat, bytes32(sealed_));
        uint256 opened = Hashes.sealOf(project, round, msg.sender, r.baseRoot, updateRoot, salt);
        if (opened != sealed_) revert MarketSealMismatch(bytes32(opened), bytes32(sealed_));

        r.slots[seat] = uint256(updateRoot);
        h.last = round;
        h.revealed = true;
        if (h.firstRound == 0) h.firstRound = round;
        p.seats[seat].save(h);
        // The sum is meant to wrap; only its low 128 bits are kept.
        t.revealSum = (t.revealSum + Hashes.seedTerm(msg.sender, updateRoot, salt)) & type(uint128).max;
        ++t.revealCount;
        if (t.revealCount == t.sealCount) t.revealSpan = block.timestamp - t.commitEnd;
        r.save(t);

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
        if (s.holder == 0) revert MarketSeatFree(seat);
        _expectAccount(p, r, seat, account, opening, proof);
        if (account.pay <= s.claimed) revert MarketNothingDue();
        uint256 due = account.pay - s.claimed;
        // INVARIANT: claims of a project never exceed what its FINAL results named, so no lie reaches other projects.
        if (due > p.bucketOf()) revert MarketBucketTooLow(due, p.bucketOf());

        s.claimed = account.pay;
        p.take(0, due);
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
        uint96 share = uint96(r.verdictOf().paid);
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
        uint256 floor = p.termsOf().bondFloor;
        uint256 kept = a.locked == 0 ? 0 : a.locked > floor ? a.locked : floor;
        if (a.bond < kept + amount) revert MarketBondTooLow(a.bond, kept + amount);

        a.bond -= amount;
        _credit(p.frozen.token, msg.sender, amount);

        emit BondRemoved(project, msg.sender, amount);
    }

    function post(uint256 project, uint256 round, Post calldata post_) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally memory t = r.tallyOf();
        Phase phase = Phases.derive(p, r, round, t);
        _expect(project, round, phase, IN_AGGREGATE | IN_PROPOSED);
        bool replaces = phase == Phase.Proposed;
        Terms memory terms = p.termsOf();
        Verdict memory v = r.verdictOf();
        Results.examine(p, r, t, v, terms, round, replaces, post_);

        // A stored result, replaced or cleared with one below it, still locks its poster's bond.
        if (r.poster != address(0)) Results.unlock(p, r.poster);
        Results.lock(p, t, terms, replaces);
        bytes32 commitment = Results.store(p, r, t, v, project, round, post_);

        emit ResultPosted(project, round, msg.sender, commitment, uint40(v.standsAt), v.merged, post_);
    }

    // ----- anyone, when due -----

    function open(uint256 project) external {
        Project storage p = _existing(project);
        _expectRunning(p, project);
        Progress memory g = p.progressOf();
        bytes32 base = p.rounds[g.lastResult].modelRoot;
        uint256 below = g.head;
        bool again = g.head != 0 && _emptyHead(p, g.head);
        if (again) {
            // INVARIANT: a COMMIT is restarted only while nobody has sealed in it, so no seal is ever undone.
            if (p.rounds[g.head].baseRoot == base) revert MarketBaseUnchanged(base);
            below = g.head - 1;
        }
        if (!again) _expect(project, g.head, phaseOf(project, g.head), IN_STANDING | IN_FINAL | IN_FLAT | IN_VOID);
        if (g.tip != below) revert MarketOutOfOrder(below, g.tip);
        _expect(project, g.lastResult, phaseOf(project, g.lastResult), IN_STANDING | IN_FINAL);
        if (!again) _reserve(p, g);

        Round storage r = p.rounds[g.head];
        Tally memory t = r.tallyOf();
        t.commitEnd = block.timestamp + p.windows.commit;
        t.revealSpan = p.windows.reveal;
        r.save(t);
        r.baseRoot = base;

        emit RoundOpened(project, g.head, base, r.pot, uint40(t.commitEnd), uint40(Phases.revealEnd(t)));
    }

    function voidRound(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        _expect(project, round, phaseOf(project, round), IN_VOID);
        if (r.outcomeOf() != NONE) revert MarketAlreadySettled(project, round);

        _record(r, VOID);
        uint96 pot = uint96(p.termsOf().pot);
        p.put(pot, 0);
        p.putPool(r.pot - pot, 0);
        r.pot = 0;
        Results.endWithoutResult(p, round);

        emit RoundVoided(project, round, pot);
    }

    function flatten(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        Tally memory t = r.tallyOf();
        _expect(project, round, Phases.derive(p, r, round, t), IN_AGGREGATE);
        Progress memory g = p.progressOf();
        if (g.tip + 1 != round) revert MarketOutOfOrder(round, g.tip);
        uint256 ended = Phases.revealEnd(t);
        uint256 due = (ended > g.lastEventAt ? ended : g.lastEventAt) + p.windows.dead;
        if (block.timestamp < due) revert MarketTooEarly(block.timestamp, due);

        Results.release(p, r);
        Verdict memory v = r.verdictOf();
        Results.chargeMisses(p, r, t, v);
        uint96 pot = r.pot;
        v.outcome = FLAT;
        v.paid = pot / t.revealCount; // rounded down; the rest goes back to the escrow
        r.save(v);
        uint96 kept = uint96(v.paid * t.revealCount);
        p.put(pot - kept, 0);
        r.pot = kept;
        Results.endWithoutResult(p, round);

        emit RoundFlattened(project, round, uint96(v.paid), uint16(t.revealCount));
    }

    function skip(uint256 project) external {
        Project storage p = _existing(project);
        Progress memory g = p.progressOf();
        bool tip = Results.endedWithoutResult(p, g.tip + 1);
        bool terminal = Results.endedWithoutResult(p, g.terminalUpTo + 1);
        if (!tip && !terminal) revert MarketNothingToSkip(g.tip, g.terminalUpTo);

        if (tip) ++g.tip;
        if (terminal) ++g.terminalUpTo;
        p.save(g);

        emit RoundSkipped(project, g.tip, g.terminalUpTo);
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
        if (poster == address(0) || round <= p.progressOf().tip) {
            revert MarketNothingToRelease(round, p.progressOf().tip);
        }

        Results.release(p, r);

        emit BondReleased(project, round, poster);
    }

    function finalise(uint256 project, uint256 round) external {
        Project storage p = _projects[project];
        Round storage r = p.rounds[round];
        _expect(project, round, phaseOf(project, round), IN_STANDING);
        Verdict memory v = r.verdictOf();
        uint256 due = v.standsAt + p.windows.challenge;
        if (block.timestamp < due) revert MarketTooEarly(block.timestamp, due);
        Progress memory g = p.progressOf();
        // INVARIANT: FINAL in order. Between `prev` and this round every round is FLAT or VOID.
        if (v.prev != g.lastFinal) revert MarketBelowNotFinal(v.prev, g.lastFinal);
        address poster = r.poster;
        if (p.aggregators[poster].banned) revert MarketBanned(poster);

        v.outcome = FINAL;
        r.save(v);
        --g.openCount;
        g.lastFinal = round;
        g.terminalUpTo = round;
        p.save(g);
        uint96 fee = uint96(Results.feeOf(p.termsOf()));
        uint96 paid = uint96(v.paid);
        // SAFETY: `post` refused a `paid` above what the fee leaves of the pot, and the pot has only grown since.
        uint96 rest = r.pot - fee - paid;
        r.pot = 0;
        p.put(rest, paid);
        Results.unlock(p, poster);
        _credit(p.frozen.token, poster, fee);

        emit RoundFinalised(project, round, poster, fee, paid, rest);
    }

    function withdraw(address token, address to) external nonReentrant {
        if (to == address(0)) revert MarketZeroAddress();
        _send(token, msg.sender, to);
    }

    function burn(address token) external nonReentrant {
        _send(token, BURN_ADDRESS, BURN_ADDRESS);
    }

    // ----- conviction -----

    /// What a refutation that checks, or an ask without an answer, does. INVARIANT: no other way takes a bond.
    function _convict(uint256 project, uint256 round, address refuter) internal {
        Project storage p = _projects[project];
        _expect(project, round, phaseOf(project, round), IN_PROPOSED | IN_STANDING);
        Round storage r = p.rounds[round];
        address poster = r.poster;
        Aggregator storage a = p.aggregators[poster];
        if (a.banned) revert MarketBanned(poster);

        uint96 bond = a.bond;
        uint96 third = bond / 3; // the escrow gets what rounding leaves
        p.aggregators[poster] = Aggregator({bond: 0, locked: 0, banned: true});
        r.pot += third;
        p.put(bond - 2 * third, 0);
        _credit(p.frozen.token, refuter, third);
        Results.remove(p, r, round);

        emit ResultConvicted(project, round, poster, refuter, third, third, bond - 2 * third);
    }

    // ----- steps of the calls above -----

    /// INVARIANT: nobody trains on a base that no longer stands; after the first seal the base is a fact.
    function _expectFreshBase(Project storage p, Round storage r, uint256 round) private view {
        Progress memory g = p.progressOf();
        if (g.tip + 1 != round) revert MarketOutOfOrder(round, g.tip);
        bytes32 standing = p.rounds[g.lastResult].modelRoot;
        if (r.baseRoot != standing) revert MarketStaleBase(r.baseRoot, standing);
    }

    function _allSealed(Project storage p, uint256 round, Tally memory t) private view returns (bool) {
        return round == 1 ? t.sealCount == p.frozen.expectedSeats : t.activeLeft == 0;
    }

    /// A seal that does not follow a reveal of the round before: settles what the seat owes and writes its word.
    function _sealAfterGap(Project storage p, Holder memory h, uint256 project, uint256 round, uint256 seat)
        private
        returns (bool active)
    {
        uint256 last = Seats.lastSealed(p, seat, h);
        active = Seats.isActive(h, last, round);
        // A seat that joined in this very round was counted for the next when it registered, and now by its seal.
        if (Seats.isActive(h, last, round + 1)) {
            Progress memory g = p.progressOf();
            --g.activeDelta;
            p.save(g);
        }
        Seats.debitMiss(p, project, seat, last);
        uint256 unit = p.unitOf();
        // INVARIANT: every seal that may be missed has a unit behind it.
        if (p.seats[seat].stake < unit) revert MarketStakeTooLow(p.seats[seat].stake, unit);
        h.last = round;
        h.revealed = false;
        p.seats[seat].save(h);
    }

    /// Whether the head has no seal and is not settled, so that it may be opened again.
    function _emptyHead(Project storage p, uint256 head) private view returns (bool) {
        return p.rounds[head].tallyOf().sealCount == 0 && p.rounds[head].outcomeOf() == NONE;
    }

    /// Makes the next round the head and moves its pot out of the escrow.
    function _reserve(Project storage p, Progress memory g) private {
        Terms memory terms = p.termsOf();
        if (g.openCount >= p.frozen.openRounds) revert MarketTooManyOpenRounds(g.openCount, p.frozen.openRounds);
        if (p.escrowOf() < terms.pot) revert MarketEscrowTooLow(p.escrowOf(), terms.pot);

        uint256 active = Seats.activeNext(p, g);
        // SAFETY: one transaction each, and at most D.
        unchecked {
            ++g.head;
            ++g.openCount;
        }
        g.activeDelta = 0;
        p.save(g);
        Round storage r = p.rounds[g.head];
        Tally memory t;
        t.activeLeft = active;
        t.minSeals = terms.minSeals;
        r.save(t);
        uint256 pool = p.poolOf();
        r.pot = uint96(terms.pot + pool);
        p.take(terms.pot, 0);
        p.takePool(pool, 0);
    }
}
