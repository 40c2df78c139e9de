import json
import os
import pickle
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import datasets
import numpy as np
import pytest

from dnabert.corpus import (
    Corpus,
    CorpusConfig,
    GenomeConfig,
    SplitConfig,
    WindowConfig,
    config_from_fasta,
    load_corpus,
    prepare,
)
from dnabert.corpus.bases import TableWriter, sequence_features
from dnabert.corpus.loading import fingerprint
from dnabert.corpus.reading import Genome
from dnabert.corpus.simulate import simulate_fasta
from dnabert.errors import Caution, UserError


def sequences(path: Path) -> dict[str, bytes]:
    records = path.read_bytes().split(b">")[1:]
    return {r.split(b"\n")[0].decode(): r.split(b"\n", 1)[1].replace(b"\n", b"") for r in records}


def test_windows_hold_the_bases_of_their_coordinates(tiny_corpus: Corpus) -> None:
    truth = sequences(tiny_corpus.folder.parent / "tiny.fa")
    assert list(tiny_corpus) == ["train", "validation", "test"]
    for split, table in tiny_corpus.items():
        view = tiny_corpus.view(split)
        bases = view.bases(np.arange(len(view)))
        assert bases.dtype == np.uint8 and bases.shape == (len(table), 112)
        for row, window in zip(table, bases, strict=True):
            assert row["end"] - row["start"] == 112
            assert truth[row["chrom"]][row["start"] : row["end"]] == window.tobytes()


def test_every_base_is_kept_or_counted(tiny_corpus: Corpus) -> None:
    (summary,) = tiny_corpus.summary
    kept = 112 * sum(summary.windows.values())
    assert summary.bases == 120_000 == kept + summary.bases_in_n_runs + summary.bases_in_remainders
    assert summary.bases_in_n_runs == 1000
    assert {split: len(table) for split, table in tiny_corpus.items()} == summary.windows
    assert "1,000 bases in runs of N" in tiny_corpus.describe()


def test_a_genome_of_rna_is_the_same_corpus_as_of_dna(tmp_path: Path) -> None:
    """U beside the T of a reverse complement was another base, and to compositions none."""
    dna = "".join(np.random.default_rng(0).choice(list("ACGTacgt"), 2_000))
    views = []
    for name, text in (("dna", dna), ("rna", dna.replace("T", "U").replace("t", "u"))):
        (tmp_path / f"{name}.fa").write_text(f">chr1\n{text}\n")
        config = CorpusConfig([GenomeConfig("g", str(tmp_path / f"{name}.fa"))], window=WindowConfig(length=50))
        views.append(prepare(config, out=tmp_path / name).view(None))
    rows = np.arange(len(views[0]))
    assert len(rows) > 5
    assert (views[0].bases(rows) == views[1].bases(rows)).all()
    assert all(
        (views[0].column(name) == views[1].column(name)).all() for name in ("start", "gc", "n_share", "soft_masked")
    )


def test_sequences_too_short_for_a_window_are_counted(tmp_path: Path) -> None:
    (tmp_path / "contigs.fa").write_text(
        ">a\n" + "ACGT" * 30 + "\n>b\n" + "ACGT" * 27 + "\n>c\n" + "A" * 60 + "N" * 20 + "C" * 60 + "\n"
    )
    config = config_from_fasta(tmp_path / "contigs.fa")
    config.window, config.split = WindowConfig(length=112), SplitConfig(validation_fraction=0, test_fraction=0)
    corpus = prepare(config, out=tmp_path / "corpus")
    assert corpus.summary[0].sequences_without_windows == 2
    assert (
        "discarded: 20 bases in runs of N, 236 bases in remainders, 2 sequences in which no window fits"
        in corpus.describe()
    )


def test_summary_counts_the_annotation_and_one_without_such_counts_still_loads(
    tiny_corpus: Corpus, tmp_path: Path
) -> None:
    (summary,) = tiny_corpus.summary
    assert summary.genes and summary.repeats and summary.bases_in_cds
    view = tiny_corpus.view()
    assert np.isclose(summary.bases_in_cds / summary.bases, view.column("cds").mean(), atol=0.01)
    assert (
        f"120,000 bases, {summary.genes} genes (" in tiny_corpus.describe()
        and f", {summary.repeats:,} repeats; windows" in tiny_corpus.describe()
    )
    copy = tmp_path / "copy"
    shutil.copytree(tiny_corpus.folder, copy)
    old = json.loads((copy / "summary.json").read_text())
    for each in old:
        del each["genes"], each["bases_in_cds"], each["repeats"]
    (copy / "summary.json").write_text(json.dumps(old))
    assert "120,000 bases; windows: train" in load_corpus(copy).describe()


