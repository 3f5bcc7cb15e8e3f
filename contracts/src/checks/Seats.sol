// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {Bitmaps} from "../libraries/Bitmaps.sol";
import {Facts} from "./IChecks.sol";

/// What a step takes over the included seats. Entries of a vector stand in calldata from `offset` on, 8 bytes each.
library Seats {
    uint256 internal constant NONE = type(uint256).max;
    uint256 private constant WORD = 256;

    /// Number of included seats; bits past the last seat do not count.
    function count(Facts calldata f) internal pure returns (uint256 n) {
        for (uint256 first; first < f.seats; first += WORD) {
            n += Bitmaps.popcount(_bits(f, first));
        }
    }

    /// Entries of the included seats but seat `but`, in order of seats.
    function gather(Facts calldata f, uint256 offset, uint256 but) internal pure returns (int256[] memory values) {
        values = new int256[](f.seats);
        uint256 to;
        assembly ("memory-safe") {
            to := add(values, 32)
        }
        for (uint256 first; first < f.seats; first += WORD) {
            uint256 bits = _bits(f, first);
            // Every entry up to the last bit is written, and kept by moving on. SAFETY: no more were kept than looked at,
            // so `to` stays in `values`.
            assembly ("memory-safe") {
                for { let seat := first } bits { bits := shr(1, bits) } {
                    mstore(to, sar(192, calldataload(add(offset, shl(3, seat)))))
                    to := add(to, shl(5, and(bits, iszero(eq(seat, but)))))
                    seat := add(seat, 1)
                }
            }
        }
        assembly ("memory-safe") {
            mstore(values, shr(5, sub(sub(to, values), 32)))
        }
    }

    /// Shortens `values`, one a seat, to those of the included seats.
    function keep(Facts calldata f, int256[] memory values) internal pure {
        uint256 to;
        assembly ("memory-safe") {
            to := add(values, 32)
        }
        for (uint256 first; first < f.seats; first += WORD) {
            uint256 bits = _bits(f, first);
            assembly ("memory-safe") {
                for { let from := add(add(values, 32), shl(5, first)) } bits { bits := shr(1, bits) } {
                    mstore(to, mload(from))
                    to := add(to, shl(5, and(bits, 1)))
                    from := add(from, 32)
                }
            }
        }
        assembly ("memory-safe") {
            mstore(values, shr(5, sub(sub(to, values), 32)))
        }
    }

    /// Sum of the entries of all seats: those of seats that are not included are zero.
    function sum(uint256 offset, uint256 seats) internal pure returns (int256 total) {
        // SAFETY: 64 bits each.
        assembly ("memory-safe") {
            for { let end := add(offset, shl(3, seats)) } lt(offset, end) { offset := add(offset, 8) } {
                total := add(total, sar(192, calldataload(offset)))
            }
        }
    }

    /// Inner product of two vectors; entries of seats that are not included are zero. SAFETY: N < 2^16 terms of 126 bits.
    function dot(uint256 x, uint256 y, uint256 seats) internal pure returns (int256 sum) {
        assembly ("memory-safe") {
            for { let end := add(x, shl(3, seats)) } lt(x, end) { x := add(x, 8) } {
                sum := add(sum, mul(sar(192, calldataload(x)), sar(192, calldataload(y))))
                y := add(y, 8)
            }
        }
    }

    /// The first seat with the largest entry of a vector, and the entry.
    function firstLargest(uint256 offset, uint256 seats) internal pure returns (uint256 seat, int256 largest) {
        assembly ("memory-safe") {
            largest := sar(192, calldataload(offset))
            for { let k := 1 } lt(k, seats) { k := add(k, 1) } {
                let value := sar(192, calldataload(add(offset, shl(3, k))))
                if sgt(value, largest) {
                    largest := value
                    seat := k
                }
            }
        }
    }

    /// Word of the bitmap from seat `first` on, without bits past the last seat.
    function _bits(Facts calldata f, uint256 first) private pure returns (uint256 bits) {
        bits = f.included[first / WORD];
        uint256 left = f.seats - first;
        if (left < WORD) bits &= (1 << left) - 1;
    }
}
