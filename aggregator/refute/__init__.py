"""Proofs against posted results: trees that can be opened, evidence, what differs, and what to send."""
