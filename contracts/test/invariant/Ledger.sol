// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Phase, ProjectView, RoundView} from "../../src/types.sol";
import {Totals} from "./Lens.sol";
import {World} from "./World.sol";

/// What must be true, written down by whoever acts and never read from the market: each action adds here what the
/// design says it moves, and `Checks` compares.
abstract contract Ledger is World {
    struct RoundGhost {
        Phase seen; // at the end of the last step
        bool settled; // FINAL, FLAT or VOID for good
        bool charged;
        uint256 openedAt; // or restarted
        uint256 seals;
        uint256 reveals;
        uint256 sum; // of the reveals' terms, modulo 2^128
        uint256 pot;
        uint256 share; // when FLAT
        uint256 shares; // flat shares taken
        address stored; // poster of the stored result
        uint256 standsAt; // of the stored result
        uint256 proposedAt; // first PROPOSED post of this AGGREGATE
        uint256 posting; // number of the stored result among all that were ever posted
        bool asked; // somebody has asked about the stored result
        uint256 openAsks; // about it
        address finalPoster;
        bytes32 digest; // when it was settled
    }

    struct SeatGhost {
        address signer;
        address payout;
        uint256 stake;
        uint256 joined;
        uint256 first; // round of the holder's first reveal
        uint256 last; // newest round it sealed
        bool revealed; // it revealed `last`
        uint256 claimed;
        uint256 penaltyTaken;
    }

    struct TenureGhost {
        address payout;
        uint256 first;
        uint256 last;
    }

    struct AggregatorGhost {
        uint256 bond;
        uint256 locks; // results of its own that hold one
        bool banned;
    }

    struct AskGhost {
        uint256 p;
        uint256 round;
        uint256 posting; // what it is about
        bytes32 commitment; // of that
        address asker;
        uint256 price;
        uint256 due;
        uint256 level; // in the tree of accounts
        uint256 index;
        bool genuine; // somebody can answer it
        bool open;
    }

    struct ProjectGhost {
        uint256 moneyIn; // measured: deposits, stakes and bonds that entered
        uint256 credited; // to anybody, ever
        uint256 paidFinal; // sum of `paid` of FINAL rounds
        uint256 claimed; // paid out of the bucket
        uint256 ownerCredited; // by refund; what an owner earns as a refuter is not counted
        uint256 lowPots; // of the rounds up to `low`: unclaimed flat shares
        uint256 refunded; // escrow given back
        uint256 head;
        uint256 low; // this round and all below are settled, and seen to be
        uint256 headAtStop;
        bool stopped;
        uint256 openRounds;
        uint256 lastFinal;
        uint256 tipSince; // when the tip last moved
        uint256 convictedAt; // last conviction or clear
        uint256 stakeLost; // units and penalties taken from stakes
        uint256 bondLost; // by convictions
        bytes32 params;
    }

    mapping(uint256 p => Totals) internal want;
    mapping(uint256 p => ProjectGhost) internal projects;
    mapping(uint256 p => mapping(uint256 round => RoundGhost)) internal rounds;
    mapping(uint256 p => mapping(uint256 round => mapping(uint256 seat => bytes32))) internal slots; // at SEATS the reference's
    mapping(uint256 p => mapping(uint256 round => mapping(uint256 seat => bytes32))) internal roots; // 0: cannot be opened
    mapping(uint256 p => mapping(uint256 round => mapping(uint256 seat => uint256))) internal flatPaid; // times
    mapping(uint256 p => mapping(uint256 seat => SeatGhost)) internal seats;
    mapping(uint256 p => mapping(uint256 seat => TenureGhost[])) internal tenures;
    mapping(uint256 p => mapping(address account => AggregatorGhost)) internal bonds;
    mapping(uint256 p => mapping(address account => uint256)) internal credit; // one token for each project
    mapping(uint256 p => mapping(address account => uint256)) internal earned; // all credits ever
    mapping(uint256 p => uint256) internal out; // measured
    mapping(uint256 p => uint256) internal forced; // behind the market's back
    AskGhost[] internal asks; // number 1 first
    uint256 internal openPrices; // of asks without an answer: always native coin
    uint256 internal postings;
    mapping(string action => uint256) public reached;
    bool internal tempted; // liars post wherever they may
    bool internal truthful; // nobody lies about pay: then no bucket ever lacks anything

    // ----- entries -----

    function _entered(uint256 p, uint256 amount) internal {
        projects[p].moneyIn += amount;
    }

    function _earn(uint256 p, address account, uint256 amount) internal {
        credit[p][account] += amount;
        earned[p][account] += amount;
        projects[p].credited += amount;
    }

    /// What a seat owes for its last seal: a unit if it was not revealed though at least half of that round's were.
    function _due(uint256 p, uint256 seat) internal view returns (uint256) {
        SeatGhost storage s = seats[p][seat];
        if (s.last == 0 || s.revealed) return 0;
        return _missed(p, s.last) == 0 ? 0 : _unit(p);
    }

    function _missed(uint256 p, uint256 round) internal view returns (uint256) {
        RoundGhost storage r = rounds[p][round];
        if (r.reveals == 0 || r.reveals * 2 < r.seals) return 0;
        return r.seals - r.reveals;
    }

    /// The units of a round's missed reveals join its pot, once.
    function _charge(uint256 p, uint256 round) internal {
        RoundGhost storage r = rounds[p][round];
        if (r.charged) return;
        r.charged = true;
        uint256 units = _missed(p, round) * _unit(p);
        r.pot += units;
        want[p].pots += units;
        want[p].misses += units;
    }

    function _debit(uint256 p, uint256 seat) internal {
        uint256 due = _due(p, seat);
        seats[p][seat].stake -= due;
        want[p].stakes -= due;
        want[p].misses -= due;
        projects[p].stakeLost += due;
    }

    /// A result that is replaced, released or FINAL frees its poster's bond; a conviction has taken it already.
    function _unstore(uint256 p, uint256 round) internal {
        RoundGhost storage r = rounds[p][round];
        if (r.stored != address(0) && !bonds[p][r.stored].banned) --bonds[p][r.stored].locks;
        r.stored = address(0);
    }

    function _settle(uint256 p, uint256 round) internal {
        RoundGhost storage r = rounds[p][round];
        r.settled = true;
        r.digest = lens.digest(market, p, round, SEATS);
        --projects[p].openRounds;
    }

    // ----- the reference -----

    function _referenceRevealed(uint256 p, uint256 round) internal view returns (bool) {
        return uint256(slots[p][round][SEATS]) >= 1 << 216;
    }

    function _referenceClosed(uint256 p, uint256 round) internal view returns (bool) {
        return slots[p][round][SEATS] != 0 && !_referenceRevealed(p, round);
    }

    /// COMMIT does not end early without it: in round 1, and as long as it revealed in the round before.
    function _referenceAwaited(uint256 p, uint256 round) internal view returns (bool) {
        if (_reference(p) == address(0) || round == 0 || slots[p][round][SEATS] != 0) return false;
        return round == 1 || _referenceRevealed(p, round - 1);
    }

    // ----- readings -----

    function _view(uint256 p) internal view returns (ProjectView memory) {
        return market.projectOf(p);
    }

    function _phase(uint256 p, uint256 round) internal view returns (Phase) {
        return market.phaseOf(p, round);
    }

    function _running(uint256 p) internal view returns (bool) {
        return !projects[p].stopped && time < _endDate(p);
    }

    // ----- time and edges (I-15) -----

    /// Lets time pass from deadline to deadline, so that no phase of any round goes unseen.
    function _at(uint256 moment) internal {
        while (time < moment) {
            uint256 next = moment;
            for (uint256 p = 1; p <= PROJECTS; ++p) {
                uint256 end = _nextPhaseEnd(p);
                if (end < next) next = end;
            }
            time = next;
            vm.warp(next);
            for (uint256 p = 1; p <= PROJECTS; ++p) {
                _watch(p);
            }
        }
    }

    /// The next time at which a round's phase changes by itself.
    function _nextPhaseEnd(uint256 p) private view returns (uint256 next) {
        next = type(uint256).max;
        uint256 head = projects[p].head;
        for (uint256 round = projects[p].low + 1; round <= head; ++round) {
            RoundView memory r = market.roundOf(p, round);
            uint256 end;
            if (r.phase == Phase.Commit) end = r.commitEnd;
            else if (r.phase == Phase.Reveal) end = r.revealEnd;
            else if (r.phase == Phase.Proposed) end = rounds[p][round].standsAt;
            if (end > time && end < next) next = end;
        }
    }

    /// Compares the phase of every round that is not settled with the last one seen. Follows every call and deadline.
    function _watch(uint256 p) internal {
        ProjectGhost storage g = projects[p];
        for (uint256 round = g.low + 1; round <= g.head; ++round) {
            RoundGhost storage r = rounds[p][round];
            Phase phase = _phase(p, round);
            if (phase != r.seen) {
                assertTrue(
                    _edge(r, phase), string.concat("I-15: ", vm.toString(uint8(r.seen)), ">", vm.toString(uint8(phase)))
                );
                r.seen = phase;
            }
            if (!r.settled || g.low + 1 != round) continue;
            ++g.low;
            g.lowPots += r.pot;
        }
    }

    function _edge(RoundGhost storage r, Phase to) private view returns (bool) {
        Phase from = r.seen;
        if (from == Phase.None) return to == Phase.Commit;
        if (from == Phase.Commit) return to == Phase.Reveal || to == Phase.Void;
        if (from == Phase.Reveal) return to == Phase.Aggregate || to == Phase.Void;
        if (from == Phase.Aggregate) return to == Phase.Proposed || to == Phase.Standing || to == Phase.Flat;
        if (from == Phase.Proposed) return to == Phase.Standing || to == Phase.Aggregate;
        if (from == Phase.Standing) return to == Phase.Final || to == Phase.Aggregate;
        // An empty COMMIT that is over reads VOID until `voidRound` settles it, and may still be opened again.
        return from == Phase.Void && to == Phase.Commit && r.seals == 0 && !r.settled;
    }
}