def test_annotation_is_the_simulated_truth(tiny_corpus: Corpus) -> None:
    view = tiny_corpus.view()
    lower = view.column("soft_masked")
    assert (
        np.allclose(lower, view.column("repeat"), atol=0.35) and np.corrcoef(lower, view.column("repeat"))[0, 1] > 0.98
    )
    assert set(view.column("repeat_class")) == {"none", "family0", "family1", "family2"}
    codes, texts = view.coded("repeat_class")
    np.testing.assert_array_equal(np.array(texts, object)[codes], view.column("repeat_class"))
    some = view.select(np.arange(0, len(view), 7))
    np.testing.assert_array_equal(
        np.array(some.coded("genome")[1], object)[some.coded("genome")[0]], some.column("genome")
    )
    assert {"CDS", "exon", "intron", "intergenic"} == set(view.column("region"))
    shares = sum(view.column(name) for name in ("cds", "utr", "exon", "intron", "intergenic"))
    assert np.allclose(shares, 1, atol=1e-6)


def test_shift_stays_in_the_segment_and_reverse_follows(tiny_corpus: Corpus) -> None:
    truth = sequences(tiny_corpus.folder.parent / "tiny.fa")
    view = tiny_corpus.view("train")
    rows = np.arange(len(view))
    rng = np.random.default_rng(0)
    shift, reverse = rng.integers(-70_000, 70_000, len(rows)), rng.random(len(rows)) < 0.5
    shift[::2] %= 50
    moved = view.bases(rows, shift=shift, reverse=reverse)
    complement = bytes.maketrans(b"ACGTacgt", b"TGCAtgca")
    columns = [view.column(name) for name in ("chrom", "start", "before", "after")]
    for window, by, turned, chrom, start, before, after in zip(moved, shift, reverse, *columns, strict=True):
        place = int(start) + int(np.clip(by, -int(before), int(after)))
        expected = truth[chrom][place : place + 112]
        assert b"N" not in expected
        assert window.tobytes() == (expected.translate(complement)[::-1] if turned else expected)
    assert np.array_equal(view.bases(rows, reverse=True)[3], view.bases(rows[3:4], reverse=True)[0])


def test_views_select_and_pickle(tiny_corpus: Corpus) -> None:
    view = tiny_corpus.view(None)
    assert len(view) == sum(map(len, tiny_corpus.values())) == len(view.table)
    assert view.column("split")[0] == "train" and view.column("split")[-1] == "test"
    some = view.select(np.arange(len(view)) % 7 == 3).select(np.array([5, 2]))
    assert np.array_equal(some.bases([0, 1]), view.bases([38, 17]))
    assert some.table["start"][:] == [view.table[38]["start"], view.table[17]["start"]]
    mask = np.isin(np.arange(len(view)), [17, 38])
    assert np.array_equal(
        view.bases(mask, reverse=np.array([True, False])), view.bases([17, 38], reverse=[True, False])
    )
    with pytest.raises(ValueError, match="^rows are of type object, allowed is whole numbers"):
        view.bases(slice(0, 3))  # it was *arrays used as indices must be of integer (or boolean) type*
    with pytest.raises(ValueError, match="^rows are of type float64"):
        view.bases([1.0])
    packed = pickle.dumps(view)
    assert len(packed) < 1000
    assert np.array_equal(pickle.loads(packed).bases([4, 9]), view.bases([4, 9]))
    assert (
        repr(some)
        == f"WindowView(2 windows of {view.window_length} bases, train, validation, test of {str(view.folder)!r})"
    )
    with pytest.raises(UserError, match="no split 'dev', it has train, validation, test: name one, or none for all"):
        tiny_corpus.view("dev")
    with pytest.raises(UserError, match=r"no split \['train', 'test'\], it has"):  # it was *unhashable type: 'list'*
        tiny_corpus.view(["train", "test"])
    with pytest.raises(KeyError, match="no column 'colour'"):
        view.column("colour")


