"""Lets ``python -m brainalign.cli`` stand for the ``brainalign`` command."""

from brainalign.cli.app import main

if __name__ == "__main__":
    main()
