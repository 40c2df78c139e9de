import gzip
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import dnabert
from dnabert.cli import main
from dnabert.config import load_yaml
from dnabert.corpus import CorpusConfig, FetchConfig, fetch_genomes
from dnabert.corpus.fetch import cache_folder
from dnabert.corpus.registry import read_registry
from dnabert.errors import UserError

GENES = "585\tNM_1\tchr1\t+\t100\t500\t150\t450\t2\t100,400,\t220,500,\t0\tALPHA\tcmpl\tcmpl\t0,2,\n"
RMSK = "585\t463\t13\t6\t17\tchr1\t600\t1068\t-9\t+\tAluY\tSINE\tAlu\t1\t471\t0\t1\n"
ISLANDS = "585\tchr1\t1100\t1300\tCpG: 20\t200\t20\t100\t20\t60\t0.9\n"
CHROMS = ("chr1", "chr21", "chr22", "chrX", "chr1_random", "chrUn", "chrM")


def serve(mirror, twobit, *assemblies: str, chroms: tuple[str, ...] = CHROMS, checksums: bool = True) -> None:
    """Lay out assemblies as UCSC does."""
    rng = np.random.default_rng(0)
    for assembly in assemblies:
        sequences = {name: "".join(rng.choice(list("ACGTacgt"), 1500)) for name in chroms}
        files = {
            f"bigZips/{assembly}.2bit": twobit(sequences),
            "database/ncbiRefSeq.txt.gz": gzip.compress(GENES.encode()),
            "database/rmsk.txt.gz": gzip.compress(RMSK.encode()),
            "database/cpgIslandExt.txt.gz": gzip.compress(ISLANDS.encode()),
        }
        for path, content in files.items():
            place = mirror.folder / assembly / path
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content)
        if checksums:
            digest = hashlib.md5(files[f"bigZips/{assembly}.2bit"]).hexdigest()
            (mirror.folder / assembly / "bigZips" / "md5sum.txt").write_text(f"{digest}  ./{assembly}.2bit\n")


@pytest.fixture
def quick(tmp_path: Path, mirror) -> FetchConfig:
    return FetchConfig(cache=str(tmp_path / "cache"), base_url=mirror.url, timeout=30, retries=2, wait=0.005)


