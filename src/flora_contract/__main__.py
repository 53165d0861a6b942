"""`python -m flora_contract`: the command `flora-contract`, with the Python that runs it."""

from flora_contract.cli import main

if __name__ == "__main__":
    main()
