"""`python -m pmlcli`."""

from pmlcli.cli.app import main

main()
