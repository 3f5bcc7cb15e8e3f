// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// An ordinary ERC-20, and the base of those that are not.
contract Plain is ERC20 {
    constructor() ERC20("Plain", "PLN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// Keeps one per cent of every transfer.
contract TakesFee is Plain {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(this), amount / 100);
    }
}

/// Gives the receiver more than was sent.
contract GivesMore is Plain {
    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(address(0), to, 1);
    }
}

/// `transfer` and `transferFrom` return nothing, as USDT's do.
contract ReturnsNothing {
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true; // the market never asks for this one
    }

    function transfer(address to, uint256 amount) external {
        _move(msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
    }

    function _move(address from, address to, uint256 amount) private {
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// Says no by returning false instead of reverting, whenever `refusing`.
contract ReturnsFalse is Plain {
    bool public refusing;

    function refuse(bool yes) external {
        refusing = yes;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return !refusing && super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return !refusing && super.transferFrom(from, to, amount);
    }
}

/// Says yes and moves nothing.
contract MovesNothing is Plain {
    function transferFrom(address, address, uint256) public pure override returns (bool) {
        return true;
    }
}

/// Its issuer may block accounts and stop all transfers, as USDC's may.
contract Blocks is Plain {
    error Blocked(address account);
    error Paused();

    mapping(address account => bool) public blocked;
    bool public paused;

    function block_(address account, bool yes) external {
        blocked[account] = yes;
    }

    function pause(bool yes) external {
        paused = yes;
    }

    function _update(address from, address to, uint256 amount) internal override {
        if (paused) revert Paused();
        if (blocked[from]) revert Blocked(from);
        if (blocked[to]) revert Blocked(to);
        super._update(from, to, amount);
    }
}

/// Refuses to move nothing, as some old tokens do.
contract RevertsOnZero is Plain {
    error Zero();

    function _update(address from, address to, uint256 amount) internal override {
        if (amount == 0) revert Zero();
        super._update(from, to, amount);
    }
}

/// Amounts with six decimals.
contract SixDecimals is Plain {
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}

/// Amounts with twenty-four decimals: a whole coin is a large part of 96 bits.
contract ManyDecimals is Plain {
    function decimals() public pure override returns (uint8) {
        return 24;
    }
}

/// Moves what it should and returns false, as some tokens of gold did.
contract MovesAndReturnsFalse is Plain {
    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        super.transferFrom(from, to, amount);
        return false;
    }
}

/// An ordinary token until its issuer turns a fee on.
contract TakesFeeLater is Plain {
    uint256 public percent;

    function setFee(uint256 percent_) external {
        percent = percent_;
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (from != address(0) && to != address(0)) super._update(to, address(this), amount * percent / 100);
    }
}

/// A second address of a token: both move the same balances, as some tokens behind proxies did.
contract SecondDoor {
    Doubled public immutable TOKEN;

    constructor(Doubled token) {
        TOKEN = token;
    }

    function mint(address to, uint256 amount) external {
        TOKEN.mint(to, amount);
    }

    function balanceOf(address account) external view returns (uint256) {
        return TOKEN.balanceOf(account);
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        return TOKEN.approveFor(msg.sender, spender, amount);
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        return TOKEN.moveFor(msg.sender, msg.sender, to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        return TOKEN.moveFor(msg.sender, from, to, amount);
    }
}

contract Doubled is Plain {
    SecondDoor public door;

    constructor() {
        door = new SecondDoor(this);
    }

    function approveFor(address owner, address spender, uint256 amount) external returns (bool) {
        require(msg.sender == address(door));
        _approve(owner, spender, amount);
        return true;
    }

    function moveFor(address spender, address from, address to, uint256 amount) external returns (bool) {
        require(msg.sender == address(door));
        if (spender != from) _spendAllowance(from, spender, amount);
        _transfer(from, to, amount);
        return true;
    }
}

/// Balances change without a transfer.
contract Rebases is Plain {
    function rebase(address account, uint256 balance) external {
        uint256 now_ = balanceOf(account);
        if (balance > now_) _mint(account, balance - now_);
        else _burn(account, now_ - balance);
    }
}

/// Calls somebody before and after every transfer, as ERC-777 tokens do; what the callee is told to do is kept, and so is
/// whether it was let in.
contract CallsBack is Plain {
    address public target;
    bytes public data;
    bool public tried;
    bool public done;
    bytes public answer;
    bool private inside;

    function plan(address target_, bytes calldata data_) external {
        (target, data, tried, done) = (target_, data_, false, false);
    }

    function _update(address from, address to, uint256 amount) internal override {
        _call();
        super._update(from, to, amount);
        _call();
    }

    function _call() private {
        if (target == address(0) || inside) return;
        inside = true;
        bool success;
        (success, answer) = target.call(data);
        tried = true;
        done = done || success;
        inside = false;
    }
}

// ----- receivers of native coin -----

/// Acts for the test and receives in an unkind way.
abstract contract Receiver {
    /// Calls `target` as this account.
    function act(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool done, bytes memory result) = target.call{value: msg.value}(data);
        if (done) return result;
        assembly {
            revert(add(result, 32), mload(result))
        }
    }
}

contract Reverts is Receiver {
    receive() external payable {
        revert("no, thank you");
    }
}

/// Uses all gas that it is given.
contract BurnsGas is Receiver {
    receive() external payable {
        assembly {
            invalid()
        }
    }
}

/// Returns, or reverts with, a megabyte: a caller that copies it pays for it.
contract ReturnsBomb is Receiver {
    bool public reverting;

    function set(bool yes) external {
        reverting = yes;
    }

    receive() external payable {
        bool r = reverting;
        assembly {
            if r {
                revert(0, 1000000)
            }
            return(0, 1000000)
        }
    }
}

/// Calls back when it is paid.
contract Reenters is Receiver {
    address private target;
    bytes[] private plans;
    uint256 public tries;
    uint256 public entered;

    function plan(address target_, bytes calldata data) external {
        target = target_;
        plans.push(data);
    }

    receive() external payable {
        for (uint256 i; i < plans.length; ++i) {
            (bool done,) = target.call(plans[i]);
            ++tries;
            if (done) ++entered;
        }
    }
}
