// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Account as SeatAccount, Opening, Phase, ProjectView, RoundView} from "../../src/types.sol";
import {Books} from "./Books.sol";

/// What trainers do: each call is built to be valid, and says in the ledger what it must change. The functions return
/// false where nothing of the kind is possible now.
abstract contract Trainers is Books {
    // ----- seats -----

    function _register(uint256 p) internal returns (bool) {
        if (!_running(p)) return false;
        (bool free, uint256 seat) = _freeSeat(p);
        (bool idle, uint256 i) = _idleSigner(p);
        if (!free || !idle) return false;
        uint256 stake = _unit(p) * (1 + _draw(3));
        market.register{value: _ready(p, _signer(i), stake)}(
            p, uint16(seat), _payout(i), uint96(stake), new bytes32[](0)
        );

        _entered(p, stake);
        want[p].stakes += stake;
        if (tenures[p][seat].length != 0) ++reached["rejoin"];
        SeatGhost storage s = seats[p][seat];
        (s.signer, s.payout, s.stake, s.joined) = (_signer(i), _payout(i), stake, _view(p).head);
        (s.first, s.last, s.revealed) = (0, 0, false);
        ++reached["register"];
        return true;
    }

    function _addStake(uint256 p) internal returns (bool) {
        (bool found, uint256 seat) = _heldSeat(p);
        if (!found) return false;
        uint256 amount = 1 + _draw(_unit(p));
        market.addStake{value: _ready(p, watcher, amount)}(p, uint16(seat), uint96(amount));

        _entered(p, amount);
        want[p].stakes += amount;
        seats[p][seat].stake += amount;
        ++reached["addStake"];
        return true;
    }

    /// The holder leaves, or anyone sends it away, when all that it sealed is terminal.
    function _leave(uint256 p, bool evict) internal returns (bool) {
        ProjectView memory v = _view(p);
        uint256 start = _draw(SEATS);
        for (uint256 i; i < SEATS; ++i) {
            uint256 seat = (start + i) % SEATS;
            SeatGhost storage s = seats[p][seat];
            if (s.signer == address(0) || s.last > v.terminalUpTo) continue;
            if (evict && v.head < 16 + (s.last > s.joined ? s.last : s.joined)) continue;
            _depart(p, seat, v.lastFinal, evict);
            return true;
        }
        return false;
    }

    function _depart(uint256 p, uint256 seat, uint256 final_, bool evict) internal {
        SeatGhost storage s = seats[p][seat];
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _proof(p, final_, seat);
        vm.prank(evict ? outsider : s.signer);
        if (evict) market.evict(p, uint16(seat), account, opening, proof);
        else market.leave(p, uint16(seat), account, opening, proof);

        _debit(p, seat);
        uint256 pay = account.pay > s.claimed ? account.pay - s.claimed : 0;
        if (pay > want[p].bucket) pay = want[p].bucket;
        uint256 penalty = account.penalty > s.penaltyTaken ? account.penalty - s.penaltyTaken : 0;
        if (penalty > s.stake) penalty = s.stake;
        if (account.pay > s.claimed) s.claimed = account.pay;
        if (account.penalty > s.penaltyTaken) s.penaltyTaken = account.penalty;
        want[p].bucket -= pay;
        want[p].pool += penalty;
        want[p].stakes -= s.stake;
        projects[p].claimed += pay;
        projects[p].stakeLost += penalty;
        if (penalty != 0) ++reached["penalty"];
        _earn(p, s.payout, pay + s.stake - penalty);
        tenures[p][seat].push(TenureGhost(s.payout, s.first, s.last));
        (s.signer, s.payout, s.stake) = (address(0), address(0), 0);
        ++reached[evict ? "evict" : "leave"];
    }

    // ----- rounds -----

    function _maySeal(uint256 p, uint256 round, uint256 seat) internal view returns (bool) {
        SeatGhost storage s = seats[p][seat];
        return s.signer != address(0) && slots[p][round][seat] == 0 && s.stake >= _due(p, seat) + _unit(p);
    }

    /// Whether the first seal of the head would be accepted: its base is the model that stands below.
    function _freshHead(uint256 p) internal view returns (bool) {
        ProjectView memory v = _view(p);
        if (rounds[p][v.head].seals != 0) return true;
        return v.tip + 1 == v.head && market.roundOf(p, v.head).baseRoot == market.resultOf(p, v.lastResult).modelRoot;
    }

    /// Seats of the head that may seal do so, each with a chance of `percent`.
    function _sealSome(uint256 p, uint256 percent) internal returns (bool any) {
        uint256 round = _view(p).head;
        if (_phase(p, round) != Phase.Commit || !_freshHead(p)) return false;
        for (uint256 seat; seat < SEATS && _phase(p, round) == Phase.Commit; ++seat) {
            if (!_maySeal(p, round, seat) || _draw(100) >= percent) continue;
            _sealOne(p, round, seat);
            any = true;
        }
    }

    function _sealOne(uint256 p, uint256 round, uint256 seat) internal {
        // Equal updates of different seats are no fault of anybody (I-24).
        bytes32 root = keccak256(abi.encode("update", p, round, _draw(3))) | bytes32(uint256(1) << 255);
        bytes32 value = _sealValue(p, round, seats[p][seat].signer, root);
        (bool copy, bytes32 other) = _foreignSeal(p, round);
        if (copy && _draw(8) == 0) (value, root) = (other, 0);
        vm.prank(seats[p][seat].signer);
        market.seal(p, round, seat, value);

        _debit(p, seat);
        slots[p][round][seat] = value;
        roots[p][round][seat] = root;
        ++rounds[p][round].seals;
        (seats[p][seat].last, seats[p][seat].revealed) = (round, false);
        if (root == 0) ++reached["copySeal"];
        ++reached["seal"];
        _watch(p);
    }

    function _salt(uint256 p, uint256 round, address signer) internal pure returns (bytes32) {
        return keccak256(abi.encode("salt", p, round, signer));
    }

    function _sealValue(uint256 p, uint256 round, address signer, bytes32 root) internal view returns (bytes32) {
        bytes32 base = market.roundOf(p, round).baseRoot;
        bytes32 full = keccak256(
            abi.encode(
                keccak256("fairtrain/seal/1"),
                block.chainid,
                address(market),
                p,
                round,
                signer,
                base,
                root,
                _salt(p, round, signer)
            )
        );
        return full & bytes32((uint256(1) << 216) - 1);
    }

    function _foreignSeal(uint256 p, uint256 round) private view returns (bool, bytes32) {
        for (uint256 seat; seat < SEATS; ++seat) {
            if (slots[p][round][seat] != 0) return (true, slots[p][round][seat]);
        }
        return (false, 0);
    }

    function _mayReveal(uint256 p, uint256 round, uint256 seat) internal view returns (bool) {
        uint256 slot = uint256(slots[p][round][seat]);
        return slot != 0 && slot < 1 << 216 && roots[p][round][seat] != 0;
    }

    /// Sealed seats of the head reveal, in a random order, each with a chance of `percent`.
    function _revealSome(uint256 p, uint256 percent) internal returns (bool any) {
        uint256 round = _view(p).head;
        uint256 start = _draw(SEATS);
        for (uint256 i; i < SEATS && _phase(p, round) == Phase.Reveal; ++i) {
            uint256 seat = (start + i) % SEATS;
            if (!_mayReveal(p, round, seat) || _draw(100) >= percent) continue;
            _revealOne(p, round, seat);
            any = true;
        }
    }

    function _revealOne(uint256 p, uint256 round, uint256 seat) internal {
        SeatGhost storage s = seats[p][seat];
        bytes32 root = roots[p][round][seat];
        bytes32 salt = _salt(p, round, s.signer);
        vm.prank(s.signer);
        market.reveal(p, round, seat, root, salt, keccak256("file"));

        slots[p][round][seat] = root;
        RoundGhost storage r = rounds[p][round];
        ++r.reveals;
        r.sum = (r.sum + uint128(uint256(keccak256(abi.encode(s.signer, root, salt))))) & type(uint128).max;
        s.revealed = true;
        if (s.first == 0) s.first = round;
        ++reached["reveal"];
        _watch(p);
    }

    /// One sealed seat says nothing until REVEAL is over; all others reveal.
    function _withhold(uint256 p) internal returns (bool) {
        uint256 round = _view(p).head;
        if (_phase(p, round) != Phase.Reveal) return false;
        // Where only the reference has not revealed, no seat has anything to withhold.
        if (rounds[p][round].reveals == rounds[p][round].seals) return false;
        uint256 silent = _draw(SEATS);
        while (uint256(slots[p][round][silent]) == 0 || uint256(slots[p][round][silent]) >= 1 << 216) {
            silent = (silent + 1) % SEATS;
        }
        for (uint256 seat; seat < SEATS; ++seat) {
            if (seat != silent && _phase(p, round) == Phase.Reveal && _mayReveal(p, round, seat)) {
                _revealOne(p, round, seat);
            }
        }
        _at(market.roundOf(p, round).revealEnd);
        ++reached["withhold"];
        return true;
    }

    /// COMMIT runs out though active seats have not sealed.
    function _absent(uint256 p) internal returns (bool) {
        RoundView memory r = market.roundOf(p, _view(p).head);
        if (r.phase != Phase.Commit) return false;
        _at(r.commitEnd);
        ++reached["absent"];
        return true;
    }

    // ----- pay -----

    function _claim(uint256 p) internal returns (bool) {
        uint256 head = _view(p).head;
        uint256 start = _draw(head * SEATS + 1);
        for (uint256 i; i < head * SEATS; ++i) {
            uint256 at_ = (start + i) % (head * SEATS);
            (uint256 round, uint256 seat) = (1 + at_ / SEATS, at_ % SEATS);
            if (rounds[p][round].seen != Phase.Final || seats[p][seat].signer == address(0)) continue;
            (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _proof(p, round, seat);
            SeatGhost storage s = seats[p][seat];
            if (account.pay <= s.claimed || account.pay - s.claimed > want[p].bucket) continue;
            vm.prank(outsider);
            market.claim(p, round, uint16(seat), account, opening, proof);

            uint256 due = account.pay - s.claimed;
            s.claimed = account.pay;
            want[p].bucket -= due;
            projects[p].claimed += due;
            _earn(p, s.payout, due);
            ++reached["claim"];
            return true;
        }
        return false;
    }

    function _claimFlat(uint256 p) internal returns (bool) {
        uint256 head = _view(p).head;
        for (uint256 round = 1; round <= head; ++round) {
            RoundGhost storage r = rounds[p][round];
            if (r.seen != Phase.Flat || r.shares == r.reveals) continue;
            uint256 seat = _draw(SEATS);
            while (uint256(slots[p][round][seat]) < 1 << 216 || flatPaid[p][round][seat] != 0) seat = (seat + 1) % SEATS;
            (uint256 tenure, address payout) = _tenureIn(p, round, seat);
            vm.prank(outsider);
            market.claimFlat(p, round, uint16(seat), tenure);

            ++flatPaid[p][round][seat];
            ++r.shares;
            r.pot -= r.share;
            if (round <= projects[p].low) projects[p].lowPots -= r.share;
            want[p].pots -= r.share;
            _earn(p, payout, r.share);
            ++reached["claimFlat"];
            return true;
        }
        return false;
    }

    /// Who held the seat in `round`: by the order of tenures, the present holder last.
    function _tenureIn(uint256 p, uint256 round, uint256 seat) internal view returns (uint256 i, address payout) {
        TenureGhost[] storage past = tenures[p][seat];
        for (; i < past.length; ++i) {
            if (past[i].first != 0 && past[i].first <= round && round <= past[i].last) return (i, past[i].payout);
        }
        payout = seats[p][seat].payout;
    }

    // ----- choosing -----

    function _freeSeat(uint256 p) private returns (bool, uint256 seat) {
        seat = _draw(SEATS);
        for (uint256 i; i < SEATS; ++i) {
            if (seats[p][seat].signer == address(0)) return (true, seat);
            seat = (seat + 1) % SEATS;
        }
        return (false, seat);
    }

    function _heldSeat(uint256 p) internal returns (bool, uint256 seat) {
        seat = _draw(SEATS);
        for (uint256 i; i < SEATS; ++i) {
            if (seats[p][seat].signer != address(0)) return (true, seat);
            seat = (seat + 1) % SEATS;
        }
        return (false, seat);
    }

    function _idleSigner(uint256 p) private returns (bool, uint256 i) {
        i = _draw(SIGNERS);
        for (uint256 k; k < SIGNERS; ++k) {
            bool seated;
            for (uint256 seat; seat < SEATS; ++seat) {
                seated = seated || seats[p][seat].signer == _signer(i);
            }
            if (!seated) return (true, i);
            i = (i + 1) % SIGNERS;
        }
        return (false, i);
    }
}
