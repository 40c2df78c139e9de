"""What a stranger sends is data: no file of it runs code, and no name in it leads out of the folder that is made."""

from __future__ import annotations

import contextlib
import gzip
import json
import pickle
import re
import shutil
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dnabert
from dnabert.clusters import load_clusters
from dnabert.config import load_yaml
from dnabert.corpus import Corpus, CorpusConfig, GenomeConfig, SplitConfig, WindowConfig, config_from_fasta, prepare
from dnabert.corpus.blocks import read_blocks
from dnabert.corpus.genes import read_genes
from dnabert.corpus.registry import read_registry
from dnabert.corpus.tracks import read_track
from dnabert.encoders import load_embeddings, load_encoder
from dnabert.encoders.encoder import DEFAULT_RUN
from dnabert.encoders.rungs import RungConfig
from dnabert.errors import UserError
from dnabert.explain.gene_set_file import read_gene_sets
from dnabert.hub import staged
from dnabert.pretraining.checkpoints import newest_readable
from dnabert.stage import stage, whole_file

#: What reads code out of data, or hands names to a shell.
_DANGEROUS = re.compile(
    r"\b(c?pickle|dill|joblib|shelve|marshal|cloudpickle)\b(?!d)|torch\.(load|save)\(|allow_pickle\s*=\s*True|np\.load\(|read_pickle|to_pickle"
    r"|yaml\.(load|load_all|unsafe_load|full_load)\(|(?<![\w.])(eval|exec)\(|shell=True|os\.(system|popen)\(|trust_remote_code=True"
    r"|extractall\(|use_safetensors=False|safe_serialization=False"
)
_ROOT = Path(dnabert.__file__).parent
#: Lists of nine aliases of the list before: 9^12 words, written out.
_ALIASES = ", ".join(
    f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefghijkl", "bcdefghijklm", strict=True)
)


