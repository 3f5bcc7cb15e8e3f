// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../interfaces/IMarket.sol";
import {Aggregator, Project, Round} from "../state.sol";
import {Post, Roots} from "../types.sol";
import {FLAT, Progress, Tally, Terms, VOID, Verdict, VerdictLib} from "../words.sol";
import {Bitmaps} from "./Bitmaps.sol";
import {Hashes} from "./Hashes.sol";

/// Results: what a post must satisfy, and how results come and go. A result never changes what its round's trainers
/// did: only its own words, the tip and locks of bonds.
library Results {
    uint256 private constant COLUMN_SEATS = 12; // with more seats the tree of columns is needed to refute a delta
    uint256 private constant ORDINAL_CEILING = 255; // above any limit of rows

    // ----- posting -----

    /// Checks everything about a post but its poster, and returns its verdict.
    function examine(Project storage p, Round storage r, Tally t, uint256 round, bool replaces, Post calldata post)
        internal
        view
        returns (Verdict)
    {
        Progress g = p.progress;
        Verdict old = r.verdict;
        uint256 tip = g.tip();
        if (round != (replaces ? tip : tip + 1)) revert IMarketFacts.MarketOutOfOrder(round, tip);
        uint256 prev = replaces ? old.prev() : g.lastResult();
        uint256 results = g.ordinal(); // in the chain up to `prev`, but for the replaced one
        if (replaces && results < ORDINAL_CEILING) --results;
        bool merged = _checkBinding(p.rounds[prev], r, t, post);
        Terms terms = p.terms;
        _checkRoots(post.roots, terms.seats());
        _checkPaid(r, old, t, terms, post.paid);

        uint256 included = _countIncluded(terms, t, post.included);
        (uint256 rows, bool complete) = _countRows(p, t, terms, results, round, post.rows);
        complete = complete && included == t.revealCount();
        if (replaces && (included < old.included() || (included == old.included() && rows <= old.rows()))) {
            revert IMarketFacts.MarketNotBetter(included, rows, old.included(), old.rows());
        }
        // INVARIANT: T_x runs from the first PROPOSED post of this AGGREGATE; a replacement does not restart it.
        uint256 proposedAt = replaces ? old.proposedAt() : complete ? 0 : block.timestamp;
        return VerdictLib.posted(
            post.paid,
            proposedAt,
            complete ? block.timestamp : proposedAt + p.windows.proposed,
            included,
            rows,
            prev,
            results < ORDINAL_CEILING ? results + 1 : results,
            merged
        );
    }

    /// Locks the bond of the poster of the next result.
    function lock(Project storage p, Tally t, bool replaces) internal {
        Terms terms = p.terms;
        if (!replaces) _checkFirstRight(p, t, terms);
        Aggregator memory a = p.aggregators[msg.sender];
        if (a.banned) revert IMarketFacts.MarketBanned(msg.sender);
        uint256 needed = _bondNeeded(terms, a);
        if (a.bond < needed) revert IMarketFacts.MarketBondTooLow(a.bond, needed);

        // SAFETY: not above the bond, which has 96 bits.
        p.aggregators[msg.sender].locked = uint96(a.locked + terms.lock());
    }

    function store(
        Project storage p,
        Round storage r,
        Tally t,
        Verdict v,
        uint256 project,
        uint256 round,
        Post calldata post
    ) internal returns (bytes32 commitment) {
        chargeMisses(p, r, t);
        r.verdict = v.withCharged();
        r.poster = msg.sender;
        r.modelRoot = post.roots.model;
        commitment = _commit(project, round, t, post);
        r.commitment = commitment;
        p.progress = p.progress.withResult(round, round, v.ordinal());
    }

    /// Moves the units of missed reveals into the pot; the seats are debited when they come again. The caller stores
    /// that it is done.
    function chargeMisses(Project storage p, Round storage r, Tally t) internal {
        uint256 missed = t.missedReveals();
        if (missed == 0 || r.verdict.charged()) return;
        // SAFETY: each of these units is part of a stake.
        uint256 units = missed * p.terms.unit();
        r.pot += uint96(units);
        p.poolAndMisses = p.poolAndMisses.plus(0, units);
    }

    // ----- leaving -----

    /// Takes the result of `round`, whose poster is banned, away, and with it every result above.
    /// INVARIANT: seals, reveals, stakes and pots of all rounds stay as they are.
    function remove(Project storage p, Round storage r, uint256 round) internal {
        uint256 prev = r.verdict.prev();
        p.progress = p.progress.withResult(round - 1, prev, p.rounds[prev].verdict.ordinal()).withClearing();
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
        if (!a.banned) a.locked -= uint96(p.terms.lock());
    }

    // ----- rounds without a result -----

    function endWithoutResult(Project storage p, uint256 round) internal {
        Progress g = p.progress.withoutOpen();
        if (g.tip() + 1 == round) g = g.withTip(round);
        if (g.terminalUpTo() + 1 == round) g = g.withTerminal(round);
        p.progress = g;
    }

    function endedWithoutResult(Project storage p, uint256 round) internal view returns (bool) {
        uint256 outcome = p.rounds[round].verdict.outcome();
        return outcome == FLAT || outcome == VOID;
    }

    // ----- steps -----

    /// INVARIANT: a post that raced a conviction, another post or a reorganisation is refused, not stored.
    /// INVARIANT: a round whose base no longer stands is paid as always, but the model does not move.
    function _checkBinding(Round storage prev, Round storage r, Tally t, Post calldata post)
        private
        view
        returns (bool merged)
    {
        bytes32 current = prev.commitment;
        if (post.prevCommitment != current) revert IMarketFacts.MarketStalePrevious(post.prevCommitment, current);
        if (post.revealSum != t.revealSum() || post.revealCount != t.revealCount()) {
            revert IMarketFacts.MarketStaleReveals(post.revealSum, post.revealCount, t.revealSum(), t.revealCount());
        }
        bytes32 below = prev.modelRoot;
        merged = r.baseRoot == below;
        if (!merged && post.roots.model != below) revert IMarketFacts.MarketNotMerged(post.roots.model, below);
    }

    /// INVARIANT: no root is zero, so an unset word is never taken for a proven one.
    function _checkRoots(Roots calldata roots, uint256 seats) private pure {
        if ((roots.columns == 0) != (seats <= COLUMN_SEATS)) {
            revert IMarketFacts.MarketColumnsRoot(roots.columns, seats);
        }
        if (
            roots.sketches == 0 || roots.gram == 0 || roots.steps == 0 || roots.accounts == 0 || roots.delta == 0
                || roots.model == 0
        ) revert IMarketFacts.MarketZeroHash();
    }

    function _checkPaid(Round storage r, Verdict old, Tally t, Terms terms, uint256 paid) private view {
        uint256 available = r.pot - terms.fee();
        if (!old.charged()) available += t.missedReveals() * terms.unit();
        if (paid > available) revert IMarketFacts.MarketPaidTooHigh(paid, available);
    }

    function _countIncluded(Terms terms, Tally t, uint256[] calldata bitmap) private pure returns (uint256 included) {
        Bitmaps.checkLength(bitmap, Bitmaps.wordsFor(terms.seats()));
        included = Bitmaps.countSeats(bitmap, 0, terms.seats());
        if (included == 0 || included > t.revealCount()) {
            revert IMarketFacts.MarketIncludedCount(included, t.revealCount());
        }
    }

    /// Public rows: word 0 holds the deltas, newest first, and above them the reference; then comes a bitmap of seats for
    /// each earlier round.
    function _countRows(
        Project storage p,
        Tally t,
        Terms terms,
        uint256 results,
        uint256 round,
        uint256[] calldata rows
    ) private view returns (uint256 set, bool all) {
        uint256 words = Bitmaps.wordsFor(terms.seats());
        Bitmaps.checkLength(rows, 1 + terms.fileRounds() * words);
        uint256 possible = results < terms.deltaRows() ? results : terms.deltaRows();
        uint256 reference_ = 1 << terms.deltaRows();
        uint256 deltas = rows[0] & ~reference_;
        if (deltas >> possible != 0) revert IMarketFacts.MarketBitmapRange(deltas, possible);
        // INVARIANT: no result has a reference that nobody can open; one that leaves out a revealed one is not complete.
        bool revealedReference = t.referenceRevealed();
        if (deltas != rows[0] && !revealedReference) revert IMarketFacts.MarketReferenceNotRevealed(round);
        if (revealedReference) ++possible;
        set = Bitmaps.popcount(rows[0]);
        for (uint256 back; back < terms.fileRounds(); ++back) {
            uint256 files = Bitmaps.countSeats(rows, 1 + back * words, terms.seats());
            uint256 revealed = round > back + 1 ? p.rounds[round - 1 - back].tally.revealCount() : 0;
            if (files > revealed) revert IMarketFacts.MarketTooManyFiles(back, files, revealed);
            set += files;
            possible += revealed;
        }
        all = set == possible;
    }

    /// For T1 the poster of the last standing result goes first, unless it cannot.
    function _checkFirstRight(Project storage p, Tally t, Terms terms) private view {
        Progress g = p.progress;
        uint256 since = t.revealEnd();
        if (g.clearedAt() > since) since = g.clearedAt();
        uint256 until = since + p.windows.firstRight;
        if (block.timestamp >= until) return;
        address first = p.rounds[g.lastResult()].poster;
        if (first == address(0) || first == msg.sender) return;
        Aggregator memory a = p.aggregators[first];
        if (!a.banned && a.bond >= _bondNeeded(terms, a)) revert IMarketFacts.MarketFirstRight(first, until);
    }

    function _bondNeeded(Terms terms, Aggregator memory a) private pure returns (uint256) {
        uint256 locked = a.locked + terms.lock();
        return locked > terms.bondFloor() ? locked : terms.bondFloor();
    }

    function _commit(uint256 project, uint256 round, Tally t, Post calldata post) private view returns (bytes32) {
        bytes32 context = Hashes.contextOf(
            project,
            round,
            post.prevCommitment,
            msg.sender,
            keccak256(abi.encodePacked(post.included)),
            keccak256(abi.encodePacked(post.rows)),
            Hashes.seedOf(t.revealSum()),
            post.paid
        );
        return Hashes.commitmentOf(context, post.roots.accounts, Hashes.workingsOf(post.roots));
    }

    function _forget(Round storage r) private {
        r.verdict = r.verdict.facts();
        r.poster = address(0);
        // SAFETY: commitment and model root stay stored, but nothing reads them while no result counts.
    }
}
