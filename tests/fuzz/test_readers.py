"""Every reader of a user's file, given damaged copies of a small valid one: a result or one line, never anything
else."""

from __future__ import annotations

import contextlib
import gzip
import json
import signal
import struct
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st

from dnabert.clusters.config import ClusterConfig
from dnabert.comparison.config import CompareConfig
from dnabert.config import load_yaml
from dnabert.corpus.annotation import Annotation
from dnabert.corpus.blocks import read_blocks
from dnabert.corpus.cache import _read_lock
from dnabert.corpus.config import CorpusConfig
from dnabert.corpus.feature_lines import read_features
from dnabert.corpus.gene_names import FILE, GeneNames, name_rows, read_gene_names, write_gene_names
from dnabert.corpus.genes import read_genes
from dnabert.corpus.reading import Genome
from dnabert.corpus.records import read_records
from dnabert.corpus.registry import read_registry
from dnabert.corpus.tracks import read_track
from dnabert.errors import Caution, UserError
from dnabert.explain.blast import _numbered_copy
from dnabert.explain.gene_set_file import read_gene_sets
from dnabert.explain.meme import read_meme
from dnabert.manifest import read_manifest
from dnabert.pretraining.checkpoints import newest_readable
from dnabert.pretraining.config import PretrainConfig
from dnabert.pretraining.tracking import keep_up_to
from dnabert.probes.tasks import read_task

#: A reader that takes longer on a few hundred bytes hangs; the machine may be busy.
_SECONDS = 30
#: Cases of each reader in `make test` and in `make slow`.
_FEW, _MANY = 60, 10_000

