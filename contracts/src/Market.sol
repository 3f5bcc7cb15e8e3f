// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {MarketBase} from "./MarketBase.sol";
import {Facts} from "./libraries/Facts.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {Phases} from "./libraries/Phases.sol";
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
contract Market is MarketBase {
    using Facts for Project;
    using Facts for Round;
    using Facts for Seat;

    int64 private constant START_REPUTATION = 1 << 13; // of every account before the first FINAL result
    uint256 private constant EVICTION_ROUNDS = 16; // opened rounds without a seal after which a seat may be evicted

    constructor(Limits memory limits_) MarketBase(limits_) {}

    // ----- owner -----

    function create(Params calldata params, Content calldata content) external returns (uint256 project) {
        PARAMETER_CHECK.check(params, content);

        project = ++projectCount;
        Project storage p = _projects[project];
        p.save(
            Terms({
                pot: params.pot,
                bondFloor: params.bondFloor,
                seats: params.seats,
                minSeals: params.minSeals,
                feeBps: params.feeBps,
                deltaRows: params.deltaRows,
                fileRounds: params.fileRounds
            })
        );
        p.windows = params.windows;
        p.frozen = Frozen({
            token: params.token,
            minStake: params.minStake,
            owner: msg.sender,
            endDate: params.endDate,
            coefficients: params.coefficients,
            expectedSeats: params.expectedSeats,
            openRounds: params.openRounds,
            admissionRoot: params.admissionRoot,
            descriptionDigest: content.descriptionDigest,
            modelDigest: content.modelDigest
        });
        Round storage start = p.rounds[0];
        start.commitment = Hashes.startCommitment(project, content.modelRoot);
        start.modelRoot = content.modelRoot;
        _record(start, FINAL);

        emit ProjectCreated(project, msg.sender, params, content);
    }

    function fund(uint256 project, uint96 amount) external payable nonReentrant {
        Project storage p = _existing(project);
        _pull(p.frozen.token, amount);
        _expectRunning(p, project);

        p.put(amount, 0);

        emit ProjectFunded(project, msg.sender, amount);
    }

    function stop(uint256 project) external {
        Project storage p = _existing(project);
        if (msg.sender != p.frozen.owner) revert MarketNotOwner(msg.sender, p.frozen.owner);
        Progress memory g = p.progressOf();
        if (g.stopped) revert MarketProjectStopped(project);

        g.stopped = true;
        p.save(g);

        emit ProjectStopped(project);
    }

    function refund(uint256 project) external {
        Project storage p = _existing(project);
        // INVARIANT: money goes back only when no round is open and none can open again.
        Progress memory g = p.progressOf();
        if (!g.stopped && block.timestamp < p.frozen.endDate) revert MarketStillRunning(project, p.frozen.endDate);
        if (g.openCount != 0) revert MarketRoundsOpen(g.openCount);
        uint256 escrow = p.escrowOf();
        uint256 pool = p.poolOf();
        if (escrow == 0 && pool == 0) revert MarketNothingDue();

        g.refunded = true;
        p.save(g);
        p.take(escrow, 0);
        p.takePool(pool, 0);
        if (escrow != 0) _credit(p.frozen.token, p.frozen.owner, escrow);
        // INVARIANT: a penalty never reaches the owner, who could else gain from naming seats malicious.
        if (pool != 0) _credit(p.frozen.token, BURN_ADDRESS, pool);

        emit ProjectRefunded(project, p.frozen.owner, uint96(escrow), uint96(pool));
    }

    // ----- trainers -----

    function register(uint256 project, uint16 seat, address payout, uint96 stake, bytes32[] calldata admission)
        external
        payable
        nonReentrant
    {
        Project storage p = _existing(project);
        _pull(p.frozen.token, stake);
        _expectRunning(p, project);
        Seats.checkIndex(p, seat);
        Seat storage s = p.seats[seat];
        Holder memory h = s.holderOf();
        if (h.signer != address(0)) revert MarketSeatTaken(seat, h.signer);
        if (p.seatOf[msg.sender] != 0) revert MarketAlreadySeated(msg.sender, p.seatOf[msg.sender] - 1);
        if (stake < p.frozen.minStake) revert MarketStakeTooLow(stake, p.frozen.minStake);
        if (payout == address(0)) revert MarketZeroAddress();
        bytes32 root = p.frozen.admissionRoot;
        if (root != 0 && !MerkleProof.verifyCalldata(admission, root, Hashes.admissionLeaf(msg.sender))) {
            revert MarketNotAdmitted(msg.sender);
        }

        // SAFETY: `claimed` and `penaltyTaken` are cumulative over all holders of the seat and stay.
        Progress memory g = p.progressOf();
        ++g.activeDelta;
        p.save(g);
        h.signer = msg.sender;
        h.joined = g.head;
        s.save(h);
        s.stake = stake;
        s.payout = payout;
        p.seatOf[msg.sender] = uint256(seat) + 1;

        emit TrainerRegistered(project, seat, msg.sender, payout, stake);
    }

    function addStake(uint256 project, uint16 seat, uint96 amount) external payable nonReentrant {
        Project storage p = _existing(project);
        _pull(p.frozen.token, amount);
        Seats.checkIndex(p, seat);
        Seat storage s = p.seats[seat];
        if (s.holder == 0) revert MarketSeatFree(seat);

        s.stake += amount;

        emit StakeAdded(project, seat, amount);
    }

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

    function leave(
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external {
        Project storage p = _existing(project);
        Holder memory h = _holderOf(p, seat);
        _depart(p, h, project, seat, account, opening, proof);
    }

    function evict(
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external {
        Project storage p = _existing(project);
        Seats.checkIndex(p, seat);
        Holder memory h = p.seats[seat].holderOf();
        if (h.signer == address(0)) revert MarketSeatFree(seat);
        uint256 last = Seats.lastSealed(p, seat, h);
        uint256 seen = last > h.joined ? last : h.joined;
        uint256 head = p.progressOf().head;
        if (head - seen < EVICTION_ROUNDS) revert MarketNotEvictable(head, seen + EVICTION_ROUNDS);
        _depart(p, h, project, seat, account, opening, proof);
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

    function _holderOf(Project storage p, uint256 seat) private view returns (Holder memory h) {
        // SAFETY: no seat beyond the limit has a holder.
        h = p.seats[seat].holderOf();
        if (h.signer != msg.sender) revert MarketNotSigner(msg.sender, h.signer);
    }

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

    /// Stores a round's outcome; nothing changes it any more.
    function _record(Round storage r, uint256 outcome) private {
        Verdict memory v = r.verdictOf();
        v.outcome = outcome;
        r.save(v);
    }

    /// The account of `seat` in the result of a FINAL round.
    function _expectAccount(
        Project storage p,
        Round storage r,
        uint256 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) private view {
        bytes32 commitment = Hashes.commitmentOf(opening);
        if (commitment != r.commitment) revert MarketWrongOpening(commitment, r.commitment);
        // INVARIANT: the depth is exact, so no inner node passes for a leaf.
        uint256 depth = Hashes.depthOf(p.seatsOf());
        if (proof.length != depth) revert MarketProofLength(proof.length, depth);
        bytes32 root = Hashes.merkleRoot(Hashes.accountLeaf(seat, account), seat, proof);
        if (root != opening.accounts) revert MarketWrongProof(root, opening.accounts);
    }

    /// Settles pay, penalty and stake of a seat and frees it.
    function _depart(
        Project storage p,
        Holder memory h,
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) private {
        uint256 last = Seats.lastSealed(p, seat, h);
        Progress memory g = p.progressOf();
        // INVARIANT: stake is bound until the last round that the seat sealed, and all below, are terminal.
        if (last > g.terminalUpTo) revert MarketStakeBound(last, g.terminalUpTo);
        if (g.lastFinal != 0) _expectAccount(p, p.rounds[g.lastFinal], seat, account, opening, proof);
        else _expectStartAccount(account);

        Seats.debitMiss(p, project, seat, last);
        Seats.uncount(p, h, last);
        Seat storage s = p.seats[seat];
        (uint96 pay, uint96 penalty) = _settle(p, s, account);
        uint96 stake = uint96(s.stake) - penalty;
        address payout = s.payout;
        p.tenures[seat].push(Tenure({payout: payout, firstRound: uint24(h.firstRound), lastRound: uint24(last)}));
        delete p.seatOf[h.signer];
        s.holder = 0;
        s.stake = 0;
        s.payout = address(0);
        _credit(p.frozen.token, payout, uint256(pay) + stake);

        emit TrainerLeft(project, seat, payout, msg.sender != h.signer, pay, stake, penalty);
    }

    /// Before the first FINAL result every account is the constant that the rule starts from.
    function _expectStartAccount(Account calldata account) private pure {
        if (account.reputation != START_REPUTATION || account.pay != 0 || account.penalty != 0) {
            revert MarketNotStartAccount(account.reputation, account.pay, account.penalty);
        }
    }

    /// Moves a departing seat's pay out of the bucket and its penalty into the pool.
    function _settle(Project storage p, Seat storage s, Account calldata account)
        private
        returns (uint96 pay, uint96 penalty)
    {
        // A departure is never blocked by a lie that became FINAL: pay is what the bucket has, and counters never fall.
        if (account.pay > s.claimed) {
            uint256 due = account.pay - s.claimed;
            uint256 bucket = p.bucketOf();
            pay = uint96(due < bucket ? due : bucket);
            p.take(0, pay);
            s.claimed = account.pay;
        }
        uint96 total = account.penalty < type(uint96).max ? uint96(account.penalty) : type(uint96).max;
        if (total > s.penaltyTaken) {
            penalty = total - s.penaltyTaken;
            if (penalty > s.stake) penalty = uint96(s.stake);
            s.penaltyTaken = total;
            p.putPool(penalty, 0);
        }
    }
}
