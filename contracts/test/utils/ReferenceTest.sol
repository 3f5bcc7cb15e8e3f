// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {MarketTest} from "./MarketTest.sol";

/// Rounds of a project whose owner has a reference: one more update, by a key of its own, in the slot after the seats.
abstract contract ReferenceTest is MarketTest {
    address internal key = makeAddr("reference");

    function setUp() public virtual override {
        referenceKey = key;
        super.setUp();
    }

    // ----- what the reference submits -----

    function _referenceSeal(uint256 round) internal view returns (bytes32) {
        return _sealOf(P, round, key, market.roundOf(P, round).baseRoot, _root(round, SEATS), _salt(round, SEATS));
    }

    function _sealReference(uint256 round) internal {
        bytes32 value = _referenceSeal(round);
        vm.prank(key);
        market.sealReference(P, round, value);
    }

    function _revealReference(uint256 round) internal {
        vm.prank(key);
        market.revealReference(P, round, _root(round, SEATS), _salt(round, SEATS), keccak256("file"));
    }

    // ----- rounds -----

    /// The expected trainers and the reference have sealed; COMMIT is over.
    function _toReveal() internal returns (uint256 round) {
        round = _open();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _seal(round, seat);
        }
        _sealReference(round);
    }

    /// They have revealed too.
    function _toResult() internal returns (uint256 round) {
        round = _toReveal();
        for (uint256 seat; seat < EXPECTED; ++seat) {
            _reveal(round, seat);
        }
        _revealReference(round);
    }

    /// And `poster` has posted a complete result.
    function _toStandingWith(address poster) internal returns (uint256 round) {
        round = _toResult();
        _warpPastFirstRight(poster, round);
        _post(poster, round);
    }

    /// Empties the slot of the reference, as no call can: what a check says of it then.
    function _forgetReference(uint256 round) internal {
        vm.record();
        market.slotOf(P, round, SEATS);
        (bytes32[] memory read,) = vm.accesses(address(market));
        vm.store(address(market), read[read.length - 1], 0);
        assertEq(market.slotOf(P, round, SEATS), 0);
    }
}