def _code(path: Path) -> str:
    """The lines of a module without comments and without its docstrings' prose."""
    text = re.sub(r'"""(?:[^"\\]|\\.|"(?!""))*"""', "", path.read_text(encoding="utf-8"))
    return "\n".join(line.split("  #")[0] for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_no_module_reads_pickles_or_runs_text() -> None:
    paths = [*_ROOT.rglob("*.py"), *(_ROOT.parent / "train").glob("*.py"), *(_ROOT.parent / "eval").glob("*.py")]
    found = {
        str(path.relative_to(_ROOT.parent)): match[0] for path in paths if (match := _DANGEROUS.search(_code(path)))
    }
    assert len(paths) > 100 and found == {}


def test_the_search_finds_what_it_is_for() -> None:
    bad = (
        "import pickle",
        "torch.load(x)",
        "np.load(x, allow_pickle=True)",
        "yaml.load(x)",
        "eval(x)",
        "subprocess.run(x, shell=True)",
    )
    assert all(_DANGEROUS.search(each) for each in bad)
    assert not any(
        _DANGEROUS.search(each) for each in ("model.eval()", "yaml.safe_load(x)", "is pickled", "_retrieval(x)")
    )


def test_every_model_is_read_from_safetensors_without_code() -> None:
    for path in _ROOT.rglob("*.py"):
        for call in re.findall(
            r"(?:AutoModel\w*|type\(model\))\.from_pretrained\(((?:[^()]|\([^()]*\))*)\)", _code(path)
        ):
            assert "use_safetensors=True" in call, (path, call)


@pytest.mark.parametrize(
    "tag",
    [
        "!!python/object/apply:os.system ['touch {0}']",
        "!!python/object/new:os.system ['touch {0}']",
        "!!python/name:os.system",
        "!!python/module:os",
        "!include /etc/passwd",
    ],
)
def test_a_tag_of_yaml_is_refused(tmp_path: Path, tag: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(f"orthologous_blocks: {tag.format(tmp_path / 'ran')}\n")
    with pytest.raises(UserError, match="no valid YAML"):
        load_yaml(CorpusConfig, path)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"genomes: [&a [x], {_ALIASES}]\nwindow: *m\n", "genomes.0 is"),
        (f"window: [&a [x], {_ALIASES}]\n", "window is"),
        ("window: &a {length: *a}\n", "window"),
        ("window: &a [*a]\n", "window"),
        ("window: " + "[" * 5000, "nested too deeply|no valid YAML"),
        ("? [a]\n: b\n", "a key is no word"),
        ("window: 2001-99-99\n", "no valid YAML"),
        ("window: {length: 0x_}\n", "no valid YAML"),
        ("window: !!bool maybe\n", "no valid YAML"),
        ("window: !!timestamp x\n", "no valid YAML"),
        ("window: {max_n_fraction: .nan}\n", "a number"),
        (f"window: {{max_n_fraction: 1{'0' * 400}}}\n", "a number"),
    ],
    ids=[
        "billion laughs, list",
        "billion laughs",
        "holds itself",
        "list that holds itself",
        "deep",
        "list as key",
        "date",
        "hexadecimal",
        "no bool",
        "no date",
        "NaN",
        "huge",
    ],
)
def test_yaml_that_is_meant_to_break_is_one_line(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        load_yaml(CorpusConfig, path)


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/b", ""])
def test_a_genome_s_name_leads_nowhere(name: str) -> None:
    with pytest.raises(UserError, match="a genome is named"):
        CorpusConfig(genomes=[GenomeConfig(name, "x.fa")])


@pytest.mark.parametrize("name", ["../../x", "/tmp/x", "a/b", "..", ".", "", "a\nb"])
def test_a_rung_s_name_leads_nowhere(name: str) -> None:
    with pytest.raises(UserError, match="a rung is named"):
        RungConfig(name, "kmer:2")


def test_an_assembly_s_name_leads_nowhere(tmp_path: Path) -> None:
    path = tmp_path / "registry.json"
    path.write_text('{"source": "https://x", "assemblies": {"../../x": {"files": {"fasta": ["a.fa.gz"]}}}}')
    with pytest.raises(UserError, match="letters, digits"):
        read_registry(path)
    with pytest.raises(UserError, match="no assembly"):
        read_registry().choose(["../../etc"])


@pytest.mark.parametrize(
    "path", ["../../x.fa.gz", "a/..", "/etc/x.2bit", "a/.lock", "a/checksums.json", "a//b", "a/b c.2bit", "", "a/-x\n"]
)
def test_a_file_of_an_assembly_leads_nowhere(tmp_path: Path, path: str) -> None:
    registry = tmp_path / "registry.json"
    registry.write_text(json.dumps({"source": "https://x", "assemblies": {"tiny": {"files": {"fasta": [path]}}}}))
    with pytest.raises(UserError, match="is no registry of assemblies.*of tiny"):
        read_registry(registry)


def test_a_link_out_of_a_folder_is_not_uploaded(tmp_path: Path, tiny_corpus: Corpus) -> None:
    """A corpus of a stranger's, in which a file is a link to one of ours."""
    secret, corpus = tmp_path / "secret", tmp_path / "corpus"
    secret.write_text("mine")
    shutil.copytree(tiny_corpus.folder, corpus)
    (corpus / "train" / "inside").symlink_to(corpus / "config.yaml")
    with staged(corpus, "me/x", out=tmp_path / "within"):
        pass
    (corpus / "notes.txt").symlink_to(secret)  # what no corpus has is not uploaded at all
    with staged(corpus, "me/x") as made:
        assert not (made.folder / "notes.txt").exists()
    (corpus / "train" / "notes.txt").symlink_to(secret)
    with (
        pytest.raises(UserError, match="notes.txt is a link out of .*, which is not followed for an upload"),
        staged(corpus, "me/x"),
    ):
        pass
    (corpus / "train" / "notes.txt").unlink()
    shutil.move(corpus / "sequences", tmp_path / "moved")
    (corpus / "sequences").symlink_to(tmp_path / "moved", target_is_directory=True)
    with pytest.raises(UserError, match="sequences is a link out of"), staged(corpus, "me/x"):
        pass


def test_what_is_written_through_a_link_replaces_the_link(tmp_path: Path) -> None:
    """Neither a folder nor a file that is made overwrites what a link of its name points to."""
    (tmp_path / "mine.txt").write_text("mine")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "data").write_text("mine")
    (tmp_path / "out.tsv").symlink_to(tmp_path / "mine.txt")
    with whole_file(tmp_path / "out.tsv") as path:
        path.write_text("new")
    (tmp_path / "out").symlink_to(tmp_path / "mine")
    with pytest.raises(UserError, match="exists already"), stage(tmp_path / "out", kind="corpus"):
        pass
    assert (tmp_path / "mine.txt").read_text() == (tmp_path / "mine" / "data").read_text() == "mine"
    assert (tmp_path / "out.tsv").read_text() == "new"


