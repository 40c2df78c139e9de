from dnabert.report.rung_kind import encoder_kind, is_count, is_off_the_shelf, is_trained


def test_a_rung_of_several_is_what_its_dearest_part_is_and_a_folder_may_have_a_plus() -> None:
    control = {"encoder": "random:runs/mlm+contrast", "parts": ["random:runs/mlm+contrast"]}
    assert not is_trained(control) and not is_trained({"encoder": "random:runs/mlm+contrast"})
    counts = {"encoder": "kmer:4+lsa:8+abundance:apes", "parts": ["kmer:4", "lsa:8", "abundance:apes"]}
    assert is_count(counts) and not is_trained(counts)
    joint = {"encoder": "lsa:8+runs/a+b", "parts": ["lsa:8", "runs/a+b"]}
    assert is_trained(joint) and not is_count(joint)
    assert encoder_kind({"encoder": "random:a+lsa:8", "parts": ["random:a", "lsa:8"]}) == "random"


def test_what_is_trained_on_this_genome_and_what_on_something_else() -> None:
    specs = [
        "runs/x",
        "default",
        "bert",
        "bert:some/model",
        "dna:some/model",
        "python:mine:Model",
        "kmer:6",
        "random:runs/x",
    ]
    assert [is_trained({"encoder": each}) for each in specs] == [True, True, False, False, False, False, False, False]
    assert [is_off_the_shelf({"encoder": each}) for each in specs] == [
        False,
        False,
        True,
        True,
        True,
        True,
        False,
        False,
    ]
