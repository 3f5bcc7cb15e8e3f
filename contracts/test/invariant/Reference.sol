// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts, IRegistry} from "../../src/interfaces/IMarket.sol";
import {Phase, RoundView} from "../../src/types.sol";
import {Trainers} from "./Trainers.sol";

/// What the owner's reference does. It moves no money and no count: the ledger notes its slot and its part of the seed.
abstract contract Reference is Trainers {
    function _referenceRoot(uint256 p, uint256 round) private pure returns (bytes32) {
        return keccak256(abi.encode("reference", p, round)) | bytes32(uint256(1) << 255);
    }

    /// Seals or reveals in the head, where it may.
    function _referenceActs(uint256 p) internal returns (bool) {
        uint256 round = _view(p).head;
        Phase phase = _phase(p, round);
        if (phase == Phase.Commit) return _sealReference(p, round);
        return phase == Phase.Reveal && _revealReference(p, round);
    }

    function _sealReference(uint256 p, uint256 round) private returns (bool) {
        bool may = _reference(p) != address(0) && slots[p][round][SEATS] == 0 && rounds[p][round].seals != 0;
        if (!may) return false;
        bytes32 value = _sealValue(p, round, _reference(p), _referenceRoot(p, round));
        bool awaited = _referenceAwaited(p, round);
        vm.prank(_reference(p));
        market.sealReference(p, round, value);

        slots[p][round][SEATS] = value;
        ++reached[awaited ? "sealReference" : "referenceBack"];
        if (_phase(p, round) == Phase.Reveal) ++reached["referenceEndsCommit"];
        _watch(p);
        return true;
    }

    function _revealReference(uint256 p, uint256 round) private returns (bool) {
        if (!_referenceClosed(p, round)) return false;
        (bytes32 root, bytes32 salt) = (_referenceRoot(p, round), _salt(p, round, _reference(p)));
        vm.prank(_reference(p));
        market.revealReference(p, round, root, salt, keccak256("file"));

        slots[p][round][SEATS] = root;
        RoundGhost storage r = rounds[p][round];
        r.sum = (r.sum + uint128(uint256(keccak256(abi.encode(_reference(p), root, salt))))) & type(uint128).max;
        ++reached["revealReference"];
        if (_phase(p, round) == Phase.Aggregate) ++reached["referenceEndsReveal"];
        _watch(p);
        return true;
    }

    /// It says nothing until the phase that waits for it is over.
    function _referenceSilent(uint256 p) internal returns (bool) {
        uint256 round = _view(p).head;
        RoundView memory r = market.roundOf(p, round);
        if (r.phase == Phase.Commit && r.sealCount != 0 && r.referenceAwaited) _at(r.commitEnd);
        else if (r.phase == Phase.Reveal && _referenceClosed(p, round)) _at(r.revealEnd);
        else return false;
        ++reached["referenceSilent"];
        return true;
    }

    // ----- what it may not do -----

    function _referenceRefused(address who, bytes memory call_, bytes4 error_) private returns (bool) {
        vm.prank(who);
        (bool done, bytes memory data) = address(market).call(call_);
        assertFalse(done, "must be refused");
        assertEq(bytes4(data), error_, "refused for another reason");
        return true;
    }

    /// A seal or reveal of the reference by somebody else, before a trainer's, twice, or in another phase.
    function _refuseReference(uint256 p) internal returns (bool) {
        uint256 round = _view(p).head;
        Phase phase = _phase(p, round);
        bytes memory sealing = abi.encodeCall(IRegistry.sealReference, (p, round, bytes32(uint256(1))));
        bytes memory revealing = abi.encodeCall(
            IRegistry.revealReference, (p, round, _referenceRoot(p, round), _salt(p, round, outsider), bytes32(0))
        );
        if (phase == Phase.Commit) {
            if (_draw(2) == 0 || _reference(p) == address(0)) {
                return _referenceRefused(outsider, sealing, IMarketFacts.MarketNotSigner.selector);
            }
            if (slots[p][round][SEATS] != 0) {
                return _referenceRefused(_reference(p), sealing, IMarketFacts.MarketAlreadySealed.selector);
            }
            if (rounds[p][round].seals != 0) return false;
            return _referenceRefused(_reference(p), sealing, IMarketFacts.MarketNobodySealed.selector);
        }
        if (phase != Phase.Reveal) {
            return _referenceRefused(_reference(p), revealing, IMarketFacts.MarketWrongPhase.selector);
        }
        if (_reference(p) == address(0)) return false;
        bytes4 error_ = IMarketFacts.MarketNotSealed.selector;
        if (_referenceClosed(p, round)) error_ = IMarketFacts.MarketSealMismatch.selector;
        return _referenceRefused(_reference(p), revealing, error_);
    }

    /// The key takes no seat.
    function _refuseReferenceSeat(uint256 p) internal returns (bool) {
        if (!_running(p) || _reference(p) == address(0)) return false;
        for (uint256 seat; seat < SEATS; ++seat) {
            if (seats[p][seat].signer != address(0)) continue;
            uint96 stake = _unit(p);
            bytes memory call_ =
                abi.encodeCall(IRegistry.register, (p, uint16(seat), outsider, stake, new bytes32[](0)));
            uint256 value = _ready(p, _reference(p), stake);
            (bool done, bytes memory data) = address(market).call{value: value}(call_);
            assertFalse(done, "must be refused");
            assertEq(bytes4(data), IMarketFacts.MarketAlreadySeated.selector, "refused for another reason");
            return true;
        }
        return false;
    }
}