def test_a_bomb_that_is_gzipped_fills_no_memory(tmp_path: Path) -> None:
    """100 MB of a file of 100 kB: read line by line or refused, with no more memory than some lines take."""
    bomb = tmp_path / "bomb.gtf.gz"
    with gzip.open(bomb, "wb") as file:
        for _ in range(100):
            file.write(b"#" + bytes(1 << 20) + b"\n")
    tracemalloc.start()
    try:
        with contextlib.suppress(UserError):
            read_genes(bomb)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "begin", ["chr1\t0\t10\t", "chr1\tx\tgene\t1\t2\t.\t+\t.\tnote=", "", "block\tgenome\tchrom\tstart\tend\t"]
)
def test_a_line_without_an_end_fills_no_memory(tmp_path: Path, begin: str) -> None:
    path = tmp_path / "endless.txt.gz"
    with gzip.open(path, "wt", compresslevel=1) as file:
        file.write(begin)
        for _ in range(40):
            file.write("A" * (1 << 20))
    for read in (read_track, read_genes, read_blocks, read_gene_sets):
        with pytest.raises(UserError, match=r"endless.txt.gz has a line of 16,777,216 letters and more"):
            read(path)


def test_a_pickle_that_is_called_a_checkpoint_or_a_model_runs_nothing(tmp_path: Path) -> None:
    """The bytes of a pickle in the place of every file that is read: one line, and what they would do is not done."""
    ran = tmp_path / "ran"
    evil = pickle.dumps(_Evil(str(ran)))
    (tmp_path / "checkpoints" / "step-000000001").mkdir(parents=True)
    for name in ("model.safetensors", "optimizer.safetensors", "progress.json"):
        (tmp_path / "checkpoints" / "step-000000001" / name).write_bytes(evil)
    assert newest_readable(tmp_path) is None
    run = tmp_path / "run"
    shutil.copytree(DEFAULT_RUN, run)
    (run / "model.safetensors").unlink()
    for name in ("pytorch_model.bin", "model.pt", "training_args.bin"):
        (run / name).write_bytes(evil)
    with pytest.raises(UserError, match="holds no model"):
        load_encoder(str(run))
    (run / "model.safetensors").write_bytes(evil)
    with pytest.raises(UserError, match="cannot read the weights"):
        load_encoder(str(run))
    for name, read in (("e", load_embeddings), ("c", load_clusters)):
        folder = tmp_path / name
        with stage(folder, kind={"e": "embeddings", "c": "clusters"}[name]) as made:
            for file in ("embeddings.parquet", "clusters.parquet", "centroids.safetensors", "clusters.json"):
                (made / file).write_bytes(evil)
        with pytest.raises(UserError, match="cannot read"):
            read(folder)
    assert not ran.exists()


class _Evil:
    """Makes a file when it is unpickled."""

    def __init__(self, path: str) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str, str]]:
        return open, (self._path, "w")


def test_code_beside_a_model_is_not_run(tmp_path: Path) -> None:
    """transformers would load classes that a model's config names from a Python file beside it, if it were trusted."""
    run = tmp_path / "run"
    shutil.copytree(DEFAULT_RUN, run)
    ran = tmp_path / "ran"
    (run / "evil.py").write_text(f"open({str(ran)!r}, 'w')\nclass Evil: pass\n")
    for name in ("config.json", "tokenizer_config.json"):
        known = json.loads((run / name).read_text())
        known["auto_map"] = dict.fromkeys(
            ("AutoConfig", "AutoModel", "AutoModelForMaskedLM", "AutoTokenizer"), "evil.Evil"
        )
        (run / name).write_text(json.dumps(known))
    with contextlib.suppress(UserError, ValueError):
        load_encoder(str(run)).encode(np.frombuffer(b"ACGT" * 20, dtype=np.uint8)[None])
    assert not ran.exists()


def test_names_of_sequences_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    fasta = tmp_path / "in" / "..fa"
    fasta.write_text(
        "".join(
            f">{name} x\n{'ACGT' * 100}\n"
            for name in ("../../../escaped", "/tmp/dnabert_escaped", "..", "a|b;$(touch x)")
        )
    )
    config = config_from_fasta(fasta)
    config.window, config.split = WindowConfig(length=100), SplitConfig(validation_fraction=0, test_fraction=0)
    corpus = prepare(config, out=tmp_path / "deep" / "er" / "out")
    chroms = {row["chrom"] for split in corpus.values() for row in split}
    assert "../../../escaped" in chroms and "/tmp/dnabert_escaped" in chroms
    assert sorted(x.name for x in tmp_path.iterdir()) == ["deep", "in"]
    assert [x.name for x in (tmp_path / "deep").iterdir()] == ["er"] and [
        x.name for x in (tmp_path / "deep" / "er").iterdir()
    ] == ["out"]
    assert [x.name for x in fasta.parent.iterdir()] == [fasta.name] and not Path("/tmp/dnabert_escaped").exists()
