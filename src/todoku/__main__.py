"""`python -m todoku`."""

from todoku.cli import main

if __name__ == "__main__":
    main(prog_name="todoku")
