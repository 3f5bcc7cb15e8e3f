// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Outcome, Project, Round, Tally, CHARGED} from "../state.sol";
import {Phase} from "../types.sol";

/// The phase of a round, and what depends on nothing but its facts and the time. Phases are never stored.
library Phases {
    function phaseOf(Project storage p, uint256 round) internal view returns (Phase) {
        Round storage r = p.rounds[round];
        return derive(p, r, round, r.tally);
    }

    /// `tally` is the round's own, read once by the caller.
    function derive(Project storage p, Round storage r, uint256 round, Tally memory tally)
        internal
        view
        returns (Phase)
    {
        if (tally.commitEnd == 0) return r.verdict.outcome == Outcome.Final ? Phase.Final : Phase.None; // the start
        // SAFETY: outcomes are recorded only after these times, so time may be asked first, which costs one word.
        if (block.timestamp < tally.commitEnd) return Phase.Commit;
        if (tally.sealCount < tally.minSeals) return Phase.Void;
        if (block.timestamp < revealEnd(tally)) return Phase.Reveal;
        if (tally.revealCount == 0) return Phase.Void;
        Outcome outcome = r.verdict.outcome;
        if (outcome == Outcome.Final) return Phase.Final;
        if (outcome == Outcome.Flat) return Phase.Flat;
        // A result above the tip was cleared with one below it and does not count.
        if (round > p.progress.tip) return Phase.Aggregate;
        return block.timestamp < r.verdict.standsAt ? Phase.Proposed : Phase.Standing;
    }

    function revealEnd(Tally memory tally) internal pure returns (uint256) {
        return uint256(tally.commitEnd) + tally.revealSpan;
    }

    /// Seals that cost their seats a unit once REVEAL has ended: none where fewer than half were revealed,
    /// since then the fault is likely the network's.
    function missedReveals(Tally memory tally) internal pure returns (uint256) {
        if (uint256(tally.revealCount) * 2 < tally.sealCount || tally.sealCount < tally.minSeals) return 0;
        return tally.sealCount - tally.revealCount;
    }

    /// Units that the pot is still to receive; 0 once `charged`, before REVEAL has ended, and in a VOID round.
    function unchargedUnits(Round storage r, Tally memory tally, Phase phase) internal view returns (uint256) {
        return phase == Phase.Aggregate && r.verdict.bits & CHARGED == 0 ? missedReveals(tally) : 0;
    }
}
