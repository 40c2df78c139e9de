import warnings
from pathlib import Path

import numpy as np
import pytest

from dnabert.corpus.blocks import check_blocks, read_blocks
from dnabert.corpus.config import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig
from dnabert.corpus.splits import Splitter, parse_region
from dnabert.errors import Caution, UserError

LENGTHS = {"a": {"chr1": 1000, "chr2": 500}, "b": {"chr1": 900}}
HEADER = "block\tgenome\tchrom\tstart\tend\n"
BLOCKS = HEADER + "".join(
    f"{n}\t{genome}\tchr1\t{place}\t{place + 50}\n"
    for n, a, b in [(0, 0, 500), (1, 100, 300), (2, 200, 100), (3, 300, 0)]
    for genome, place in (("a", a), ("b", b))
)


def splitter(split: SplitConfig, *, genomes: str = "a", blocks: Path | None = None) -> Splitter:
    config = CorpusConfig(
        genomes=[GenomeConfig(name, f"{name}.fa") for name in genomes],
        orthologous_blocks=str(blocks) if blocks else None,
        split=split,
        window=WindowConfig(length=20),
    )
    return Splitter(config, blocks=read_blocks(blocks) if blocks else None, lengths={g: LENGTHS[g] for g in genomes})


def labels(
    splitter: Splitter, genome: str, starts: list[int], *, chrom: str = "chr1", block: list[int] | None = None
) -> list[int]:
    number = np.array(block if block is not None else [-1] * len(starts), np.int32)
    length = LENGTHS[genome][chrom]
    return splitter.labels(genome, chrom, length=length, starts=np.array(starts), block=number).tolist()


def test_tail_is_the_end_of_every_sequence() -> None:
    split = splitter(SplitConfig(by="tail", validation_fraction=0.1, test_fraction=0.2))
    assert split.edges("a", "chr1", length=1000).tolist() == [700, 800]
    assert labels(split, "a", [0, 699, 700, 799, 800, 999]) == [0, 0, 1, 1, 2, 2]
    assert split.edges("a", "contig", length=150).tolist() == [120, 120]  # 15 bases hold no window of 20
    assert split.edges("a", "contig", length=200).tolist() == [140, 160]  # and 20 one


def test_regions_and_chromosomes() -> None:
    by_region = splitter(SplitConfig(by="region", validation=["chr1:100-200"], test=["a/chr1:900-"]))
    assert by_region.edges("a", "chr1", length=1000).tolist()[:3] == [100, 200, 900]
    assert labels(by_region, "a", [99, 100, 199, 200, 900]) == [0, 1, 1, 0, 2]
    by_chromosome = splitter(SplitConfig(by="chromosome", test=["chr2"]))
    assert labels(by_chromosome, "a", [0, 1]) == [0, 0] and labels(by_chromosome, "a", [0], chrom="chr2") == [2]


def test_names_are_gone_through_once_however_many_contigs_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    names = [f"contig{number}" for number in range(100)]
    config = SplitConfig(by="chromosome", validation=names[:3], test=names[3:9])
    split = Splitter(CorpusConfig(split=config), blocks=None, lengths={"a": dict.fromkeys(names, 90)})
    monkeypatch.setattr(split, "_named", None)
    drawn = [split.labels("a", name, length=90, starts=np.array([0]), block=np.array([-1])).item() for name in names]
    assert drawn == [1] * 3 + [2] * 6 + [0] * 91


def test_chromosomes_that_nobody_names_are_drawn_whole() -> None:
    names = [f"contig{number}" for number in range(3000)]
    config = SplitConfig(by="chromosome", validation_fraction=0.2, test_fraction=0.1, seed=4)
    split = Splitter(
        CorpusConfig(split=config, window=WindowConfig(length=20)), blocks=None, lengths={"a": dict.fromkeys(names, 90)}
    )

    def drawn(chrom: str, genome: str = "a") -> list[int]:
        return split.labels(genome, chrom, length=90, starts=np.array([0, 20, 40]), block=np.full(3, -1)).tolist()

    assert all(len(set(drawn(name))) == 1 and drawn(name) == drawn(name, "b") for name in names[:50])
    share = np.bincount([drawn(name)[0] for name in names]) / len(names)
    assert np.allclose(share, [0.7, 0.2, 0.1], atol=0.03)


