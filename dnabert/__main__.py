"""The command ``dnabert``, and ``python -m dnabert`` for what starts modules: ``accelerate launch -m dnabert embed …``.

What the command imports, for most of a second, it imports where Ctrl-C is one line by then.
"""

from dnabert.errors import one_line


@one_line
def main() -> None:
    """Run what `dnabert.cli` finds on the command line."""
    from dnabert.cli import main as run

    run()


if __name__ == "__main__":
    main()
