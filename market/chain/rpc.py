"""JSON-RPC over HTTP with retries: the only place that talks to a node.

Transient faults (connection lost, time-out, 429, 5xx, an answer that is not JSON) are retried with growing
pauses and jitter, then on the next URL if several are given. Every request here may be repeated safely: reads
change nothing and a raw transaction is the same bytes each time.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import requests
from web3.providers.rpc import HTTPProvider
from web3.types import RPCEndpoint

from market.chain.errors import RpcError
from market.errors import ChainError

TRANSIENT_CODES = frozenset({-32005, 429})
"""EIP-1474 "limit exceeded", and what some nodes copy from HTTP."""

FAULTS = (requests.RequestException, ValueError, KeyError, TypeError, OSError)
"""What a broken connection or a page of HTML turns into on the way up."""


class Rpc:
    """A connection to one chain. `urls`: one URL, or several separated by commas, tried in order."""

    def __init__(
        self,
        urls: str,
        timeout_s: float = 20.0,
        attempts: int = 4,
        pause_s: float = 0.25,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.urls = [url.strip() for url in urls.split(",") if url.strip()]
        if not self.urls:
            raise ChainError("E206", "no RPC URL; pass --rpc URL or set FAIRTRAIN_RPC")
        self._providers = [_provider(url, timeout_s) for url in self.urls]
        self._attempts = attempts
        self._pause_s = pause_s
        self._sleep = sleep
        self._at = 0

    @property
    def url(self) -> str:
        """The URL in use."""
        return self.urls[self._at]

    def request(self, method: str, params: Sequence[Any] = ()) -> Any:
        """The `result` of one call. RpcError if the node refuses, ChainError E206 if none answers."""
        fault: Exception | None = None
        for attempt in range(self._attempts * len(self.urls)):
            if attempt:
                self._sleep(self._pause_s * 2 ** min(attempt - 1, 5) * random.uniform(0.5, 1.0))
            try:
                return _result(self._post(method, params))
            except RpcError as error:
                if error.code not in TRANSIENT_CODES:
                    raise
                fault = error
            except FAULTS as error:
                fault = error
            if (attempt + 1) % self._attempts == 0:
                self._at = (self._at + 1) % len(self.urls)
        where = f"{method}: no usable answer from {', '.join(self.urls)} ({_short(fault)})"
        raise ChainError("E206", f"{where}; start a node (`fairtrain devnet`) or pass --rpc URL")

    def _post(self, method: str, params: Sequence[Any]) -> Any:
        try:
            return self._providers[self._at].make_request(RPCEndpoint(method), list(params))
        except requests.HTTPError as error:
            # Some nodes answer a JSON-RPC error with status 400; anything else is a fault of the transport.
            if error.response is not None and error.response.status_code < 429:
                body = json.loads(error.response.text)
                if isinstance(body, dict) and "error" in body:
                    return body
            raise


def _provider(url: str, timeout_s: float) -> HTTPProvider:
    if not url.startswith(("http://", "https://")):
        raise ChainError("E206", f"RPC URL {url!r} must start with http:// or https://")
    return HTTPProvider(url, request_kwargs={"timeout": timeout_s}, exception_retry_configuration=None)


def _result(body: Any) -> Any:
    if not isinstance(body, dict):
        raise TypeError(f"answer is a JSON {type(body).__name__}, expected an object")
    if body.get("error") is not None:
        raise RpcError.of(body["error"])
    return body["result"]


def _short(fault: Exception | None) -> str:
    text = str(fault).splitlines()
    return f"{type(fault).__name__}: {text[0][:160] if text else ''}"