def test_a_block_has_one_split_in_all_genomes(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text(BLOCKS)
    named = SplitConfig(by="block", reference="a", validation=["chr1:200-300"], test=["chr1:300-"])
    for genome in "ab":
        assert labels(
            splitter(named, genomes="ab", blocks=tmp_path / "b.tsv"), genome, [0] * 5, block=[0, 1, 2, 3, -1]
        ) == [
            0,
            0,
            1,
            2,
            -1,
        ]
    by_share = SplitConfig(by="block", validation_fraction=0.25, test_fraction=0.25)
    assert labels(splitter(by_share, genomes="ab", blocks=tmp_path / "b.tsv"), "b", [0] * 4, block=[0, 1, 2, 3]) == [
        0,
        0,
        1,
        2,
    ]


def test_random_warns_and_draws_by_place_and_seed_alone() -> None:
    with pytest.warns(UserWarning, match="near-copies"):
        split = splitter(SplitConfig(by="random", validation_fraction=0.2, test_fraction=0.1, seed=3))
    starts = list(range(0, 10_000_000, 448))
    drawn = np.array(labels(split, "a", starts))
    assert np.allclose(np.bincount(drawn) / len(drawn), [0.7, 0.2, 0.1], atol=0.01)
    assert labels(split, "a", starts[50:60]) == drawn[50:60].tolist()
    other = np.array(labels(split, "a", starts, chrom="chr2"))
    assert 0.4 < np.mean(drawn == other) < 0.65  # independent draws agree in 0.54


def test_tail_of_several_genomes_warns_and_of_one_does_not() -> None:
    with pytest.warns(UserWarning, match="by descent"):
        splitter(SplitConfig(by="tail"), genomes="ab")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splitter(SplitConfig(by="tail"))


def test_splits_by_names_and_coordinates_that_related_genomes_do_not_share_are_told() -> None:
    related = r"by descent can stand in train in one and in test in another.* give orthologous_blocks"
    with pytest.warns(Caution, match=f"split.by is region with 2 genomes.*{related}"):
        splitter(SplitConfig(by="region", test=["chr1:900-"]), genomes="ab")
    for split in (SplitConfig(by="chromosome", test=["chr2"]), SplitConfig(by="chromosome")):
        with pytest.warns(Caution, match=f"genome b has no 'ch.*', which another one has.*{related}"):
            splitter(split, genomes="ab")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        splitter(SplitConfig(by="chromosome", test=["chr1"]), genomes="ab")
        splitter(SplitConfig(by="chromosome", test=["chr2"]))
        splitter(SplitConfig(by="region", test=["chr1:900-"]))
    with pytest.warns(Caution, match="bases of theirs too, since windows overlap"):
        Splitter(CorpusConfig(split=SplitConfig(by="random"), window=WindowConfig(step=224)), blocks=None, lengths={})


@pytest.mark.parametrize(
    ("split", "message"),
    [
        (SplitConfig(by="chromosome", test=["22"]), "'22', but the sequences are named chr1, chr2"),
        (SplitConfig(by="region", test=["chr1"]), "is no region"),
        (SplitConfig(by="region", test=["chr1:9-3"]), "is empty"),
        (SplitConfig(by="region", test=["c/chr1:0-3"]), "genome 'c'"),
        (SplitConfig(by="region", test=["chr1:9,000,000-"]), "names chr1 from 9,000,000 on, but it has"),
        (
            SplitConfig(by="region", validation=["chr1:0-30"], test=["a/chr1:20-50"]),
            "chr1:20-30 for validation and for test",
        ),
        (SplitConfig(by="chromosome", validation=["chr2"], test=["chr2"]), "chr2 for validation and for test"),
    ],
)
def test_mistakes_in_a_split_are_named(split: SplitConfig, message: str) -> None:
    with pytest.raises(UserError, match=message):
        splitter(split)


def test_regions_are_read_in_every_spelling() -> None:
    region = parse_region("HLA:01/HLA:A*01:1_000-")
    assert (region.genome, region.chrom, region.start) == ("HLA:01", "HLA:A*01", 1000)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("block\tgenome\n", "no column chrom, start, end"),
        (HEADER + "0\ta\tchr1\tx\t5\n", "line 2 is no block"),
        (
            HEADER + "b0\ta\tchr1\t0\t5\n",
            "line 2 is no block .*: block is a whole number from 0, start and end are places",
        ),
        (HEADER + "0\ta\tchr1\t0\t5\n1\ta\tchr1\t4\t9\n", "blocks 0 and 1 overlap in a chr1"),
    ],
)
def test_mistakes_in_blocks_are_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "b.tsv").write_text(text)
    with pytest.raises(UserError, match=message):
        read_blocks(tmp_path / "b.tsv")
    (tmp_path / "b.tsv").write_text(BLOCKS)
    with pytest.raises(UserError, match=r"has no blocks of genome 'c' \(it has: a, b\)"):
        Splitter(
            CorpusConfig(
                genomes=[GenomeConfig("c", "c.fa")], orthologous_blocks="b.tsv", split=SplitConfig(by="block")
            ),
            blocks=read_blocks(tmp_path / "b.tsv"),
            lengths={"c": {"chr1": 5}},
        )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            BLOCKS.replace("a\tchr1", "a\t1"),
            r"b\.tsv names the sequences of a '1', a\.fa names them 'chr1': no name is in both; rename one of them",
        ),
        (
            BLOCKS + "9\ta\tchr1\t900\t1001\n",
            r"b\.tsv has a block of a that ends at chr1:1,001, but a\.fa ends chr1 at 1,000: is it of another assembly",
        ),
        (BLOCKS + "9\ta\tchr1\t450000\t450000\n", r"b\.tsv has a block of a that ends at chr1:450,000, but"),
    ],
)
def test_blocks_of_other_sequences_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "b.tsv").write_text(text)
    with pytest.raises(UserError, match=message):
        check(tmp_path / "b.tsv", genomes="ab")


