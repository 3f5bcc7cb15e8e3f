// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Test} from "forge-std/Test.sol";

import {Handler} from "./Handler.sol";

/// The handler as a contract of its own, in this file, so that it is compiled as tests are: without the optimiser, fast.
contract Campaign is Handler {
    constructor(bool honest) Handler(honest) {}
}

/// Every step of every run must leave every promise of `Checks` true. One invariant function, because the same campaign
/// would be played again for each.
contract InvariantsTest is Test {
    Handler internal handler;

    function setUp() public {
        handler = new Campaign(false);
        targetContract(address(handler));
        bytes4[] memory selectors = new bytes4[](5);
        (selectors[0], selectors[1]) = (handler.check.selector, handler.reached.selector);
        (selectors[2], selectors[3], selectors[4]) =
            (handler.drain.selector, handler.wealth.selector, handler.play.selector);
        excludeSelector(FuzzSelector({addr: address(handler), selectors: selectors}));
    }

    function invariant_everyPromiseAfterEveryStep() public {
        handler.check();
    }

    function afterInvariant() public {
        handler.drain(0);
    }
}
