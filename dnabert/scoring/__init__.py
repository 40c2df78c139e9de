"""How well a run foretells hidden words, of which kinds of sequence, and whether counting foretells them as well."""

from dnabert.scoring.config import ScoreConfig
from dnabert.scoring.score import Scores, load_scores, score

__all__ = ["ScoreConfig", "Scores", "load_scores", "score"]
