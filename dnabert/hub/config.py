"""What a card says that no manifest knows; light, so that ``--help`` needs no torch."""

from __future__ import annotations

from dataclasses import dataclass

from dnabert.config import check_types


@dataclass
class PushConfig:
    """Who may see it, under which licence, and what it is."""

    private: bool = False
    """Make the repository private if it is made now; one that stands keeps what it is."""
    license: str | None = None
    """Licence by the Hub's identifier (cc-by-4.0, mit, …); without one the card states none."""
    data: str | None = None
    """What the data is, in a sentence for the card; default: what the manifests say."""

    def __post_init__(self) -> None:
        check_types(self)
