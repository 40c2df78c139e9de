import gzip
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows
from dnabert.explain.enrichment import enrichment
from dnabert.explain.tracks import TrackFile, parse_track, read_user_track, track_terms


def windows_of(table: pd.DataFrame) -> ClusteredWindows:
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))


@pytest.fixture
def windows() -> ClusteredWindows:
    """Six windows of ten bases, the genome's last three before its first three."""
    start = np.array([30, 40, 50, 0, 10, 20])
    return windows_of(
        pd.DataFrame(
            {"label": [0, 0, 0, -1, -1, -1], "genome": "one", "chrom": "chr1", "start": start, "end": start + 10}
        )
    )


def test_terms_are_names_by_overlap_whatever_the_order(windows: ClusteredWindows, tmp_path: Path) -> None:
    path = tmp_path / "a.bed.gz"
    path.write_bytes(
        gzip.compress(b"track name=a\nchr1\t49\t50\tpeak\nchr9\t0\t5\tpeak\nchr1\t10\t21\tgap\nchr1\t30\t31\tgap\n")
    )
    (terms,) = track_terms(windows, [parse_track(f"mine={path}")], least=1)
    assert (terms.column, terms.names) == ("mine", ("any", "gap", "peak")) and terms.known.all()
    assert terms.values.T.tolist() == [
        [True, True, False, False, True, True],
        [True, False, False, False, True, True],
        [False, True, False, False, False, False],
    ]


def test_repeat_masker_counts_from_one(windows: ClusteredWindows, tmp_path: Path) -> None:
    (tmp_path / "a.fa.out").write_text(
        " 9 1 1 1 chr1 10 10 (0) + AluY SINE/Alu\n 9 1 1 1 chr1 20 21 (0) + L2 LINE/L2\n"
    )
    (terms,) = track_terms(windows, [TrackFile("rm", None, str(tmp_path / "a.fa.out"))], least=1)
    first = dict(zip(terms.names, terms.values.T, strict=True))
    assert np.flatnonzero(first["SINE/Alu"]).tolist() == [3]  # base 10 counted from 1 is in [0, 10)
    assert np.flatnonzero(first["LINE/L2"]).tolist() == [4, 5]


def test_lines_of_whole_sequences_are_no_intervals(windows: ClusteredWindows, tmp_path: Path) -> None:
    line = "chr1\tRefSeq\t{}\t{}\t{}\t.\t+\t.\tID=x\n"
    (tmp_path / "a.gff3").write_text(
        "".join(line.format(*each) for each in (("region", 1, 60), ("enhancer", 12, 18), ("region", 45, 46)))
    )
    (terms,) = track_terms(windows, [TrackFile("ncbi", None, str(tmp_path / "a.gff3"))], least=1)
    assert terms.names == ("any", "enhancer", "region") and np.flatnonzero(terms.values[:, 0]).tolist() == [1, 4]


def test_few_and_many_names_follow_the_rule(windows: ClusteredWindows, tmp_path: Path) -> None:
    names = {"all": 4, "c": 3, "b": 2, "a": 2, "rare": 1}
    (tmp_path / "a.bed").write_text("".join(f"chr1\t0\t{10 * n}\t{name}\n" for name, n in names.items()))
    file = TrackFile("x", "one", str(tmp_path / "a.bed"))
    assert track_terms(windows, [file], least=2)[0].names == ("any", "c", "a", "b")
    assert track_terms(windows, [file], least=2, most=1)[0].names == ("any", "c")
    assert track_terms(windows, [file])[0].names == ("any",)
    (tmp_path / "b.bed").write_text("chr1\t0\t10\n")
    assert track_terms(windows, [TrackFile("x", None, str(tmp_path / "b.bed"))], least=1)[0].names == ("any",)


def test_one_track_of_two_genomes_leaves_the_third_unknown(tmp_path: Path) -> None:
    table = pd.DataFrame({"label": 0, "genome": list("abc"), "chrom": "chr1", "start": 0, "end": 10})
    for name in "ab":
        (tmp_path / f"{name}.bed").write_text(f"chr1\t{0 if name == 'a' else 10}\t20\tpeak\n")
    (terms,) = track_terms(windows_of(table), [parse_track(f"p:{name}={tmp_path}/{name}.bed") for name in "ab"])
    assert terms.known.tolist() == [True, True, False] and terms.values[:, 0].tolist() == [True, False, False]


def test_a_planted_track_is_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    start = np.arange(800) * 100
    table = pd.DataFrame({"label": -1, "genome": "g", "chrom": "chr1", "start": start, "end": start + 100})
    peaks = rng.choice(800, 60, replace=False)
    table.loc[peaks[:50], "label"] = 0
    (tmp_path / "p.bed").write_text("".join(f"chr1\t{100 * i + 99}\t{100 * i + 100}\n" for i in peaks.tolist()))
    (row,) = enrichment(
        windows_of(table), terms=track_terms(windows_of(table), [TrackFile("p", None, str(tmp_path / "p.bed"))])
    )
    assert row["term"] == "any" and row["share"] == 1 and row["share_rest"] == 10 / 750 and row["q"] < 0.01


@pytest.mark.parametrize("text", ["a.bed", "=a.bed", "a=", "a:b:c=d.bed", "a:=b"])
def test_what_is_no_track_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="name=path nor name:genome=path"):
        parse_track(text)


def test_mistakes_are_said_in_one_line(windows: ClusteredWindows, tmp_path: Path) -> None:
    (tmp_path / "a.bed").write_text("22\t0\t10\n")
    (tmp_path / "empty.bed").write_text("# nothing\n")
    (tmp_path / "a.vcf").write_text("chr1\tten\t.\tA\n")
    path = str(tmp_path / "a.bed")
    cases = [
        (windows, TrackFile("x", None, path), "names its sequences '22', the windows theirs 'chr1'"),
        (windows, TrackFile("x", "two", path), "is of genome 'two', but the windows are of one"),
        (
            windows_of(windows.table.assign(genome=list("aabbcc"))),
            TrackFile("x", None, path),
            "there are a, b, c: write x:a=",
        ),
        (windows_of(windows.table[["label"]]), TrackFile("x", None, path), "needs windows with coordinates"),
        (windows, TrackFile("x", None, str(tmp_path / "empty.bed")), "holds no intervals"),
        (windows, TrackFile("x", None, str(tmp_path / "a.vcf")), "line 1 is no BED interval"),
        (windows, TrackFile("x", None, str(tmp_path / "gone.bed")), "cannot read"),
    ]
    for table, file, message in cases:
        with pytest.raises(UserError, match=message) as error:
            track_terms(table, [file])
        assert "\n" not in str(error.value)


def test_no_tracks_no_terms(windows: ClusteredWindows) -> None:
    assert track_terms(windows, []) == []


def test_gtf_and_unnamed_bed_by_ending(tmp_path: Path) -> None:
    (tmp_path / "a.gtf").write_text('chr1\tx\texon\t1\t5\t.\t+\t.\tgene_id "a";\n')
    (tmp_path / "a.bed").write_text("chr1\t0\t5\n")
    assert read_user_track(tmp_path / "a.gtf").classes == ["exon"]
    assert read_user_track(tmp_path / "a.bed", name="mine").classes == ["mine"]


@pytest.mark.parametrize("name", ["repeat_class", "tandem_period"])
def test_a_track_may_not_be_called_like_a_column_of_dnabert(name: str) -> None:
    with pytest.raises(UserError, match=f"{name} is what dnabert itself calls a column"):
        parse_track(f"{name}=mine.bed")
