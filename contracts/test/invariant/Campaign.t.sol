// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Handler} from "./Handler.sol";

/// The handler as a contract of its own. It is in a test file so that it is compiled as tests are: fast.
contract Campaign is Handler {
    constructor(bool honest, uint256 salt) Handler(honest, salt) {}
}
