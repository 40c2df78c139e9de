"""What a stranger sends is data: no file of it runs code, and no name in it leads out of the folder that is made."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dnabert
from dnabert.config import load_yaml
from dnabert.corpus import CorpusConfig, GenomeConfig, WindowConfig, config_from_fasta, prepare
from dnabert.corpus.registry import read_registry
from dnabert.encoders.rungs import RungConfig
from dnabert.errors import UserError

#: What reads code out of data, or hands names to a shell.
_DANGEROUS = re.compile(
    r"\b(c?pickle|dill|joblib|shelve|marshal|cloudpickle)\b(?!d)|torch\.(load|save)\(|allow_pickle\s*=\s*True|np\.load\(|read_pickle|to_pickle"
    r"|yaml\.(load|load_all|unsafe_load|full_load)\(|(?<![\w.])(eval|exec)\(|shell=True|os\.(system|popen)\(|trust_remote_code=True"
    r"|extractall\(|use_safetensors=False|safe_serialization=False"
)
_ROOT = Path(dnabert.__file__).parent
#: Lists of nine aliases of the list before: 9^12 words, written out.
_ALIASES = ", ".join(f"&{new} [{', '.join([f'*{old}'] * 9)}]" for old, new in zip("abcdefghijkl", "bcdefghijklm", strict=True))


def _code(path: Path) -> str:
    """The lines of a module without comments and without its docstrings' prose."""
    text = re.sub(r'"""(?:[^"\\]|\\.|"(?!""))*"""', "", path.read_text(encoding="utf-8"))
    return "\n".join(line.split("  #")[0] for line in text.splitlines() if not line.lstrip().startswith("#"))


def test_no_module_reads_pickles_or_runs_text() -> None:
    paths = [*_ROOT.rglob("*.py"), *(_ROOT.parent / "train").glob("*.py"), *(_ROOT.parent / "eval").glob("*.py")]
    found = {str(path.relative_to(_ROOT.parent)): match[0] for path in paths if (match := _DANGEROUS.search(_code(path)))}
    assert len(paths) > 100 and found == {}


def test_the_search_finds_what_it_is_for() -> None:
    bad = ("import pickle", "torch.load(x)", "np.load(x, allow_pickle=True)", "yaml.load(x)", "eval(x)", "subprocess.run(x, shell=True)")
    assert all(_DANGEROUS.search(each) for each in bad)
    assert not any(_DANGEROUS.search(each) for each in ("model.eval()", "yaml.safe_load(x)", "is pickled", "_retrieval(x)"))


def test_every_model_is_read_from_safetensors_without_code() -> None:
    for path in _ROOT.rglob("*.py"):
        for call in re.findall(r"(?:AutoModel\w*|type\(model\))\.from_pretrained\(((?:[^()]|\([^()]*\))*)\)", _code(path)):
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
    ids=["billion laughs, list", "billion laughs", "holds itself", "list that holds itself", "deep", "list as key", "date", "hexadecimal", "no bool", "no date", "NaN", "huge"],
)  # fmt: skip
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


def test_names_of_sequences_lead_nowhere(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    fasta = tmp_path / "in" / "..fa"
    fasta.write_text("".join(f">{name} x\n{'ACGT' * 100}\n" for name in ("../../../escaped", "/tmp/dnabert_escaped", "..", "a|b;$(touch x)")))
    config = config_from_fasta(fasta)
    config.window = WindowConfig(length=100)
    corpus = prepare(config, out=tmp_path / "deep" / "er" / "out")
    chroms = {row["chrom"] for split in corpus.values() for row in split}
    assert "../../../escaped" in chroms and "/tmp/dnabert_escaped" in chroms
    assert sorted(x.name for x in tmp_path.iterdir()) == ["deep", "in"]
    assert [x.name for x in (tmp_path / "deep").iterdir()] == ["er"] and [x.name for x in (tmp_path / "deep" / "er").iterdir()] == ["out"]
    assert [x.name for x in fasta.parent.iterdir()] == [fasta.name] and not Path("/tmp/dnabert_escaped").exists()
