import pandas as pd

from dnabert.explain.families import separate_hits


def test_of_hits_on_top_of_one_another_the_best_is_kept() -> None:
    hits = pd.DataFrame(
        {
            "query": [0, 0, 0, 1],
            "subject": ["SVA", "Alu", "L1", "SVA"],
            "query_start": [10, 0, 90, 10],
            "query_end": [110, 100, 200, 110],
            "bit_score": [80.0, 90.0, 70.0, 80.0],
        }
    )
    assert separate_hits(hits).subject.tolist() == ["Alu", "L1", "SVA"]
    assert separate_hits(hits[:0]).empty
