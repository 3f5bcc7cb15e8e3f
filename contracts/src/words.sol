// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

// Facts that change together share one word, so that a call reads and writes each word once. Every type below is one
// word, drawn with its highest field first; a field is read by name and changed by a function that says what happens.
//
// SAFETY: changing does not mask. Every field stays within its width, because
// - round numbers count opened rounds, one transaction each, and stay below 2^24;
// - seats and counts of them are at most 1,024, open rounds at most 255, ordinals are capped at 255;
// - times are `block.timestamp` plus at most 2^32 seconds, below 2^40 for 34,000 years; the span of REVEAL is limited
//   at deployment and only shortened;
// - every amount is part of `held`, which is kept below 2^96.

/// `word` with the field of `width` bits at `shift` replaced.
function replaced(uint256 word, uint256 shift, uint256 width, uint256 value) pure returns (uint256) {
    unchecked {
        return (word & ~(((1 << width) - 1) << shift)) | (value << shift);
    }
}

/// What a round's COMMIT and REVEAL count: the only word of the round that `seal` and `reveal` touch besides the slot.
///   | revealSum 128 | referenceRevealed 1 | referenceClosed 1 | referenceAwaited 1 | unused 2 | minSeals 11 |
///   | activeLeft 16 | revealCount 16 | sealCount 16 | revealSpan 24 | commitEnd 40 |
/// commitEnd: unix seconds, exclusive; 0 = the round does not exist. revealSpan: seconds from there to the end of
/// REVEAL. minSeals: copy of the project's, so that a round's phase needs no other word. Of the owner's reference, which
/// no count includes: awaited = COMMIT does not end early without its seal; closed = sealed and not revealed, REVEAL does
/// not end early.
type Tally is uint256;

using TallyLib for Tally global;

library TallyLib {
    uint256 private constant MIN_SEALS = (1 << 11) - 1;
    uint256 private constant AWAITED = 1 << 125;
    uint256 private constant CLOSED = 1 << 126;
    uint256 private constant REVEALED = 1 << 127;

    function commitEnd(Tally t) internal pure returns (uint256) {
        return uint40(Tally.unwrap(t));
    }

    function sealCount(Tally t) internal pure returns (uint256) {
        return uint16(Tally.unwrap(t) >> 64);
    }

    function revealCount(Tally t) internal pure returns (uint256) {
        return uint16(Tally.unwrap(t) >> 80);
    }

    function activeLeft(Tally t) internal pure returns (uint256) {
        return uint16(Tally.unwrap(t) >> 96);
    }

    function minSeals(Tally t) internal pure returns (uint256) {
        return uint16(Tally.unwrap(t) >> 112) & MIN_SEALS;
    }

    function referenceAwaited(Tally t) internal pure returns (bool) {
        return Tally.unwrap(t) & AWAITED != 0;
    }

    function referenceClosed(Tally t) internal pure returns (bool) {
        return Tally.unwrap(t) & CLOSED != 0;
    }

    function referenceRevealed(Tally t) internal pure returns (bool) {
        return Tally.unwrap(t) & REVEALED != 0;
    }

    function revealSum(Tally t) internal pure returns (uint256) {
        return Tally.unwrap(t) >> 128;
    }

    function revealEnd(Tally t) internal pure returns (uint256) {
        unchecked {
            return uint40(Tally.unwrap(t)) + uint256(uint24(Tally.unwrap(t) >> 40));
        }
    }

    /// Seals that cost their seats a unit once REVEAL has ended: none where fewer than half were revealed, since then
    /// the fault is likely the network's.
    function missedReveals(Tally t) internal pure returns (uint256) {
        // SAFETY: each reveal opens a seal.
        unchecked {
            return revealCount(t) * 2 < sealCount(t) ? 0 : sealCount(t) - revealCount(t);
        }
    }

    /// A round before anybody has sealed.
    function opened(
        uint256 commitEnd_,
        uint256 revealSpan,
        uint256 activeLeft_,
        uint256 minSeals_,
        bool referenceAwaited_
    ) internal pure returns (Tally) {
        uint256 awaited = referenceAwaited_ ? AWAITED : 0;
        return Tally.wrap(commitEnd_ | revealSpan << 40 | activeLeft_ << 96 | minSeals_ << 112 | awaited);
    }

    function withSeal(Tally t, bool active) internal pure returns (Tally) {
        // SAFETY: `activeLeft` counts the active seats that have not sealed, and this is one of them.
        unchecked {
            return Tally.wrap(Tally.unwrap(t) + (1 << 64) - (active ? 1 << 96 : 0));
        }
    }

    function withReveal(Tally t, uint256 term) internal pure returns (Tally) {
        // SAFETY: the sum lies in the highest bits and is meant to wrap modulo 2^128.
        unchecked {
            return Tally.wrap(Tally.unwrap(t) + (1 << 80) + (term << 128));
        }
    }

    function withReferenceSeal(Tally t) internal pure returns (Tally) {
        return Tally.wrap(Tally.unwrap(t) & ~AWAITED | CLOSED);
    }

    function withReferenceReveal(Tally t, uint256 term) internal pure returns (Tally) {
        // SAFETY: as in `withReveal`.
        unchecked {
            return Tally.wrap((Tally.unwrap(t) & ~CLOSED | REVEALED) + (term << 128));
        }
    }

    function withoutActive(Tally t) internal pure returns (Tally) {
        // SAFETY: as in `withSeal`.
        unchecked {
            return Tally.wrap(Tally.unwrap(t) - (1 << 96));
        }
    }

    function withCommitEnd(Tally t, uint256 time) internal pure returns (Tally) {
        return Tally.wrap(replaced(Tally.unwrap(t), 0, 40, time));
    }

    function withRevealEnd(Tally t, uint256 time) internal pure returns (Tally) {
        // SAFETY: REVEAL ends after COMMIT.
        unchecked {
            return Tally.wrap(replaced(Tally.unwrap(t), 40, 24, time - commitEnd(t)));
        }
    }
}

