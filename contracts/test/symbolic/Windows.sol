// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Phases} from "../../src/libraries/Phases.sol";
import {Project, Round} from "../../src/state.sol";
import {Phase} from "../../src/types.sol";
import {FINAL, FLAT, Progress, Tally, Verdict} from "../../src/words.sol";

/// For Halmos (`make security`): what time alone does to a round, for all facts that calls can leave.
contract WindowsCheck {
    Project private _project;
    Round private _round;

    /// A round with these facts. `standsAt` lies after REVEAL, as `post` sees to.
    function _facts(uint256 tally, uint256 verdict, uint24 tip, uint24 round) private returns (bool possible) {
        Tally t = Tally.wrap(tally);
        Verdict v = Verdict.wrap(verdict);
        if (t.commitEnd() == 0 || t.minSeals() == 0 || t.revealCount() > t.sealCount() || round == 0) return false;
        // An outcome is recorded only after the times that it presupposes, see the calls.
        if (v.outcome() != 0) return false;
        if (round <= tip && v.standsAt() < t.revealEnd()) return false;
        _round.verdict = v;
        _project.progress = Progress.wrap(uint256(tip) << 24);
        return true;
    }

    function _at(uint256 tally, uint256 round, uint256 time) private returns (Phase) {
        // The time is an argument of nothing: the phase reads the block's.
        _time(time);
        return Phases.derive(_project, _round, round, Tally.wrap(tally));
    }

    function _time(uint256 time) private {
        (bool done,) =
            address(0x7109709ECfa91a80626fF3989D68f67F5b1DD12D).call(abi.encodeWithSignature("warp(uint256)", time));
        require(done);
    }

    /// Without calls a round goes forward only: COMMIT, REVEAL, AGGREGATE or PROPOSED, STANDING; VOID stays VOID.
    function check_phase_timeAlone__neverGoesBack(
        uint256 tally,
        uint256 verdict,
        uint24 tip,
        uint24 round,
        uint40 early,
        uint40 late
    ) external {
        if (late < early || !_facts(tally, verdict, tip, round)) return;
        Phase before = _at(tally, round, early);
        Phase later = _at(tally, round, late);
        assert(uint8(later) >= uint8(before));
        if (before == Phase.Void) assert(later == Phase.Void);
        if (before == Phase.Aggregate) assert(later == Phase.Aggregate);
    }

    /// At the second of a deadline the next phase has begun, one second before it has not.
    function check_phase_atDeadlines__endsAreExclusive(uint256 tally, uint256 verdict, uint24 tip, uint24 round)
        external
    {
        if (!_facts(tally, verdict, tip, round)) return;
        Tally t = Tally.wrap(tally);
        assert(_at(tally, round, t.commitEnd() - 1) == Phase.Commit);
        assert(_at(tally, round, t.commitEnd()) != Phase.Commit);
        if (t.sealCount() < t.minSeals()) {
            assert(_at(tally, round, t.commitEnd()) == Phase.Void);
            return;
        }
        if (t.revealEnd() > t.commitEnd()) assert(_at(tally, round, t.revealEnd() - 1) == Phase.Reveal);
        Phase after_ = _at(tally, round, t.revealEnd());
        assert(after_ != Phase.Reveal && after_ != Phase.Commit && after_ != Phase.None);
        assert((after_ == Phase.Void) == (t.revealCount() == 0));
    }

    /// A PROPOSED result stands from `standsAt` on, not a second earlier.
    function check_phase_proposed__standsAtItsTime(uint256 tally, uint256 verdict, uint24 tip, uint24 round) external {
        if (!_facts(tally, verdict, tip, round) || round > tip) return;
        Tally t = Tally.wrap(tally);
        if (t.sealCount() < t.minSeals() || t.revealCount() == 0) return;
        uint256 stands = Verdict.wrap(verdict).standsAt();
        assert(_at(tally, round, stands) == Phase.Standing);
        if (stands > t.revealEnd()) assert(_at(tally, round, stands - 1) == Phase.Proposed);
    }

    /// A result above the tip does not count at any time: its round waits for another one.
    function check_phase_aboveTheTip__noResultCounts(
        uint256 tally,
        uint256 verdict,
        uint24 tip,
        uint24 round,
        uint40 time
    ) external {
        if (!_facts(tally, verdict, tip, round) || round <= tip) return;
        Phase phase = _at(tally, round, time);
        assert(phase != Phase.Proposed && phase != Phase.Standing && phase != Phase.Final && phase != Phase.Flat);
    }

    /// FINAL and FLAT hold from then on, whatever becomes of the tip.
    function check_phase_outcome__holdsForEver(uint256 tally, uint256 verdict, uint24 tip, uint24 round, uint40 late)
        external
    {
        Tally t = Tally.wrap(tally);
        Verdict v = Verdict.wrap(verdict);
        if (t.commitEnd() == 0 || t.sealCount() < t.minSeals() || t.revealCount() == 0) return;
        if (v.outcome() != FINAL && v.outcome() != FLAT) return;
        if (late < t.revealEnd()) return;
        _round.verdict = v;
        _project.progress = Progress.wrap(uint256(tip) << 24);
        assert(_at(tally, round, late) == (v.outcome() == FINAL ? Phase.Final : Phase.Flat));
    }
}
