import numpy as np
import pytest

from dnabert.clusters.retrieval import orthologs, retrieval_hits, score_retrieval


class Windows:
    """Two species of 20 blocks of 3 windows of 40 bases; the second lacks each block's last window of even blocks."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self.ancestor = rng.choice(np.frombuffer(b"ACGT", dtype=np.uint8), (20, 120))
        rows = [("human", b, 1_000 * b + 40 * w, w) for b in range(20) for w in range(3)]
        rows += [("ape", b, 5_000 + 900 * b + 40 * w, w) for b in range(20) for w in range(3 if b % 2 else 2)]
        rows += [("human", -1, 99_000, 0), ("ape", -1, 99_000, 0)]
        self.columns = {
            "genome": np.array([row[0] for row in rows], dtype=object),
            "block": np.array([row[1] for row in rows], dtype=np.int32),
            "start": np.array([row[2] for row in rows], dtype=np.int64),
        }
        self.number = np.array([row[3] for row in rows])

    def __len__(self) -> int:
        return len(self.number)

    def column(self, name: str) -> np.ndarray:
        return self.columns[name]

    def bases(self, rows: np.ndarray, *, shift: object = 0, reverse: object = False) -> np.ndarray:
        moved = np.clip(40 * self.number[rows] + shift, 0, 80)
        cut = self.ancestor[self.columns["block"][rows][:, None], moved[:, None] + np.arange(40)]
        complement = np.zeros(256, dtype=np.uint8)
        complement[list(b"ACGT")] = list(b"TGCA")
        return np.where(np.broadcast_to(reverse, len(rows))[:, None], complement[cut[:, ::-1]], cut)


def test_counterparts_are_the_same_place_and_moved() -> None:
    windows = Windows()
    pairs = orthologs(windows, query_genome="human", target_genome="ape", n=1_000)
    a, b = pairs.query_rows, pairs.target_rows
    assert len(a) == len(set(b.tolist())) == 50  # every target of a block, none of block -1
    assert set(windows.column("genome")[a]) == {"human"} and set(windows.column("genome")[b]) == {"ape"}
    np.testing.assert_array_equal(windows.column("block")[a], windows.column("block")[b])
    np.testing.assert_array_equal(windows.number[a], windows.number[b])
    assert np.abs(pairs.shift).max() <= 20 and len(set(pairs.shift.tolist())) > 10
    assert 0.2 < pairs.reverse.mean() < 0.8
    np.testing.assert_array_equal(pairs.targets, windows.bases(b, shift=pairs.shift, reverse=pairs.reverse))


def test_a_sample_is_seeded() -> None:
    first, again, other = (
        orthologs(Windows(), query_genome="human", target_genome="ape", n=10, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.query_rows, again.query_rows)
    assert len(first.queries) == 10 and not np.array_equal(first.query_rows, other.query_rows)


def test_an_absent_genome_gives_no_pairs() -> None:
    assert len(orthologs(Windows(), query_genome="human", target_genome="emu").queries) == 0


def test_shares_equal_brute_force() -> None:
    rng = np.random.default_rng(0)
    queries = rng.normal(size=(60, 6))
    targets = queries + rng.normal(size=(60, 6))
    both = np.concatenate([queries, targets])
    unit = (both - both.mean(axis=0)) / both.std(axis=0)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    ranks = [sorted(range(60), key=lambda j: -float(unit[i] @ unit[60 + j])).index(i) for i in range(60)]
    scores = score_retrieval(retrieval_hits(queries, targets))
    assert scores["retrieval_top1"].value == pytest.approx(np.mean([rank < 1 for rank in ranks]))
    assert scores["retrieval_top10"].value == pytest.approx(np.mean([rank < 10 for rank in ranks]))


def test_equal_vectors_find_nothing() -> None:
    assert not retrieval_hits(np.ones((20, 3)), np.ones((20, 3)))["retrieval_top10"].any()
