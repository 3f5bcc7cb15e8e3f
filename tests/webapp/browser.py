"""A real Chromium with a wallet in it whose keys anvil holds. Skips with one line where there is no browser."""

from __future__ import annotations

import json
import os
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from market.devnet import Devnet

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE = Path(__file__).resolve().parents[2] / "node_modules" / "axe-core" / "axe.min.js"

PROVIDER = """
(() => {
  let chain = sessionStorage.getItem("chain") || START_CHAIN;
  const provider = { on() {}, request: async ({ method, params }) => {
    if (method === "eth_requestAccounts" || method === "eth_accounts") return [ACCOUNT.toLowerCase()];
    if (method === "eth_chainId") return chain;
    if (method === "wallet_switchEthereumChain") {
      sessionStorage.setItem("chain", chain = params[0].chainId);
      return null;
    }
    if (method === "eth_sendTransaction") window.signed = (window.signed || []).concat([params[0]]);
    const answer = await window.askNode(method, params || []);
    if (answer.error) throw Object.assign(new Error(answer.error.message), { data: answer.error.data });
    return answer.result;
  }};
  const detail = Object.freeze({ info: { uuid: "1", name: "Test wallet", icon: "", rdns: "test" }, provider });
  const announce = () => dispatchEvent(new CustomEvent("eip6963:announceProvider", { detail }));
  addEventListener("eip6963:requestProvider", announce);
})();
"""
"""EIP-1193 and EIP-6963; begins on START_CHAIN, so that switching is seen, and stays where it was switched to."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser; skips the test where there is none."""
    path = (
        os.environ.get("FAIRTRAIN_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    )
    if path is None:
        pytest.skip("no Chromium: put it on the path or name it in FAIRTRAIN_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """A page of a fresh context; a script error or a refusal by the content security policy fails the test."""
    context: BrowserContext = browser.new_context(**options)
    page = context.new_page()
    page.set_default_timeout(20_000)
    problems: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if _is_problem(message.text) else None)
    try:
        yield page
    finally:
        context.close()
    assert not problems


def _is_problem(text: str) -> bool:
    return "Content Security Policy" in text or "integrity" in text or "SyntaxError" in text


def give_wallet(page: Page, chain: Devnet, account: str, start_chain: str = "0x1") -> None:
    """Puts the wallet into every document that the page opens from now on."""

    def ask(method: str, params: list[Any]) -> dict[str, Any]:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(chain.url, body, {"content-type": "application/json"})
        with urllib.request.urlopen(request, timeout=20) as answer:
            reply: dict[str, Any] = json.load(answer)
        return reply

    page.expose_function("askNode", ask)
    page.add_init_script(
        PROVIDER.replace("START_CHAIN", f'"{start_chain}"').replace("ACCOUNT", f'"{account}"')
    )


def axe_violations(page: Page) -> list[str]:
    """What axe finds wrong on a page; skips where axe-core is not installed."""
    if not AXE.is_file():
        pytest.skip("no axe-core in node_modules")
    page.evaluate(AXE.read_text())  # by the debugger: the page's own policy would refuse it
    found = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    return [f"{one['id']}: {one['nodes'][0]['html'][:120]}" for one in found["violations"]]