_FASTA = b">a first\nACGTACGTNN\nacgtacgtRY\nACG\n>b\nGGGGCCCC\n\n>c|x/y\nTTTT\nAA\n"
_GTF = (
    b"#!genome-build x\n"
    b'chr1\thavana\tgene\t11\t90\t.\t+\t.\tgene_id "G1"; gene_name "BRCA2; like"; gene_type "protein_coding";\n'
    b'chr1\thavana\texon\t11\t40\t.\t+\t.\tgene_id "G1"; transcript_id "T1";\n'
    b'chr1\thavana\tCDS\t21\t40\t.\t+\t0\tgene_id "G1"; transcript_id "T1";\n'
    b'chr2\thavana\texon\t5\t60\t.\t-\t.\tgene_id "G2";\n'
)
_GFF3 = (
    b"##gff-version 3\nchr1\tRefSeq\tgene\t11\t90\t.\t+\t.\tID=gene:G1;Name=BRCA%32;Dbxref=GeneID:675,"
    b"HGNC:HGNC:1;gene_synonym=A,B%2C;biotype=lncRNA\n"
    b"chr1\tRefSeq\texon\t11\t40\t.\t+\t.\tParent=t1,t2\nchr1\tRefSeq\tCDS\t21\t40\t.\t+\t0\tID=c;Parent=t1\n##FASTA\n"
    b">chr1\nACGT\n"
)
_GENBANK = (
    b"LOCUS       pX1  40 bp    DNA     circular BCT 01-JAN-2020\nVERSION     pX1.1\nFEATURES             Location/Q\n"
    b'     gene            join(31..40,1..6)\n                     /gene="thrL"\n                     /pseudo\n'
    b"     CDS             complement(join(<8..12,\n                     20..>30))\n"
    b'                     /codon_start=2\n                     /note="a ""b""\n                     c"\n'
    b"ORIGIN\n        1 acgtacgtac gtnnacgtry\n"
    b"       21 acgtacgtac acgtacgtac\n//\n"
)
_EMBL = (
    b"ID   pX1; SV 1; circular; genomic DNA; STD; PRO; 40 BP.\nAC   pX1;\nFH   Key             Location\nFH\n"
    b'FT   gene            join(31..40,1..6)\nFT                   /gene="thrL"\n'
    b"FT   CDS             complement(join(<8..12,\nFT                   20..>30))\nXX\n"
    b"SQ   Sequence 40 BP; 10 A; 10 C; 10 G; 10 T; 0 other;\n"
    b"     acgtacgtac gtnnacgtry acgtacgtac acgtacgtac                              40\n//\n"
)
_GENE_PRED = (
    b"#bin\tname\tchrom\n585\tNR_1\tchr1\t-\t9\t40\t12\t35\t2\t9,30,\t20,40,\t0\tWASH7P\tunk\tunk\t-1,-1,\n"
    b"585\tNR_2\tchr1\t+\t50\t80\t80\t80\t1\t50,\t80,\t0\tMIR\tunk\tunk\t-1,\n"
)
_REF_FLAT = b"WASH7P\tNR_1\tchr1\t-\t9\t40\t12\t35\t2\t9,30,\t20,40,\n"
_BED12 = b"chr1\t10\t90\tt1\t0\t+\t20\t80\t0\t2\t20,30,\t0,50,\n"
_BED = b"track name=x\nchr1\t5\t40\tAlu\t9\t+\nchr1\t30\t60\tL1\nchr2\t0\t9\n"
_RMSK = (
    b"585\t463\t13\t6\t17\tchr1\t10\t46\t-20\t+\tL1MC5a\tLINE\tL1\t5648\t6095\t-1\t1\n"
    b"585\t463\t13\t6\t17\tchr1\t60\t76\t-20\t-\tAluY\tSINE\tAlu\t0\t6095\t-1\t2\n"
)
_RMSK_OUT = (
    b"   SW   perc perc perc  query\nscore   div. del. ins.  sequence\n\n"
    b"  463   1.3  0.6  1.7  chr1  11  46 (248) +  (TAACCC)n  Simple_repeat  1 471 (0) 1\n"
    b"  363   1.3  0.6  1.7  chr1  61  96 (248) C  AluY  SINE/Alu  1 471 (0) 2 *\n"
)
_REPEATS_GFF3 = (
    b"##gff-version 3\nchr1\tEDTA\tGypsy\t11\t46\t.\t+\t.\tID=TE_1;Name=TE_00000012;Classification=LTR/Gypsy\n"
    b'chr1\tRepeatMasker\tx\t61\t96\t.\t-\t.\tTarget "Motif:AluY" 1 300\n##FASTA\n>chr1\nACGT\n'
)
_CPG = b"585\tchr1\t28\t73\tCpG: 111\t709\t111\n585\tchr1\t80\t95\tCpG: 30\t7\t11\n"
_BLOCKS = b"block\tgenome\tchrom\tstart\tend\n1\ta\tchr1\t0\t50\n2\ta\tchr1\t50\t90\n1\tb\tchr2\t10\t60\n"
_GMT = b"GO:1\tCC: membrane\tBRCA2\tTP53\nGO:2\tna\tEWSR1\n"
_MEME = (
    b"MEME version 4\n\nALPHABET= ACGT\n\nMOTIF m1 alt\nletter-probability matrix: alength= 4 w= 2 nsites= 20 E= 0\n"
    b"0.25 0.25 0.25 0.25\n1.0 0 0 0\n\nMOTIF m2\nletter-probability matrix:\n 0.1 0.2 0.3 0.4\n"
)
_CSV = b'\xef\xbb\xbfname,sequence,label\na,ACGT,0\nb,"NNAC",1\nc,GGTT,1\n'
_TSV = b"sequence\tlabel\tname\nACGT\tx\t1\nGGCC\ty\t2\nTTAA\ty\t3\n"
_FASTQ = b"@r1 x\nACGT\n+\nIIII\n@r2\nGG\n+r2\n@@\n"
_LABELLED_FASTA = b">a 0\nACGT\nAC\n>b 1\nGGTT\n>c x 1\nNNNN\n"
_UCI = b"EI,  NAME-1,      CCAGCTGCAT\nIE,NAME-2, ACGTNSRD\nN,NAME-3,ACACAC\n\n"
_YAML = (
    b"genomes:\n- name: human\n  fasta: human.fa.gz\n  genes: genes.gtf\n"
    b"- {name: chimp, fasta: x.fa, chroms: [chr1, chr2]}\northologous_blocks: null\nwindow:\n  length: 448\n"
    b"  max_n_fraction: 2e-2\nsplit: &s\n  by: region\n  validation: ['human:chr1:0-9']\n"
)
_CLUSTER_YAML = b"components: 50\nmin_cluster_size: 25\nkmeans: 20\nmap_min_dist: 0.1\nseed: 0\n"
_PRETRAIN_YAML = (
    b"corpus: c\nk: 6\nmodel: {architecture: bert, hidden_size: 64, layers: 2, dropout: 0.1}\nbatch_size: 8\n"
    b"steps: null\nminutes: 1.5\ncontrast:\n  weight: 0.5\nlearning_rate: 4e-3\nhide: touching\nrandom_strand: false\n"
)
_COMPARE_YAML = (
    b"run: r\nrungs:\n- {name: a, encoder: RUN}\n- {name: b, encoder: 'kmer:4', shuffle: true}\n"
    b"ladder_splits: [validation]\nmap_windows: 9\nretrieval: {n: 5}\nmap_cluster: {kmeans: 3}\nexplain:\n"
    b"  databases: [x.fa]\n"
)
_REGISTRY = (
    b'{"source": "https://x/y/", "layout": {"fasta": ["{assembly}/{assembly}.2bit"]}, "groups": {"all": ["hg1"]}, '
    b'"sha256": {"a": "00"}, "assemblies": {"hg1": {"name": "human", "title": "t", "files": {"fasta": ["a/b.fa.gz"], '
    b'"genes": ["a/c.gtf"]}}}}'
)
_CHECKSUMS = (
    b'{"files": {"a.fa": {"url": "x", "bytes": 3, "sha256": "00", "checked_by": null}}, "absent": {"genes": ["x"]}}'
)
_PROGRESS = (
    b'{"step": 4, "tokens": 9, "seconds": 1.5, "tracker_id": null, "first_bits": 2.0, "since_line": [{"seconds": 0.1}]}'
)
_METRICS = b'{"step": 0, "low": 1.9}\n{"step": 1, "train_bits_per_base": 2.0}\n{"step": 2}\n'
_MANIFEST = b'{"kind": "corpus", "format": 1, "config": {}, "inputs": {}, "versions": {"dnabert": "0"}, "command": []}'


