// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MerkleProof} from "@openzeppelin/contracts/utils/cryptography/MerkleProof.sol";

import {MarketBase} from "./MarketBase.sol";
import {IRegistry} from "./interfaces/IMarket.sol";
import {Hashes} from "./libraries/Hashes.sol";
import {Relations} from "./libraries/Relations.sol";
import {Seats} from "./libraries/Seats.sol";
import {BURN_ADDRESS, Frozen, Project, ROOT_FLOOR, Round, Seat, Tenure} from "./state.sol";
import {Account, Content, Opening, Params} from "./types.sol";
import {FINAL, Holder, HolderLib, Pair, Progress, Tally, TermsLib} from "./words.sol";

/// Projects, seats, and the owner's reference in rounds. One contract may have 24,576 bytes of code, so the market runs
/// this part of its code, which its constructor made, in its own storage. By itself this contract does nothing.
contract Registry is IRegistry, MarketBase {
    int64 private constant START_REPUTATION = 1 << 13; // of every account before the first FINAL result
    uint256 private constant EVICTION_ROUNDS = 16; // opened rounds without a seal after which a seat may be evicted
    address private immutable SELF = address(this);

    modifier onlyInMarket() {
        if (address(this) == SELF) revert MarketCodeOnly();
        _;
    }

    // ----- owner -----

    function create(Params calldata params, Content calldata content) external onlyInMarket returns (uint256 project) {
        Relations.check(params, content, _limits);

        project = ++projectCount;
        Project storage p = _projects[project];
        p.terms = TermsLib.frozen({
            pot_: params.pot,
            bondFloor_: params.bondFloor,
            seats_: params.seats,
            minSeals_: params.minSeals,
            feeBps_: params.feeBps,
            deltaRows_: params.deltaRows,
            fileRounds_: params.fileRounds
        });
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
            modelDigest: content.modelDigest,
            referenceKey: params.referenceKey
        });
        // The reference has the place after the seats, so its key takes none of them.
        if (params.referenceKey != address(0)) p.seatOf[params.referenceKey] = uint256(params.seats) + 1;
        Round storage start = p.rounds[0];
        start.commitment = Hashes.startCommitment(project, content.modelRoot);
        start.modelRoot = content.modelRoot;
        start.verdict = start.verdict.withOutcome(FINAL);

        emit ProjectCreated(project, msg.sender, params, content);
    }

    function stop(uint256 project) external onlyInMarket {
        Project storage p = _existing(project);
        if (msg.sender != p.frozen.owner) revert MarketNotOwner(msg.sender, p.frozen.owner);
        Progress g = p.progress;
        if (g.stopped()) revert MarketProjectStopped(project);

        p.progress = g.withStop();

        emit ProjectStopped(project);
    }

    function refund(uint256 project) external onlyInMarket {
        Project storage p = _existing(project);
        // INVARIANT: money goes back only when no round is open and none can open again.
        Progress g = p.progress;
        if (!g.stopped() && block.timestamp < p.frozen.endDate) revert MarketStillRunning(project, p.frozen.endDate);
        if (g.openCount() != 0) revert MarketRoundsOpen(g.openCount());
        uint256 escrow = p.escrowAndBucket.first();
        uint256 pool = p.poolAndMisses.first();
        if (escrow == 0 && pool == 0) revert MarketNothingDue();

        p.progress = g.withRefund();
        p.escrowAndBucket = p.escrowAndBucket.minus(escrow, 0);
        p.poolAndMisses = p.poolAndMisses.minus(pool, 0);
        if (escrow != 0) _credit(p.frozen.token, p.frozen.owner, escrow);
        // INVARIANT: a penalty never reaches the owner, who could else gain from naming seats malicious.
        if (pool != 0) _credit(p.frozen.token, BURN_ADDRESS, pool);

        emit ProjectRefunded(project, p.frozen.owner, uint96(escrow), uint96(pool));
    }

    // ----- trainers -----

    function register(uint256 project, uint16 seat, address payout, uint96 stake, bytes32[] calldata admission)
        external
        payable
        onlyInMarket
        nonReentrant
    {
        Project storage p = _existing(project);
        _pull(p.frozen.token, stake);
        _expectRunning(p, project);
        Seats.checkIndex(p, seat);
        Seat storage s = p.seats[seat];
        if (s.holder.signer() != address(0)) revert MarketSeatTaken(seat, s.holder.signer());
        if (p.seatOf[msg.sender] != 0) revert MarketAlreadySeated(msg.sender, p.seatOf[msg.sender] - 1);
        if (stake < p.frozen.minStake) revert MarketStakeTooLow(stake, p.frozen.minStake);
        if (payout == address(0)) revert MarketZeroAddress();
        bytes32 root = p.frozen.admissionRoot;
        if (root != 0 && !MerkleProof.verifyCalldata(admission, root, Hashes.admissionLeaf(msg.sender))) {
            revert MarketNotAdmitted(msg.sender);
        }

        // SAFETY: `claimed` and `penaltyTaken` are cumulative over all holders of the seat and stay.
        Progress g = p.progress;
        p.progress = g.withActive(1);
        s.holder = HolderLib.seated(msg.sender, g.head());
        s.stakeAndClaimed = s.stakeAndClaimed.plus(stake, 0);
        s.payout = payout;
        p.seatOf[msg.sender] = uint256(seat) + 1;
        _openCredit(p.frozen.token, payout);

        emit TrainerRegistered(project, seat, msg.sender, payout, stake);
    }

    function addStake(uint256 project, uint16 seat, uint96 amount) external payable onlyInMarket nonReentrant {
        Project storage p = _existing(project);
        _pull(p.frozen.token, amount);
        Seats.checkIndex(p, seat);
        Seat storage s = p.seats[seat];
        if (s.holder.signer() == address(0)) revert MarketSeatFree(seat);

        s.stakeAndClaimed = s.stakeAndClaimed.plus(amount, 0);

        emit StakeAdded(project, seat, amount);
    }

    function leave(
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external onlyInMarket {
        Project storage p = _existing(project);
        Holder h = _holderOf(p, seat);
        _depart(p, h, project, seat, account, opening, proof);
    }

    function evict(
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) external onlyInMarket {
        Project storage p = _existing(project);
        Seats.checkIndex(p, seat);
        Holder h = p.seats[seat].holder;
        if (h.signer() == address(0)) revert MarketSeatFree(seat);
        uint256 last = Seats.lastSealed(p, seat, h);
        uint256 seen = last > h.joined() ? last : h.joined();
        uint256 head = p.progress.head();
        if (head - seen < EVICTION_ROUNDS) revert MarketNotEvictable(head, seen + EVICTION_ROUNDS);
        _depart(p, h, project, seat, account, opening, proof);
    }

    // ----- the owner's reference -----

    function sealReference(uint256 project, uint256 round, bytes32 seal_) external onlyInMarket {
        (Project storage p, Round storage r) = _inPhase(project, round, IN_COMMIT);
        if (seal_ == 0 || uint256(seal_) >= ROOT_FLOOR) revert MarketBadSeal(seal_);
        uint256 place = _expectReference(p);
        if (r.slots[place] != 0) revert MarketAlreadySealed(round, place);
        Tally t = r.tally;
        // INVARIANT: the base is a fact when the reference seals: a COMMIT that may still be restarted has no seal at all,
        // so the reference's seal is neither undone nor bound to a base that is gone.
        if (t.sealCount() == 0) revert MarketNobodySealed(round);

        r.slots[place] = uint256(seal_);
        r.tally = Seats.endCommit(p, round, t.withReferenceSeal());

        emit ReferenceSealed(project, round, seal_);
    }

    function revealReference(uint256 project, uint256 round, bytes32 updateRoot, bytes32 salt, bytes32 fileDigest)
        external
        onlyInMarket
    {
        (Project storage p, Round storage r) = _inPhase(project, round, IN_REVEAL);
        if (uint256(updateRoot) < ROOT_FLOOR) revert MarketRootTooSmall(updateRoot);
        uint256 place = _expectReference(p);
        uint256 sealed_ = r.slots[place];
        if (sealed_ == 0 || sealed_ >= ROOT_FLOOR) revert MarketNotSealed(round, place, bytes32(sealed_));
        uint256 opened = Hashes.sealOf(project, round, msg.sender, r.baseRoot, updateRoot, salt);
        if (opened != sealed_) revert MarketSealMismatch(bytes32(opened), bytes32(sealed_));

        r.slots[place] = uint256(updateRoot);
        r.tally = Seats.endReveal(r.tally.withReferenceReveal(Hashes.seedTerm(msg.sender, updateRoot, salt)));

        emit ReferenceRevealed(project, round, updateRoot, salt, fileDigest);
    }

    // ----- steps of the calls above -----

    function _inPhase(uint256 project, uint256 round, uint256 allowed)
        private
        view
        returns (Project storage p, Round storage r)
    {
        _expect(project, round, phaseOf(project, round), allowed);
        p = _projects[project];
        r = p.rounds[round];
    }

    /// Place of the reference among the slots of a round, which is that of its row in results. INVARIANT: it is no seat: it
    /// has no stake, pay or penalty, and no count of seals, reveals or active seats includes it.
    function _expectReference(Project storage p) private view returns (uint256) {
        address key = p.frozen.referenceKey;
        if (msg.sender != key) revert MarketNotSigner(msg.sender, key);
        return p.terms.seats();
    }

    /// Settles pay, penalty and stake of a seat and frees it.
    function _depart(
        Project storage p,
        Holder h,
        uint256 project,
        uint16 seat,
        Account calldata account,
        Opening calldata opening,
        bytes32[] calldata proof
    ) private {
        uint256 last = Seats.lastSealed(p, seat, h);
        Progress g = p.progress;
        // INVARIANT: stake is bound until the last round that the seat sealed, and all below, are terminal.
        if (last > g.terminalUpTo()) revert MarketStakeBound(last, g.terminalUpTo());
        if (g.lastFinal() != 0) _expectAccount(p, p.rounds[g.lastFinal()], seat, account, opening, proof);
        else _expectStartAccount(account);

        Seats.debitMiss(p, project, seat, last);
        Seats.uncount(p, h, last);
        Seat storage s = p.seats[seat];
        (uint256 pay, uint256 penalty, uint256 stake) = _settle(p, s, account);
        address payout = s.payout;
        p.tenures[seat].push(Tenure({payout: payout, firstRound: uint24(h.firstRound()), lastRound: uint24(last)}));
        delete p.seatOf[h.signer()];
        s.holder = Holder.wrap(0);
        s.payout = address(0);
        _credit(p.frozen.token, payout, pay + stake);

        emit TrainerLeft(
            project,
            seat,
            payout,
            msg.sender != h.signer(),
            uint96(pay),
            uint96(stake),
            uint96(penalty),
            uint128(s.stakeAndClaimed.second()),
            s.penaltyTaken
        );
    }

    /// Before the first FINAL result every account is the constant that the rule starts from.
    function _expectStartAccount(Account calldata account) private pure {
        if (account.reputation != START_REPUTATION || account.pay != 0 || account.penalty != 0) {
            revert MarketNotStartAccount(account.reputation, account.pay, account.penalty);
        }
    }

    /// Takes a departing seat's stake, its pay out of the bucket and its penalty into the pool.
    function _settle(Project storage p, Seat storage s, Account calldata account)
        private
        returns (uint256 pay, uint256 penalty, uint256 stake)
    {
        Pair own = s.stakeAndClaimed;
        stake = own.first();
        // A departure is never blocked by a lie that became FINAL: pay is what the bucket has, and counters never fall.
        uint256 due = account.pay > own.second() ? account.pay - own.second() : 0;
        uint256 bucket = p.escrowAndBucket.second();
        pay = due < bucket ? due : bucket;
        p.escrowAndBucket = p.escrowAndBucket.minus(0, pay);
        s.stakeAndClaimed = own.plus(0, due).minus(stake, 0);

        uint96 total = account.penalty < type(uint96).max ? uint96(account.penalty) : type(uint96).max;
        if (total <= s.penaltyTaken) return (pay, 0, stake);
        penalty = total - s.penaltyTaken;
        if (penalty > stake) penalty = stake;
        s.penaltyTaken = total;
        p.poolAndMisses = p.poolAndMisses.plus(penalty, 0);
        stake -= penalty;
    }
}
