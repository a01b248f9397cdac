"""`python -m gopool`: the command `gopool`, by the interpreter of one's choice."""

from ._cli import main

if __name__ == "__main__":
    main()
