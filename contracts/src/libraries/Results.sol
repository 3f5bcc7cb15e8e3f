// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../interfaces/IMarket.sol";
import {Aggregator, FLAT, VOID, Progress, Project, Round, Tally, Terms, Verdict} from "../state.sol";
import {Post, Roots} from "../types.sol";
import {Bitmaps} from "./Bitmaps.sol";
import {Facts} from "./Facts.sol";
import {Hashes} from "./Hashes.sol";
import {Phases} from "./Phases.sol";

/// Results: what a post must satisfy, and how results come and go. A result never changes what its round's trainers
/// did: only its own words, the tip and locks of bonds.
library Results {
    using Facts for Project;
    using Facts for Round;

    uint256 private constant COLUMN_SEATS = 12; // with more seats the tree of columns is needed to refute a delta

    // ----- posting -----

    /// Checks everything about a post but its poster, and puts what it says into `v`, the round's verdict.
    function examine(
        Project storage p,
        Round storage r,
        Tally memory t,
        Verdict memory v,
        Terms memory terms,
        uint256 round,
        bool replaces,
        Post calldata post
    ) internal view {
        Progress memory g = p.progressOf();
        if (round != (replaces ? g.tip : g.tip + 1)) revert IMarketFacts.MarketOutOfOrder(round, g.tip);
        if (!replaces) v.prev = g.lastResult;
        Round storage prev = p.rounds[v.prev];
        _checkCurrent(prev.commitment, t, post);
        _checkRoots(post.roots, terms.seats);
        // INVARIANT: a round whose base no longer stands is paid as always, but the model does not move.
        bytes32 below = prev.modelRoot;
        v.merged = r.baseRoot == below;
        if (!v.merged && post.roots.model != below) revert IMarketFacts.MarketNotMerged(post.roots.model, below);
        _checkPaid(r, v, t, terms, post.paid);
        v.paid = post.paid;
        uint256 results = prev.verdictOf().ordinal;
        v.ordinal = results < type(uint8).max ? results + 1 : results;

        uint256 included = _countIncluded(terms, t, post.included);
        (uint256 rows, bool complete) = _countRows(p, terms, results, round, post.rows);
        if (replaces && (included < v.included || (included == v.included && rows <= v.rows))) {
            revert IMarketFacts.MarketNotBetter(included, rows, v.included, v.rows);
        }
        v.included = included;
        v.rows = rows;
        // INVARIANT: T_x runs from the first PROPOSED post of this AGGREGATE; a replacement does not restart it.
        complete = complete && included == t.revealCount;
        if (!replaces) v.proposedAt = complete ? 0 : block.timestamp;
        v.standsAt = complete ? block.timestamp : v.proposedAt + p.windows.proposed;
    }

    /// Locks the bond of the poster of the next result.
    function lock(Project storage p, Tally memory t, Terms memory terms, bool replaces) internal {
        if (!replaces) _checkFirstRight(p, t, terms);
        Aggregator storage a = p.aggregators[msg.sender];
        if (a.banned) revert IMarketFacts.MarketBanned(msg.sender);
        uint256 needed = _bondNeeded(terms, a);
        if (a.bond < needed) revert IMarketFacts.MarketBondTooLow(a.bond, needed);

        // SAFETY: not above the bond, which has 96 bits.
        a.locked += uint96(lockOf(terms));
    }

    function store(
        Project storage p,
        Round storage r,
        Tally memory t,
        Verdict memory v,
        uint256 project,
        uint256 round,
        Post calldata post
    ) internal returns (bytes32 commitment) {
        chargeMisses(p, r, t, v);
        r.save(v);
        r.poster = msg.sender;
        r.modelRoot = post.roots.model;
        commitment = _commit(project, round, t, post);
        r.commitment = commitment;

        Progress memory g = p.progressOf();
        g.tip = round;
        g.lastResult = round;
        g.lastEventAt = block.timestamp;
        p.save(g);
    }

    /// Moves the units of missed reveals into the pot, once; the seats are debited when they come again.
    function chargeMisses(Project storage p, Round storage r, Tally memory t, Verdict memory v) internal {
        if (v.charged) return;
        v.charged = true;
        uint256 missed = Phases.missedReveals(t);
        if (missed == 0) return;
        // SAFETY: each of these units is part of a stake.
        uint96 units = uint96(missed * p.unitOf());
        r.pot += units;
        p.putPool(0, units);
    }

    // ----- leaving -----

    /// Takes the result of `round`, whose poster is banned, away, and with it every result above.
    /// INVARIANT: seals, reveals, stakes and pots of all rounds stay as they are.
    function remove(Project storage p, Round storage r, uint256 round) internal {
        Progress memory g = p.progressOf();
        g.tip = round - 1;
        g.lastResult = r.verdictOf().prev;
        g.clearedAt = block.timestamp;
        g.lastEventAt = block.timestamp;
        p.save(g);
        _forget(r);
    }

    /// Frees the lock of a stored result and forgets its poster; nothing where none is stored.
    function release(Project storage p, Round storage r) internal {
        address poster = r.poster;
        if (poster == address(0)) return;
        unlock(p, poster);
        _forget(r);
    }

    function unlock(Project storage p, address poster) internal {
        Aggregator storage a = p.aggregators[poster];
        // SAFETY: a stored result of a poster that is not banned holds a lock; it is not above the bond.
        if (!a.banned) a.locked -= uint96(lockOf(p.termsOf()));
    }

    // ----- rounds without a result -----

    function endWithoutResult(Project storage p, uint256 round) internal {
        Progress memory g = p.progressOf();
        --g.openCount;
        if (g.tip + 1 == round) g.tip = round;
        if (g.terminalUpTo + 1 == round) g.terminalUpTo = round;
        p.save(g);
    }

    function endedWithoutResult(Project storage p, uint256 round) internal view returns (bool) {
        uint256 outcome = p.rounds[round].outcomeOf();
        return outcome == FLAT || outcome == VOID;
    }

    // ----- amounts -----

    function lockOf(Terms memory terms) internal pure returns (uint256) {
        return terms.pot * 3 / 2; // rounded down
    }

    function feeOf(Terms memory terms) internal pure returns (uint256) {
        return terms.pot * terms.feeBps / 10_000; // rounded down, of the reserved pot
    }

    // ----- steps -----

    /// INVARIANT: a post that raced a conviction, another post or a reorganisation is refused, not stored.
    function _checkCurrent(bytes32 prevCommitment, Tally memory t, Post calldata post) private pure {
        if (post.prevCommitment != prevCommitment) {
            revert IMarketFacts.MarketStalePrevious(post.prevCommitment, prevCommitment);
        }
        if (post.revealSum != t.revealSum || post.revealCount != t.revealCount) {
            revert IMarketFacts.MarketStaleReveals(post.revealSum, post.revealCount, t.revealSum, t.revealCount);
        }
    }

    /// INVARIANT: no root is zero, so an unset word is never taken for a proven one.
    function _checkRoots(Roots calldata roots, uint256 seats) private pure {
        if ((roots.columns == 0) != (seats <= COLUMN_SEATS)) revert IMarketFacts.MarketColumnsRoot(roots.columns, seats);
        if (
            roots.sketches == 0 || roots.gram == 0 || roots.steps == 0 || roots.accounts == 0 || roots.delta == 0
                || roots.model == 0
        ) revert IMarketFacts.MarketZeroHash();
    }

    function _checkPaid(Round storage r, Verdict memory v, Tally memory t, Terms memory terms, uint256 paid)
        private
        view
    {
        uint256 pot = r.pot;
        if (!v.charged) pot += Phases.missedReveals(t) * (terms.pot / terms.minSeals);
        uint256 available = pot - feeOf(terms);
        if (paid > available) revert IMarketFacts.MarketPaidTooHigh(paid, available);
    }

    function _countIncluded(Terms memory terms, Tally memory t, uint256[] calldata bitmap)
        private
        pure
        returns (uint256 included)
    {
        Bitmaps.checkLength(bitmap, Bitmaps.wordsFor(terms.seats));
        included = Bitmaps.countSeats(bitmap, 0, terms.seats);
        if (included == 0 || included > t.revealCount) revert IMarketFacts.MarketIncludedCount(included, t.revealCount);
    }

    /// Public rows: word 0 holds the deltas, newest first, then comes a bitmap of seats for each earlier round.
    function _countRows(Project storage p, Terms memory terms, uint256 results, uint256 round, uint256[] calldata rows)
        private
        view
        returns (uint256 set, bool all)
    {
        Bitmaps.checkLength(rows, 1 + terms.fileRounds * Bitmaps.wordsFor(terms.seats));
        uint256 possible = results < terms.deltaRows ? results : terms.deltaRows;
        if (rows[0] >> possible != 0) revert IMarketFacts.MarketBitmapRange(rows[0], possible);
        set = Bitmaps.popcount(rows[0]);
        for (uint256 back; back < terms.fileRounds; ++back) {
            (uint256 files, uint256 revealed) = _countFiles(p, terms.seats, round, back, rows);
            set += files;
            possible += revealed;
        }
        all = set == possible;
    }

    /// Files set and files possible of the round `back` + 1 before this one.
    function _countFiles(Project storage p, uint256 seats, uint256 round, uint256 back, uint256[] calldata rows)
        private
        view
        returns (uint256 files, uint256 revealed)
    {
        files = Bitmaps.countSeats(rows, 1 + back * Bitmaps.wordsFor(seats), seats);
        if (round > back + 1) revealed = p.rounds[round - 1 - back].tallyOf().revealCount;
        if (files > revealed) revert IMarketFacts.MarketTooManyFiles(back, files, revealed);
    }

    /// For T1 the poster of the last standing result goes first, unless it cannot.
    function _checkFirstRight(Project storage p, Tally memory t, Terms memory terms) private view {
        Progress memory g = p.progressOf();
        uint256 since = Phases.revealEnd(t);
        if (g.clearedAt > since) since = g.clearedAt;
        uint256 until = since + p.windows.firstRight;
        if (block.timestamp >= until) return;
        address first = p.rounds[g.lastResult].poster;
        if (first == address(0) || first == msg.sender) return;
        Aggregator storage a = p.aggregators[first];
        if (!a.banned && a.bond >= _bondNeeded(terms, a)) revert IMarketFacts.MarketFirstRight(first, until);
    }

    function _bondNeeded(Terms memory terms, Aggregator storage a) private view returns (uint256) {
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

    /// The verdict that stays keeps what is a fact of the round: its outcome and whether misses were charged.
    function _forget(Round storage r) private {
        Verdict memory v = r.verdictOf();
        Verdict memory kept;
        kept.outcome = v.outcome;
        kept.charged = v.charged;
        r.save(kept);
        r.poster = address(0);
        // SAFETY: commitment and model root stay stored, but nothing reads them while no result counts.
    }
}
