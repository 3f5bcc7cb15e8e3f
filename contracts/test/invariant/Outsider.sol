// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ICourt, IMarket, IMarketFacts, IRegistry} from "../../src/interfaces/IMarket.sol";
import {Account as SeatAccount, Opening, Phase, Post, ProjectView, Refutation} from "../../src/types.sol";
import {ChecksMock} from "../mocks/ChecksMock.sol";
import {Plain} from "../tokens/Mocks.sol";
import {Anyone} from "./Anyone.sol";

/// What must be refused in the present state, each with its own error, and money that nobody asked for.
abstract contract Outsider is Anyone {
    uint256 internal constant REFUSALS = 31;

    function _refused(address who, bytes memory call_, bytes4 error_) private returns (bool) {
        vm.prank(who);
        (bool done, bytes memory data) = address(market).call(call_);
        assertFalse(done, "must be refused");
        assertEq(bytes4(data), error_, "refused for another reason");
        return true;
    }

    /// Tries refusal number `kind`; false where the state does not offer it.
    function _refuse(uint256 p, uint256 kind) internal returns (bool) {
        if (kind < 8) return _refuseTrainer(p, kind);
        if (kind < 14) return _refuseMoney(p, kind);
        if (kind < 22) return _refuseRound(p, kind);
        if (kind < 28) return _refuseDispute(p, kind);
        if (kind == 28) return _refuseReference(p);
        return kind == 29 ? _refuseReferenceSeat(p) : _refuseReferenceRow(p);
    }

    // ----- trainers -----

    function _refuseTrainer(uint256 p, uint256 kind) private returns (bool) {
        uint256 round = _view(p).head;
        Phase phase = _phase(p, round);
        uint256 seat = _draw(SEATS);
        SeatGhost storage s = seats[p][seat];
        bytes memory sealing = abi.encodeCall(IMarket.seal, (p, round, seat, bytes32(uint256(1))));
        if (kind == 0) {
            bool commit = phase == Phase.Commit;
            bytes4 error_ = commit ? IMarketFacts.MarketNotSigner.selector : IMarketFacts.MarketWrongPhase.selector;
            return _refused(outsider, sealing, error_);
        }
        if (kind == 1) return _refuseReveal(p, round, phase); // I-22, I-25
        if (s.signer == address(0)) return false;
        if (kind == 2) {
            if (phase != Phase.Commit || slots[p][round][seat] == 0) return false;
            return _refused(s.signer, sealing, IMarketFacts.MarketAlreadySealed.selector); // I-23
        }
        if (kind == 3) return phase == Phase.Commit && _refuseStaleBase(p, seat, sealing);
        if (kind == 4) return _refuseDeparture(p, seat);
        if (kind == 5) {
            bytes memory call_ =
                abi.encodeCall(IRegistry.register, (p, uint16(seat), outsider, _unit(p), new bytes32[](0)));
            return _refusedPaying(p, outsider, _unit(p), call_, _closedOr(p, IMarketFacts.MarketSeatTaken.selector));
        }
        if (kind == 6) return _refuseClaim(p, seat);
        return _refuseFlat(p, seat);
    }

    /// A copied seal, or one that is revealed when it is not REVEAL.
    function _refuseReveal(uint256 p, uint256 round, Phase phase) private returns (bool) {
        for (uint256 seat; seat < SEATS; ++seat) {
            uint256 slot = uint256(slots[p][round][seat]);
            if (slot == 0 || slot >= 1 << 216) continue;
            bool copy = roots[p][round][seat] == 0;
            if (phase == Phase.Reveal && !copy) continue;
            (bytes32 root, bytes32 salt) = _author(p, round, bytes32(slot));
            bytes4 error_ = phase == Phase.Reveal
                ? IMarketFacts.MarketSealMismatch.selector
                : IMarketFacts.MarketWrongPhase.selector;
            return
                _refused(seats[p][seat].signer, abi.encodeCall(IMarket.reveal, (p, round, seat, root, salt, 0)), error_);
        }
        return false;
    }

    /// Root and salt of the trainer whose seal `value` was; some root where it has revealed already.
    function _author(uint256 p, uint256 round, bytes32 value) private view returns (bytes32 root, bytes32 salt) {
        for (uint256 seat; seat < SEATS; ++seat) {
            if (slots[p][round][seat] != value || roots[p][round][seat] == 0) continue;
            return (roots[p][round][seat], _salt(p, round, seats[p][seat].signer));
        }
        root = bytes32(type(uint256).max);
    }

    function _refuseStaleBase(uint256 p, uint256 seat, bytes memory sealing) private returns (bool) {
        if (_freshHead(p)) return false;
        bool order = _view(p).tip + 1 != _view(p).head;
        bytes4 error_ = order ? IMarketFacts.MarketOutOfOrder.selector : IMarketFacts.MarketStaleBase.selector;
        return _refused(seats[p][seat].signer, sealing, error_);
    }

    /// A seat whose last round is not over (I-29), or that nobody may send away yet.
    function _refuseDeparture(uint256 p, uint256 seat) private returns (bool) {
        ProjectView memory v = _view(p);
        SeatGhost storage s = seats[p][seat];
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _proof(p, v.lastFinal, seat);
        if (s.last > v.terminalUpTo) {
            return _refused(
                s.signer,
                abi.encodeCall(IRegistry.leave, (p, uint16(seat), account, opening, proof)),
                IMarketFacts.MarketStakeBound.selector
            );
        }
        bytes memory call_ = abi.encodeCall(IRegistry.evict, (p, uint16(seat), account, opening, proof));
        if (v.head >= 16 + (s.last > s.joined ? s.last : s.joined)) return false;
        return _refused(outsider, call_, IMarketFacts.MarketNotEvictable.selector);
    }

    /// Pay that was taken (I-07), or that the tree does not say.
    function _refuseClaim(uint256 p, uint256 seat) private returns (bool) {
        uint256 final_ = projects[p].lastFinal;
        if (final_ == 0) return false;
        (SeatAccount memory account, Opening memory opening, bytes32[] memory proof) = _proof(p, final_, seat);
        bytes4 error_ = IMarketFacts.MarketNothingDue.selector;
        if (account.pay > seats[p][seat].claimed) {
            account.pay += 1;
            error_ = IMarketFacts.MarketWrongProof.selector;
        }
        return
            _refused(
                outsider, abi.encodeCall(IMarket.claim, (p, final_, uint16(seat), account, opening, proof)), error_
            );
    }

    /// A share that was taken (I-07), or of a seat that did not reveal (I-09).
    function _refuseFlat(uint256 p, uint256 seat) private returns (bool) {
        for (uint256 round = 1; round <= projects[p].head; ++round) {
            if (rounds[p][round].seen != Phase.Flat) continue;
            bool revealed = uint256(slots[p][round][seat]) >= 1 << 216;
            if (revealed && flatPaid[p][round][seat] == 0) continue;
            bytes4 error_ =
                revealed ? IMarketFacts.MarketAlreadyTaken.selector : IMarketFacts.MarketNotRevealed.selector;
            (uint256 tenure,) = _tenureIn(p, round, seat);
            return _refused(outsider, abi.encodeCall(IMarket.claimFlat, (p, round, uint16(seat), tenure)), error_);
        }
        return false;
    }

    // ----- money -----

    function _refuseMoney(uint256 p, uint256 kind) private returns (bool) {
        if (kind == 8) {
            return _refused(outsider, abi.encodeCall(IRegistry.stop, (p)), IMarketFacts.MarketNotOwner.selector);
        }
        if (kind == 9) {
            address account = accounts[_draw(accounts.length)];
            if (credit[p][account] != 0) return false;
            bytes memory call_ = abi.encodeCall(IMarket.withdraw, (_token(p), outsider));
            return _refused(account, call_, IMarketFacts.MarketNothingDue.selector);
        }
        if (kind == 10) {
            bytes4 error_ = IMarketFacts.MarketStillRunning.selector;
            if (!_running(p)) error_ = IMarketFacts.MarketRoundsOpen.selector;
            if (!_running(p) && projects[p].openRounds == 0) return false;
            return _refused(_owner(p), abi.encodeCall(IRegistry.refund, (p)), error_);
        }
        if (kind == 11) {
            address who = aggregators[_draw(aggregators.length)];
            uint96 amount = uint96(bonds[p][who].bond + 1);
            if (bonds[p][who].locks != 0) amount = uint96(bonds[p][who].bond - bonds[p][who].locks * _lock(p) + 1);
            return
                _refused(who, abi.encodeCall(IMarket.removeBond, (p, amount)), IMarketFacts.MarketBondTooLow.selector);
        }
        if (kind == 12) {
            if (_running(p)) return false;
            bytes memory call_ = abi.encodeCall(IMarket.fund, (p, 1));
            return _refusedPaying(p, outsider, 1, call_, _closedOr(p, 0));
        }
        for (uint256 i = HONEST; i < aggregators.length; ++i) {
            if (!bonds[p][aggregators[i]].banned) continue;
            bytes memory call_ = abi.encodeCall(IMarket.addBond, (p, 1));
            return _refusedPaying(p, aggregators[i], 1, call_, IMarketFacts.MarketBanned.selector);
        }
        return false;
    }

    function _closedOr(uint256 p, bytes4 otherwise) private view returns (bytes4) {
        if (projects[p].stopped) return IMarketFacts.MarketProjectStopped.selector;
        return _running(p) ? otherwise : IMarketFacts.MarketProjectEnded.selector;
    }

    function _refusedPaying(uint256 p, address who, uint256 amount, bytes memory call_, bytes4 error_)
        private
        returns (bool)
    {
        uint256 value = _ready(p, who, amount);
        (bool done, bytes memory data) = address(market).call{value: value}(call_);
        assertFalse(done, "must be refused");
        assertEq(bytes4(data), error_, "refused for another reason");
        return true;
    }

    // ----- rounds -----

    function _refuseRound(uint256 p, uint256 kind) private returns (bool) {
        ProjectView memory v = _view(p);
        uint256 round = v.head == 0 ? 1 : 1 + _draw(v.head);
        RoundGhost storage r = rounds[p][round];
        Phase phase = _phase(p, round);
        if (kind == 14) {
            bytes memory call_ = abi.encodeCall(IMarket.finalise, (p, round));
            if (phase != Phase.Standing) return _refused(outsider, call_, IMarketFacts.MarketWrongPhase.selector);
            if (time < _finalDue(p, round)) return _refused(outsider, call_, IMarketFacts.MarketTooEarly.selector);
            return r.openAsks != 0 && _refused(outsider, call_, IMarketFacts.MarketAsksOpen.selector);
        }
        if (kind == 15) {
            bytes memory call_ = abi.encodeCall(IMarket.flatten, (p, round));
            if (phase != Phase.Aggregate) return _refused(outsider, call_, IMarketFacts.MarketWrongPhase.selector);
            if (v.tip + 1 != round) return _refused(outsider, call_, IMarketFacts.MarketOutOfOrder.selector);
            return time < _flatDue(p, round) && _refused(outsider, call_, IMarketFacts.MarketTooEarly.selector);
        }
        if (kind == 16) {
            bytes memory call_ = abi.encodeCall(IMarket.voidRound, (p, round));
            if (phase != Phase.Void) return _refused(outsider, call_, IMarketFacts.MarketWrongPhase.selector);
            return r.settled && _refused(outsider, call_, IMarketFacts.MarketAlreadySettled.selector);
        }
        if (kind == 17) {
            if (r.stored != address(0) && round > v.tip) return false;
            bytes memory call_ = abi.encodeCall(IMarket.release, (p, round));
            return _refused(outsider, call_, IMarketFacts.MarketNothingToRelease.selector);
        }
        if (kind == 18) {
            if ((phase != Phase.Standing && phase != Phase.Proposed) || bonds[p][r.stored].banned) return false;
            bytes memory call_ = abi.encodeCall(IMarket.clear, (p, round));
            return _refused(outsider, call_, IMarketFacts.MarketPosterNotConvicted.selector);
        }
        if (kind == 19) {
            if (phase == Phase.Standing || phase == Phase.Proposed) return false;
            bytes memory call_ = abi.encodeWithSignature("convict(uint256,uint256,address)", p, round, outsider);
            return _refused(outsider, call_, IMarketFacts.MarketWrongPhase.selector);
        }
        if (kind == 20) return _refusePost(p);
        return !_running(p) && _refused(outsider, abi.encodeCall(IMarket.open, (p)), _closedOr(p, 0));
    }

    /// I-36: what a convicted poster left standing never becomes FINAL, however long nobody clears it.
    function _refuseConvicted(uint256 p) internal returns (bool) {
        ProjectView memory v = _view(p);
        for (uint256 round = v.lastFinal + 1; round <= v.tip; ++round) {
            RoundGhost storage r = rounds[p][round];
            if (_phase(p, round) != Phase.Standing || market.resultOf(p, round).prev != v.lastFinal) continue;
            if (!bonds[p][r.stored].banned) return false;
            _at(_finalDue(p, round));
            ++reached["refuseConvicted"];
            bytes memory call_ = abi.encodeCall(IMarket.finalise, (p, round));
            bool waits = r.openAsks != 0;
            bytes4 error_ = waits ? IMarketFacts.MarketAsksOpen.selector : IMarketFacts.MarketBanned.selector;
            return _refused(outsider, call_, error_);
        }
        return false;
    }

    /// A post that knows another result below, or pays more than there is.
    function _refusePost(uint256 p) private returns (bool) {
        (bool found, uint256 round) = _waiting(p);
        if (!found) return false;
        Plan memory plan = Plan(aggregators[0], _revealedSeats(p, round), true, false);
        Post memory post = _draft(p, round, plan);
        bytes4 error_ = IMarketFacts.MarketPaidTooHigh.selector;
        if (_draw(2) == 0) {
            post.prevCommitment = keccak256("another");
            error_ = IMarketFacts.MarketStalePrevious.selector;
        }
        post.paid = uint96(market.roundOf(p, round).pot - _fee(p) + 1);
        return _refused(aggregators[0], abi.encodeCall(IMarket.post, (p, round, post)), error_);
    }

    /// A result with the row of a reference that did not reveal.
    function _refuseReferenceRow(uint256 p) private returns (bool) {
        (bool found, uint256 round) = _waiting(p);
        if (!found || _referenceRevealed(p, round)) return false;
        Post memory post = _draft(p, round, Plan(aggregators[0], _revealedSeats(p, round), true, false));
        post.rows[0] |= 1 << DELTA_ROWS;
        bytes4 error_ = IMarketFacts.MarketReferenceNotRevealed.selector;
        return _refused(aggregators[0], abi.encodeCall(IMarket.post, (p, round, post)), error_);
    }

    // ----- refutations and asks -----

    /// I-33, I-34: a right number, a forged preimage, an ask that has its answer or may still get one: nobody loses a bond.
    function _refuseDispute(uint256 p, uint256 kind) private returns (bool) {
        if (kind < 25) return _refuseRefutation(p, kind);
        for (uint256 at; at < asks.length; ++at) {
            AskGhost storage a = asks[at];
            if (a.p != p) continue;
            if (kind == 25) {
                if (a.open) continue;
                bytes memory call_ = abi.encodeCall(ICourt.convictSilent, (at + 1));
                return _refused(outsider, call_, IMarketFacts.MarketAskClosed.selector);
            }
            if (!a.open || !_stillCounts(a)) continue;
            if (kind == 26) return _refuseAsk(a, at + 1);
            bytes memory data = a.genuine ? _answerTo(a) : new bytes(256 * 32);
            data[0] ^= 0x01;
            bytes memory answer_ = abi.encodeCall(ICourt.answer, (at + 1, data));
            return _refused(outsider, answer_, IMarketFacts.MarketWrongAnswer.selector);
        }
        return false;
    }

    function _refuseRefutation(uint256 p, uint256 kind) private returns (bool) {
        uint256 round = _view(p).tip;
        if (_phase(p, round) != Phase.Proposed && _phase(p, round) != Phase.Standing) return false;
        if (bonds[p][rounds[p][round].stored].banned) return false;
        Refutation memory x = _refutation(p, round, hex"00");
        bytes4 error_ = IMarketFacts.MarketNotRefuted.selector;
        if (kind == 23) {
            x.evidence = hex"01";
            x.roots.gram ^= bytes32(uint256(1));
            error_ = IMarketFacts.MarketWrongOpening.selector;
        }
        if (kind == 24) {
            x.evidence = "";
            error_ = ChecksMock.MarketEvidenceLength.selector;
        }
        return _refused(outsider, abi.encodeCall(ICourt.refute, (p, round, x)), error_);
    }

    function _refuseAsk(AskGhost storage a, uint256 id) private returns (bool) {
        if (time < a.due && _draw(2) == 0) {
            bytes memory call_ = abi.encodeCall(ICourt.convictSilent, (id));
            return _refused(outsider, call_, IMarketFacts.MarketTooEarly.selector);
        }
        return _refused(outsider, abi.encodeCall(ICourt.settleAsk, (id)), IMarketFacts.MarketResultCounts.selector);
    }

    // ----- money that nobody asked for (I-45) -----

    function _force(uint256 p) internal {
        uint256 amount = 1 + _draw(1 ether);
        forced[p] += amount;
        if (p == 2) Plain(coin).mint(address(market), amount);
        else new Bomb{value: _deal(amount)}(payable(address(market)));
        ++reached[p == 2 ? "forceToken" : "forceNative"];
    }

    function _deal(uint256 amount) private returns (uint256) {
        vm.deal(address(this), address(this).balance + amount);
        return amount;
    }
}

/// Leaves its balance to somebody who is not asked.
contract Bomb {
    constructor(address payable heir) payable {
        selfdestruct(heir);
    }
}
