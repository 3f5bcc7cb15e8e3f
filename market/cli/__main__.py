"""`python -m market.cli` is `fairtrain`."""

from market.cli import main

main()
