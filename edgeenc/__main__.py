"""`python -m edgeenc`."""

from edgeenc.cli import main

main()