def test_no_rows_and_a_single_one(tiny_corpus: Corpus) -> None:
    view = tiny_corpus.view("train")
    assert view.bases([]).shape == (0, view.window_length)  # type: ignore[arg-type]
    assert (view.bases(3) == view.bases(np.array([3]))).all()  # type: ignore[arg-type]


def test_token_numbers_come_from_the_tokenizer(tiny_corpus: Corpus) -> None:
    from dnabert.tokenizer import KmerTokenizer

    tokenizer = KmerTokenizer(k=7)
    view = tiny_corpus.view("test")
    ids = view.input_ids(np.arange(3), tokenizer=tokenizer, reverse=np.array([True, False, True]))
    assert ids.shape == (3, 18) and ids.dtype == np.int32
    assert tokenizer(view.bases([1])[0].tobytes().decode())["input_ids"] == ids[1].tolist()


def test_huggingface_reads_the_folder(tiny_corpus: Corpus) -> None:
    assert isinstance(tiny_corpus, datasets.DatasetDict)
    plain = datasets.load_from_disk(str(tiny_corpus.folder))
    assert str(plain["train"][:]) == str(tiny_corpus["train"][:])
    whole = b"".join(row["bases"] for row in tiny_corpus.sequences)
    assert whole == b"".join(sequences(tiny_corpus.folder.parent / "tiny.fa").values())
    assert {path.name for path in tiny_corpus.folder.iterdir()} == {
        "config.yaml",
        "dataset_dict.json",
        "gene_names.parquet",
        "manifest.json",
        "sequences",
        "summary.json",
        "train",
        "validation",
        "test",
    }


def test_windows_across_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = config_from_fasta(simulate_fasta(tmp_path / "x.fa", length=5000, seed=2))
    config.split = SplitConfig(validation_fraction=0, test_fraction=0)
    whole = prepare(config, out=tmp_path / "whole").view(None)
    monkeypatch.setattr("dnabert.corpus.preparation.CHUNK", 100)  # each window crosses four borders
    monkeypatch.setattr("dnabert.corpus.preparation._BATCH", 2)
    chunked = prepare(config, out=tmp_path / "chunked").view(None)
    rows = np.arange(len(whole))
    assert len(chunked.table) == len(rows) == 11
    assert np.array_equal(whole.bases(rows, shift=33), chunked.bases(rows, shift=33))
    assert str(whole.table[:]) == str(chunked.table[:])
    one, other = ((tmp_path / name / "train" / "state.json").read_text() for name in ("whole", "chunked"))
    assert one == other  # the fingerprint is of the windows, not of how they were written


def test_windows_far_apart_are_read_a_stretch_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    simulate_fasta(tmp_path / "a.fa", length=30_000, seed=1)
    config = config_from_fasta(tmp_path / "a.fa")
    config.window = WindowConfig(length=100, step=1_000)
    whole = prepare(config, out=tmp_path / "whole").view(None)
    read = []
    fetch = Genome.fetch
    monkeypatch.setattr(
        Genome, "fetch", lambda self, name, start, end: read.append(end - start) or fetch(self, name, start, end)
    )
    monkeypatch.setattr("dnabert.corpus.preparation.CHUNK", 5_000)
    monkeypatch.setattr("dnabert.corpus.preparation._SPAN", 5_000)
    some = prepare(config, out=tmp_path / "some").view(None)
    assert max(read) <= 5_000 + 100
    assert whole.column("start").tolist() == some.column("start").tolist() and len(whole) > 20
    assert (whole.bases(np.arange(len(whole))) == some.bases(np.arange(len(some)))).all()
    assert (whole.column("gc") == some.column("gc")).all()


