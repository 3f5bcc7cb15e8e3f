// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Check, Facts, IChecks} from "../../src/checks/IChecks.sol";

/// Checks that answer what evidence tells them: 1 byte is the answer; 32 bytes are the hash of everything that the court
/// must have passed, and the number is wrong iff it did; anything else does not fit.
abstract contract ChecksMock is IChecks {
    error MarketEvidenceLength(uint256 read, uint256 given);

    function wrong(Facts calldata f, Check check, uint256 a, uint256 b, uint256 c, bytes calldata evidence)
        external
        pure
        returns (bool)
    {
        if (evidence.length == 1) return evidence[0] != 0;
        if (evidence.length != 32) revert MarketEvidenceLength(0, evidence.length);
        return keccak256(abi.encode(_kind(), f, check, a, b, c)) == bytes32(evidence);
    }

    function _kind() internal pure virtual returns (string memory);
}

contract TreeMock is ChecksMock {
    function _kind() internal pure override returns (string memory) {
        return "tree";
    }
}

contract RuleMock is ChecksMock {
    function _kind() internal pure override returns (string memory) {
        return "rule";
    }
}

contract PayMock is ChecksMock {
    function _kind() internal pure override returns (string memory) {
        return "pay";
    }
}
