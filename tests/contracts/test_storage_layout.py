"""What lies where in the market's storage. A contract without a proxy never migrates, but indexers, `cast storage`
and whoever reviews a change see here that a word moved."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
SNAPSHOT = ROOT / "contracts" / "snapshots" / "storage.json"
UPDATE = "UPDATE_SNAPSHOTS=true pytest tests/contracts/test_storage_layout.py"


def _layout(contract: str) -> dict[str, list[str]]:
    """By struct, and for the contract itself: `slot+offset type name` of every field."""
    forge = ROOT / "node_modules" / ".bin" / "forge"
    if not forge.exists():
        pytest.fail(f"{forge} is missing; run `npm ci`")
    command = [str(forge), "inspect", contract, "storageLayout", "--json"]
    done = subprocess.run(command, cwd=ROOT / "contracts", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    layout: dict[str, Any] = json.loads(done.stdout)
    fields = {"(contract)": layout["storage"]}
    fields |= {kind: body["members"] for kind, body in layout["types"].items() if "members" in body}
    return {
        _name(kind): [
            f"{item['slot']}+{item['offset']} {_name(item['type'])} {item['label']}" for item in items
        ]
        for kind, items in sorted(fields.items())
    }


def _name(kind: str) -> str:
    """A type's name without the numbers of syntax-tree nodes, which change with every edit."""
    return re.sub(r"\)\d+", ")", kind)


def test_storage_layout__is_the_committed_one() -> None:
    market = _layout("Market")
    if os.environ.get("UPDATE_SNAPSHOTS"):
        SNAPSHOT.write_text(json.dumps(market, indent=2) + "\n")

    assert market == json.loads(SNAPSHOT.read_text()), f"explain why, then: {UPDATE}"


@pytest.mark.parametrize("part", ["Registry", "Court"])
def test_storage_layout_of_the_code_behind__is_that_of_the_market(part: str) -> None:
    # The market runs this code in its own storage.
    assert _layout(part) == _layout("Market")
