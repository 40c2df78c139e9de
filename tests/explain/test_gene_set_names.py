import numpy as np
import pandas as pd
import pytest

from dnabert.corpus.gene_names import GeneNames, Row, name_rows
from dnabert.errors import UserError
from dnabert.explain import ClusteredWindows
from dnabert.explain.gene_set_file import GeneSets
from dnabert.explain.gene_set_names import named_as_windows
from dnabert.explain.gene_sets import gene_set_enrichment, genes_shared

GENES = [f"G{i}" for i in range(8)]
#: GHOST and OTHER are genes of the annotation that no window touches.
ROWS: tuple[Row, ...] = (
    *(
        row
        for i, gene in enumerate(GENES)
        for row in name_rows(gene, [("gene_id", f"ENSG{i:011}.4"), ("GeneID", f"{i}"), ("locus_tag", f"b{i}")])
    ),
    *name_rows("GHOST", [("GeneID", "77"), ("synonym", "OLD")]),
    *name_rows("OTHER", [("GeneID", "7")]),
    ("G0", "synonym", "OLD"),
    ("G1", "synonym", "GHOST"),
    ("G2", "synonym", "WAS2"),
)


def windows(rows: tuple[Row, ...] | None = ROWS) -> ClusteredWindows:
    table = pd.DataFrame({"label": [0, 0, 0, 0, -1, -1, -1, -1, -1], "gene": [*GENES, ""]})
    names = None if rows is None else GeneNames(rows)
    return ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8), gene_names=names)


def sets_of(*genes: str) -> GeneSets:
    return GeneSets(
        "sets.gmt",
        tuple(f"S{i}" for i in range(len(genes))),
        tuple(f"S{i}" for i in range(len(genes))),
        tuple(frozenset(each.split()) for each in genes),
    )


@pytest.mark.parametrize(
    ("form", "kind"),
    [
        ("G{}", "name"),
        ("ENSG{:011}", "Ensembl id"),
        ("ENSG{:011}.9", "Ensembl id"),
        ("b{}", "locus_tag"),
        ("{}", "GeneID"),
    ],
)
def test_whatever_a_file_calls_its_genes_the_sets_are_the_same(form: str, kind: str) -> None:
    numbers = range(6)
    renamed, match = named_as_windows(
        windows(), sets_of(" ".join(form.format(i) for i in numbers), f"{form.format(0)} {form.format(5)} NONE")
    )
    assert renamed.genes == (frozenset(GENES[:6]), frozenset({"G0", "G5", "NONE"}))
    assert match.kinds == {kind: 6} and match.ambiguous == () and match.describe() == f"found by {kind}"
    assert genes_shared(windows(), renamed)["shared"] == 6
    by_name = gene_set_enrichment(windows(), sets_of("G0 G1 G2 G3 G4 G5", "G0 G5 NONE"), least=2)
    assert gene_set_enrichment(windows(), renamed, least=2) == by_name and len(by_name) == 2


def test_an_identifier_of_several_genes_is_left_out_and_told() -> None:
    renamed, match = named_as_windows(windows(), sets_of("0 1 7", "7"))
    assert renamed.genes == (frozenset({"G0", "G1"}), frozenset()) and match.ambiguous == ("7",)
    assert match.describe() == "found by GeneID; left out: 1 identifier that several genes bear (7)"
    rows = (
        *ROWS,
        *(("OTHER", "locus_tag", f"b{i}") for i in range(4)),
        ("GHOST", "locus_tag", "bx"),
        ("OTHER", "locus_tag", "bx"),
    )
    _, match = named_as_windows(windows(rows), sets_of("b0 b1 b2 b3 bx b4"))
    assert match.describe() == "found by locus_tag; left out: 4 identifiers that several genes bear (b0, b1, b2, …)"


def test_names_of_several_kinds_in_one_file_are_found_each_by_its_own() -> None:
    renamed, match = named_as_windows(windows(), sets_of("G0 b1 b2 G3 b4"))
    assert renamed.genes == (frozenset(GENES[:5]),) and match.kinds == {"locus_tag": 3, "name": 2}
    assert match.describe() == "found by locus_tag (name: 2)"


def test_synonyms_count_only_where_they_find_most_and_never_over_a_gene_of_that_name() -> None:
    renamed, match = named_as_windows(windows(), sets_of("G0 GHOST WAS2"))
    assert renamed.genes == (frozenset({"G0", "GHOST", "WAS2"}),) and match.kinds == {"name": 1}
    renamed, match = named_as_windows(windows(), sets_of("WAS2 GHOST OLD"))
    assert (
        renamed.genes == (frozenset({"G2", "GHOST"}),) and match.kinds == {"synonym": 1} and match.ambiguous == ("OLD",)
    )


def test_of_an_old_corpus_the_names_alone_are_known() -> None:
    renamed, match = named_as_windows(windows(None), sets_of("G0 b1"))
    assert renamed.genes == (frozenset({"G0", "b1"}),) and match.kinds == {"name": 1}
    assert named_as_windows(windows(None), sets_of("b1"))[1].describe() == "found by no name"
    table = pd.DataFrame({"label": [0], "gene": ["ENSG00000000001.4"]})
    old = ClusteredWindows(table, sequences=lambda rows: np.zeros((len(rows), 4), np.uint8))
    assert named_as_windows(old, sets_of("ENSG00000000001"))[0].genes == (frozenset({"ENSG00000000001.4"}),)
    with pytest.raises(UserError, match="no column gene"):
        named_as_windows(ClusteredWindows(table[["label"]], sequences=old.sequences), sets_of("G0"))
