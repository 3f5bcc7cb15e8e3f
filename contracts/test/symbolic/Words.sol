// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {
    Holder,
    HolderLib,
    Pair,
    Progress,
    Tally,
    TallyLib,
    Terms,
    TermsLib,
    Verdict,
    VerdictLib
} from "../../src/words.sol";

/// For Halmos (`make security`): every function `check_*` holds for all arguments. Fields of a storage word do not reach each
/// other, for all values within the widths that `words.sol` states.
contract WordsCheck {
    function check_tally_opened_readsBack(uint40 end, uint24 span, uint16 active, uint16 least, bool awaited)
        external
        pure
    {
        least &= 2047; // at most 1,024
        Tally t = TallyLib.opened(end, span, active, least, awaited);
        assert(t.referenceAwaited() == awaited && !t.referenceClosed() && !t.referenceRevealed());
        assert(t.commitEnd() == end && t.revealEnd() == uint256(end) + span);
        assert(t.activeLeft() == active && t.minSeals() == least);
        assert(t.sealCount() == 0 && t.revealCount() == 0 && t.revealSum() == 0);
    }

    function check_tally_seal_countsAndNothingElse(uint256 word, bool active) external pure {
        Tally t = Tally.wrap(word);
        if (t.sealCount() >= 1024 || (active && t.activeLeft() == 0)) return;
        Tally u = t.withSeal(active);
        assert(u.sealCount() == t.sealCount() + 1);
        assert(u.activeLeft() == t.activeLeft() - (active ? 1 : 0));
        assert(u.revealCount() == t.revealCount() && u.revealSum() == t.revealSum());
        assert(u.commitEnd() == t.commitEnd() && u.revealEnd() == t.revealEnd() && u.minSeals() == t.minSeals());
    }

    function check_tally_reveal_addsModulo128(uint256 word, uint128 term) external pure {
        Tally t = Tally.wrap(word);
        if (t.revealCount() >= 1024) return;
        Tally u = t.withReveal(term);
        uint128 sum;
        unchecked {
            sum = uint128(t.revealSum()) + term;
        }
        assert(u.revealSum() == sum && u.revealCount() == t.revealCount() + 1);
        assert(u.sealCount() == t.sealCount() && u.activeLeft() == t.activeLeft() && u.minSeals() == t.minSeals());
        assert(u.commitEnd() == t.commitEnd() && u.revealEnd() == t.revealEnd());
    }

    /// The reference's seal and reveal reach no count.
    function check_tally_reference_movesAlone(uint256 word, uint128 term) external pure {
        Tally t = Tally.wrap(word);
        Tally u = t.withReferenceSeal();
        assert(u.referenceClosed() && !u.referenceAwaited() && u.referenceRevealed() == t.referenceRevealed());
        Tally v = u.withReferenceReveal(term);
        assert(v.referenceRevealed() && !v.referenceClosed() && !v.referenceAwaited());
        uint128 sum;
        unchecked {
            sum = uint128(t.revealSum()) + term;
        }
        assert(u.revealSum() == t.revealSum() && v.revealSum() == sum);
        assert(v.sealCount() == t.sealCount() && v.revealCount() == t.revealCount());
        assert(v.activeLeft() == t.activeLeft() && v.minSeals() == t.minSeals());
        assert(v.commitEnd() == t.commitEnd() && v.revealEnd() == t.revealEnd());
    }

    /// Reveals added in either order give one word: nobody gains by ordering transactions.
    function check_tally_reveals_commute(uint256 word, uint128 a, uint128 b) external pure {
        Tally t = Tally.wrap(word);
        assert(Tally.unwrap(t.withReveal(a).withReveal(b)) == Tally.unwrap(t.withReveal(b).withReveal(a)));
    }

    function check_tally_ends_moveAlone(uint256 word, uint40 time, uint24 span) external pure {
        Tally t = Tally.wrap(word);
        Tally u = t.withCommitEnd(time).withRevealEnd(uint256(time) + span);
        assert(u.commitEnd() == time && u.revealEnd() == uint256(time) + span);
        assert(u.sealCount() == t.sealCount() && u.revealCount() == t.revealCount());
        assert(u.activeLeft() == t.activeLeft() && u.minSeals() == t.minSeals() && u.revealSum() == t.revealSum());
    }

    /// Units of missed reveals: never more than seals, none under the half rule, none when all revealed.
    function check_tally_missedReveals_halfRule(uint256 word) external pure {
        Tally t = Tally.wrap(word);
        if (t.revealCount() > t.sealCount()) return;
        uint256 missed = t.missedReveals();
        assert(missed <= t.sealCount() - t.revealCount());
        assert((missed == 0) == (2 * t.revealCount() < t.sealCount() || t.revealCount() == t.sealCount()));
    }

    function check_verdict_posted_readsBack(
        uint96 paid,
        uint40 proposedAt,
        uint40 standsAt,
        uint16 included,
        uint16 rows,
        uint24 prev,
        uint8 ordinal,
        bool merged
    ) external pure {
        Verdict v = VerdictLib.posted(paid, proposedAt, standsAt, included, rows, prev, ordinal, merged);
        assert(v.paid() == paid && v.proposedAt() == proposedAt && v.standsAt() == standsAt);
        assert(v.included() == included && v.rows() == rows && v.prev() == prev && v.ordinal() == ordinal);
        assert(v.merged() == merged && !v.charged() && v.outcome() == 0);
    }

    /// What stays of a verdict when its result goes: that misses are in the pot, and the outcome. Nothing of the result.
    function check_verdict_facts_keepOnlyFacts(uint256 word) external pure {
        Verdict v = Verdict.wrap(word);
        Verdict f = v.facts();
        assert(f.charged() == v.charged() && f.outcome() == v.outcome());
        assert(f.paid() == 0 && f.standsAt() == 0 && f.proposedAt() == 0 && f.prev() == 0 && f.ordinal() == 0);
        assert(f.included() == 0 && f.rows() == 0 && !f.merged());
    }

    function check_verdict_outcome_recordedOnce(uint256 word, uint8 outcome) external pure {
        Verdict v = Verdict.wrap(word);
        if (v.outcome() != 0 || outcome > 3) return;
        Verdict u = v.withOutcome(outcome).withCharged();
        assert(u.outcome() == outcome && u.charged() && u.merged() == v.merged());
        assert(u.paid() == v.paid() && u.standsAt() == v.standsAt() && u.prev() == v.prev());
    }

    function check_progress_result_movesTipAndResultAlone(uint256 word, uint24 tip, uint24 result, uint8 ordinal)
        external
        view
    {
        Progress g = Progress.wrap(word);
        if (block.timestamp >> 40 != 0) return;
        Progress h = g.withResult(tip, result, ordinal);
        assert(h.tip() == tip && h.lastResult() == result && h.ordinal() == ordinal);
        assert(h.lastEventAt() == block.timestamp && h.clearedAt() == g.clearedAt());
        assert(h.head() == g.head() && h.lastFinal() == g.lastFinal() && h.terminalUpTo() == g.terminalUpTo());
        assert(h.openCount() == g.openCount() && h.activeDelta() == g.activeDelta());
        assert(h.stopped() == g.stopped() && h.refunded() == g.refunded());
    }

    function check_progress_final_closesOneRound(uint256 word, uint24 round) external pure {
        Progress g = Progress.wrap(word);
        if (g.openCount() == 0) return;
        Progress h = g.withFinal(round);
        assert(h.lastFinal() == round && h.terminalUpTo() == round && h.openCount() == g.openCount() - 1);
        assert(h.head() == g.head() && h.tip() == g.tip() && h.lastResult() == g.lastResult());
        assert(h.activeDelta() == g.activeDelta() && h.lastEventAt() == g.lastEventAt());
        assert(h.stopped() == g.stopped() && h.ordinal() == g.ordinal());
    }

    function check_progress_head_opensOneRound(uint256 word) external pure {
        Progress g = Progress.wrap(word);
        if (g.head() == type(uint24).max || g.openCount() >= 255) return;
        Progress h = g.withHead();
        assert(h.head() == g.head() + 1 && h.openCount() == g.openCount() + 1 && h.activeDelta() == 0);
        assert(h.tip() == g.tip() && h.lastFinal() == g.lastFinal() && h.terminalUpTo() == g.terminalUpTo());
        assert(h.lastResult() == g.lastResult() && h.clearedAt() == g.clearedAt());
    }

    function check_holder_reveal_setsFirstRoundOnce(uint256 word, uint24 round) external pure {
        Holder h = Holder.wrap(word & ~(uint256(0xff) << 232));
        Holder r = h.withReveal(round);
        assert(r.last() == round && r.revealed() && r.signer() == h.signer() && r.joined() == h.joined());
        assert(r.firstRound() == (h.firstRound() == 0 ? round : h.firstRound()));
        Holder s = r.withSeal(round);
        assert(!s.revealed() && s.last() == round && s.signer() == h.signer() && s.firstRound() == r.firstRound());
    }

    /// Amounts of 96 bits, and their sums below 2^128, never reach the other half.
    function check_pair_plusMinus_stayApart(uint96 a, uint96 b, uint96 c, uint96 d) external pure {
        Pair p = Pair.wrap(0).plus(a, b).plus(c, d);
        assert(p.first() == uint256(a) + c && p.second() == uint256(b) + d);
        Pair q = p.minus(c, b);
        assert(q.first() == a && q.second() == d);
    }

    /// The fee never exceeds the pot, the lock of a result is never below it.
    function check_terms_amounts_withinBounds(uint96 pot, uint16 feeBps, uint16 seats, uint16 minSeals) external pure {
        if (feeBps > 10_000) return;
        Terms t = TermsLib.frozen(pot, type(uint96).max, seats, minSeals, feeBps, 3, 2);
        assert(t.pot() == pot && t.bondFloor() == type(uint96).max && t.seats() == seats && t.minSeals() == minSeals);
        assert(t.deltaRows() == 3 && t.fileRounds() == 2 && t.feeBps() == feeBps);
        assert(t.lock() >= pot && 2 * t.lock() <= 3 * uint256(pot));
    }
}