def _twobit() -> bytes:
    """Two sequences of the .2bit format, version 0: runs of N and of lower case."""
    header, names = struct.pack("<4I", 0x1A412743, 0, 2, 0), (b"chr1", b"b")
    records = [
        struct.pack("<I", 10)
        + struct.pack("<3I", 1, 2, 3)
        + struct.pack("<5I", 2, 0, 6, 1, 2)
        + b"\0\0\0\0"
        + b"\x1b\xe4\x40",
        struct.pack("<I", 4) + struct.pack("<I", 0) + struct.pack("<I", 0) + b"\0\0\0\0" + b"\xff",
    ]
    place = len(header) + sum(1 + len(name) + 4 for name in names)
    index = b""
    for name, record in zip(names, records, strict=True):
        index += bytes([len(name)]) + name + struct.pack("<I", place)
        place += len(record)
    return header + index + b"".join(records)


def _parquet() -> bytes:
    """Names of genes, as a corpus keeps them."""
    with tempfile.TemporaryDirectory() as folder:
        write_gene_names(Path(folder), name_rows("BRCA2", [("GeneID", "675"), ("gene_id", "ENSG00000139618.15")]))
        return (Path(folder) / FILE).read_bytes()


_SAFETENSORS = safetensors.numpy.save({"a": np.zeros(3, np.float32), "b": np.ones((2, 2), np.float32)})


def _genome(path: Path) -> None:
    scratch = path.parent / "scratch"
    scratch.mkdir(exist_ok=True)
    try:
        with Genome(path, scratch=scratch) as genome:
            for name, length in genome.lengths.items():
                assert len(genome.fetch(name, 0, length)) == length
    finally:
        for left in scratch.iterdir():
            left.unlink()


def _genes(path: Path) -> None:
    genes = read_genes(path)
    for chrom in genes.chroms:
        assert (genes.spans[chrom][:, 0] >= 0).all() and (genes.spans[chrom][:, 0] <= genes.spans[chrom][:, 1]).all()
        Annotation(genes=genes).columns(chrom, starts=np.arange(0, 100, 10), length=10)
    names = GeneNames(genes.other_names)
    assert all(names.find(gene) is not None for part in genes.names.values() for gene in part[0])


def _track(path: Path) -> None:
    track = read_track(path)
    for chrom, intervals in track.intervals.items():
        assert (intervals[:, 0] >= 0).all() and (intervals[:, 0] <= intervals[:, 1]).all()
        Annotation(repeats=track, cpg_islands=track).columns(chrom, starts=np.arange(0, 100, 10), length=10)


def _blocks(path: Path) -> None:
    blocks = read_blocks(path)
    for genome, chrom in blocks.places:
        blocks.at(genome, chrom, starts=np.arange(0, 100, 10))


