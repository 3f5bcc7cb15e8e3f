// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarket} from "../../src/interfaces/IMarket.sol";

/// Takes no coin.
contract Refusing {
    receive() external payable {
        revert("no");
    }
}

/// Answers with as much data as its gas allows, which whoever copies it would pay for.
contract Bombing {
    receive() external payable {
        assembly {
            return(0, 1000000) // a mock: Solidity has no other way to return that much
        }
    }
}

/// Withdraws again while it is being paid.
contract Greedy {
    IMarket private immutable MARKET;
    bytes4 public refusal;

    constructor(IMarket market) {
        MARKET = market;
    }

    function bond(uint256 project, uint96 amount) external payable {
        MARKET.addBond{value: amount}(project, amount);
        MARKET.removeBond(project, amount);
    }

    function take() external {
        MARKET.withdraw(address(0), address(this));
    }

    receive() external payable {
        try MARKET.withdraw(address(0), address(this)) {}
        catch (bytes memory error_) {
            refusal = bytes4(error_);
        }
    }
}
