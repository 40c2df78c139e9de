from pathlib import Path

import pandas as pd
import pytest

from dnabert.corpus import load_corpus, prepare
from dnabert.corpus.config import CorpusConfig, GenomeConfig, SplitConfig, WindowConfig
from dnabert.corpus.gene_names import FILE, GeneNames
from dnabert.corpus.genes import read_genes
from dnabert.errors import UserError

ENSEMBL = "ENSG00000139618"
PLACE = "\tx\tgene\t1\t40\t.\t+\t.\t"
GENCODE = f'chr1{PLACE}gene_id "{ENSEMBL}.15"; gene_name "BRCA2"; gene_type "protein_coding";\n'
ENSEMBL_GFF3 = f"chr1{PLACE}ID=gene:{ENSEMBL};Name=BRCA2;gene_id={ENSEMBL};version=15\n"
NCBI_GTF = (
    f'chr1{PLACE}gene_id "BRCA2"; transcript_id ""; db_xref "GeneID:675"; db_xref "HGNC:HGNC:1101"; gene "BRCA2"; '
    'gene_synonym "BRCC2"; gene_synonym "FANCD1, old";\n'
)
NCBI_GFF3 = (
    f"chr1{PLACE}ID=gene-BRCA2;Dbxref=GeneID:675,HGNC:HGNC:1101;Name=BRCA2;gene=BRCA2;gene_synonym=BRCC2,FANCD1%2C "
    "old\n"
)
BACTERIA = f"chr1{PLACE}ID=gene-b0001;Dbxref=ECOCYC:EG11277,GeneID:944742;Name=thrL;gene=thrL;locus_tag=b0001\n"
YEAST = f"chr1{PLACE}ID=YAL001C;Name=YAL001C;gene=TFC3;Alias=TFC3,tau 138\n"
FLYBASE = f'2L{PLACE}gene_id "FBgn0003996"; gene_symbol "w";\n'
#: UCSC's GTF has no lines of genes, and a part's own ID is no name of the gene.
NO_GENE_LINE = f'chr1\tx\texon\t1\t40\t.\t+\t.\tgene_id "{ENSEMBL}.15"; gene_name "BRCA2"; ID "exon1"; Name "e";\n'
ENS_GENE = f"585\tENST1\tchr1\t+\t0\t40\t0\t40\t1\t0,\t40,\t0\t{ENSEMBL}.15\tcmpl\tcmpl\t0,\n"


def names_in(path: Path, text: str) -> dict[str, set[str]]:
    """Other names by kind; of one gene."""
    path.write_text(text)
    found: dict[str, set[str]] = {}
    for _, kind, name in read_genes(path).other_names:
        found.setdefault(kind, set()).add(name)
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (GENCODE, {"name": {"BRCA2"}, "Ensembl id": {ENSEMBL}}),
        (ENSEMBL_GFF3, {"name": {"BRCA2"}, "Ensembl id": {ENSEMBL}}),
        (NO_GENE_LINE, {"name": {"BRCA2"}, "Ensembl id": {ENSEMBL}}),
        (NCBI_GTF, {"name": {"BRCA2"}, "GeneID": {"675"}, "synonym": {"BRCC2", "FANCD1, old"}}),
        (NCBI_GFF3, {"name": {"BRCA2"}, "GeneID": {"675"}, "synonym": {"BRCC2", "FANCD1, old"}}),
        (BACTERIA, {"name": {"thrL"}, "gene_id": {"b0001"}, "locus_tag": {"b0001"}, "GeneID": {"944742"}}),
        (FLYBASE, {"name": {"w"}, "gene_id": {"FBgn0003996"}}),
        (YEAST, {"name": {"TFC3"}, "symbol": {"YAL001C"}, "gene_id": {"YAL001C"}, "synonym": {"tau 138"}}),
        (ENS_GENE, {"name": {f"{ENSEMBL}.15"}, "Ensembl id": {ENSEMBL}}),
    ],
    ids=["GENCODE", "Ensembl GFF3", "no gene line", "NCBI GTF", "NCBI GFF3", "bacteria", "FlyBase", "yeast", "ensGene"],
)
def test_other_names_worked_by_hand(tmp_path: Path, text: str, expected: dict[str, set[str]]) -> None:
    assert names_in(tmp_path / "genes", text) == expected


