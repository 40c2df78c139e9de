"""The whole stage on a simulated corpus and on FASTA files."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.corpus import Corpus
from dnabert.encoders import EmbedConfig, embed, load_embeddings, load_encoder
from dnabert.encoders import source as source_module
from dnabert.encoders import table as table_module
from dnabert.encoders.processes import Processes
from dnabert.errors import Caution, UserError

RECORDS = {"one": "ACGTTGCAAC", "two": "GGGGGCCCTTAAACCCGG", "three": "acgttgcaac", "four": "TTTTTTTTTTA"}


@pytest.fixture
def fasta(tmp_path: Path) -> Path:
    path = tmp_path / "records.fa"
    path.write_text("".join(f">{name} a description\n{bases[:9]}\n{bases[9:]}\n" for name, bases in RECORDS.items()))
    return path


def ascii(text: str) -> np.ndarray:
    return np.frombuffer(text.encode(), dtype=np.uint8)


def test_corpus_in_its_order(tiny_corpus: Corpus, tmp_path: Path) -> None:
    result = embed("kmer:4", tiny_corpus.folder, out=tmp_path / "out")
    view = tiny_corpus.view(None)
    rows = np.arange(len(view))
    np.testing.assert_array_equal(result.vectors, load_encoder("kmer:4").encode(view.bases(rows)))
    assert result.vectors.dtype == np.float32
    for name in ("genome", "chrom", "start", "end", "split", "repeat_class"):
        assert (result.table[name].to_numpy() == view.column(name)).all(), name
    assert result.table["row"].tolist() == rows.tolist()
    assert set(result.table["strand"]) == {"+"}
    config = result.manifest["config"]
    assert (config["encoder"], config["dimension"], config["windows"]) == ("kmer:4", 136, len(rows))
    assert config["seconds"] >= 0
    assert sorted(path.name for path in result.folder.iterdir()) == [
        "config.yaml",
        "embeddings.parquet",
        "manifest.json",
    ]


def test_random_strand_is_recorded_and_repeats(tiny_corpus: Corpus, tmp_path: Path) -> None:
    config = EmbedConfig(strand="random", seed=3)
    result = embed("kmer:3:stranded", tiny_corpus.folder, out=tmp_path / "out", config=config)
    reverse = (result.table["strand"] == "-").to_numpy()
    assert 0.4 < reverse.mean() < 0.6
    view = tiny_corpus.view(None)
    bases = view.bases(result.table["row"].to_numpy(), reverse=reverse)
    np.testing.assert_array_equal(result.vectors, load_encoder("kmer:3:stranded").encode(bases))
    fewer = embed(
        "kmer:3:stranded",
        tiny_corpus.folder,
        out=tmp_path / "fewer",
        config=EmbedConfig(strand="random", seed=3, sample=20),
    )
    strand_of = dict(zip(result.table["row"], result.table["strand"], strict=True))
    assert [strand_of[row] for row in fewer.table["row"]] == fewer.table["strand"].tolist()


def test_sample_and_splits(tiny_corpus: Corpus, tmp_path: Path) -> None:
    config = EmbedConfig(sample=15, splits=["validation", "test"], genomes=["tiny"], seed=5)
    one = embed("kmer:2", tiny_corpus.folder, out=tmp_path / "one", config=config)
    two = embed("kmer:2", tiny_corpus.folder, out=tmp_path / "two", config=config)
    assert len(one.table) == 15
    assert set(one.table["split"]) <= {"validation", "test"}
    assert one.table["row"].is_monotonic_increasing
    assert one.table.equals(two.table)
    np.testing.assert_array_equal(one.vectors, two.vectors)


def test_the_path_that_pretrain_gives_is_a_run(tiny_corpus: Corpus, modernbert_run: Path, tmp_path: Path) -> None:
    made = embed(modernbert_run, tiny_corpus.folder, out=tmp_path / "out", config=EmbedConfig(sample=3))
    assert made.manifest["config"]["encoder"] == str(modernbert_run)
    assert load_encoder(modernbert_run).name == load_encoder(str(modernbert_run)).name


def test_run_on_a_corpus(tiny_corpus: Corpus, modernbert_run: Path, tmp_path: Path) -> None:
    # windows of 112 bp, a run that read 60: tiled
    result = embed(str(modernbert_run), tiny_corpus.folder, out=tmp_path / "out", config=EmbedConfig(sample=30))
    bases = tiny_corpus.view(None).bases(result.table["row"].to_numpy())
    np.testing.assert_allclose(result.vectors, load_encoder(str(modernbert_run)).encode(bases), atol=2e-5)
    assert result.manifest["inputs"]["encoder"]["sha256"]


@pytest.mark.parametrize("compressed", [False, True])
def test_fasta_in_its_order(fasta: Path, tmp_path: Path, compressed: bool) -> None:
    if compressed:
        packed = tmp_path / "records.fa.gz"
        packed.write_bytes(gzip.compress(fasta.read_bytes()))
        fasta = packed
    result = embed("kmer:2", fasta, out=tmp_path / "out", config=EmbedConfig(strand="random", seed=1))
    assert result.table["name"].tolist() == list(RECORDS)
    assert result.table["length"].tolist() == [len(bases) for bases in RECORDS.values()]
    np.testing.assert_array_equal(result.vectors[0], result.vectors[2])  # collapsed counts know neither case nor strand
    read = [
        ascii(bases) if strand == "+" else reverse_complement(ascii(bases))
        for bases, strand in zip(RECORDS.values(), result.table["strand"], strict=True)
    ]
    np.testing.assert_array_equal(result.vectors, load_encoder("kmer:2").encode(read))


def test_small_row_groups_give_the_same(tiny_corpus: Corpus, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import pyarrow.parquet

    whole = embed("kmer:4", tiny_corpus.folder, out=tmp_path / "whole")
    monkeypatch.setattr(table_module, "_GROUP_BYTES", 1000)
    parts = embed("kmer:4", tiny_corpus.folder, out=tmp_path / "parts")
    assert pyarrow.parquet.ParquetFile(tmp_path / "parts" / "embeddings.parquet").num_row_groups > 1
    np.testing.assert_array_equal(whole.vectors, parts.vectors)
    assert whole.table.equals(parts.table)


def test_parts_of_several_processes_are_joined_in_their_order_and_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow
    import pyarrow.parquet

    monkeypatch.setattr(table_module, "_GROUP_BYTES", 30)  # of two rows, in every part and in the whole
    vectors = np.random.default_rng(0).normal(size=(7, 3)).astype(np.float32)
    parts = [tmp_path / name for name in ("0", "1", "2")]
    for part, rows in ((parts[0], range(3)), (parts[2], range(3, 7))):  # the second process had no sequence
        with table_module.TableWriter(part) as writer:
            for row in rows:
                writer.add(pyarrow.table({"name": [f"s{row}"]}), vectors[row : row + 1])
    table_module.join(parts, into=tmp_path / "whole")
    whole = pyarrow.parquet.read_table(tmp_path / "whole")
    assert whole["name"].to_pylist() == [f"s{row}" for row in range(7)]
    np.testing.assert_array_equal(np.array(whole["vector"].to_pylist(), np.float32), vectors)
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_each_sequence_is_one_process_s(size: int) -> None:
    for n in range(20):
        shares = [range(*Processes(rank, size).share(n)) for rank in range(size)]
        assert [row for share in shares for row in share] == list(range(n))
        assert max(map(len, shares)) - min(map(len, shares)) <= 1
    assert [Processes(rank, size).is_main for rank in range(size)] == [True] + [False] * (size - 1)


def test_records_are_read_few_enough_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """At most three at once, and none behind those that have more than a hundred bases together."""
    monkeypatch.setattr(source_module, "_CHUNK_SEQUENCES", 3)
    monkeypatch.setattr(source_module, "_CHUNK_BASES", 100)
    lengths = [10, 10, 10, 60, 50, 101, 40, 60, 5, 7]
    (tmp_path / "a.fa").write_text("".join(f">{i}\n{'ACGTA' * 21}"[: 3 + n] + "\n" for i, n in enumerate(lengths)))
    with source_module.open_source(tmp_path / "a.fa", config=EmbedConfig()) as source:
        assert source.lengths().tolist() == lengths

        def chunks(start: int, stop: int) -> list[list[int]]:
            found = list(source.chunks(start, stop))
            assert all(list(map(len, chunk.bases)) == chunk.columns["length"].to_pylist() for chunk in found)
            return [chunk.columns["row"].to_pylist() for chunk in found]

        assert chunks(0, 10) == [[0, 1, 2], [3, 4], [5], [6, 7, 8], [9]]
        assert chunks(2, 9) == [[2, 3, 4], [5], [6, 7, 8]]


def test_windows_are_read_few_enough_at_a_time(tiny_corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source_module, "_CHUNK_SEQUENCES", 3)
    with source_module.open_source(tiny_corpus.folder, config=EmbedConfig(sample=20)) as source:
        rows = [row for chunk in source.chunks(0, 20) for row in chunk.columns["row"].to_pylist()]
        found = [chunk.columns["row"].to_pylist() for chunk in source.chunks(4, 12)]
    assert len(set(rows)) == 20 and found == [rows[4:7], rows[7:10], rows[10:12]]


def test_a_process_whose_part_is_unknown_bases_alone_goes_on(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(f">a\n{'ACGT' * 9}\n>b\n{'N' * 50}\n>c\n{'ACGT' * 9}\n")
    with source_module.open_source(tmp_path / "a.fa", config=EmbedConfig()) as source:
        assert [chunk.columns["name"].to_pylist() for chunk in source.chunks(1, 2)] == [["b"]]


def test_windows_of_the_named_genomes_alone_are_read(demo_corpus: Corpus) -> None:
    config = EmbedConfig(genomes=["gorilla", "human"], splits=["test"])
    with source_module.open_source(demo_corpus.folder, config=config) as source:
        view = demo_corpus.view(None)
        genome, split = view.column("genome"), view.column("split")
        rows = np.flatnonzero(np.isin(genome, ["gorilla", "human"]) & (split == "test"))
        assert 0 < len(rows) < (split == "test").sum()
        found = [row for chunk in source.chunks(0, len(source)) for row in chunk.columns["row"].to_pylist()]
    assert found == rows.tolist()


def test_no_bar_where_the_environment_wants_none(tmp_path: Path) -> None:
    (tmp_path / "a.fa").write_text(">a\nACGTACGT\n")
    told = {}
    for wanted in ("", "1"):
        command = [sys.executable, "-m", "dnabert", "embed", "kmer:2", "a.fa", "--out", f"out{wanted}"]
        environment = os.environ | {"TQDM_DISABLE": wanted}
        told[wanted] = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True
        )
    assert "1/1" in told[""].stderr and told["1"].stderr == ""


#: What a process that joined the others says of how long it waits for them, in seconds.
_WAITS = """
import sys
import torch
from dnabert.encoders.processes import Processes
processes = Processes.current()
group = torch.distributed.distributed_c10d._get_default_group()
sys.stdout.write(f"{processes.size} {group._get_backend(torch.device('cpu')).options._timeout.total_seconds()}\\n")
processes.leave()
"""


@pytest.mark.slow
def test_processes_wait_for_one_another_as_long_as_those_of_a_training(tmp_path: Path) -> None:
    """It was torch's own half hour, which a fit on a large genome takes."""
    (tmp_path / "waits.py").write_text(_WAITS)
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2", "waits.py"]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["2 7200.0"] * 2, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("fitted", [False, True])
def test_two_processes_give_what_one_gives(
    tiny_corpus: Corpus, modernbert_run: Path, tmp_path: Path, fitted: bool
) -> None:
    spec, whiten = ("kmer:2+lsa:3", 0.5) if fitted else (str(modernbert_run), 0.0)
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        "-m",
        "dnabert",
        "embed",
    ]
    environment = os.environ | {"ACCELERATE_USE_CPU": "true", "OMP_NUM_THREADS": "1"}
    settings = ["--strand", "random", "--sample", "301", "--precision", "fp32", "--whiten", str(whiten), "--json"]
    arguments = [spec, str(tiny_corpus.folder), "--out", str(tmp_path / "two"), *settings]
    done = subprocess.run([*command, *arguments], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["windows"] == 301  # of the two one speaks
    two = load_embeddings(tmp_path / "two")
    config = EmbedConfig(strand="random", sample=301, precision="fp32", whiten=whiten)
    one = embed(spec, tiny_corpus.folder, out=tmp_path / "one", config=config)
    assert one.table.equals(two.table)
    np.testing.assert_allclose(one.vectors, two.vectors, rtol=1e-4, atol=1e-5)
    assert not list(two.folder.glob("part-*"))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("kmre:6", "did you mean kmer:6"),
        ("brt", "did you mean bert"),
        ("runs/none", "no such run folder or encoder: runs/none"),
        ("random:runs/none", "no such run folder: runs/none"),
        ("kmer", "no such run folder or encoder"),
    ],
)
def test_unknown_encoder(fasta: Path, tmp_path: Path, spec: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        embed(spec, fasta, out=tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(("spec", "whiten"), [("lsa:3", 0.0), ("kmer:2+kmer:3", 0.0), ("kmer:2", 0.5)])
def test_of_one_chromosome_the_mend_is_named(tiny_corpus: Corpus, tmp_path: Path, spec: str, whiten: float) -> None:
    path = tmp_path / "one.fa"
    path.write_text(">chr\n" + "ACGTTGCAAC" * 20_000 + "\n")
    with (
        pytest.warns(Caution, match=r"one vector for a sequence of 200,000 bases"),
        pytest.raises(UserError, match=r"one\.fa is one; dnabert prepare .*one\.fa --out corpus cuts a genome into"),
    ):
        embed(spec, path, out=tmp_path / "e", config={"whiten": whiten})
    if whiten:  # what is fitted otherwise is so on the training windows
        with pytest.raises(UserError, match=r"needs two .*: ask for more windows of .*--sample"):
            embed(spec, tiny_corpus, out=tmp_path / "e", config={"sample": 1, "whiten": whiten})
    assert not (tmp_path / "e").exists()


def test_short_record_is_named(fasta: Path, tmp_path: Path) -> None:
    fasta.write_text(fasta.read_text() + ">tiny\nACG\n")
    with pytest.raises(
        UserError,
        match=r"record tiny of .*records.fa has 3 bases, fewer than a word of the encoder \(4\): leave it out, or",
    ):
        embed("kmer:4", fasta, out=tmp_path / "out")
    fasta.write_text(fasta.read_text() + ">small\nAC\n")
    with pytest.raises(
        UserError, match=r"record small of .* has 2 bases, .* \(4\), and 1 more has too few: leave them out, or"
    ):
        embed("kmer:4", fasta, out=tmp_path / "out")
    fasta.write_text(fasta.read_text() + ">nothing\n")
    with pytest.raises(
        UserError, match=r"record nothing of .* has 0 bases, .* \(4\), and 2 more have too few: leave them out$"
    ):
        embed("kmer:4", fasta, out=tmp_path / "out")


@pytest.mark.parametrize("content", ["", "@read\nACGT\n+\nIIII\n", "name,sequence\n"])
def test_neither_corpus_nor_fasta(tmp_path: Path, content: str) -> None:
    path = tmp_path / "input.txt"
    path.write_text(content)
    with pytest.raises(UserError, match=r"input\.txt"):
        embed("kmer:2", path, out=tmp_path / "out")


def test_a_file_of_unknown_bases_alone_is_refused_and_one_such_record_is_not(tmp_path: Path) -> None:
    (tmp_path / "n.fa").write_text(f">a\n{'N' * 500}\n>b\n{'n' * 90}\n")
    with pytest.raises(UserError, match=r"n\.fa holds nothing but N: give a FASTA file with bases"):
        embed("kmer:2", tmp_path / "n.fa", out=tmp_path / "out")
    assert not (tmp_path / "out").exists()
    (tmp_path / "n.fa").write_text(f">a\n{'N' * 50}\n>b\n{'ACGT' * 90}\n")
    assert len(embed("kmer:2", tmp_path / "n.fa", out=tmp_path / "out").vectors) == 2


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such limit")
def test_no_room_for_what_is_decompressed_names_its_folder(tmp_path: Path) -> None:
    (tmp_path / "temporary").mkdir()
    (tmp_path / "a.fa.gz").write_bytes(gzip.compress(b">a\n" + b"ACGTTGCAAC" * 2000))
    code = (
        "import resource, sys\nfrom dnabert.cli import main\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\nmain(['embed', 'kmer:2', *sys.argv[1:]])\n"
    )
    words = [str(tmp_path / "a.fa.gz"), "--out", str(tmp_path / "out")]
    env = {**os.environ, "TMPDIR": str(tmp_path / "temporary")}
    done = subprocess.run([sys.executable, "-c", code, *words], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith(f"error: cannot write {tmp_path / 'temporary' / 'dnabert-'}")
    assert done.stderr.endswith(": File too large: free space there, or set TMPDIR to a folder on another disk\n")
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_is_told_to_be_one(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe is a pipe, .*: write it into a file"):
        embed("kmer:2", tmp_path / "pipe", out=tmp_path / "out")


def test_wrong_input(fasta: Path, tiny_corpus: Corpus, modernbert_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    with pytest.raises(UserError, match="no such input"):
        embed("kmer:2", tmp_path / "none.fa", out=out)
    with pytest.raises(UserError, match="not a corpus"):
        embed("kmer:2", modernbert_run, out=out)
    with pytest.raises(UserError, match="--splits and --genomes"):
        embed("kmer:2", fasta, out=out, config=EmbedConfig(splits=["train"]))
    with pytest.raises(UserError, match="--splits dev is not in .*train"):
        embed("kmer:2", tiny_corpus.folder, out=out, config=EmbedConfig(splits=["dev"]))
    with pytest.raises(UserError, match="leave no window"):
        embed("kmer:2", tiny_corpus.folder, out=out, config=EmbedConfig(splits=[]))
    out.mkdir()
    (out / "thesis.tex").touch()
    with pytest.raises(UserError, match="leaves it alone"):
        embed("kmer:2", fasta, out=out, overwrite=True)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"phases": 0}, "--phases is 0, allowed is 1 or more"),
        ({"batch_size": 0}, "--batch-size is 0"),
        ({"sample": 0}, "--sample is 0"),
        ({"pooling": "sum"}, "pooling is 'sum', allowed is mean or cls or max"),
        ({"strand": "both"}, "strand is 'both', allowed is forward or random"),
        ({"seed": -1}, "--seed is -1"),
    ],
)
def test_wrong_config(values: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        EmbedConfig(**values)


def test_damaged_embeddings(fasta: Path, tmp_path: Path) -> None:
    embed("kmer:2", fasta, out=tmp_path / "out")
    (tmp_path / "out" / "embeddings.parquet").write_bytes(b"PAR1")
    with pytest.raises(UserError, match="cannot read .*embeddings.parquet"):
        load_embeddings(tmp_path / "out")


def test_shuffled_windows_keep_their_dinucleotides_and_lose_their_order(tiny_corpus: Corpus, tmp_path: Path) -> None:
    real = embed("kmer:2:stranded", tiny_corpus.folder, out=tmp_path / "real")
    null = embed("kmer:2:stranded", tiny_corpus.folder, out=tmp_path / "null", config=EmbedConfig(shuffle=True))
    np.testing.assert_allclose(real.vectors, null.vectors, atol=1e-6)
    some = EmbedConfig(shuffle=True, sample=10)
    long = [
        embed("kmer:4", tiny_corpus.folder, out=tmp_path / str(i), config=c)
        for i, c in enumerate((some, EmbedConfig(sample=10)))
    ]
    assert not np.allclose(long[0].vectors, long[1].vectors)
