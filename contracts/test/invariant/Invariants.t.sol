// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Campaign} from "./Campaign.t.sol";

/// Every step of every run must leave every promise of `Checks` true. One invariant function, because the same campaign
/// would be played again for each.
abstract contract Invariants is Test {
    Campaign internal handler;

    function setUp() public {
        handler = new Campaign(false, _salt());
        targetContract(address(handler));
        bytes4[] memory selectors = new bytes4[](6);
        (selectors[0], selectors[1]) = (handler.check.selector, handler.reached.selector);
        (selectors[2], selectors[3]) = (handler.drain.selector, handler.wealth.selector);
        (selectors[4], selectors[5]) = (handler.play.selector, handler.refusals.selector);
        excludeSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    /// forge-config: default.invariant.include-storage = false
    /// forge-config: default.invariant.include-push-bytes = false
    /// forge-config: default.invariant.dictionary-weight = 0
    function invariant_everyPromiseAfterEveryStep() public {
        handler.check();
    }

    function afterInvariant() public {
        handler.drain(0);
    }

    function _salt() internal pure virtual returns (uint256);
}

/// Half of the runs each: Foundry plays contracts side by side, and the runs of one contract one after another. From one seed
/// it draws the same steps for both; the salt makes other choices of them.
contract InvariantsTest is Invariants {
    function _salt() internal pure override returns (uint256) {
        return 0;
    }
}

contract InvariantsAgainTest is Invariants {
    function _salt() internal pure override returns (uint256) {
        return uint256(keccak256("again"));
    }
}
