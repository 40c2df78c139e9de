import os
from pathlib import Path

import pytest

from dnabert.corpus.config import (
    CorpusConfig,
    GenomeConfig,
    SplitConfig,
    WindowConfig,
    config_from_fasta,
    resolve_paths,
)
from dnabert.errors import UserError


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: WindowConfig(length=0), "window.length is 0"),
        (lambda: WindowConfig(step=0), "window.step is 0"),
        (lambda: WindowConfig(min_n_run=0), "window.min_n_run is 0"),
        (lambda: WindowConfig(max_n_fraction=1.0), "window.max_n_fraction is 1.0"),
        (lambda: SplitConfig(by="blocks"), "split.by is 'blocks', allowed is tail, block"),
        (lambda: SplitConfig(validation_fraction=0.5, test_fraction=0.5), "sum below 1"),
        (lambda: SplitConfig(by="region"), "are empty"),
        (lambda: SplitConfig(by="tail", test=["chr1"]), "takes no split.validation"),
        (lambda: CorpusConfig(split=SplitConfig(by="block")), "orthologous_blocks is not set"),
        (lambda: CorpusConfig(genomes=[GenomeConfig("a", "x"), GenomeConfig("a", "y")]), "two genomes are named 'a'"),
        (lambda: CorpusConfig(genomes=[GenomeConfig("a/b", "x")]), "holds no '/'"),
        (
            lambda: CorpusConfig(genomes=[GenomeConfig("a", "x")], split=SplitConfig(reference="b")),
            "none of the genomes a",
        ),
        (lambda: config_from_fasta(["1/x.fa", "2/x.fa.gz"]), "two genomes are named 'x'"),
    ],
)
def test_what_is_not_allowed_names_its_key(make, message: str) -> None:
    with pytest.raises(UserError, match=message):
        make()


def test_paths_are_relative_to_the_file_and_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x.fa").write_text(">a\nACGT\n")
    monkeypatch.setenv("GENOMES", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    for path in ("x.fa", "$GENOMES/x.fa", "${GENOMES}/x.fa", "~/x.fa", str(tmp_path / "x.fa")):
        config = CorpusConfig(genomes=[GenomeConfig("a", path)])
        assert resolve_paths(config, base=tmp_path).genomes[0].fasta == str(tmp_path / "x.fa")
    assert config.genomes[0].repeats is None


@pytest.mark.parametrize(
    ("path", "message"),
    [("y.fa", "genomes.a.fasta is y.fa: no such file"), (".", "it is a folder"), ("$UNSET_/x.fa", "UNSET_ is not set")],
)
def test_missing_files_and_variables_are_named(tmp_path: Path, path: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        resolve_paths(CorpusConfig(genomes=[GenomeConfig("a", path)]), base=tmp_path)


@pytest.mark.parametrize("name", ["yeast.fa", "yeast.fasta.gz", "yeast.fna.bgz", "yeast", "yeast.gz"])
def test_a_genome_is_named_after_its_file(name: str) -> None:
    assert config_from_fasta(f"some/{name}").genomes[0].name == "yeast"


def test_the_shipped_config_runs_on_a_folder_of_its_layout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dnabert.config import load_yaml
    from dnabert.corpus import demo_folder, prepare

    path = Path(__file__).parents[2] / "configs" / "corpus" / "apes_chr22.yaml"
    monkeypatch.setenv("APES_CHR22", str(demo_folder()))  # files of the same names, a tenth of the size
    config = load_yaml(CorpusConfig, path)
    # the demo's coordinates end before
    with pytest.raises(UserError, match="split names chr22 from 42,000,000 on, but it has"):
        prepare(config, out=tmp_path / "corpus", base=path.parent)
    config.split.validation, config.split.test = ["chr22:1500000-1800000"], ["chr22:1800000-"]
    corpus = prepare(config, out=tmp_path / "corpus", base=path.parent)
    assert list(corpus) == ["train", "validation", "test"]
    assert [genome.genome for genome in corpus.summary] == ["human", "chimp", "gorilla", "orangutan"]


def test_a_folder_in_place_of_a_fasta_is_told_to_be_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"fasta is \.: it is a folder .*: give an existing file"):
        resolve_paths(config_from_fasta(["."]))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no named pipes here")
def test_a_pipe_in_place_of_a_fasta_is_told_to_be_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(
        UserError, match=r"fasta is .*pipe: it is a pipe, which cannot be read twice .*: give an existing file"
    ):
        resolve_paths(config_from_fasta([tmp_path / "pipe"]))