def test_an_identifier_is_looked_up_kind_by_kind() -> None:
    rows = (("A", "name", "A"), ("B", "name", "B"), ("B", "symbol", "A"), ("A", "synonym", "S"), ("B", "synonym", "S"))
    names = GeneNames((*rows, ("A", "Ensembl id", ENSEMBL), ("A", "GeneID", "7.1"), ("A", "synonym", "S")))
    assert names.find("A") == ("name", ("A",))  # and not B, of which it is a symbol as well
    assert names.find("S") == ("synonym", ("A", "B")) and names.find("S", kinds=("name", "symbol")) is None
    assert names.find(f"{ENSEMBL}.3") == names.find(f"{ENSEMBL}.3_PAR_Y") == ("Ensembl id", ("A",))
    assert names.find("7.1") == ("GeneID", ("A",)) and names.find("7") is None  # a version is Ensembl's alone


@pytest.mark.filterwarnings("ignore::dnabert.errors.Caution")
def test_a_corpus_keeps_the_names_also_of_sequences_that_are_not_cut_and_an_old_one_loads_without(
    tmp_path: Path,
) -> None:
    (tmp_path / "g.fa").write_text(f">chr1\n{'ACGT' * 25}\n>chr2\n{'ACGT' * 25}\n")
    (tmp_path / "one.gff3").write_text(NCBI_GFF3 + BACTERIA.replace("chr1", "chr2"))
    (tmp_path / "other.gtf").write_text(GENCODE)
    genomes = [
        GenomeConfig("a", "g.fa", genes="one.gff3", chroms=["chr1"]),
        GenomeConfig("b", "g.fa", genes="other.gtf"),
        GenomeConfig("c", "g.fa"),
    ]
    config = CorpusConfig(genomes=genomes, window=WindowConfig(length=20), split=SplitConfig(by="random"))
    corpus = prepare(config, out=tmp_path / "corpus", base=tmp_path)
    assert corpus.gene_names is not None
    assert corpus.gene_names.find("675") == ("GeneID", ("BRCA2",)) == corpus.gene_names.find("675", kinds=("GeneID",))
    assert corpus.gene_names.find(ENSEMBL) == ("Ensembl id", ("BRCA2",)) and corpus.gene_names.find("b0001") == (
        "locus_tag",
        ("thrL",),
    )
    assert len(set(corpus.gene_names.rows)) == len(corpus.gene_names.rows) == 9
    path = tmp_path / "corpus" / FILE
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(UserError, match=r"cannot read .*gene_names\.parquet .*: prepare the corpus again"):
        _ = load_corpus(tmp_path / "corpus").gene_names
    pd.DataFrame({"gene": ["A"], "name": ["A"]}).to_parquet(path)
    with pytest.raises(UserError, match=r"cannot read .*gene_names\.parquet .*: prepare the corpus again"):
        _ = load_corpus(tmp_path / "corpus").gene_names
    path.unlink()
    assert load_corpus(tmp_path / "corpus").gene_names is None
    config.genomes = genomes[2:]
    assert prepare(config, out=tmp_path / "bare", base=tmp_path).gene_names is None


@pytest.mark.parametrize(
    ("attributes", "name"),
    [
        ("ID=YAL068C;Name=YAL068C;gene=PAU8;Alias=PAU8", "PAU8"),  # SGD
        ("ID=AT1G01010;Name=AT1G01010;symbol=NAC001;locus_type=protein_coding", "NAC001"),  # Araport
        ("ID=Gene:WBGene1;Name=WBGene1;locus=aap-1;sequence_name=Y110A7A.10", "aap-1"),  # WormBase
        ("ID=AT1G01020;Name=AT1G01020;symbol=", "AT1G01020"),
    ],
)
def test_a_symbol_is_the_name_and_the_systematic_name_is_found(tmp_path: Path, attributes: str, name: str) -> None:
    (tmp_path / "g.gff3").write_text(f"chr1{PLACE}{attributes}\n")
    genes = read_genes(tmp_path / "g.gff3")
    assert genes.names["chr1"][0].tolist() == [name]
    systematic = attributes.split("Name=")[1].split(";")[0]
    assert GeneNames(genes.other_names).find(systematic)[1] == (name,)
