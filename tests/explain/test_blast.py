import gzip
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.errors import UserError
from dnabert.explain import best_hits, blast
from dnabert.explain.blast import COLUMNS


def random_bases(length: int, *, seed: int) -> np.ndarray:
    return np.frombuffer(b"ACGT", dtype=np.uint8)[np.random.default_rng(seed).integers(0, 4, length)]


SUBJECT = random_bases(400, seed=1)
OTHER = random_bases(300, seed=2)


def fasta(path: Path, **sequences: np.ndarray) -> Path:
    path.write_bytes(b"".join(b">%s\n%s\n" % (name.encode(), bases.tobytes()) for name, bases in sequences.items()))
    return path


def test_places_and_identity_on_both_strands(tmp_path: Path) -> None:
    piece = SUBJECT[50:250].copy()
    piece[[20, 60, 100, 140]] = np.frombuffer(
        bytes(piece[[20, 60, 100, 140]]).translate(bytes.maketrans(b"ACGT", b"CATG")), np.uint8
    )
    before, after = random_bases(30, seed=3), random_bases(40, seed=4)
    before[-1], after[0] = (
        reverse_complement(SUBJECT[[49]])[0],
        reverse_complement(SUBJECT[[250]])[0],
    )  # no longer by chance
    plus = np.concatenate([before, piece, after])
    hits = blast(
        [plus, reverse_complement(plus), random_bases(200, seed=5)],
        fasta(tmp_path / "a.fa", known=SUBJECT, other=OTHER),
    )
    assert tuple(hits) == COLUMNS
    assert hits["query"].tolist() == [0, 1] and hits.subject.tolist() == ["known", "known"]
    assert hits.strand.tolist() == ["+", "-"]
    assert hits.identity.to_numpy() == pytest.approx(196 / 200)
    assert hits.length.tolist() == [200, 200] and hits.subject_length.tolist() == [400, 400]
    assert hits[["query_start", "query_end"]].to_numpy().tolist() == [[30, 230], [40, 240]]
    assert hits[["subject_start", "subject_end"]].to_numpy().tolist() == [[50, 250], [50, 250]]
    assert (hits.e_value < 1e-50).all() and (hits.bit_score > 200).all()


def test_names_are_never_interpreted(tmp_path: Path) -> None:
    names = ["NA", "-db", "gi|5|lcl|x", "$(touch", "s1", '"quoted"', "0", "NA"]
    bases = [random_bases(120, seed=10 + i) for i in range(len(names) + 1)]
    text = "".join(
        f">{name} and; more\n{b.tobytes().decode().lower()}\n" for name, b in zip(names, bases, strict=False)
    )
    with gzip.open(tmp_path / "odd; name.fa.gz", "wt") as file:
        file.write(text + f">\n{bases[-1].tobytes().decode()}\n")
    hits = blast(bases, tmp_path / "odd; name.fa.gz")
    assert hits.subject.tolist() == [*names, "sequence_9"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["odd; name.fa.gz"]  # nothing is left beside the file


def test_an_existing_database_in_a_folder_with_blanks(tmp_path: Path) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    fasta(folder / "a.fa", known=SUBJECT, other=OTHER)
    command = ["makeblastdb", "-in", "a.fa", "-dbtype", "nucl", "-out", "-base"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    assert blast([SUBJECT[:100]], folder / "-base").subject.tolist() == ["known"]


def test_sequences_can_be_the_database_and_tasks_differ_in_reach() -> None:
    rng = np.random.default_rng(6)
    far = np.where(rng.random(400) < 0.25, random_bases(400, seed=7), SUBJECT)
    hits = blast(np.stack([SUBJECT, far]), np.stack([SUBJECT, far]), best_only=True)
    assert hits[["query", "subject"]].to_numpy().tolist() == [[0, 0], [0, 1], [1, 1], [1, 0]]
    near = blast([SUBJECT], [far, SUBJECT], task="megablast")
    assert near.subject.tolist() == [1]
    assert len(blast([SUBJECT], [far, SUBJECT], task="dc-megablast", threads=2)) >= 1


def test_of_several_hits_of_a_pair_the_best_can_be_kept() -> None:
    twice = np.concatenate([SUBJECT[:100], random_bases(100, seed=8), SUBJECT[:200]])
    assert len(blast([SUBJECT], [twice])) == 2
    best = blast([SUBJECT], [twice], best_only=True)
    assert best[["subject_start", "subject_end"]].to_numpy().tolist() == [[200, 400]]


def test_nothing_to_search_or_nothing_found_is_an_empty_table() -> None:
    for queries in ([], [random_bases(200, seed=9)]):
        hits = blast(queries, [SUBJECT])
        assert len(hits) == 0 and tuple(hits) == COLUMNS
        assert best_hits(hits).empty


def test_best_hits_take_the_first_name_of_equals() -> None:
    hits = pd.DataFrame(
        {"query": [1, 1, 0], "subject": ["b", "a", "b"], "bit_score": [9.0, 9.0, 3.0], "family": ["x", "y", "x"]}
    )
    assert best_hits(hits).subject.tolist() == ["b", "a"]
    assert len(best_hits(hits, per=("query", "family"))) == 3


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"ACGT\n", "begins with 'ACGT'"),
        (b">protein\nMKVLEEP\n", "'L' in a sequence"),
        (gzip.compress(b">a\nACGT\n", mtime=0)[:-9], "damaged gzip"),
    ],
)
def test_what_is_no_fasta_of_dna_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "a.fa").write_bytes(content)
    with pytest.raises(UserError, match=message):
        blast([SUBJECT], tmp_path / "a.fa")


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no such database: .*nothing is no FASTA file.*nothing\.nin"):
        blast([SUBJECT], tmp_path / "nothing")
    for name in ("broken", 'quo"te', "a b"):
        (tmp_path / f"{name}.nin").write_bytes(b"no index")
    with pytest.raises(UserError, match="blastn stopped with status"):
        blast([SUBJECT], tmp_path / "broken")
    for name in ('quo"te', "a b"):
        with pytest.raises(UserError, match="has a blank or a quotation mark in its name"):
            blast([SUBJECT], tmp_path / name)


def test_what_blast_does_not_offer_is_refused() -> None:
    with pytest.raises(UserError, match="task is 'tblastx', allowed is blastn, dc-megablast, megablast"):
        blast([SUBJECT], [SUBJECT], task="tblastx")
    with pytest.raises(UserError, match="most_subjects is 1, allowed is 5"):
        blast([SUBJECT], [SUBJECT], most_subjects=1)


def test_a_missing_program_is_reported_with_its_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(
        UserError, match=r"makeblastdb is not installed: apt-get install ncbi-blast\+ .* bioconda blast"
    ):
        blast([SUBJECT], [SUBJECT])


def test_hits_are_the_same_however_many_windows_one_run_searches(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bar tells how far a search is; so it goes piece by piece, and the hits may not depend on it."""
    rng = np.random.default_rng(0)
    family = random_bases(200, seed=20)
    windows = [
        np.concatenate([random_bases(60, seed=30 + i), family[i : i + 80 + 10 * (i % 3)]])
        for i in rng.integers(0, 100, 23)
    ]
    whole = blast(windows, windows, most_subjects=23, best_only=True)
    # the package has the function under that name
    monkeypatch.setattr(sys.modules["dnabert.explain.blast"], "_QUERIES", 5)
    pieces = blast(windows, windows, most_subjects=23, best_only=True)
    assert len(whole) > 100 and whole["query"].nunique() == 23
    pd.testing.assert_frame_equal(pieces, whole)
