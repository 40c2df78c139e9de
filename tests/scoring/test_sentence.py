from dnabert.scoring.sentence import called, told


def test_windows_of_no_gene_are_in_genes_of_no_type() -> None:
    row = {
        "bits_per_base": 1.8,
        "low": 1.7,
        "high": 1.9,
        "counting": 1.9,
        "difference": -0.1,
        "difference_low": -0.2,
        "difference_high": -0.05,
        "verdict": "ahead",
    }
    kinds = [
        ("all", "all windows"),
        ("gene_type", "intergenic"),
        ("soft_masked", "the rest"),
        ("gene_type", "lncRNA"),
        ("region", "intergenic"),
    ]
    said = told([row | {"column": column, "kind": kind, "windows": 90} for column, kind in kinds], split="test")
    assert said[1] == (
        "The run foretells more than counting: outside genes (−0.100), sequence a tenth soft-masked or more (−0.100), "
        "in genes of type lncRNA (−0.100), mostly intergenic (−0.100)."
    )
    assert called({"column": "genome", "kind": "intergenic"}) == "of intergenic"