def test_contigs_share_batches_of_the_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    truth = {f"c{n}": rng.choice(np.frombuffer(b"ACGTacgt", np.uint8), 50 + n).tobytes() for n in range(60)}
    (tmp_path / "x.fa").write_bytes(
        b"".join(b">" + name.encode() + b"\n" + bases + b"\n" for name, bases in truth.items())
    )
    config = config_from_fasta(tmp_path / "x.fa")
    config.window, config.split = WindowConfig(length=40), SplitConfig(by="chromosome", test=["c7"])

    def prepared(gathered: int, *, size: int = 1 << 20) -> tuple[Corpus, list[int]]:
        monkeypatch.setattr("dnabert.corpus.bases._GATHERED", gathered)
        monkeypatch.setattr("dnabert.corpus.bases.CHUNK", size)
        corpus = prepare(config, out=tmp_path / "corpus", overwrite=True)
        return corpus, [table.data.column("chrom").num_chunks for table in (corpus.sequences, *corpus.values())]

    corpus, batches = prepared(1)
    alone, told, tables = fingerprint(corpus.folder), corpus.describe(), [str(corpus[split][:]) for split in corpus]
    assert batches == [60, 59, 1]
    for gathered, size, most in ((1000, 1 << 20, [1, 1, 1]), (25, 1 << 20, [3, 3, 1]), (1000, 2000, [5, 10, 1])):
        corpus, batches = prepared(gathered, size=size)
        assert all(1 <= number <= few for number, few in zip(batches, most, strict=True)) and (
            size != 2000 or batches[0] > 1
        ), batches
        assert (fingerprint(corpus.folder), corpus.describe(), [str(corpus[split][:]) for split in corpus]) == (
            alone,
            told,
            tables,
        )
        assert {row["chrom"]: row["bases"] for row in corpus.sequences} == truth
        view = corpus.view("train")
        for chrom, start, window in zip(
            view.column("chrom"), view.column("start"), view.bases(np.arange(len(view))), strict=True
        ):
            assert window.tobytes() == truth[chrom][start : start + 40]


def test_a_short_sequence_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.fa").write_text("".join(f">c{n}\n{'ACGT' * 30}\n" for n in range(9)))
    config = config_from_fasta(tmp_path / "x.fa")
    config.window, config.split = WindowConfig(length=40), SplitConfig(validation_fraction=0, test_fraction=0)
    read: list[str] = []
    fetch = Genome.fetch
    monkeypatch.setattr(
        Genome, "fetch", lambda self, name, start, end: read.append(name) or fetch(self, name, start, end)
    )
    assert len(prepare(config, out=tmp_path / "corpus").view(None)) == 27 and read == [f"c{n}" for n in range(9)]


def test_bases_that_are_shorter_than_they_say_are_refused(tmp_path: Path) -> None:
    (tmp_path / "x.fa").write_text(f">a\n{'ACGT' * 25}\n>b\n{'ACGT' * 30}\n")
    config = config_from_fasta(tmp_path / "x.fa")
    config.window, config.split = WindowConfig(length=40), SplitConfig(by="chromosome", test=["b"])
    prepare(config, out=tmp_path / "corpus")
    path = tmp_path / "corpus" / "sequences" / "data-00000-of-00001.arrow"
    whole = path.read_bytes()
    for wrong in ([0, 100, 1 << 40], [0, 230, 220], [-8, 100, 220]):
        path.write_bytes(whole.replace(np.array([0, 100, 220]).tobytes(), np.array(wrong).tobytes()))
        with pytest.raises(
            UserError, match=r"cannot read .*arrow \(it is shorter than it says\): prepare the corpus again"
        ):
            load_corpus(tmp_path / "corpus").view("train").bases([0])


def test_damaged_bases_are_refused_and_a_corpus_of_before_is_read(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    text = {name: bytes(rng.choice(list(b"ACGT"), 400).tolist()) for name in "ab"}
    (tmp_path / "x.fa").write_bytes(b"".join(b">%s\n%s\n" % (name.encode(), bases) for name, bases in text.items()))
    config = config_from_fasta(tmp_path / "x.fa")
    config.window, config.split = WindowConfig(length=40), SplitConfig(validation_fraction=0, test_fraction=0)
    corpus = prepare(config, out=tmp_path / "corpus")
    rows = corpus.sequences.to_dict()
    path = tmp_path / "corpus" / "sequences" / "data-00000-of-00001.arrow"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(text["b"], text["b"][:200] + b"\0" * 200))  # as a copy that was broken off leaves it
    view = corpus.view("train")
    chrom = view.column("chrom")
    assert view.bases(np.flatnonzero(chrom == "a")).tobytes() == text["a"]
    for _ in range(2):
        with pytest.raises(
            UserError,
            match=(
                r"arrow is damaged \(bases 400 to 800 are others than were written\): copy or prepare the corpus "
                r"again"
            ),
        ):
            view.bases(np.flatnonzero(chrom == "b")[:1])
    shutil.rmtree(path.parent)
    features = {name: kind for name, kind in sequence_features().items() if name != "crc32"}
    with TableWriter(path.parent, features=datasets.Features(features)) as writer:
        writer.write({name: rows[name] for name in features})
    assert load_corpus(tmp_path / "corpus").view("train").bases(np.arange(20)).tobytes() == text["a"] + text["b"]