def test_great_apes_from_nothing_to_a_corpus(tmp_path: Path, mirror, twobit, capsys, monkeypatch) -> None:
    serve(mirror, twobit, "hg38", "panTro6", "panPan3", "gorGor6", "ponAbe3")
    monkeypatch.setenv("DNABERT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("DNABERT_BASE_URL", mirror.url)
    main(["fetch", "great-apes", "--out", str(tmp_path / "apes.yaml")])
    said = capsys.readouterr()
    assert said.out == f"{tmp_path / 'apes.yaml'}\n"
    assert (
        "human: hg38.2bit, ncbiRefSeq.txt.gz, rmsk.txt.gz, cpgIslandExt.txt.gz" in said.err
        and "4 chromosomes" in said.err
    )
    config = load_yaml(CorpusConfig, tmp_path / "apes.yaml")
    assert [genome.name for genome in config.genomes] == ["human", "chimp", "bonobo", "gorilla", "orangutan"]
    assert config.genomes[0].chroms == ["chr1", "chr21", "chr22", "chrX"]
    assert (config.split.by, config.split.validation, config.split.test) == ("chromosome", ["chr21"], ["chr22"])
    main(["prepare", "--config", str(tmp_path / "apes.yaml"), "--out", str(tmp_path / "corpus")])
    corpus = dnabert.load_corpus(tmp_path / "corpus")
    table = corpus.view(None).table.to_pandas()
    assert len(table) == 5 * 4 * 3 and set(table.chrom) == {"chr1", "chr21", "chr22", "chrX"}
    assert set(table.gene) == {"ALPHA", ""} and set(table.repeat_class) == {"SINE/Alu", "none"}
    assert set(table.repeat_name) == {"AluY", ""}
    assert table.cpg_island.max() > 0.2
    assert set(corpus["test"].to_pandas().chrom) == {"chr22"}


def test_the_second_time_needs_no_network(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38")
    first = fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    asked = len(mirror.asked)
    noted = json.loads((tmp_path / "cache" / "hg38" / "checksums.json").read_text())
    whole = (mirror.folder / "hg38/bigZips/hg38.2bit").read_bytes()
    assert noted["files"]["hg38.2bit"]["sha256"] == hashlib.sha256(whole).hexdigest()
    assert noted["files"]["hg38.2bit"]["checked_by"] == f"{mirror.url}/hg38/bigZips/md5sum.txt"
    assert noted["files"]["rmsk.txt.gz"]["checked_by"] is None
    second = fetch_genomes(["hg38"], out=tmp_path / "b.yaml", config=quick)
    assert second.config == first.config and len(mirror.asked) == asked
    kept = {path.name for path in (tmp_path / "cache" / "hg38").iterdir()} - {".lock"}
    assert kept == {"checksums.json", "cpgIslandExt.txt.gz", "hg38.2bit", "ncbiRefSeq.txt.gz", "rmsk.txt.gz"}


def test_a_file_damaged_in_the_cache_is_fetched_again(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38")
    fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    place = tmp_path / "cache" / "hg38" / "hg38.2bit"
    whole = place.read_bytes()
    place.write_bytes(whole[:-3] + b"xyz")
    fetch_genomes(["hg38"], out=tmp_path / "b.yaml", config=quick)
    assert place.read_bytes() == whole


def test_what_a_killed_fetch_left_is_cleared_away(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38")
    folder = tmp_path / "cache" / "hg38"
    folder.mkdir(parents=True)
    for name in ("tmpab12_cd9", "tmp.2bit"):
        (folder / name).write_text("")
    fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    assert {path.name for path in folder.glob("tmp*")} == {"tmp.2bit"}


def test_a_file_that_changes_on_the_server_later_is_refused(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38")
    fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    (tmp_path / "cache" / "hg38" / "rmsk.txt.gz").unlink()
    (mirror.folder / "hg38/database/rmsk.txt.gz").write_bytes(gzip.compress(RMSK.replace("600", "601").encode()))
    with pytest.raises(
        UserError, match=r"rmsk\.txt\.gz comes damaged or has changed .* or delete .*checksums\.json to take"
    ):
        fetch_genomes(["hg38"], out=tmp_path / "b.yaml", config=quick)
    assert not (tmp_path / "cache" / "hg38" / "rmsk.txt.gz").exists()
    assert not (tmp_path / "b.yaml").exists()


def test_breaks_stalls_and_one_wrong_answer_are_got_over(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38", chroms=("chr1",))
    mirror.faults = ["wrong", "break", "stall", "", "503"]
    fetched = fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=replace(quick, timeout=0.5))
    assert Path(fetched.config.genomes[0].fasta).read_bytes() == (mirror.folder / "hg38/bigZips/hg38.2bit").read_bytes()
    assert mirror.faults == []


@pytest.mark.parametrize("checksums", [True, False])
def test_wrong_bytes_never_become_a_file(tmp_path: Path, mirror, twobit, quick: FetchConfig, checksums: bool) -> None:
    serve(mirror, twobit, "hg38", checksums=checksums)
    mirror.faults = ["wrong"] * 9
    fault = r"its checksum is not that of http.*md5sum\.txt" if checksums else r"it is no \.2bit file"
    with pytest.raises(UserError, match=rf"hg38\.2bit comes damaged or has changed \({fault}\): try again later"):
        fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    assert len(mirror.faults) == 7
    assert {path.name for path in (tmp_path / "cache" / "hg38").iterdir()} <= {".lock"}


def test_a_table_that_is_an_error_page_never_becomes_a_file(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38")
    (mirror.folder / "hg38/database/rmsk.txt.gz").write_bytes(b"<html>log in first</html>")
    with pytest.raises(UserError, match=r"rmsk\.txt\.gz comes damaged or has changed \(Not a gzipped file"):
        fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    assert not (tmp_path / "cache" / "hg38" / "rmsk.txt.gz").exists()


def test_what_the_server_has_not_is_left_out_and_said(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "panPan3")
    database = mirror.folder / "panPan3/database"
    (database / "cpgIslandExt.txt.gz").unlink()
    (database / "ncbiRefSeq.txt.gz").rename(database / "ensGene.txt.gz")
    fetched = fetch_genomes(["panPan3"], out=tmp_path / "a.yaml", config=quick)
    assert fetched.config.genomes[0].cpg_islands is None
    assert Path(fetched.config.genomes[0].genes or "").name == "ensGene.txt.gz"
    assert "the server has no cpg islands" in fetched.describe()
    asked = len(mirror.asked)
    fetch_genomes(["panPan3"], out=tmp_path / "b.yaml", config=quick)
    assert len(mirror.asked) == asked


def test_an_assembly_that_is_not_listed_but_at_ucsc(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "sacCer3", chroms=("chrI", "chrII", "chrM"))
    fetched = fetch_genomes(["sacCer3"], out=tmp_path / "a.yaml", config=quick)
    assert fetched.config.genomes[0].name == "sacCer3" and fetched.config.genomes[0].chroms == ["chrI", "chrII"]
    assert fetched.config.split.by == "tail"
    with pytest.raises(UserError, match=r"no assembly mm99 there: http.*/mm99/bigZips/mm99\.2bit does not exist"):
        fetch_genomes(["mm99"], out=tmp_path / "b.yaml", config=quick)


def test_chosen_chromosomes(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38")
    serve(mirror, twobit, "panTro6", chroms=("chr2A", "chr2B", "chr22"))
    quick.chrom = ["chr22", "chr2A"]
    fetched = fetch_genomes(["hg38", "panTro6"], out=tmp_path / "a.yaml", config=quick)
    assert [genome.chroms for genome in fetched.config.genomes] == [["chr22"], ["chr2A", "chr22"]]
    quick.chrom = ["chr22", "chr23"]
    with pytest.raises(UserError, match=r"--chrom chr23 is in no genome \(did you mean chr2"):
        fetch_genomes(["hg38", "panTro6"], out=tmp_path / "b.yaml", config=quick)
    quick.chrom = ["chr2A"]
    with pytest.raises(UserError, match=r"--chrom chr2A is not in human \(did you mean chr2"):
        fetch_genomes(["hg38", "panTro6"], out=tmp_path / "b.yaml", config=quick)


def test_two_assemblies_of_one_species_bear_their_own_names(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    serve(mirror, twobit, "hg38", "hs1")
    fetched = fetch_genomes(["hg38", "hs1", "hg38"], out=tmp_path / "a.yaml", config=quick)
    assert [genome.name for genome in fetched.config.genomes] == ["hg38", "hs1"]
    assert fetched.absent == {"hg38": [], "hs1": ["genes", "repeats", "cpg islands"]}


def test_a_registry_of_ones_own(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    (mirror.folder / "worm").mkdir()
    whole = twobit({"I": "ACGTTGCA" * 300})
    (mirror.folder / "worm/w.2bit").write_bytes(whole)
    content = {
        "source": mirror.url,
        "assemblies": {"worm1": {"name": "worm", "files": {"fasta": ["worm/w.2bit"]}}},
        "sha256": {"worm/w.2bit": hashlib.sha256(whole).hexdigest()},
    }
    (tmp_path / "mine.json").write_text(json.dumps(content))
    quick.registry, quick.base_url = str(tmp_path / "mine.json"), None
    fetched = fetch_genomes(["worm1"], out=tmp_path / "a.yaml", config=quick)
    assert mirror.asked == ["worm/w.2bit"]
    assert fetched.config.genomes[0].chroms is None and fetched.absent == {"worm": ["genes", "repeats", "cpg islands"]}
    # what was not there is asked for where it is now
    (mirror.folder / "worm/genes.txt.gz").write_bytes(gzip.compress(GENES.encode()))
    content["assemblies"]["worm1"]["files"]["genes"] = ["worm/genes.txt.gz"]
    (tmp_path / "mine.json").write_text(json.dumps(content))
    for _ in range(2):
        fetched = fetch_genomes(["worm1"], out=tmp_path / "a.yaml", config=quick, overwrite=True)
        assert fetched.absent == {"worm": ["repeats", "cpg islands"]} and fetched.config.genomes[0].genes
    assert mirror.asked[1:] == ["worm/md5sum.txt", "worm/genes.txt.gz"]
    with pytest.raises(UserError, match="no assembly 'worm2' .did you mean worm1.*: allowed is worm1$"):
        fetch_genomes(["worm2"], out=tmp_path / "b.yaml", config=quick)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is no registry"),
        ("[]", "is no registry"),
        ('{"source": "http://x"}', "'assemblies'"),
        ('{"source": "http://x", "assemblies": {"../up": {"files": {"fasta": ["a"]}}}}', "letters, digits"),
        ('{"source": "http://x", "assemblies": {"a": {"files": {"genes": ["a"]}}}}', "fasta is needed"),
        ('{"source": "http://x", "assemblies": {"a": {"files": {"fasta": ["a"], "gens": ["a"]}}}}', "allowed are"),
        (
            '{"source": "http://x", "assemblies": {"a": {"files": {"fasta": ["a"], "genes": ["g/x.bed"], "repeats": '
            '["r/x.bed"]}}}}',
            "genes and repeats would be one file in the cache",
        ),
    ],
)
def test_a_registry_that_is_none(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "bad.json").write_text(text)
    with pytest.raises(UserError, match=said):
        read_registry(tmp_path / "bad.json")
    with pytest.raises(UserError, match="cannot read .*nosuch.json"):
        read_registry(tmp_path / "nosuch.json")


def test_a_path_that_was_changed_is_another_file(tmp_path: Path, mirror, twobit, quick: FetchConfig) -> None:
    quick.registry = str(tmp_path / "mine.json")
    for release in ("1", "2"):
        (mirror.folder / f"release-{release}").mkdir()
        (mirror.folder / f"release-{release}/worm.2bit").write_bytes(twobit({f"chr{release}": "ACGTTGCA" * 300}))
        content = {"source": mirror.url, "assemblies": {"worm": {"files": {"fasta": [f"release-{release}/worm.2bit"]}}}}
        Path(quick.registry).write_text(json.dumps(content))
        for _ in range(2):  # the second time from the cache
            fetched = fetch_genomes(["worm"], out=tmp_path / "a.yaml", config=quick, overwrite=True)
            assert fetched.config.genomes[0].chroms == [f"chr{release}"]
    assert [each for each in mirror.asked if each.endswith("2bit")] == ["release-1/worm.2bit", "release-2/worm.2bit"]


def test_one_file_may_be_of_two_parts(tmp_path: Path) -> None:
    """NCBI's GFF3 holds genes and repeats."""
    both = {"fasta": ["a.fa.gz"], "genes": ["g/x.gff.gz"], "repeats": ["g/x.gff.gz"]}
    (tmp_path / "both.json").write_text(json.dumps({"source": "http://x", "assemblies": {"a": {"files": both}}}))
    assert read_registry(tmp_path / "both.json").choose(["a"])[0].files == {**both, "cpg_islands": []}


def test_a_folder_that_another_fetch_holds_or_that_cannot_be_written(tmp_path: Path, mirror, twobit, quick) -> None:
    import filelock

    serve(mirror, twobit, "hg38")
    (tmp_path / "cache" / "hg38").mkdir(parents=True)
    held = filelock.FileLock(tmp_path / "cache" / "hg38" / ".lock")
    with held, pytest.raises(UserError, match="another dnabert fetch is at work"):
        fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    (tmp_path / "file").write_text("")
    quick.cache = str(tmp_path / "file" / "cache")
    with pytest.raises(UserError, match="cannot write .*file/cache/hg38: Not a directory: .* choose another --cache"):
        fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)
    quick.cache = str(tmp_path / "cache")
    mirror.asked.clear()
    with pytest.raises(
        UserError, match=r"cannot write .*a\.yaml: .*file is no folder that can be written: choose another --out"
    ):
        fetch_genomes(["hg38"], out=tmp_path / "file" / "a.yaml", config=quick)
    assert mirror.asked == []
    (tmp_path / "cache" / "hg38" / "checksums.json").write_text("{")
    with pytest.raises(UserError, match=r"checksums\.json cannot be read: delete it"):
        fetch_genomes(["hg38"], out=tmp_path / "a.yaml", config=quick)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--out", "a.yaml"], "nothing to fetch: name assemblies or groups"),
        (["great-aps", "--out", "a.yaml"], "no assembly 'great-aps' (did you mean great-apes?)"),
        (["hg38", "--out", "there.yaml"], "there.yaml exists already: choose another --out or pass --overwrite"),
        (["hg38", "--out", "a.yaml", "--timeout", "0"], "--timeout is 0.0, allowed is above 0"),
        (["hg38", "--out", "a.yaml", "--retries", "-1"], "--retries is -1, allowed is 0 or more"),
        (["hg38", "--out", "a.yaml", "--base-url", "nosuch.txt"], "--base-url takes a URL"),
        (["hg38", "--out", "a.yaml", "--base-url", "http://127.0.0.1:1"], "cannot reach http://127.0.0.1:1/"),
    ],
)
def test_a_mistake_is_one_line(tmp_path: Path, words: list[str], said: str, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DNABERT_CACHE", str(tmp_path / "cache"))
    (tmp_path / "there.yaml").write_text("mine")
    with pytest.raises(SystemExit) as end:
        main(["fetch", *words])
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.startswith("error: ") and error.count("\n") == 1 and said in error
    assert not (tmp_path / "a.yaml").exists() and (tmp_path / "there.yaml").read_text() == "mine"


def test_where_the_cache_is(monkeypatch) -> None:
    monkeypatch.delenv("DNABERT_CACHE", raising=False)
    assert cache_folder().name == "dnabert" and cache_folder("/x/y") == Path("/x/y")
    monkeypatch.setenv("DNABERT_CACHE", "/from/the/environment")
    assert cache_folder() == Path("/from/the/environment")


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (
            {"layout": {"fasta": ["{assembly}/{assemblq}.2bit"]}, "groups": {"all": ["hg2"]}},
            "the registry's layout gives no files of hg2",
        ),
        ({"layout": {"genes": ["a.gtf"]}, "groups": {"all": ["hg2"]}}, "the registry's layout gives no files of hg2"),
        ({"groups": {"all": 7}}, "group 'all' is no list of assemblies"),
        ({"groups": {"all": [["hg1"]]}}, "group 'all' is no list of assemblies"),
    ],
)
def test_a_registry_whose_layout_or_group_cannot_work_is_one_line(tmp_path, more, line):
    content = {"source": "http://x/", "assemblies": {"hg1": {"files": {"fasta": ["a/b.fa.gz"]}}}, **more}
    (tmp_path / "registry.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=line):
        read_registry(tmp_path / "registry.json").choose(["all"])