def _gene_names(path: Path) -> None:
    names = read_gene_names(path.parent)
    assert names is not None and all(len(row) == 3 for row in names.rows)
    names.find("BRCA2")


def _meme(path: Path) -> None:
    for motif in read_meme(path):
        assert np.isfinite(motif.matrix).all() and motif.n_sites >= 0


def _records(path: Path) -> None:
    for record in read_records(path):
        assert record.name


def _task(path: Path) -> None:
    task = read_task(path)
    assert sum(len(part.sequences) for part in (task.train, task.dev, task.test))


def _task_folder(path: Path) -> None:
    """A task of three parts, of which the damaged file is one."""
    for part in ("dev", "test"):
        (path.parent / f"{part}{path.suffix}").write_bytes(_SEEDS[path.name][0])
    read_task(path.parent)


def _database(path: Path) -> None:
    _numbered_copy(path, path.parent / "copy.fa")


def _manifest(path: Path) -> None:
    read_manifest(path.parent, kind="corpus")


def _registry(path: Path) -> None:
    for assembly in read_registry(path).choose(["all"]):
        assert all("/../" not in f"/{each}/" for files in assembly.files.values() for each in files)


def _checkpoint(path: Path) -> None:
    """A damaged checkpoint is left out; nothing else may come of it."""
    folder = path.parent / "checkpoints" / "step-000000004"
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("model.safetensors", "optimizer.safetensors"):
        (folder / name).write_bytes(path.read_bytes() if path.name == name else _SAFETENSORS)
    (folder / "progress.json").write_bytes(path.read_bytes() if path.name == "progress.json" else _PROGRESS)
    (folder / "config.json").write_text('{"model_type": "bert"}')
    found = newest_readable(path.parent)
    assert found in (None, folder) and folder.exists()


def _curve(path: Path) -> None:
    keep_up_to(path.parent, step=1)
    assert all(json.loads(line)["step"] <= 1 for line in path.read_text().splitlines())


#: File to a valid content and what reads it; the name matters to some readers.
_SEEDS: dict[str, tuple[bytes, Callable[[Path], Any]]] = {
    "x.fa": (_FASTA, _genome),
    "x.2bit": (_twobit(), _genome),
    "x.gtf": (_GTF, _genes),
    "x.gff3": (_GFF3, _genes),
    "x.gbk": (_GENBANK, _genes),
    "sequences.gbk": (_GENBANK, _genome),
    "x.embl": (_EMBL, _genes),
    "sequences.embl": (_EMBL, _genome),
    "sequences.gff3": (_GFF3, _genome),
    "features.gtf": (_GTF, read_features),
    "genePred.txt": (_GENE_PRED, _genes),
    "refFlat.txt": (_REF_FLAT, _genes),
    "genes.bed": (_BED12, _genes),
    "x.bed": (_BED, _track),
    "rmsk.txt": (_RMSK, _track),
    "x.out": (_RMSK_OUT, _track),
    "repeats.gff3": (_REPEATS_GFF3, _track),
    "cpgIslandExt.txt": (_CPG, _track),
    FILE: (_parquet(), _gene_names),
    "blocks.tsv": (_BLOCKS, _blocks),
    "x.gmt": (_GMT, read_gene_sets),
    "x.meme": (_MEME, _meme),
    "records.fa": (_FASTA, _records),
    "records.fq": (_FASTQ, _records),
    "records.csv": (_CSV, _records),
    "records.tsv": (_TSV, _records),
    "database.fa": (_FASTA, _database),
    "task.data": (_UCI, _task),
    "train.csv": (_CSV.removeprefix(b"\xef\xbb\xbf"), _task_folder),
    "train.tsv": (_TSV, _task_folder),
    "train.fa": (_LABELLED_FASTA, _task_folder),
    "train.data": (_UCI, _task_folder),
    "corpus.yaml": (_YAML, lambda path: load_yaml(CorpusConfig, path)),
    "cluster.yaml": (_CLUSTER_YAML, lambda path: load_yaml(ClusterConfig, path)),
    "pretrain.yaml": (_PRETRAIN_YAML, lambda path: load_yaml(PretrainConfig, path)),
    "compare.yaml": (_COMPARE_YAML, lambda path: load_yaml(CompareConfig, path)),
    "manifest.json": (_MANIFEST, _manifest),
    "registry.json": (_REGISTRY, _registry),
    "checksums.json": (_CHECKSUMS, lambda path: _read_lock(path.parent)),
    "progress.json": (_PROGRESS, _checkpoint),
    "optimizer.safetensors": (_SAFETENSORS, _checkpoint),
    "metrics.jsonl": (_METRICS, _curve),
}

