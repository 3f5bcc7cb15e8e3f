// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket} from "../interfaces/IMarket.sol";
import {
    Aggregator,
    CHARGED,
    MERGED,
    Outcome,
    Progress,
    Project,
    Round,
    Tally,
    Terms,
    Verdict
} from "../state.sol";
import {Account, Post, Roots} from "../types.sol";
import {Bitmaps} from "./Bitmaps.sol";
import {Hashes} from "./Hashes.sol";
import {Phases} from "./Phases.sol";

/// Results: what a post must satisfy, and how results come and go. A result never changes what its round's trainers
/// did: only its own words, the tip and locks of bonds.
library Results {
    uint256 private constant COLUMN_SEATS = 12; // with more seats the tree of columns is needed to refute a delta
    int64 private constant START_REPUTATION = 1 << 13;

    /// What `examine` finds out about a post.
    struct Draft {
        uint24 prev;
        uint8 ordinal;
        uint16 included;
        uint16 rows;
        uint40 proposedAt;
        uint40 standsAt;
        bool merged;
    }

    // ----- posting -----

    /// Checks everything about a post but its poster.
    function examine(
        Project storage p,
        Round storage r,
        Tally memory t,
        uint256 round,
        bool replaces,
        Post calldata post
    ) internal view returns (Draft memory draft) {
        Verdict memory v = r.verdict;
        Terms memory terms = p.terms;
        uint256 tip = p.progress.tip;
        if (replaces ? round != tip : round != tip + 1) revert IMarket.MarketOutOfOrder(round, tip);
        draft.prev = replaces ? v.prev : p.progress.lastResult;
        Round storage prev = p.rounds[draft.prev];
        _checkCurrent(prev.commitment, t, post);
        _checkRoots(post.roots, terms.seats);
        // INVARIANT: a round whose base no longer stands is paid as always, but the model does not move.
        bytes32 below = prev.modelRoot;
        draft.merged = r.baseRoot == below;
        if (!draft.merged && post.roots.model != below) revert IMarket.MarketNotMerged(post.roots.model, below);
        _checkPaid(r, v, t, terms, post.paid);

        uint8 ordinal = prev.verdict.ordinal;
        draft.ordinal = ordinal == type(uint8).max ? ordinal : ordinal + 1;
        draft.included = _countIncluded(terms, t, post.included);
        bool allRows;
        (draft.rows, allRows) = _countRows(p, terms, ordinal, round, post.rows);
        if (replaces && !(draft.included > v.included || (draft.included == v.included && draft.rows > v.rows))) {
            revert IMarket.MarketNotBetter(draft.included, draft.rows, v.included, v.rows);
        }

        bool complete = allRows && draft.included == t.revealCount;
        // INVARIANT: T_x runs from the first PROPOSED post of this AGGREGATE; a replacement does not restart it.
        if (replaces) draft.proposedAt = v.proposedAt;
        else if (!complete) draft.proposedAt = uint40(block.timestamp);
        draft.standsAt = complete ? uint40(block.timestamp) : draft.proposedAt + p.windows.proposed;
    }

    /// Frees the lock of the result that is stored here, and locks the bond of the poster of the next.
    function lock(Project storage p, Round storage r, Tally memory t, bool replaces, address poster) internal {
        release(p, r);
        if (!replaces) _checkFirstRight(p, t, poster);
        Aggregator memory a = p.aggregators[poster];
        if (a.banned) revert IMarket.MarketBanned(poster);
        uint256 needed = _bondNeeded(p.terms, a);
        if (a.bond < needed) revert IMarket.MarketBondTooLow(a.bond, needed);

        // SAFETY: not above the bond, which has 96 bits.
        a.locked = uint96(a.locked + lockOf(p.terms));
        p.aggregators[poster] = a;
    }

    function store(
        Project storage p,
        Round storage r,
        Tally memory t,
        uint256 project,
        uint256 round,
        Draft memory draft,
        Post calldata post
    ) internal returns (bytes32 commitment) {
        chargeMisses(p, r, t);
        Verdict memory v = r.verdict;
        v.paid = post.paid;
        v.proposedAt = draft.proposedAt;
        v.standsAt = draft.standsAt;
        v.included = draft.included;
        v.rows = draft.rows;
        v.prev = draft.prev;
        v.ordinal = draft.ordinal;
        v.bits = draft.merged ? CHARGED | MERGED : CHARGED;
        r.verdict = v;
        r.poster = msg.sender;
        r.modelRoot = post.roots.model;
        commitment = _commit(project, round, t, post);
        r.commitment = commitment;

        Progress memory g = p.progress;
        // SAFETY: round <= head, which has 24 bits.
        g.tip = uint24(round);
        g.lastResult = uint24(round);
        g.lastEventAt = uint40(block.timestamp);
        p.progress = g;
    }

    /// Moves the units of missed reveals into the pot, once; the seats are debited when they come again.
    function chargeMisses(Project storage p, Round storage r, Tally memory t) internal {
        if (r.verdict.bits & CHARGED != 0) return;
        r.verdict.bits |= CHARGED;
        uint256 missed = Phases.missedReveals(t);
        if (missed == 0) return;
        // SAFETY: at most seats units, each backed by a stake.
        uint96 units = uint96(missed * (p.terms.pot / p.terms.minSeals));
        r.pot += units;
        p.purse.missesOwed += units;
    }

    // ----- leaving -----

    /// Takes the result of `round`, whose poster is banned, away, and with it every result above.
    /// INVARIANT: seals, reveals, stakes and pots of all rounds stay as they are.
    function remove(Project storage p, Round storage r, uint256 round) internal {
        Progress memory g = p.progress;
        // SAFETY: 0 < round <= head.
        g.tip = uint24(round - 1);
        g.lastResult = r.verdict.prev;
        g.clearedAt = uint40(block.timestamp);
        g.lastEventAt = uint40(block.timestamp);
        p.progress = g;
        _forget(r);
    }

    /// Frees the lock of a stored result and forgets it; nothing where none is stored.
    function release(Project storage p, Round storage r) internal {
        address poster = r.poster;
        if (poster == address(0)) return;
        unlock(p, poster);
        _forget(r);
    }

    function unlock(Project storage p, address poster) internal {
        Aggregator storage a = p.aggregators[poster];
        // SAFETY: a stored result of a poster that is not banned holds a lock; it is not above the bond.
        if (!a.banned) a.locked -= uint96(lockOf(p.terms));
    }

    // ----- rounds without a result -----

    function endWithoutResult(Project storage p, uint256 round) internal {
        Progress memory g = p.progress;
        --g.openCount;
        // SAFETY: round <= head, which has 24 bits.
        if (uint256(g.tip) + 1 == round) g.tip = uint24(round);
        if (uint256(g.terminalUpTo) + 1 == round) g.terminalUpTo = uint24(round);
        p.progress = g;
    }

    function endedWithoutResult(Project storage p, uint256 round) internal view returns (bool) {
        Outcome outcome = p.rounds[round].verdict.outcome;
        return outcome == Outcome.Flat || outcome == Outcome.Void;
    }

    // ----- amounts -----

    function lockOf(Terms memory terms) internal pure returns (uint256) {
        return uint256(terms.pot) * 3 / 2; // rounded down
    }

    function feeOf(Terms memory terms) internal pure returns (uint96) {
        return uint96(uint256(terms.pot) * terms.feeBps / 10_000); // rounded down, of the reserved pot
    }

    /// Before the first FINAL result every account is the constant that the rule starts from.
    function expectStartAccount(Account calldata account) internal pure {
        if (account.reputation != START_REPUTATION || account.pay != 0 || account.penalty != 0) {
            revert IMarket.MarketNotStartAccount(account.reputation, account.pay, account.penalty);
        }
    }

    // ----- steps -----

    /// INVARIANT: a post that raced a conviction, another post or a reorganisation is refused, not stored.
    function _checkCurrent(bytes32 prevCommitment, Tally memory t, Post calldata post) private pure {
        if (post.prevCommitment != prevCommitment) {
            revert IMarket.MarketStalePrevious(post.prevCommitment, prevCommitment);
        }
        if (post.revealSum != t.revealSum || post.revealCount != t.revealCount) {
            revert IMarket.MarketStaleReveals(post.revealSum, post.revealCount, t.revealSum, t.revealCount);
        }
    }

    /// INVARIANT: no root is zero, so an unset word is never taken for a proven one.
    function _checkRoots(Roots calldata roots, uint256 seats) private pure {
        if (roots.sketches == 0) revert IMarket.MarketZeroHash(0);
        if (roots.gram == 0) revert IMarket.MarketZeroHash(1);
        if (roots.steps == 0) revert IMarket.MarketZeroHash(2);
        if (roots.accounts == 0) revert IMarket.MarketZeroHash(3);
        if ((roots.columns == 0) != (seats <= COLUMN_SEATS)) revert IMarket.MarketColumnsRoot(roots.columns, seats);
        if (roots.delta == 0) revert IMarket.MarketZeroHash(5);
        if (roots.model == 0) revert IMarket.MarketZeroHash(6);
    }

    function _checkPaid(Round storage r, Verdict memory v, Tally memory t, Terms memory terms, uint96 paid)
        private
        view
    {
        uint256 pot = r.pot;
        if (v.bits & CHARGED == 0) pot += Phases.missedReveals(t) * (terms.pot / terms.minSeals);
        uint256 available = pot - feeOf(terms);
        if (paid > available) revert IMarket.MarketPaidTooHigh(paid, available);
    }

    function _countIncluded(Terms memory terms, Tally memory t, uint256[] calldata bitmap)
        private
        pure
        returns (uint16)
    {
        uint256 words = Bitmaps.wordsFor(terms.seats);
        if (bitmap.length != words) revert IMarket.MarketBitmapLength(bitmap.length, words);
        uint256 included = Bitmaps.countSeats(bitmap, 0, terms.seats);
        if (included == 0 || included > t.revealCount) revert IMarket.MarketIncludedCount(included, t.revealCount);
        return uint16(included);
    }

    /// Public rows: word 0 holds the deltas, newest first, then comes a bitmap of seats for each earlier round.
    function _countRows(Project storage p, Terms memory terms, uint256 results, uint256 round, uint256[] calldata rows)
        private
        view
        returns (uint16 count, bool all)
    {
        uint256 length = 1 + terms.fileRounds * Bitmaps.wordsFor(terms.seats);
        if (rows.length != length) revert IMarket.MarketBitmapLength(rows.length, length);
        uint256 possible = results < terms.deltaRows ? results : terms.deltaRows;
        if (rows[0] >> possible != 0) revert IMarket.MarketBitmapRange(rows[0], possible);
        uint256 set = Bitmaps.popcount(rows[0]);
        for (uint256 back; back < terms.fileRounds; ++back) {
            (uint256 files, uint256 revealed) = _countFiles(p, terms.seats, round, back, rows);
            set += files;
            possible += revealed;
        }
        // SAFETY: at most 8 + 4 * 1,024.
        return (uint16(set), set == possible);
    }

    /// Files set and files possible of the round `back` + 1 before this one.
    function _countFiles(Project storage p, uint256 seats, uint256 round, uint256 back, uint256[] calldata rows)
        private
        view
        returns (uint256 files, uint256 revealed)
    {
        files = Bitmaps.countSeats(rows, 1 + back * Bitmaps.wordsFor(seats), seats);
        if (round > back + 1) revealed = p.rounds[round - 1 - back].tally.revealCount;
        if (files > revealed) revert IMarket.MarketTooManyFiles(back, files, revealed);
    }

    /// For T1 the poster of the last standing result goes first, unless it cannot.
    function _checkFirstRight(Project storage p, Tally memory t, address poster) private view {
        uint256 since = Phases.revealEnd(t);
        if (p.progress.clearedAt > since) since = p.progress.clearedAt;
        uint256 until = since + p.windows.firstRight;
        if (block.timestamp >= until) return;
        address first = p.rounds[p.progress.lastResult].poster;
        if (first == address(0) || first == poster) return;
        Aggregator memory a = p.aggregators[first];
        if (!a.banned && a.bond >= _bondNeeded(p.terms, a)) revert IMarket.MarketFirstRight(first, until);
    }

    function _bondNeeded(Terms memory terms, Aggregator memory a) private pure returns (uint256) {
        uint256 locked = a.locked + lockOf(terms);
        return locked > terms.bondFloor ? locked : terms.bondFloor;
    }

    function _commit(uint256 project, uint256 round, Tally memory t, Post calldata post)
        private
        view
        returns (bytes32)
    {
        bytes32 context = Hashes.contextOf(
            project,
            round,
            post.prevCommitment,
            msg.sender,
            keccak256(abi.encodePacked(post.included)),
            keccak256(abi.encodePacked(post.rows)),
            Hashes.seedOf(t.revealSum),
            post.paid
        );
        return Hashes.commitmentOf(context, post.roots.accounts, Hashes.workingsOf(post.roots));
    }

    function _forget(Round storage r) private {
        Verdict memory v = r.verdict;
        r.verdict = Verdict({
            paid: 0,
            proposedAt: 0,
            standsAt: 0,
            included: 0,
            rows: 0,
            prev: 0,
            ordinal: 0,
            outcome: v.outcome,
            bits: v.bits & CHARGED
        });
        r.poster = address(0);
        r.modelRoot = 0;
        r.commitment = 0;
    }
}
