"""Named rules beside the default one: pure integer programs over a Gram matrix, for comparison.

`registry.named` finds them. Only `agreement` has checks on chain, so only it can be chosen in a project today.
"""
