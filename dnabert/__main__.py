"""``python -m dnabert`` is ``dnabert``: for what starts modules, such as ``accelerate launch -m dnabert embed …``."""

from dnabert.cli import main

if __name__ == "__main__":
    main()