def test_windows_that_a_broken_copy_left_empty_are_refused(tmp_path: Path) -> None:
    simulate_fasta(tmp_path / "a.fa", length=30_000, seed=1)
    config = config_from_fasta(tmp_path / "a.fa")
    config.window = WindowConfig(length=100, step=10)
    corpus = prepare(config, out=tmp_path / "corpus")
    assert len(corpus.view(None).bases(np.arange(9))) == 9
    path = tmp_path / "corpus" / "train" / "data-00000-of-00001.arrow"
    whole, offsets = path.read_bytes(), corpus["train"].data.column("offset").to_numpy()
    begin = whole.rindex(offsets[-500:].tobytes())
    path.write_bytes(whole[:begin] + bytes(len(whole) - begin))
    with pytest.raises(
        UserError, match="train is damaged .its windows are out of order.: copy or prepare the corpus again"
    ):
        load_corpus(tmp_path / "corpus").view(None).bases(np.arange(9))


def test_overlapping_windows_and_a_split_that_no_window_crosses(tmp_path: Path) -> None:
    fasta = simulate_fasta(tmp_path / "x.fa", length=20_000, seed=2)
    config = config_from_fasta(fasta)
    config.window, config.split = WindowConfig(length=100, step=30), SplitConfig(by="region", test=["chr1:10005-"])
    corpus = prepare(config, out=tmp_path / "corpus")
    assert list(corpus) == ["train", "test"]
    assert max(corpus["train"]["end"]) <= 10_005 == min(corpus["test"]["start"])
    assert set(np.diff(corpus["train"]["start"])) == {30}


def test_a_path_is_told_how_it_becomes_a_configuration(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not of paths alone: pass dnabert.corpus.config_from_fasta\('genome.fa'\)$"):
        prepare("genome.fa", out=tmp_path / "corpus")  # type: ignore[arg-type]
    with pytest.raises(UserError, match=r"pass dnabert.corpus.config_from_fasta\(\['a.fa', 'b.fa'\]\)$"):
        prepare(["a.fa", Path("b.fa")], out=tmp_path / "corpus")  # type: ignore[arg-type]


def test_the_demo_is_split_by_block(demo_corpus: Corpus) -> None:
    blocks = {split: set(demo_corpus.view(split).column("block")) for split in demo_corpus}
    assert not blocks["train"] & blocks["test"] and not blocks["train"] & blocks["validation"]
    view = demo_corpus.view("validation")
    human, chimp = (
        {row["block"]: i for i, row in enumerate(view.table) if row["genome"] == g} for g in ("human", "chimp")
    )
    assert len(view) > 1000 and len(set(human) & set(chimp)) > 40
    assert set(view.column("genome")) == {"human", "chimp", "gorilla", "orangutan"}


def test_the_demo_is_small_and_says_where_it_comes_from() -> None:
    from dnabert.corpus.demo import demo_folder

    files = [path for path in demo_folder().iterdir() if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= 3_000_000
    assert {"README.md", "LICENSE.md"} <= {path.name for path in files}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (">a\n" + "N" * 2000 + "\n", "nothing but N"),
        (">a\n" + "ACGT" * 100 + "\n", r"windows of 448 bases are longer .* \(the longest has 400\)"),
        (">p\nMKVHAGSTRWYDKSVMHDRYWKMSVHD\n", "a protein"),
        (">p\nMKVLAAGI\n", "is it a protein"),
        ("@r\nACGT\n+\nIIII\n", "is FASTQ"),
        ("", "is empty"),
        (">a\n" + "ACGTNACGTA" * 100 + "\n", "window.max_n_fraction"),
    ],
)
def test_bad_input_ends_in_one_line_and_leaves_nothing(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "bad.fa").write_text(text)
    with pytest.raises(UserError, match=message) as caught:
        prepare(config_from_fasta(tmp_path / "bad.fa"), out=tmp_path / "corpus")
    assert "bad.fa" in str(caught.value) and "\n" not in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["bad.fa"]