def check(path: Path, *, genomes: str) -> None:
    lengths = {genome: LENGTHS[genome] for genome in genomes}
    names = {genome: [*own, "not_cut"] for genome, own in lengths.items()}
    check_blocks(read_blocks(path), fastas={genome: f"{genome}.fa" for genome in genomes}, names=names, lengths=lengths)


def test_genomes_without_blocks_are_told_and_blocks_that_end_with_their_sequence_pass(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text(BLOCKS + "9\ta\tchr1\t900\t1000\n8\tb\tnot_cut\t5000\t6000\n7\tc\tchr1\t0\t9000\n")
    check(tmp_path / "b.tsv", genomes="ab")
    (tmp_path / "b.tsv").write_text(BLOCKS.replace("\tb\t", "\tB\t"))
    with pytest.warns(Caution, match=r"b\.tsv has no block of b \(it has: B, a\): are genomes named in two ways\?"):
        check(tmp_path / "b.tsv", genomes="ab")


@pytest.mark.parametrize(
    ("region", "message"),
    [
        ("chr1:450000-", "split names chr1 from 450,000 on, but it has 1,000 bases: mend split"),
        (
            "chr1:301-350",
            r"split\.test names a/chr1:301-350, where no block of .*b\.tsv begins that genome 'a' has: name another "
            r"region",
        ),
        ("chr2:0-", r"split\.test names a/chr2:0-, where no block"),
        (
            "b/chr1:300-",
            r"split\.test names b/chr1:300-, where no block of .* that genome 'a' has.*or set split\.reference",
        ),
    ],
)
def test_a_region_in_which_no_block_begins_is_refused(tmp_path: Path, region: str, message: str) -> None:
    (tmp_path / "b.tsv").write_text(BLOCKS)
    with pytest.raises(UserError, match=message):
        splitter(
            SplitConfig(by="block", validation=["chr1:200-300"], test=[region]), genomes="ab", blocks=tmp_path / "b.tsv"
        )


def test_blocks_may_touch_and_end_before_their_end(tmp_path: Path) -> None:
    (tmp_path / "b.tsv").write_text(f"{HEADER}1\ta\tchr1\t0\t50\n2\ta\tchr1\t50\t80\n3\ta\tchr1\t90\t99\n")
    assert read_blocks(tmp_path / "b.tsv").at("a", "chr1", starts=np.array([0, 49, 50, 79, 80, 90, 99])).tolist() == [
        1,
        1,
        2,
        2,
        -1,
        3,
        -1,
    ]


def test_numbers_of_blocks_cost_no_memory(tmp_path: Path) -> None:
    import tracemalloc

    large = 2_000_000_000
    (tmp_path / "b.tsv").write_text(
        HEADER + "".join(f"{large + n}\t{g}\tchr1\t{n * 100}\t{n * 100 + 50}\n" for n in range(4) for g in "ab")
    )
    tracemalloc.start()
    split = splitter(
        SplitConfig(by="block", validation_fraction=0.25, test_fraction=0.25), genomes="ab", blocks=tmp_path / "b.tsv"
    )
    found = labels(split, "b", [0] * 7, block=[large, large + 1, large + 2, large + 3, large + 4, 0, -1])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found == [0, 0, 1, 2, -1, -1, -1] and peak < 10_000_000


def test_blocks_of_whole_genomes_take_some_bytes_each(tmp_path: Path) -> None:
    import tracemalloc

    number = 60_000
    (tmp_path / "b.tsv").write_text(
        HEADER + "".join(f"{n}\ta\tchr1\t{n * 10_000}\t{n * 10_000 + 5_000}\n" for n in reversed(range(number)))
    )
    tracemalloc.start()
    places = read_blocks(tmp_path / "b.tsv").of("a", "chr1")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert places[:, 2].tolist() == list(range(number)) and places[5].tolist() == [50_000, 55_000, 5]
    assert peak < 130 * number, f"{peak / number:.0f} bytes each"
