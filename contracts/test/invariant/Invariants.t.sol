// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Handler} from "./Handler.sol";

/// Every step of every run must leave every promise of `Checks` true. One invariant function, because the same campaign
/// would be played again for each.
contract InvariantsTest is Test {
    Handler internal handler;

    function setUp() public {
        handler = new Handler(false);
        targetContract(address(handler));
        bytes4[] memory selectors = new bytes4[](2);
        (selectors[0], selectors[1]) = (Handler.check.selector, bytes4(keccak256("reached(string)")));
        excludeSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    function invariant_everyPromiseAfterEveryStep() public {
        handler.check();
    }
}