#: What is put in somewhere: numbers beyond every range, other encodings, separators, quotes, what a format takes for
#: special.
_PIECES = [
    b"99999999999999999999999",
    b"9223372036854775807",
    b"4294967295",
    b"-1",
    b"1e999",
    b"nan",
    b"inf",
    b"1_0",
    b"0x_",
    b"9" * 5000,
    b"\xff\xfe",
    b"\x00",
    b"\xc3",
    "\u0663".encode(),
    b"\r",
    b"\r\n",
    b"\n",
    b"\t",
    b"\t\t",
    b" ",
    b",",
    b",,",
    b'"',
    b"'",
    b";",
    b">",
    b"@",
    b"+",
    b"=",
    b"#",
    b"%zz",
    b"\x1f\x8b",
    b"\xef\xbb\xbf",
    b"MOTIF",
    b"letter-probability matrix: w= 1",
    b"nsites= nan",
    b"? [a]: b\n",
    b"&a [*a]",
    b"*s",
    b"!!python/object/apply:os.system [id]",
    b"2001-99-99",
    b"!!bool x",
    b"!!int ",
    b"!!timestamp x",
    b"<<: *s\n",
    b"{",
    b"}",
    b"[",
    b"]",
    b": ",
    b"[" * 3000,
    b"null",
    b"[]",
    b"{}",
    b"true",
]

_PLACE = st.floats(0, 1)
_EDIT = st.one_of(
    st.tuples(st.just("flip"), _PLACE, st.integers(1, 255)),
    st.tuples(st.just("cut"), _PLACE, st.just(0)),
    st.tuples(st.just("drop"), _PLACE, st.integers(1, 12)),
    st.tuples(st.just("put"), _PLACE, st.sampled_from(_PIECES)),
    st.tuples(st.just("replace"), _PLACE, st.sampled_from(_PIECES)),
    st.tuples(st.just("double line"), _PLACE, st.just(0)),
    st.tuples(st.just("drop line"), _PLACE, st.just(0)),
    st.tuples(st.just("swap lines"), _PLACE, _PLACE),
)
_WHOLE = st.sampled_from(
    ["plain"] * 12 + ["crlf", "cr", "utf-16", "gzip", "gzip cut", "gzip of garbage", "not gzip", "empty", "blank"]
)


def _edited(text: bytes, edit: tuple[str, float, Any]) -> bytes:
    kind, share, value = edit
    place = min(int(share * len(text)), max(len(text) - 1, 0))
    if kind in ("double line", "drop line", "swap lines"):
        lines = text.splitlines(keepends=True)
        row = min(int(share * len(lines)), len(lines) - 1)
        if not lines:
            return text
        if kind == "swap lines":
            other = min(int(value * len(lines)), len(lines) - 1)
            lines[row], lines[other] = lines[other], lines[row]
        else:
            lines[row : row + 1] = [lines[row]] * (2 if kind == "double line" else 0)
        return b"".join(lines)
    if kind == "flip":
        return text[:place] + bytes([text[place] ^ value]) + text[place + 1 :] if text else text
    if kind == "cut":
        return text[:place]
    if kind == "drop":
        return text[:place] + text[place + value :]
    if kind == "put":
        return text[:place] + value + text[place:]
    end = place
    while end < len(text) and bytes([text[end]]).isalnum():
        end += 1
    return text[:place] + value + text[end:]


