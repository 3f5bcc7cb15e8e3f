// SPDX-License-Identifier: MIT
pragma solidity ^0.8.30;

import {IMarketFacts} from "../interfaces/IMarket.sol";

/// Bitmaps of seats: seat s is bit s mod 256 of word s div 256.
library Bitmaps {
    /// Words that a bitmap of `seats` seats fills exactly.
    function wordsFor(uint256 seats) internal pure returns (uint256) {
        // SAFETY: at most 1,024.
        unchecked {
            return (seats + 255) >> 8;
        }
    }

    function checkLength(uint256[] calldata words, uint256 expected) internal pure {
        if (words.length != expected) revert IMarketFacts.MarketBitmapLength(words.length, expected);
    }

    /// Seats set in the bitmap that starts at word `from` of `words`.
    function countSeats(uint256[] calldata words, uint256 from, uint256 seats) internal pure returns (uint256 set) {
        uint256 end = from + wordsFor(seats);
        // INVARIANT: no bit beyond the last seat, so that equal sets have equal hashes.
        uint256 used = seats & 255;
        if (used != 0 && words[end - 1] >> used != 0) revert IMarketFacts.MarketBitmapRange(words[end - 1], used);
        for (; from < end; ++from) {
            set += popcount(words[from]);
        }
    }

    /// Bits set in a word: sums in fields of 2, 4, 8 bits, then one multiplication adds the 32 bytes.
    function popcount(uint256 x) internal pure returns (uint256) {
        if (x == 0) return 0;
        // The sum of the bytes of a full word would be 256 and wrap in its byte.
        if (x == type(uint256).max) return 256;
        // SAFETY: every field is wide enough for its count; the product is meant to wrap.
        unchecked {
            x -= (x >> 1) & 0x5555555555555555555555555555555555555555555555555555555555555555;
            x = (x & 0x3333333333333333333333333333333333333333333333333333333333333333)
                + ((x >> 2) & 0x3333333333333333333333333333333333333333333333333333333333333333);
            x = (x + (x >> 4)) & 0x0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f;
            return (x * 0x0101010101010101010101010101010101010101010101010101010101010101) >> 248;
        }
    }
}
