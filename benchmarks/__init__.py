"""Measurements that take seconds to minutes; run each with `python -m benchmarks.<name>`."""
