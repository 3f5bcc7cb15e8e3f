// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {AggregatorView, Phase, ProjectView, ResultView, RoundView, SeatView} from "../../src/types.sol";
import {Look, Totals} from "./Lens.sol";
import {Outsider} from "./Outsider.sol";

/// The invariants: one function for each, or for a few that one comparison proves. `check` runs after every step of a
/// campaign. Numbers are those of README.md, which also says where the others are proven.
abstract contract Checks is Outsider {
    uint256 internal checks;
    uint256 internal bystanderHeld; // native coin of the project that nobody touches
    bytes32 internal bystanderState;

    function check() external {
        vm.warp(time);
        ++checks;
        Look[] memory looks = new Look[](PROJECTS + 1);
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            looks[p] = _look(p);
        }
        _I01_solvent();
        _I02_exactToTheUnit(looks);
        if (checks % 4 == 0) _I04_isolated();
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            _I03_everyClassAsActed(p, looks[p].totals);
            _I04b_claimsWithinPaid(p, looks[p].totals);
            _I05_creditsAsEarned(p, looks[p].credits);
            _I13_stopOpensNothing(p, looks[p].project);
            _I20_ordered(p, looks[p]);
            _I20_activeSeatsCounted(p, looks[p]);
            if (checks % 4 == p) _I11_feeCapped(p);
            if (checks % 4 == p) _I21_paramsConstant(p);
            for (uint256 round = projects[p].low + 1; round <= projects[p].head; ++round) {
                RoundView memory r = looks[p].rounds[round - projects[p].low - 1];
                _I12_potBound(p, round, r);
                _I16_phaseByFactsAndTime(p, round, r, looks[p].project.tip);
                _I35_boundedDelay(p, round, r, looks[p]);
                _I36_backedByABond(p, round, r, looks[p].results[round - projects[p].low - 1]);
            }
            if (projects[p].head != 0) _checkOneRound(p, 1 + checks % projects[p].head);
            _I31_stakeOfOneSeat(p, checks % SEATS);
            _I30_bondOfOneAggregator(p, checks % aggregators.length);
        }
    }

    /// What changes rarely is compared for one round after each step, for all of them at the end of a run.
    function _checkOneRound(uint256 p, uint256 round) internal view {
        RoundView memory r = market.roundOf(p, round);
        _I19_terminalForGood(p, round, r);
        _I23_slotsAsSent(p, round);
        _I26_seedFromReveals(p, round, r);
        _I35_referenceDelaysByItsWindow(p, round, r);
        _I27_noZeroRoots(p, round, r);
    }

    // ----- solvency and isolation -----

    /// I-01: the market's balance of each token is at least what it owes.
    function _I01_solvent() internal view {
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            assertGe(_balance(p, address(market)), market.held(_token(p)), "I-01");
        }
    }

    /// I-02: held == sum of credits and of all projects' classes; == what entered less what left; the balance is that
    /// plus what was forced on the market. No smallest unit is lost or made.
    function _I02_exactToTheUnit(Look[] memory looks) internal view {
        for (uint256 p = 1; p <= PROJECTS; ++p) {
            Totals memory t = looks[p].totals;
            uint256 owed = t.escrow + t.bucket + t.pool + t.pots + t.stakes - t.misses + t.bonds;
            for (uint256 i; i < accounts.length; ++i) {
                owed += looks[p].credits[i];
            }
            if (p == 1) owed += _openPrices();
            uint256 other = p == 1 ? bystanderHeld : 0;
            uint256 held = market.held(_token(p));
            assertEq(owed + other, held, "I-02: liabilities == held");
            assertEq(projects[p].moneyIn + other - out[p], held, "I-02: in - out == held");
            assertEq(_balance(p, address(market)), held + forced[p], "I-02, I-45: balance == held + forced");
        }
    }

    /// I-03, I-06, I-28, I-32: each class of a project's money is what the calls so far must have made it, to the unit,
    /// and what entered is there or was credited.
    function _I03_everyClassAsActed(uint256 p, Totals memory t) internal view {
        Totals storage w = want[p];
        assertEq(t.escrow, w.escrow, "I-03: escrow");
        assertEq(t.bucket, w.bucket, "I-03: bucket");
        assertEq(t.pool, w.pool, "I-03: penalty pool");
        assertEq(t.pots, w.pots, "I-03: pots");
        assertEq(t.stakes, w.stakes, "I-03: stakes");
        assertEq(t.misses, w.misses, "I-03: misses owed");
        assertEq(t.bonds, w.bonds, "I-03: bonds");
        uint256 there = t.escrow + t.bucket + t.pool + t.pots + t.stakes - t.misses + t.bonds;
        if (p == 1) there += openPrices;
        assertEq(projects[p].moneyIn, there + projects[p].credited, "I-03: in == there + credited");
    }

    /// Prices of asks without an answer, as the market says.
    function _openPrices() private view returns (uint256 sum) {
        assertEq(market.askCount(), asks.length, "I-03: asks");
        for (uint256 i; i < asks.length; ++i) {
            if (asks[i].open) sum += market.askOf(i + 1).price;
        }
        assertEq(sum, openPrices, "I-03: prices of open asks");
    }

    /// I-04: what is done in other projects, of the same coin too, changes nothing of a project. (Between the two that
    /// are played I-03 says so: each ledger is moved by calls to its own project alone.)
    function _I04_isolated() internal view {
        assertEq(_bystander(), bystanderState, "I-04");
    }

    /// I-04b: claims of a project never exceed the sum of `paid` of its FINAL rounds.
    function _I04b_claimsWithinPaid(uint256 p, Totals memory t) internal view {
        assertLe(projects[p].claimed, projects[p].paidFinal, "I-04b");
        assertEq(t.bucket, projects[p].paidFinal - projects[p].claimed, "I-04b: the rest is in the bucket");
    }

    /// I-05, I-07, I-12: the credit of every account is what it earned by the ledger less what it took out itself;
    /// nothing is credited twice, and nothing to an owner but the escrow of a refund or a refuter's third.
    function _I05_creditsAsEarned(uint256 p, uint256[] memory list) internal view {
        for (uint256 i; i < list.length; ++i) {
            assertEq(list[i], credit[p][accounts[i]], "I-05");
        }
        assertEq(projects[p].ownerCredited, projects[p].refunded, "I-12: only by refund");
    }

    // ----- payment -----

    /// I-11: the fee (whose amount I-05 compares at FINAL) is within the cap, and the cap is a constant.
    function _I11_feeCapped(uint256 p) internal view {
        assertLe(_fee(p) * 10_000, uint256(market.limits().maxFeeBps) * _pot(p), "I-11");
    }

    /// I-12: an open round holds at least the pot that was reserved, whatever anybody does; it grows only by missed
    /// units, penalties and convictions. Where it goes at the end is I-03.
    function _I12_potBound(uint256 p, uint256 round, RoundView memory r) internal view {
        RoundGhost storage g = rounds[p][round];
        assertEq(r.pot - r.uncharged, g.pot, "I-12: pot");
        if (!g.settled) assertGe(r.pot, _pot(p), "I-12: reserved");
        if (r.uncharged != 0) {
            assertEq(r.uncharged, _missed(p, round) * _unit(p), "I-12: units of missed reveals");
            assertFalse(g.charged, "I-12: charged once");
        }
    }

    /// I-13: after `stop` no round opens. (That it touches no open one, and that the refund is the escrow, is I-03.)
    function _I13_stopOpensNothing(uint256 p, ProjectView memory v) internal view {
        assertEq(v.stopped, projects[p].stopped, "I-13: stopped");
        if (v.stopped) assertEq(v.head, projects[p].headAtStop, "I-13");
    }

    // ----- state machine and time -----

    /// I-16 (I-15 is `Ledger._watch`): the phase is a function of recorded facts and the clock, with exclusive ends: in
    /// the second of a deadline the next phase has begun.
    function _I16_phaseByFactsAndTime(uint256 p, uint256 round, RoundView memory r, uint256 tip) internal view {
        RoundGhost storage g = rounds[p][round];
        Phase phase;
        if (g.settled) phase = g.seen;
        else if (time < r.commitEnd) phase = Phase.Commit;
        else if (g.seals < MIN_SEALS) phase = Phase.Void;
        else if (time < r.revealEnd) phase = Phase.Reveal;
        else if (g.reveals == 0) phase = Phase.Void;
        else if (round > tip) phase = Phase.Aggregate;
        else phase = time < g.standsAt ? Phase.Proposed : Phase.Standing;
        assertEq(uint8(r.phase), uint8(phase), "I-16");
        assertLe(r.revealEnd, r.commitEnd + REVEAL, "I-16: REVEAL is not longer than its window");
    }

    /// I-19: a terminal round never changes again.
    function _I19_terminalForGood(uint256 p, uint256 round, RoundView memory r) internal view {
        RoundGhost storage g = rounds[p][round];
        assertEq(r.pot - r.uncharged, g.pot, "I-19: pot");
        if (g.settled) assertEq(lens.digest(market, p, round, SEATS), g.digest, "I-19");
        if (g.seen == Phase.Flat) assertEq(g.pot, g.share * (g.reveals - g.shares), "I-07, I-08: flat shares");
    }

    /// I-20: at most D rounds are open; rounds are counted by one; FINAL in order; the tip and the newest result are
    /// where posts, convictions and endings have put them.
    function _I20_ordered(uint256 p, Look memory l) internal view {
        ProjectView memory v = l.project;
        assertEq(v.head, projects[p].head, "I-20: head");
        assertEq(v.openCount, projects[p].openRounds, "I-20: open rounds");
        assertLe(v.openCount, OPEN_ROUNDS, "I-20: D");
        assertEq(v.lastFinal, projects[p].lastFinal, "I-20: newest FINAL");
        assertTrue(v.lastFinal <= v.terminalUpTo && v.terminalUpTo <= v.head, "I-20: terminal");
        assertTrue(v.lastFinal <= v.lastResult && v.lastResult <= v.tip && v.tip <= v.head, "I-20: order");
        uint256 open;
        for (uint256 round = projects[p].low + 1; round <= v.head; ++round) {
            bool settled = rounds[p][round].settled;
            Phase phase = l.rounds[round - l.from - 1].phase;
            if (!settled) ++open;
            assertTrue(settled || round > v.terminalUpTo, "I-20: terminal up to");
            assertTrue(phase != Phase.Final || round <= v.terminalUpTo, "I-20: FINAL in order");
            bool result = phase == Phase.Proposed || phase == Phase.Standing || phase == Phase.Final;
            assertTrue(settled || result == (round <= v.tip), "I-20: results up to the tip");
            if (round > v.lastResult && round <= v.tip) assertFalse(result, "I-20: newest result");
        }
        assertEq(open, v.openCount, "I-20: counted again");
    }

    /// I-20, the clocks of COMMIT: active for a round are the holders whose last seal was in the one before, and those who
    /// joined in that one and have not sealed; the market counts them without ever listing seats.
    function _I20_activeSeatsCounted(uint256 p, Look memory l) internal view {
        uint256 head = l.project.head;
        uint256 next;
        uint256 left;
        for (uint256 seat; seat < SEATS; ++seat) {
            SeatGhost storage s = seats[p][seat];
            if (s.signer == address(0)) continue;
            uint256 seen = s.last == 0 ? s.joined : s.last;
            if (seen == head) ++next;
            if (seen + 1 == head) ++left;
        }
        assertEq(l.project.activeNext, next, "I-20: active for the next round");
        if (head == 0 || rounds[p][head].seen != Phase.Commit) return;
        assertEq(l.rounds[head - l.from - 1].activeLeft, left, "I-20: active and not yet sealed");
    }

    /// I-35, the reference: it is awaited exactly where the ledger says so, a phase that ended before its window waited for
    /// nobody, and none is longer than its window.
    function _I35_referenceDelaysByItsWindow(uint256 p, uint256 round, RoundView memory r) internal view {
        RoundGhost storage g = rounds[p][round];
        assertEq(r.referenceAwaited, _referenceAwaited(p, round), "I-35: awaited");
        assertEq(r.referenceSealed, slots[p][round][SEATS] != 0, "I-23: sealed");
        assertEq(r.referenceRevealed, _referenceRevealed(p, round), "I-23: revealed");
        assertLe(r.commitEnd, g.openedAt + COMMIT, "I-35: COMMIT is not longer than its window");
        if (r.commitEnd < g.openedAt + COMMIT) {
            assertFalse(_referenceAwaited(p, round), "I-35: COMMIT waits for the reference");
            assertGe(g.seals, MIN_SEALS, "I-35: the reference is none of the minimum");
        }
        if (r.revealEnd < r.commitEnd + REVEAL) {
            assertFalse(_referenceClosed(p, round), "I-35: REVEAL waits for the reference");
            assertEq(g.reveals, g.seals, "I-35: REVEAL waits for trainers");
        }
        if (slots[p][round][SEATS] != 0) assertGt(g.seals, 0, "I-23: the reference seals after a trainer");
    }

    /// I-21: the parameters never change.
    function _I21_paramsConstant(uint256 p) internal view {
        assertEq(_paramsHash(p), projects[p].params, "I-21");
    }

    // ----- seals, reveals and roots -----

    /// I-22, I-23: a slot, the reference's too, holds exactly the seal that its signer sent, and after a reveal the root that
    /// it opened. No seal is ever undone.
    function _I23_slotsAsSent(uint256 p, uint256 round) internal view {
        for (uint256 seat; seat <= SEATS; ++seat) {
            assertEq(market.slotOf(p, round, seat), slots[p][round][seat], "I-23");
        }
    }

    /// I-26: counts and seed are what the reveals make them, in whatever order they came, and stay so when results are
    /// cleared and posted again.
    function _I26_seedFromReveals(uint256 p, uint256 round, RoundView memory r) internal view {
        RoundGhost storage g = rounds[p][round];
        assertEq(r.sealCount, g.seals, "I-26: seals");
        assertEq(r.revealCount, g.reveals, "I-26: reveals");
        assertEq(r.revealSum, g.sum, "I-26: sum");
    }

    /// I-27: no root is zero where a result counts.
    function _I27_noZeroRoots(uint256 p, uint256 round, RoundView memory r) internal view {
        ResultView memory result = market.resultOf(p, round);
        assertTrue(r.baseRoot != 0, "I-27: base");
        if (result.poster == address(0)) return;
        assertTrue(result.commitment != 0 && result.modelRoot != 0, "I-27: result");
        assertEq(result.poster, _posterOf(p, round), "I-27: poster");
    }

    // ----- stakes and bonds -----

    /// I-07, I-09, I-30, I-31: a seat's stake is what was paid in, less units for its own missed reveals where at least
    /// half were revealed, and penalties of FINAL results at its departure; nothing else takes from it. What was
    /// claimed is the newest opened pay.
    function _I31_stakeOfOneSeat(uint256 p, uint256 seat) internal view {
        SeatView memory v = market.seatOf(p, seat);
        SeatGhost storage s = seats[p][seat];
        assertEq(v.stake, s.stake, "I-31: stake");
        assertEq(v.claimed, s.claimed, "I-31: claimed");
        assertEq(v.penaltyTaken, s.penaltyTaken, "I-31: penalty");
        assertEq(v.signer, s.signer, "I-31: signer");
        assertEq(v.payout, s.payout, "I-31: payout");
        if (s.signer == address(0)) return;
        assertEq(v.joined, s.joined, "I-31: joined");
        assertEq(v.lastSealed, s.last, "I-29: last sealed round");
        assertEq(v.firstRound, s.first, "I-31: first round");
        assertEq(v.missed, s.last != 0 && !s.revealed, "I-31: missed");
    }

    /// I-28, I-30: a bond is what its owner put there and did not take, until a conviction of that very poster takes
    /// all of it, once; what is locked is 1.5 pots for each stored result, and never above the bond.
    function _I30_bondOfOneAggregator(uint256 p, uint256 i) internal view {
        address who = aggregators[i];
        AggregatorView memory v = market.aggregatorOf(p, who);
        AggregatorGhost storage a = bonds[p][who];
        assertEq(v.bond, a.bond, "I-30: bond");
        assertEq(v.locked, a.locks * _lock(p), "I-28: locked");
        assertEq(v.banned, a.banned, "I-30: banned");
        assertLe(v.locked, v.bond, "I-28: backed");
        if (i < HONEST) assertFalse(v.banned, "I-30: the honest are never convicted");
    }

    /// I-35: nothing waits for ever: a round that may get a result is flat, and one that has one is FINAL, a bounded time
    /// after REVEAL ended, the round below stood and the last conviction.
    function _I35_boundedDelay(uint256 p, uint256 round, RoundView memory r, Look memory l) internal view {
        RoundGhost storage g = rounds[p][round];
        if (r.phase == Phase.Aggregate && l.project.tip + 1 == round) {
            uint256 last = l.project.lastEventAt;
            assertTrue(
                last <= r.revealEnd || last <= projects[p].tipSince, "I-35: flat T_dead after what happened last"
            );
        }
        if (r.phase != Phase.Proposed && r.phase != Phase.Standing) return;
        if (r.phase == Phase.Proposed) assertLe(g.standsAt, g.proposedAt + TX, "I-35: stands");
        _checkAsks(p, round, l.results[round - l.from - 1]);
        assertEq(l.results[round - l.from - 1].standsAt, g.standsAt, "I-35: W runs from STANDING");
        assertEq(r.proposedAt, g.proposedAt, "I-35: T_x runs from the first PROPOSED post");
    }

    /// I-36: a result that counts has a poster whose bond is whole, unless that poster was convicted for another one; then
    /// anyone may clear it, and it never becomes FINAL (`Anyone._finalise`).
    function _I36_backedByABond(uint256 p, uint256 round, RoundView memory r, ResultView memory result) internal view {
        if (r.phase != Phase.Proposed && r.phase != Phase.Standing) return;
        AggregatorGhost storage a = bonds[p][result.poster];
        assertEq(result.poster, rounds[p][round].stored, "I-36: poster");
        if (!a.banned) assertGe(a.bond, _lock(p), "I-36: bond");
        else assertEq(a.bond, 0, "I-36: lost once, and whole");
    }

    // ----- readings -----

    /// Rounds that are settled and were seen to be do not change (I-19 looks at them in turn): what flat claims have
    /// left of their pots is taken from the ledger.
    function _look(uint256 p) internal view returns (Look memory l) {
        l = lens.look(market, p, projects[p].low, SEATS, aggregators, _token(p), accounts);
        l.totals.pots += projects[p].lowPots;
    }

    function _bystander() internal view returns (bytes32) {
        return keccak256(abi.encode(lens.look(market, BYSTANDER, 0, SEATS, aggregators, address(0), new address[](0))));
    }

    function _paramsHash(uint256 p) internal view returns (bytes32 hash) {
        (bool done, bytes memory data) = address(market).staticcall(abi.encodeCall(market.paramsOf, (p)));
        assertTrue(done);
        hash = keccak256(data);
    }

    function _posterOf(uint256 p, uint256 round) private view returns (address) {
        RoundGhost storage g = rounds[p][round];
        return g.settled ? g.finalPoster : g.stored;
    }
}
