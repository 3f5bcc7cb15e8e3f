// Reads a transaction back from the bytes that the wallet will sign. Nothing that the server says about them is used
// for this: names come from the table below, selectors are computed, every word must be accounted for.
"use strict";
(function () {
  const MASK = (1n << 64n) - 1n;
  const ROTATIONS = [[0, 36, 3, 41, 18], [1, 44, 10, 45, 2], [62, 6, 43, 15, 61], [28, 55, 25, 21, 56], [27, 20, 39, 8, 14]];
  const ROUNDS = [0x1n, 0x8082n, 0x800000000000808an, 0x8000000080008000n, 0x808bn, 0x80000001n, 0x8000000080008081n,
    0x8000000000008009n, 0x8an, 0x88n, 0x80008009n, 0x8000000an, 0x8000808bn, 0x800000000000008bn, 0x8000000000008089n,
    0x8000000000008003n, 0x8000000000008002n, 0x8000000000000080n, 0x800an, 0x800000008000000an, 0x8000000080008081n,
    0x8000000000008080n, 0x80000001n, 0x8000000080008008n];
  const turn = (x, n) => (n ? ((x << BigInt(n)) | (x >> BigInt(64 - n))) & MASK : x);

  function permute(a) {
    for (const constant of ROUNDS) {
      const c = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
      for (let x = 0; x < 5; x++) {
        const d = c[(x + 4) % 5] ^ turn(c[(x + 1) % 5], 1);
        for (let y = 0; y < 25; y += 5) a[x + y] ^= d;
      }
      const b = new Array(25);
      for (let x = 0; x < 5; x++) for (let y = 0; y < 5; y++) b[y + 5 * ((2 * x + 3 * y) % 5)] = turn(a[x + 5 * y], ROTATIONS[x][y]);
      for (let y = 0; y < 25; y += 5) for (let x = 0; x < 5; x++) a[x + y] = b[x + y] ^ (~b[(x + 1) % 5 + y] & MASK & b[(x + 2) % 5 + y]);
      a[0] ^= constant;
    }
  }

  // keccak-256 with the original padding, as Ethereum uses it (FIPS 202 differs in one byte)
  function keccak(bytes) {
    const rate = 136, state = new Array(25).fill(0n);
    const padded = new Uint8Array(Math.floor(bytes.length / rate + 1) * rate);
    padded.set(bytes);
    padded[bytes.length] |= 1;
    padded[padded.length - 1] |= 0x80;
    for (let at = 0; at < padded.length; at += rate) {
      for (let lane = 0; lane < rate / 8; lane++) {
        let word = 0n;
        for (let i = 7; i >= 0; i--) word = (word << 8n) | BigInt(padded[at + 8 * lane + i]);
        state[lane] ^= word;
      }
      permute(state);
    }
    let out = "";
    for (let lane = 0; lane < 4; lane++) for (let i = 0n; i < 8n; i++) out += Number((state[lane] >> (8n * i)) & 255n).toString(16).padStart(2, "0");
    return out;
  }

  const text = (string) => new TextEncoder().encode(string);

  // EIP-55
  function checksum(address) {
    const plain = address.toLowerCase().replace(/^0x/, "");
    if (!/^[0-9a-f]{40}$/.test(plain)) throw new Error("not an address");
    const hash = keccak(text(plain));
    return "0x" + [...plain].map((c, i) => (parseInt(hash[i], 16) > 7 ? c.toUpperCase() : c)).join("");
  }

  const WINDOWS = "commit reveal firstRight proposed challenge answer refute dead".split(" ").map((n) => `windows.${n}`);
  const PARAMS = [..."token pot minStake bondFloor feeBps seats minSeals expectedSeats openRounds rule deltaRows fileRounds columns coefficients endDate admissionRoot referenceKey".split(" "), ...WINDOWS];
  const NAMES = {
    create: [...PARAMS, "descriptionDigest", "modelDigest", "modelRoot"],
    fund: ["project", "amount"], approve: ["spender", "amount"], stop: ["project"], refund: ["project"],
    withdraw: ["token", "to"], open: ["project"], skip: ["project"],
    voidRound: ["project", "round"], flatten: ["project", "round"], clear: ["project", "round"],
    release: ["project", "round"], finalise: ["project", "round"],
    claim: ["project", "round", "seat", "account.reputation", "account.pay", "account.penalty", "opening.context", "opening.accounts", "opening.workings", "proof"],
    leave: ["project", "seat", "account.reputation", "account.pay", "account.penalty", "opening.context", "opening.accounts", "opening.workings", "proof"],
    evict: ["project", "seat", "account.reputation", "account.pay", "account.penalty", "opening.context", "opening.accounts", "opening.workings", "proof"],
    claimFlat: ["project", "round", "seat", "tenure"], convictSilent: ["ask"], settleAsk: ["ask"],
  };
  const AMOUNTS = ["pot", "minStake", "bondFloor", "amount", "account.pay", "account.penalty"];

  function read(type, word) {
    const number = BigInt("0x" + word);
    if (type === "address") {
      if (number >> 160n) throw new Error("an address has bytes before it");
      return checksum(word.slice(24));
    }
    if (type === "bytes32") return "0x" + word;
    if (type === "int64") {
      const value = BigInt.asIntN(64, number);
      if (BigInt.asUintN(256, value) !== number) throw new Error("an int64 does not fit");
      return value;
    }
    const bits = /^uint([0-9]+)$/.exec(type);
    if (!bits || number >> BigInt(bits[1])) throw new Error(`a ${type} does not fit`);
    return number;
  }

  // the one dynamic argument there is: a list of hashes at the end, right behind the words
  function list(data, count) {
    const at = 10 + 64 * count, number = (place) => Number(BigInt("0x" + (data.slice(place, place + 64) || "f")));
    const length = number(at);
    if (number(at - 64) !== 32 * count || length > 64 || data.length !== at + 64 * (length + 1)) throw new Error("the list at the end does not add up");
    return Array.from({ length }, (_, i) => "0x" + data.slice(at + 64 * (i + 1), at + 64 * (i + 2))).join(" ");
  }

  // {name, args: [{name, type, value}]}; throws where anything is left over or unknown
  function decode(call) {
    const found = /^([a-zA-Z]+)\(([a-z0-9(),\[\]]*)\)$/.exec(call.signature);
    const names = found && NAMES[found[1]];
    if (!names) throw new Error("this page does not know that call");
    const data = call.data.toLowerCase();
    const types = found[2].replace(/[()]/g, "").split(",").filter(Boolean);
    if (data.slice(0, 10) !== "0x" + keccak(text(call.signature)).slice(0, 8)) throw new Error("the selector is not that of the call");
    const tail = types[types.length - 1] === "bytes32[]" ? list(data, types.length) : null;
    if (types.length !== names.length || (tail === null && data.length !== 10 + 64 * types.length)) throw new Error("words are missing or left over");
    const args = types.map((type, i) => ({ name: names[i], type, value: type === "bytes32[]" && i === types.length - 1 ? tail : read(type, data.slice(10 + 64 * i, 74 + 64 * i)) }));
    return { name: found[1], args, get: (name) => args.find((one) => one.name === name).value };
  }

  function amount(units, decimals) {
    const digits = units.toString().padStart(decimals + 1, "0");
    const whole = digits.slice(0, digits.length - decimals), rest = decimals ? digits.slice(-decimals).replace(/0+$/, "") : "";
    return whole.replace(/\B(?=(\d{3})+$)/g, ",") + (rest ? "." + rest : "");
  }

  // What a token says of itself, believed as far as market/tokens.py believes it; else smallest units.
  function tokenUnit(token, symbol, decimals) {
    const raw = fromHex(symbol), word = (at) => BigInt("0x" + (symbol.slice(2 + 2 * at, 66 + 2 * at) || "0"));
    const start = raw.length === 32 ? 0 : Number(word(0)), length = raw.length === 32 ? 32 : Number(word(start) & MASK);
    const bytes = raw.length === 32 ? raw : raw.slice(start + 32, start + 32 + length);
    const text = String.fromCharCode(...bytes.slice(0, 64)).replace(/\0+$/, "");
    const plain = /^[A-Za-z0-9][A-Za-z0-9._$+-]{0,11}$/.test(text) && !/^(eth|ether|g?wei|units?)$/i.test(text);
    const digits = decimals.length === 66 ? BigInt(decimals) : 255n;
    if (digits > 36n) return { token, decimals: 0, symbol: "units" };
    return { token, decimals: Number(digits), symbol: plain ? text : `${token.slice(0, 6)}…${token.slice(-4)}` };
  }

  // "0.5" to smallest units; null if it is no such amount
  function units(string, decimals) {
    const found = /^([0-9]{1,30})(?:[.]([0-9]{1,36}))?$/.exec(string.trim());
    if (!found || (found[2] || "").length > decimals) return null;
    return BigInt(found[1] + (found[2] || "").padEnd(decimals, "0"));
  }

  async function sha256(string) {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", text(string)));
    return "0x" + [...bytes].map((b) => b.toString(16).padStart(2, "0")).join("");
  }

  const fromHex = (hex) => Uint8Array.from(hex.replace(/^0x/, "").match(/../g) || [], (pair) => parseInt(pair, 16));
  window.calls = { keccak: (hex) => "0x" + keccak(fromHex(hex)), hash: (string) => "0x" + keccak(text(string)), checksum, decode, amount, units, tokenUnit, sha256, AMOUNTS, NAMES };
})();