// Irreversible outcomes: the only part of a phase that is stored.
uint256 constant NONE = 0;
uint256 constant FINAL = 1;
uint256 constant FLAT = 2;
uint256 constant VOID = 3;

/// How a round was judged.
///   | charged 1 | merged 1 | opened 1 | asked 1 | unused 6 | outcome 6 | ordinal 8 | prev 24 | rows 16 | included 16 |
///   | standsAt 40 | proposedAt 40 | paid 96 |
/// paid: of the stored result; in a FLAT round the share of each revealed seat. ordinal: results above the start in
/// this chain, at most 255. merged: the model has moved by this result's delta. charged: the units of missed reveals
/// are in the pot. opened: set when the round opens, so that whoever opens it pays for this word and not the poster,
/// who has to be quick. asked: somebody has asked about the stored result.
type Verdict is uint256;

using VerdictLib for Verdict global;

library VerdictLib {
    function paid(Verdict v) internal pure returns (uint256) {
        return uint96(Verdict.unwrap(v));
    }

    function proposedAt(Verdict v) internal pure returns (uint256) {
        return uint40(Verdict.unwrap(v) >> 96);
    }

    function standsAt(Verdict v) internal pure returns (uint256) {
        return uint40(Verdict.unwrap(v) >> 136);
    }

    function included(Verdict v) internal pure returns (uint256) {
        return uint16(Verdict.unwrap(v) >> 176);
    }

    function rows(Verdict v) internal pure returns (uint256) {
        return uint16(Verdict.unwrap(v) >> 192);
    }

    function prev(Verdict v) internal pure returns (uint256) {
        return uint24(Verdict.unwrap(v) >> 208);
    }

    function ordinal(Verdict v) internal pure returns (uint256) {
        return uint8(Verdict.unwrap(v) >> 232);
    }

    function outcome(Verdict v) internal pure returns (uint256) {
        return uint8(Verdict.unwrap(v) >> 240) & 63;
    }

    function merged(Verdict v) internal pure returns (bool) {
        return Verdict.unwrap(v) >> 254 & 1 != 0;
    }

    function charged(Verdict v) internal pure returns (bool) {
        return Verdict.unwrap(v) >> 255 != 0;
    }

    function asked(Verdict v) internal pure returns (bool) {
        return Verdict.unwrap(v) >> 252 & 1 != 0;
    }

    function withAsked(Verdict v) internal pure returns (Verdict) {
        return Verdict.wrap(Verdict.unwrap(v) | 1 << 252);
    }

    function opened() internal pure returns (Verdict) {
        return Verdict.wrap(1 << 253);
    }

    /// The verdict of a posted result.
    function posted(
        uint256 paid_,
        uint256 proposedAt_,
        uint256 standsAt_,
        uint256 included_,
        uint256 rows_,
        uint256 prev_,
        uint256 ordinal_,
        bool merged_
    ) internal pure returns (Verdict) {
        return Verdict.wrap(
            paid_ | proposedAt_ << 96 | standsAt_ << 136 | included_ << 176 | rows_ << 192 | prev_ << 208 | ordinal_
                << 232 | 1 << 253 | (merged_ ? 1 << 254 : 0)
        );
    }

    function withCharged(Verdict v) internal pure returns (Verdict) {
        return Verdict.wrap(Verdict.unwrap(v) | 1 << 255);
    }

    /// Once, and only where there was none.
    function withOutcome(Verdict v, uint256 outcome_) internal pure returns (Verdict) {
        return Verdict.wrap(Verdict.unwrap(v) | outcome_ << 240);
    }

    function withPaid(Verdict v, uint256 paid_) internal pure returns (Verdict) {
        return Verdict.wrap(replaced(Verdict.unwrap(v), 0, 96, paid_));
    }

    /// What stays when the result goes: facts of the round.
    function facts(Verdict v) internal pure returns (Verdict) {
        return Verdict.wrap(Verdict.unwrap(v) & (1 << 255 | 1 << 253 | 63 << 240));
    }
}

