"""The chain: the only package that imports web3. Callers see dataclasses and typed errors."""