def test_no_genomes_blocks_of_others_and_other_versions(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has no genomes"):
        prepare(CorpusConfig(), out=tmp_path / "corpus")
    fasta = simulate_fasta(tmp_path / "x.fa", length=5000, seed=2)
    (tmp_path / "b.tsv").write_text("block\tgenome\tchrom\tstart\tend\n0\ta\tchr1\t0\t900\n1\tb\tchr1\t0\t900\n")
    genomes = [GenomeConfig("a", str(fasta)), GenomeConfig("b", str(fasta))]
    config = CorpusConfig(genomes=genomes, orthologous_blocks="b.tsv", split=SplitConfig(by="block"))
    with pytest.raises(
        UserError, match=r"no window of genome 'b' lies in a block that the reference genome has too: check .*b\.tsv"
    ):
        prepare(config, out=tmp_path / "corpus", base=tmp_path)
    with pytest.warns(
        Caution,
        match=r"no window is in validation and test \(split\.by tail\): its share of every sequence holds no window",
    ):
        prepare(config_from_fasta(fasta), out=tmp_path / "corpus")
    with pytest.warns(
        Caution,
        match=r"no window is in validation and test \(split\.by tail\): there is 1 window in all: give more or longer",
    ):
        prepare(config_from_fasta(simulate_fasta(tmp_path / "one.fa", length=500, seed=2)), out=tmp_path / "one")
    manifest = json.loads((tmp_path / "corpus" / "manifest.json").read_text())
    (tmp_path / "corpus" / "manifest.json").write_text(json.dumps({**manifest, "format": 0}))
    with pytest.raises(UserError, match="make it again"):
        load_corpus(tmp_path / "corpus")


MEASURE = r"""
import re, sys
from dnabert.corpus import config_from_fasta, prepare
prepare(config_from_fasta(sys.argv[1]), out=sys.argv[2])
# not ru_maxrss: across exec that keeps the size of the process that started this one
print(re.search(r"VmHWM:\s+(\d+)", open("/proc/self/status").read())[1])
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_genome(tmp_path: Path) -> None:
    peaks = []
    for length in (10_000_000, 150_000_000):
        fasta = simulate_fasta(tmp_path / f"{length}.fa", length=length, seed=1)
        command = [sys.executable, "-c", MEASURE, str(fasta), str(tmp_path / f"{length}")]
        done = subprocess.run(command, capture_output=True, text=True, check=True, env={**os.environ})
        peaks.append(int(done.stdout) / 1e3)
    assert peaks[1] < 600 and peaks[1] < peaks[0] + 150, f"peak resident memory in MB: {peaks}"


@pytest.mark.parametrize("step", [None, 150])
def test_no_window_is_moved_into_one_of_another_split(tmp_path: Path, step: int | None) -> None:
    """Also where windows are drawn one by one: a second view, half a window away, would be the validation's own
    bases."""
    simulate_fasta(tmp_path / "a.fa", length=30_000, seed=1)
    config = config_from_fasta(tmp_path / "a.fa")
    config.window = WindowConfig(length=100, step=step)
    places = {}
    for by in ("tail", "random"):
        config.split = SplitConfig(by=by, validation_fraction=0.2, test_fraction=0.1)
        with warnings.catch_warnings(action="ignore"):
            view = prepare(config, out=tmp_path / by).view(None)
        start, end, split = (view.column(name) for name in ("start", "end", "split"))
        first, last = start - view.column("before"), end + view.column("after")
        reached = (first[:, None] < end) & (start < last[:, None])
        assert not (reached & (split[:, None] != split)).any()
        places[by] = sorted(start.tolist())
    assert len(set(split)) == 3 and set(places["tail"]) <= set(places["random"]) == set(
        range(0, 30_000 - 99, step or 100)
    )
