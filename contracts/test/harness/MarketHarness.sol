// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Court} from "../../src/Court.sol";
import {Market} from "../../src/Market.sol";
import {Project, Round} from "../../src/state.sol";
import {Limits} from "../../src/types.sol";

/// The market with its internal conviction in the open, for tests: what a refutation that checks does.
contract MarketHarness is Market {
    constructor(Limits memory limits_, address court) Market(limits_, court) {}

    function convict(uint256, uint256, address) external {
        _inCourt();
    }
}

/// The code behind it.
contract CourtHarness is Court {
    constructor(address tree, address rule, address pay) Court(tree, rule, pay) {}

    function convict(uint256 project, uint256 round, address refuter) external onlyInMarket {
        (Project storage p, Round storage r) = _refutable(project, round);
        _convict(p, r, project, round, refuter);
    }
}