/// A seat's holder: the only word of the seat that `seal` reads and `reveal` writes.
///   | revealed 8 | firstRound 24 | joined 24 | last 24 | signer 160 |
/// revealed: `last` was revealed. A seal in the round after a revealed `last` is not noted here: `Seats.lastSealed`
/// finds it in the slots.
type Holder is uint256;

using HolderLib for Holder global;

library HolderLib {
    function signer(Holder h) internal pure returns (address) {
        return address(uint160(Holder.unwrap(h)));
    }

    function last(Holder h) internal pure returns (uint256) {
        return uint24(Holder.unwrap(h) >> 160);
    }

    function joined(Holder h) internal pure returns (uint256) {
        return uint24(Holder.unwrap(h) >> 184);
    }

    function firstRound(Holder h) internal pure returns (uint256) {
        return uint24(Holder.unwrap(h) >> 208);
    }

    function revealed(Holder h) internal pure returns (bool) {
        return Holder.unwrap(h) >> 232 != 0;
    }

    function seated(address signer_, uint256 joined_) internal pure returns (Holder) {
        return Holder.wrap(uint256(uint160(signer_)) | joined_ << 184);
    }

    function withSeal(Holder h, uint256 round) internal pure returns (Holder) {
        return Holder.wrap(replaced(uint232(Holder.unwrap(h)), 160, 24, round));
    }

    function withReveal(Holder h, uint256 round) internal pure returns (Holder) {
        uint256 word = replaced(Holder.unwrap(h), 160, 24, round) | 1 << 232;
        return Holder.wrap(firstRound(h) == 0 ? word | round << 208 : word);
    }
}

/// Where a project stands.
///   | ordinal 8 | refunded 1 | stopped 1 | unused 6 | lastEventAt 40 | clearedAt 40 | activeDelta 16 | openCount 16 |
///   | terminalUpTo 24 | lastFinal 24 | lastResult 24 | tip 24 | head 24 |
/// terminalUpTo: this round and all below are terminal. activeDelta: activeNext - sealCount(head), that is
/// registrations less departures since head opened. ordinal: of lastResult.
type Progress is uint256;

using ProgressLib for Progress global;

library ProgressLib {
    function head(Progress g) internal pure returns (uint256) {
        return uint24(Progress.unwrap(g));
    }

    function tip(Progress g) internal pure returns (uint256) {
        return uint24(Progress.unwrap(g) >> 24);
    }

    function lastResult(Progress g) internal pure returns (uint256) {
        return uint24(Progress.unwrap(g) >> 48);
    }

    function lastFinal(Progress g) internal pure returns (uint256) {
        return uint24(Progress.unwrap(g) >> 72);
    }

    function terminalUpTo(Progress g) internal pure returns (uint256) {
        return uint24(Progress.unwrap(g) >> 96);
    }

    function openCount(Progress g) internal pure returns (uint256) {
        return uint16(Progress.unwrap(g) >> 120);
    }

    function activeDelta(Progress g) internal pure returns (int256) {
        return int16(uint16(Progress.unwrap(g) >> 136));
    }

    function clearedAt(Progress g) internal pure returns (uint256) {
        return uint40(Progress.unwrap(g) >> 152);
    }

    function lastEventAt(Progress g) internal pure returns (uint256) {
        return uint40(Progress.unwrap(g) >> 192);
    }

    function stopped(Progress g) internal pure returns (bool) {
        return Progress.unwrap(g) >> 238 & 1 != 0;
    }

    function refunded(Progress g) internal pure returns (bool) {
        return Progress.unwrap(g) >> 239 & 1 != 0;
    }

    function ordinal(Progress g) internal pure returns (uint256) {
        return Progress.unwrap(g) >> 248;
    }

    function withStop(Progress g) internal pure returns (Progress) {
        return Progress.wrap(Progress.unwrap(g) | 1 << 238);
    }

    function withRefund(Progress g) internal pure returns (Progress) {
        return Progress.wrap(Progress.unwrap(g) | 1 << 239);
    }

    /// The next round opens.
    function withHead(Progress g) internal pure returns (Progress) {
        unchecked {
            return Progress.wrap(replaced(Progress.unwrap(g) + 1 + (1 << 120), 136, 16, 0));
        }
    }

    function withActive(Progress g, int256 change) internal pure returns (Progress) {
        return Progress.wrap(replaced(Progress.unwrap(g), 136, 16, uint16(int16(activeDelta(g) + change))));
    }

    function withTip(Progress g, uint256 round) internal pure returns (Progress) {
        return Progress.wrap(replaced(Progress.unwrap(g), 24, 24, round));
    }

    function withTerminal(Progress g, uint256 round) internal pure returns (Progress) {
        return Progress.wrap(replaced(Progress.unwrap(g), 96, 24, round));
    }

    /// A round is terminal.
    function withoutOpen(Progress g) internal pure returns (Progress) {
        unchecked {
            return Progress.wrap(Progress.unwrap(g) - (1 << 120));
        }
    }

    function withFinal(Progress g, uint256 round) internal pure returns (Progress) {
        return withTerminal(withoutOpen(Progress.wrap(replaced(Progress.unwrap(g), 72, 24, round))), round);
    }

    /// A result was posted or taken away: `result` is now the newest that counts, all up to `tip_` have an end.
    function withResult(Progress g, uint256 tip_, uint256 result, uint256 ordinal_) internal view returns (Progress) {
        uint256 word = replaced(Progress.unwrap(g), 24, 48, tip_ | result << 24);
        word = replaced(word, 192, 40, block.timestamp);
        return Progress.wrap(replaced(word, 248, 8, ordinal_));
    }

    function withClearing(Progress g) internal view returns (Progress) {
        return Progress.wrap(replaced(Progress.unwrap(g), 152, 40, block.timestamp));
    }
}

