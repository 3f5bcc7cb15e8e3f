// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Market} from "../../src/Market.sol";
import {Limits} from "../../src/types.sol";

/// The market with its internal conviction in the open, for tests: what a refutation that checks would call.
contract MarketHarness is Market {
    constructor(Limits memory limits_) Market(limits_) {}

    function convict(uint256 project, uint256 round, address refuter) external {
        _convict(project, round, refuter);
    }
}