def _wrapped(text: bytes, whole: str) -> bytes:
    if whole == "utf-16":
        return text.decode("latin-1").encode("utf-16")
    packed = gzip.compress(text, mtime=0)
    kinds = {
        "crlf": text.replace(b"\n", b"\r\n"),
        "cr": text.replace(b"\n", b"\r"),
        "gzip": packed,
        "gzip cut": packed[: len(packed) * 2 // 3],
        "gzip of garbage": packed[:20] + bytes(byte ^ 0x55 for byte in packed[20:]),
        "not gzip": b"\x1f\x8b" + text,
        "empty": b"",
        "blank": b"\n \n\n",
    }
    return kinds.get(whole, text)


@contextlib.contextmanager
def _limit(seconds: float) -> Iterator[None]:
    """Fail a reader that does not come back."""

    def late(*_: object) -> None:
        raise AssertionError(f"no answer within {seconds} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _read(path: Path, content: bytes) -> None:
    """Read; a `UserError` is as good as a result, and so is a result with a `Caution`."""
    path.write_bytes(content)
    with _limit(_SECONDS), contextlib.suppress(UserError), warnings.catch_warnings():
        warnings.simplefilter("ignore", Caution)
        _SEEDS[path.name][1](path)


def _fuzz(path: Path, *, cases: int) -> None:
    @settings(
        max_examples=cases,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],  # four edits are small enough to be read as they are
        suppress_health_check=list(HealthCheck),
    )
    @given(st.lists(_EDIT, max_size=4), _WHOLE)
    @example([], "plain")
    @example([], "crlf")
    @example([], "gzip cut")
    @example([], "gzip of garbage")
    @example([], "empty")
    @example([("cut", 0.0, 0), ("put", 0.0, b"[" * 3000)], "plain")  # json raises RecursionError
    def run(edits: list[tuple[str, float, Any]], whole: str) -> None:
        text = _SEEDS[path.name][0]
        for edit in edits:
            text = _edited(text, edit)
        _read(path, _wrapped(text, whole))

    run()


@pytest.mark.parametrize("name", _SEEDS)
def test_a_damaged_file_gives_a_result_or_one_line(tmp_path: Path, name: str) -> None:
    _fuzz(tmp_path / name, cases=_FEW)


@pytest.mark.slow
@pytest.mark.parametrize("name", _SEEDS)
def test_many_damaged_files_give_a_result_or_one_line(tmp_path: Path, name: str) -> None:
    _fuzz(tmp_path / name, cases=_MANY)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.fa", b">b\nGGGG\n\n\n>c\nTTTT\nAA\n\nTTTT\nAA\n"),  # pyfaidx: "please report this issue"
        ("x.fa", b">b\nGG\rGG\nTTTT\n>c\nTTTT\n"),  # pyfaidx gives fewer bases than it says
        ("x.fa", b">b\nGG\xd9\xa3GG\n"),
        ("x.fa.gz", b">a\nACGT\n"),  # plain, whatever its name says
        ("x.gtf", b"chr1\t.\tgene\t1\t9\t.\t+\t.\t" + b"a" * 1_000_000 + b"\n"),  # a quadratic regular expression
        ("x.bed", b"\xef\xbb\xbfchr1\t5\t40\n"),
        ("x.bed", b"chr1\t5\t9223372036854775808\n"),
        ("x.bed", b"chr1\t5\t40\tn\xe9\n"),
        ("genes.bed", b"chr1\t10\t90\tt1\t0\t+\t20\t99999999999999999999\t0\t1\t80,\t0,\n"),
        ("x.meme", b"MOTIF m\nletter-probability matrix: nsites= nan\nnan 0 0 1\n"),
        ("x.meme", b"MOTIF m\nletter-probability matrix: nsites= inf\ninf -inf 0 1\n"),
        ("records.csv", b"sequence\nAC\rGT\nA\n"),
        ("train.csv", b"sequence,label\nACGT\nGGTT,1\n"),  # a field is missing
        ("train.csv", b"sequence,label\nx,ACGT,0\ny,GGTT,1\n"),  # one too many
        ("manifest.json", b'{"kind": "corpus", "versions": [1]}'),
    ],
)  # fmt: skip
def test_what_was_found(tmp_path: Path, name: str, content: bytes) -> None:
    reader = _SEEDS[name.removesuffix(".gz")][1]
    (tmp_path / name).write_bytes(content)
    if name.startswith("train"):
        for part in ("dev", "test"):
            (tmp_path / f"{part}.csv").write_bytes(b"sequence,label\nA,0\n")
    with _limit(_SECONDS), contextlib.suppress(UserError):
        reader(tmp_path / name)


@pytest.mark.parametrize("name", _SEEDS)
def test_the_files_that_are_damaged_are_valid(tmp_path: Path, name: str) -> None:
    content, read = _SEEDS[name]
    (tmp_path / name).write_bytes(content)
    if name == "task.data":
        pytest.skip("three rows are too few to be split")
    read(tmp_path / name)
