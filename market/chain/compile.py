"""Compiles `contracts/src` with py-solc-x and rewrites `market/chain/artifacts`.

Run: `python -m market.chain.compile` in a checkout. Settings come from `contracts/foundry.toml`, so that both
tool chains build the same code. Sources are handed to the compiler by value, under names relative to the
repository; the result depends on no path of the machine.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

from market.chain.artifacts import CHECKS, Artifact
from market.errors import ChainError

CONTRACTS = ("Market", "Court", *CHECKS)
"""Contracts whose artifacts are committed."""

SOLC_VERSION = "0.8.37"
ARTIFACTS = Path(__file__).parent / "artifacts"
_IMPORT = re.compile(r'^\s*import\b[^"\';]*["\']([^"\']+)["\']', re.MULTILINE)


def checkout() -> Path:
    """The repository root; ChainError E208 if this is an installed package without sources."""
    root = Path(__file__).resolve().parents[2]
    if not (root / "contracts" / "foundry.toml").is_file():
        raise ChainError("E208", f"{root} has no contracts/foundry.toml; compile in a git checkout")
    return root


def standard_input(root: Path) -> dict[str, Any]:
    """Standard JSON input for everything under contracts/src and what it imports."""
    profile = tomllib.loads((root / "contracts" / "foundry.toml").read_text())["profile"]["default"]
    folder = root / "contracts"
    sources = {
        file.relative_to(folder).as_posix(): {"content": file.read_text()}
        for file in sorted((folder / profile.get("src", "src")).rglob("*.sol"))
    }
    _add_packages(sources, root / "node_modules")
    return {
        "language": "Solidity",
        "sources": dict(sorted(sources.items())),
        "settings": {
            "optimizer": {
                "enabled": profile.get("optimizer", False),
                "runs": profile.get("optimizer_runs", 200),
            },
            "viaIR": profile.get("via_ir", False),
            "evmVersion": profile["evm_version"],
            "metadata": {
                "bytecodeHash": profile.get("bytecode_hash", "ipfs"),
                "appendCBOR": profile.get("cbor_metadata", True),
            },
            "outputSelection": {"*": {"*": ["abi", "evm.bytecode", "evm.deployedBytecode"]}},
        },
    }


def _add_packages(sources: dict[str, dict[str, str]], modules: Path) -> None:
    """Adds imported npm packages under their own names, transitively."""
    todo = list(sources)
    while todo:
        name = todo.pop()
        for target in _IMPORT.findall(sources[name]["content"]):
            full = _resolve(name, target)
            if full not in sources:
                file = modules / full
                if not file.is_file():
                    raise ChainError(
                        "E208", f"{name} imports {target}: {full} is not there; run `make setup`"
                    )
                sources[full] = {"content": file.read_text()}
                todo.append(full)


def _resolve(importer: str, target: str) -> str:
    """Source name of `target` as Solidity resolves it: relative to its importer, or as it is."""
    if not target.startswith("."):
        return target
    parts = importer.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            parts.pop()
        elif part != ".":
            parts.append(part)
    return "/".join(parts)


def input_hash(compiler_input: dict[str, Any]) -> str:
    """sha256 of the canonical compiler input and version: equal hashes give equal code."""
    text = json.dumps([SOLC_VERSION, compiler_input], sort_keys=True, separators=(",", ":"))
    return "0x" + hashlib.sha256(text.encode()).hexdigest()


def solc_binary(root: Path) -> Path:
    """A native solc of the pinned version if one is on the path, else npm's behind `tools/solc.mjs`."""
    native = shutil.which("solc")
    if (
        native
        and SOLC_VERSION in subprocess.run([native, "--version"], capture_output=True, text=True).stdout
    ):
        return Path(native)
    if not (root / "node_modules" / "solc").is_dir() or not shutil.which("node"):
        raise ChainError("E208", f"no solc {SOLC_VERSION}; run `make setup` in {root}")
    return root / "tools" / "solc.mjs"


def compile_contracts(root: Path, names: tuple[str, ...] = CONTRACTS) -> dict[str, Artifact]:
    """Compiles and returns the named contracts; ChainError E208 if that fails."""
    try:
        import solcx
    except ImportError:
        raise ChainError("E208", "py-solc-x is missing; run `pip install fairtrain[dev]`") from None
    compiler_input = standard_input(root)
    try:
        output = solcx.compile_standard(compiler_input, solc_binary=solc_binary(root))
    except solcx.exceptions.SolcError as error:
        raise ChainError("E208", f"contracts/src does not compile: {error.message}") from None
    digest = input_hash(compiler_input)
    found = {
        name: _artifact(name, source, body, digest)
        for source, contracts in output["contracts"].items()
        for name, body in contracts.items()
        if name in names and source.startswith("src/")
    }
    if missing := set(names) - set(found):
        raise ChainError("E208", f"contracts/src has no contract {', '.join(sorted(missing))}")
    return found


def compile_source(name: str, source: str) -> str:
    """Creation code of one contract given as text, compiled quickly: a token for tests."""
    import solcx

    root = checkout()
    compiler_input = standard_input(root)
    compiler_input["settings"] |= {"viaIR": False, "optimizer": {"enabled": False}}
    compiler_input["sources"] = {f"{name}.sol": {"content": source}}
    _add_packages(compiler_input["sources"], root / "node_modules")
    output = solcx.compile_standard(compiler_input, solc_binary=solc_binary(root))
    return "0x" + str(output["contracts"][f"{name}.sol"][name]["evm"]["bytecode"]["object"])


def _artifact(name: str, source: str, body: dict[str, Any], digest: str) -> Artifact:
    code, deployed = body["evm"]["bytecode"], body["evm"]["deployedBytecode"]
    if code.get("linkReferences"):
        raise ChainError("E208", f"{name} needs linked libraries, which `deploy` does not support")
    spots = [(s["start"], s["length"]) for item in deployed["immutableReferences"].values() for s in item]
    return Artifact(
        name=name,
        source=source,
        solc=SOLC_VERSION,
        input_hash=digest,
        abi=body["abi"],
        bytecode="0x" + code["object"],
        deployed_bytecode="0x" + deployed["object"],
        immutables=sorted(spots),
    )


def main() -> int:
    """Rewrites the committed artifacts and prints their sizes; exit code 4 if that fails."""
    try:
        compiled = compile_contracts(checkout())
    except ChainError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    for name, artifact in compiled.items():
        (ARTIFACTS / f"{name}.json").write_text(artifact.to_json())
        size = len(artifact.deployed_bytecode) // 2 - 1
        print(f"{name}: {size} bytes deployed, limit 24576, input {artifact.input_hash[:18]}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
