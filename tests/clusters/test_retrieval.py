import numpy as np
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.clusters.retrieval import moved_copies, orthologs, related_genomes, retrieval_hits, score_retrieval


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


def test_a_block_of_one_genome_alone_is_no_counterpart_of_another_one() -> None:
    windows = Windows()
    genome, block = windows.columns["genome"], windows.columns["block"]
    kept = ~((genome == "human") & (block == 3)) & ~((genome == "ape") & (block == 4))
    windows.columns, windows.number = (
        {name: values[kept] for name, values in windows.columns.items()},
        windows.number[kept],
    )
    pairs = orthologs(windows, query_genome="human", target_genome="ape")
    assert len(pairs.query_rows) == 50 - 3 - 2
    np.testing.assert_array_equal(windows.column("block")[pairs.query_rows], windows.column("block")[pairs.target_rows])


def test_blocks_may_have_large_numbers() -> None:
    near, far = Windows(), Windows()
    far.columns["block"] = np.where(near.columns["block"] < 0, -1, near.columns["block"] * 2**24).astype(np.int32)
    far.bases = near.bases  # type: ignore[method-assign]
    found, same = (orthologs(each, query_genome="human", target_genome="ape", n=1_000) for each in (near, far))
    np.testing.assert_array_equal(same.query_rows, found.query_rows)
    np.testing.assert_array_equal(same.target_rows, found.target_rows)


def test_genomes_that_share_a_block_are_found_first_and_last_of_the_corpus() -> None:
    class Four:
        columns = {
            "genome": np.array(["rice"] * 2 + ["human"] * 2 + ["ape"] * 2 + ["monkey"] * 2, object),
            "block": np.array([-1, -1, 1, 2, 1, 2, 2, -1]),
        }

        def column(self, name: str) -> np.ndarray:
            return self.columns[name]

    found = [
        related_genomes(Four(), query=a, target=b)
        for a, b in [(None, None), (None, "ape"), ("ape", None), ("monkey", "human")]
    ]
    assert found == [("human", "monkey"), ("human", "ape"), ("ape", "monkey"), ("monkey", "human")]
    assert [
        related_genomes(Four(), query=a, target=b) for a, b in [("rice", None), (None, "emu"), ("human", "human")]
    ] == [None] * 3


def test_a_sample_is_seeded() -> None:
    first, again, other = (
        orthologs(Windows(), query_genome="human", target_genome="ape", n=10, seed=seed) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first.query_rows, again.query_rows)
    assert len(first.queries) == 10 and not np.array_equal(first.query_rows, other.query_rows)


class OneSequence:
    """Windows of 40 bases, one beside the other, of a random sequence of 4,000 and, fewer, of another genome."""

    window_length = 40

    def __init__(self) -> None:
        self.bases_of = np.random.default_rng(1).choice(np.frombuffer(b"ACGT", dtype=np.uint8), 4_000)
        start = np.concatenate([np.arange(0, 4_000, 40), np.arange(0, 400, 40)])
        genome = np.repeat(np.array(["one", "two"], object), [100, 10])
        self.columns = {
            "genome": genome,
            "chrom": np.full(110, "1", object),
            "start": start,
            "before": start,
            "after": 3_960 - start,
        }

    def __len__(self) -> int:
        return 110

    def column(self, name: str) -> np.ndarray:
        return self.columns[name]

    def bases(self, rows: np.ndarray, *, shift: object = 0, reverse: object = False) -> np.ndarray:
        cut = self.bases_of[(self.columns["start"][rows] + shift)[:, None] + np.arange(40)]
        return np.where(np.broadcast_to(reverse, len(rows))[:, None], reverse_complement(cut), cut)


def test_moved_copies_overlap_their_own_window_alone() -> None:
    windows = OneSequence()
    pairs = moved_copies(windows, n=1_000, substitutions=0.0, indels=0.0)
    assert len(pairs.queries) > 30 and (pairs.query_rows < 100).all()  # of the genome with most windows
    np.testing.assert_array_equal(pairs.queries, windows.bases(pairs.query_rows))
    np.testing.assert_array_equal(
        pairs.targets, windows.bases(pairs.target_rows, shift=pairs.shift, reverse=pairs.reverse)
    )
    start = windows.column("start")[pairs.query_rows]
    moved = start + pairs.shift
    overlap = 40 - np.abs(start[:, None] - moved[None])
    assert (np.diagonal(overlap) >= 20).all() and (overlap[~np.eye(len(start), dtype=bool)] <= 0).all()
    assert moved.min() >= 0 and moved.max() <= 3_960 and np.ptp(pairs.shift) > 20 and 0.2 < pairs.reverse.mean() < 0.8


def test_moved_copies_are_mutated_as_told_and_seeded() -> None:
    windows = OneSequence()
    same, changed, again = (moved_copies(windows, substitutions=rate, indels=0.0, seed=3) for rate in (0.0, 0.2, 0.2))
    assert (same.targets != changed.targets).mean() == pytest.approx(0.2, abs=0.03)
    np.testing.assert_array_equal(changed.targets, again.targets)
    assert len(moved_copies(windows, n=5).queries) == 5


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


def test_a_measure_has_the_name_that_it_is_given() -> None:
    assert set(retrieval_hits(np.eye(3), np.eye(3), name="moved")) == {"moved_top1", "moved_top10"}


def test_equal_vectors_find_nothing() -> None:
    assert not retrieval_hits(np.ones((20, 3)), np.ones((20, 3)))["retrieval_top10"].any()