/// The frozen numbers that calls need most.
///   | fileRounds 8 | deltaRows 8 | feeBps 16 | minSeals 16 | seats 16 | bondFloor 96 | pot 96 |
type Terms is uint256;

using TermsLib for Terms global;

library TermsLib {
    function pot(Terms t) internal pure returns (uint256) {
        return uint96(Terms.unwrap(t));
    }

    function bondFloor(Terms t) internal pure returns (uint256) {
        return uint96(Terms.unwrap(t) >> 96);
    }

    function seats(Terms t) internal pure returns (uint256) {
        return uint16(Terms.unwrap(t) >> 192);
    }

    function minSeals(Terms t) internal pure returns (uint256) {
        return uint16(Terms.unwrap(t) >> 208);
    }

    function feeBps(Terms t) internal pure returns (uint256) {
        return uint16(Terms.unwrap(t) >> 224);
    }

    function deltaRows(Terms t) internal pure returns (uint256) {
        return uint8(Terms.unwrap(t) >> 240);
    }

    function fileRounds(Terms t) internal pure returns (uint256) {
        return Terms.unwrap(t) >> 248;
    }

    /// What a missed reveal costs, in smallest units, rounded down.
    function unit(Terms t) internal pure returns (uint256) {
        return pot(t) / minSeals(t);
    }

    /// What a poster risks with each open result, rounded down.
    function lock(Terms t) internal pure returns (uint256) {
        unchecked {
            return pot(t) * 3 / 2;
        }
    }

    /// The poster's fee, rounded down, of the reserved pot.
    function fee(Terms t) internal pure returns (uint256) {
        unchecked {
            return pot(t) * feeBps(t) / 10_000;
        }
    }

    function frozen(
        uint256 pot_,
        uint256 bondFloor_,
        uint256 seats_,
        uint256 minSeals_,
        uint256 feeBps_,
        uint256 deltaRows_,
        uint256 fileRounds_
    ) internal pure returns (Terms) {
        return Terms.wrap(
            pot_ | bondFloor_ << 96 | seats_ << 192 | minSeals_ << 208 | feeBps_ << 224 | deltaRows_ << 240
                | fileRounds_ << 248
        );
    }
}

/// Two amounts in one word; adding to or taking from either never reaches the other.
///   | second 128 | first 128 |
type Pair is uint256;

using PairLib for Pair global;

library PairLib {
    function first(Pair a) internal pure returns (uint256) {
        return uint128(Pair.unwrap(a));
    }

    function second(Pair a) internal pure returns (uint256) {
        return Pair.unwrap(a) >> 128;
    }

    function plus(Pair a, uint256 first_, uint256 second_) internal pure returns (Pair) {
        unchecked {
            return Pair.wrap(Pair.unwrap(a) + (first_ | second_ << 128));
        }
    }

    /// The caller has checked that so much is there.
    function minus(Pair a, uint256 first_, uint256 second_) internal pure returns (Pair) {
        unchecked {
            return Pair.wrap(Pair.unwrap(a) - (first_ | second_ << 128));
        }
    }
}
