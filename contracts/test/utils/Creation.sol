// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

/// Contracts made from code that the test is not bound to, as `new` would bind it.
library Creation {
    /// The contract, or zero and what its constructor said. No `vm.expectRevert`: where a creation by `create` succeeds
    /// against it, Foundry answers with zero and the test goes on.
    function attempt(bytes memory code, bytes memory arguments) internal returns (address made, bytes memory said) {
        code = bytes.concat(code, arguments);
        assembly ("memory-safe") {
            made := create(0, add(code, 32), mload(code))
            said := mload(0x40)
            mstore(0x40, add(said, add(32, returndatasize())))
            mstore(said, returndatasize())
            returndatacopy(add(said, 32), 0, returndatasize())
        }
    }
}
