"""Each card says what its tests allow, and no more."""

from typing import Any

import pytest

from dnabert.explain.sentence import cluster_sentence

Card = dict[str, Any]


def card(**parts: Any) -> Card:
    """A cluster of which nothing is known but its size."""
    gc = {"value": 0.42, "rest": 0.42, "q": 0.9}
    makeup = {
        "n": 200,
        "loci": 60,
        "stretches": 40,
        "genomes": {"human": 100, "chimp": 100},
        "gc": gc,
        "low_complexity": {"value": 0.02, "rest": 0.02, "q": 0.9},
    }
    kind = {"kind": "neither", "composition_auc": {"value": 0.55}, "comparisons": []}
    return {"label": 3, "genomes_of_corpus": 2, "makeup": makeup, "kind": kind, "annotation": []} | parts


def term(column: str, name: str, *, share: float, rest: float, q: float) -> dict[str, Any]:
    return {"column": column, "term": name, "share": share, "share_rest": rest, "q": q}


def compositional(area: float, *, nearby: float, low: float) -> dict[str, Any]:
    near = {"value": nearby, "low": low}
    return {
        "kind": "compositional",
        "composition_auc": {"value": area},
        "composition_auc_nearby": near,
        "comparisons": [],
    }


def family(name: str, *, share: float, q: float) -> dict[str, Any]:
    row = {"name": name, "share": share, "q": q, "odds_ratio": 30.0, "forward": 0.5, "identity": 0.88, "length": 290.0}
    return {"databases": [{"database": "me.fa", "families": [row]}]}


def sentence(**parts: Any) -> tuple[str, str]:
    found = cluster_sentence(card(**parts))
    return found["basis"], found["text"]


def test_a_known_element_is_named_with_strand_share_identity_and_length() -> None:
    intron = term("main_region", "intron", share=0.7, rest=0.4, q=0.001)
    assert sentence(homology=family("Alu", share=0.94, q=1e-9), annotation=[intron]) == (
        "element",
        "Alu elements, both strands, 94 % of the windows at 88 % identity over 290 bp, intronic (70 %, elsewhere 40 %)",
    )


def test_a_share_of_a_sample_is_told_of_it() -> None:
    """All of 200 drawn windows hit it: it was told of all windows, of which there were 1,880."""
    found = family("Alu", share=1.0, q=1e-9) | {"windows": 1_880, "sampled": 200}
    assert (
        sentence(homology=found)[1]
        == "Alu elements, both strands, 100 % of 200 drawn windows at 88 % identity over 290 bp"
    )
    assert "100 % of the windows" in sentence(homology=found | {"windows": 200})[1]
    consensus = {
        "found": True,
        "share": 0.9,
        "sequences": 40,
        "consensus": "ACGT" * 30,
        "identity": 0.85,
        "low_complexity": 0.0,
    }
    assert sentence(consensus=consensus)[1].endswith("identity, 90 % of 40 drawn windows")  # of 60 places


def test_a_piece_of_an_english_vocabulary_names_what_nothing_else_does() -> None:
    piece = term("word_piece", "tag", share=1.0, rest=0.48, q=1e-5) | {
        "odds_ratio": None,
        "share_shuffled": 0.6,
        "q_shuffled": 1e-4,
    }
    told = "the word piece tag of the encoder, 100 % of the windows, elsewhere 48 %, in its windows shuffled 60 %"
    assert sentence(annotation=[piece]) == (
        "word piece",
        f"{told} (an artefact of how a tokenizer of another language cuts words)",
    )
    for weaker in (
        {"q_shuffled": 0.2},
        {"share_shuffled": 0.9},
        {"q_shuffled": None, "share_shuffled": None},
        {"q": 0.3},
        {"share_rest": 0.85},
    ):
        assert sentence(annotation=[piece | weaker])[0] == "unexplained"
    # what the sequences are goes first
    assert sentence(annotation=[piece], homology=family("Alu", share=0.6, q=1e-9))[0] == "element"


def test_which_piece_of_a_long_element_a_cluster_is() -> None:
    found = family("LTR/Gypsy", share=0.94, q=1e-9)
    found["databases"][0]["families"][0] |= {"subject_within": [3650.0, 4420.0], "subject_length": 7000}
    assert sentence(homology=found)[1].endswith(
        "at 88 % identity over 290 bp, within bases 3,651 to 4,420 of its 7,000"
    )
    found["databases"][0]["families"][0]["subject_within"] = [20.0, 6900.0]
    assert sentence(homology=found)[1].endswith("over 290 bp")


def test_the_piece_is_of_the_sequence_that_is_named() -> None:
    """Of as many hits of two sequences one was named, and its piece told with places and length of the other."""
    found = family("ALU", share=0.94, q=1e-9)
    found["databases"][0]["families"][0] |= {
        "subject": "ALU:AluYa5",
        "subject_within": [0.0, 187.0],
        "subject_length": 381,
    }
    subject = {"name": "ALU:AluYb9", "best": 0.4, "subject_within": [3.0, 193.0], "subject_length": 388}
    found["databases"][0]["subjects"] = [subject, {"name": "ALU:AluYa5", "best": 0.3}]
    assert "(most like AluYb9, 40 %)" in sentence(homology=found)[1] and sentence(homology=found)[1].endswith(
        "within bases 4 to 193 of its 388"
    )
    found["databases"][0]["families"][0]["subject"] = "ALU:AluYb9"
    assert sentence(homology=found)[1].endswith("within bases 1 to 187 of its 381")


@pytest.mark.parametrize(
    ("homology", "expected"),
    [(family("Alu", share=0.94, q=0.2), "unexplained"), (family("Alu", share=0.3, q=1e-9), "unexplained")],
    ids=["not significant", "not most"],
)
def test_an_element_that_the_test_does_not_hold_names_nothing(homology: Card, expected: str) -> None:
    assert sentence(homology=homology)[0] == expected


def test_without_databases_the_annotation_names_repeats() -> None:
    rows = [
        term("repeat_class", "L1", share=0.8, rest=0.1, q=0.01),
        term("repeat_class", "none", share=0.9, rest=0.5, q=1e-9),
    ]
    assert sentence(annotation=rows) == ("repeat", "L1 repeats, 80 % of the windows")


def test_a_name_that_half_of_the_members_have_is_told_beside_the_class() -> None:
    rows = [
        term("repeat_class", "SINE/Alu", share=0.95, rest=0.1, q=0.01),
        term("repeat_name", "AluY", share=0.62, rest=0.01, q=0.01),
    ]
    assert sentence(annotation=rows) == (
        "repeat",
        "AluY elements, 62 % of the windows (SINE/Alu repeats, 95 % of the windows)",
    )
    for other in ({"share": 0.49}, {"q": 0.06}, {"share_rest": 0.7}):
        assert sentence(annotation=[rows[0], rows[1] | other])[1] == "SINE/Alu repeats, 95 % of the windows"
    rows = [
        term("repeat_class", "Satellite/centr", share=0.9, rest=0.1, q=0.01),
        term("repeat_name", "ALR/Alpha", share=0.9, rest=0.1, q=0.01),
    ]
    assert sentence(annotation=rows)[1].startswith("ALR/Alpha repeats, 90 % of the windows (Satellite/centr repeats")
    # a name alone names no cluster as a track of the user's would, but may be what many have and hardly any other
    # window
    assert sentence(annotation=[term("repeat_name", "AluY", share=0.6, rest=0.2, q=0.01)])[0] == "unexplained"
    many = term("repeat_name", "LTR5_Hs", share=0.45, rest=0.001, q=0.01)
    assert sentence(annotation=[many]) == ("class of many", "LTR5_Hs repeats, 45 % of the windows, elsewhere < 1 %")


def test_repeats_of_several_classes_are_told_together() -> None:
    rows = [
        term("repeat_class", name, share=share, rest=0.01, q=0.01)
        for name, share in (("IS3", 0.31), ("IS5", 0.28), ("IS1", 0.05))
    ]
    rows += [
        term("repeat_class", "none", share=0.3, rest=0.9, q=0.01),
        term("repeat_class", "other", share=0.06, rest=0.01, q=0.01),
    ]
    told = "repeats of several classes (IS3 31 %, IS5 28 %, IS1 5 %), 64 % of the windows, elsewhere 3 %"
    assert sentence(annotation=rows) == ("several elements", told)
    # what the test does not hold, or what other windows have as often, is not counted
    for other in ({"q": 0.2}, {"share_rest": 0.3}):
        assert sentence(annotation=[rows[0], rows[1] | other, rows[2]])[0] == "unexplained"
    # one class that most have is that class
    assert sentence(annotation=[rows[0] | {"share": 0.6}, rows[1]]) == ("repeat", "IS3 repeats, 60 % of the windows")


def test_repeats_of_several_classes_that_many_have_are_told() -> None:
    rows = [
        term("repeat_class", name, share=share, rest=0.01, q=0.01) for name, share in (("IS3", 0.16), ("IS5", 0.15))
    ]
    basis, text = sentence(annotation=rows)
    assert basis == "unexplained" and text.endswith(
        "repeats of several classes in 31 % (IS3 16 %, IS5 15 %; elsewhere 2 %)"
    )
    assert "several" not in sentence(annotation=rows[:1])[1]
    assert "several" not in sentence(annotation=[rows[0], rows[1] | {"share_rest": 0.14}])[1]


def test_elements_of_several_families_are_told_together() -> None:
    homology = family("IS3", share=0.4, q=1e-9)
    base = homology["databases"][0]
    base["families"].append(base["families"][0] | {"name": "IS5", "share": 0.35})
    base["any"] = {"share": 0.7, "background_share": 0.05, "odds_ratio": 40.0, "q": 1e-9}
    told = "elements of several families (IS3 40 %, IS5 35 %), 70 % of the windows, elsewhere 5 %"
    assert sentence(homology=homology) == ("several elements", told)
    for other in ({"q": 0.2}, {"share": 0.45}, {"odds_ratio": 2.0}, {"background_share": 0.6}):
        assert sentence(homology={"databases": [base | {"any": base["any"] | other}]})[0] == "unexplained"
    assert sentence(homology={"databases": [base | {"families": base["families"][:1]}]})[0] == "unexplained"


def test_islands_near_starts_of_transcription_are_promoters() -> None:
    island = term("cpg_island", "CpG island", share=0.9, rest=0.02, q=1e-4)
    assert sentence(annotation=[island])[1] == "CpG islands, 90 % of the windows"
    near = {"share": 0.6, "share_rest": 0.1, "q": 0.001}
    assert sentence(annotation=[island], tss={"start_of": "transcription", "near": near})[1] == (
        "CpG islands, 90 % of the windows, mostly at promoters: 60 % within 1 kb of a start of transcription, "
        "elsewhere 10 %"
    )
    # not significant; fewer than elsewhere, as in a genome where most are near a start; on sequences without any gene
    for other in ({"q": 0.4}, {"share_rest": 0.9}, {"share": None, "q": None}):
        starts = {"start_of": "transcription", "near": near | other}
        assert sentence(annotation=[island], tss=starts)[1] == "CpG islands, 90 % of the windows"
    # where a gene is read from is not told, as in bacteria
    assert sentence(annotation=[island], tss={"start_of": "a gene", "near": near})[1] == (
        "CpG islands, 90 % of the windows"
    )


def test_poly_a_is_no_discovery() -> None:
    parts = card()
    parts["makeup"]["low_complexity"] = {"value": 0.8, "rest": 0.03, "q": 0.01}
    assert cluster_sentence(parts)["text"].startswith("low-complexity sequence, 80 % of the bases, elsewhere 3 %")
    parts["makeup"]["low_complexity"]["simple"] = {"letters": "A and G", "share": 0.9}
    assert cluster_sentence(parts)["text"].startswith(
        "low-complexity sequence mostly of A and G (C and T on the other strand), 80 % of the bases"
    )
    parts["makeup"]["low_complexity"]["simple"] = {"letters": "A and T", "share": 0.9}
    assert cluster_sentence(parts)["text"].startswith("low-complexity sequence mostly of A and T, 80 % of the bases")
    # what all windows of an AT-rich genome have tells no cluster, nor what a test does not hold
    for other in ({"rest": 0.85}, {"q": 0.2}, {"rest": None, "q": None}):
        parts["makeup"]["low_complexity"] |= {"rest": 0.03, "q": 0.01} | other
        assert cluster_sentence(parts)["basis"] == "unexplained"


def test_related_letters_without_a_consensus_are_a_family_without_a_name() -> None:
    kind = {
        "kind": "homologous",
        "within": {"semi_global": 0.28},
        "within_median": {"semi_global": 0.31},
        "comparisons": [],
    }
    assert sentence(kind=kind) == (
        "family",
        "related sequence without a name: half of a window is found in another at a median of 31 % edits",
    )


def test_related_letters_whose_consensus_is_like_a_known_sequence_have_its_name() -> None:
    kind = {"kind": "homologous", "within_median": {"semi_global": 0.36}, "comparisons": []}
    relative = {"family": "Alu", "subject": "Alu:AluYb8", "identity": 0.88, "query_start": 10, "query_end": 206}
    consensus = {
        "found": True,
        "share": 1.0,
        "consensus": "ACGT" * 60,
        "identity": 0.81,
        "low_complexity": 0.0,
        "relatives": [relative],
    }
    homology = family("Alu", share=0.9, q=0.08)
    homology["databases"][0]["families"][0]["background_share"] = 0.37
    assert sentence(kind=kind, consensus=consensus, homology=homology) == (
        "family",
        "related sequence, its consensus like Alu:AluYb8 at 88 % identity: half of a window is found in another at a "
        "median of 36 % edits, 90 % of them hold Alu, other windows 37 % (q = 0.08)",
    )
    drawn = homology | {"windows": 1_461, "sampled": 200}
    assert sentence(kind=kind, consensus=consensus, homology=drawn)[1].endswith(
        "90 % of 200 drawn windows hold Alu, other windows 37 % (q = 0.08)"
    )


def test_copies_that_no_database_has_are_told_as_such() -> None:
    consensus = {"found": True, "share": 0.9, "consensus": "ACGT" * 30, "identity": 0.85, "low_complexity": 0.0}
    basis, text = sentence(consensus=consensus)
    assert basis == "family" and text.startswith(
        "copies of one element of 120 bp at 85 % identity, 90 % of the windows"
    )
    assert "database" not in text  # none was given
    longer = sentence(consensus=consensus | {"beyond_window": True})[1]
    assert longer == "copies of one element of at least 120 bp at 85 % identity, at least 90 % of the windows"
    every = sentence(consensus=consensus | {"beyond_window": True, "share": 1.0})[1]
    assert every == "copies of one element of at least 120 bp at 85 % identity, 100 % of the windows"
    none_hit = {"databases": [{"database": "me.fa", "families": []}]}
    assert sentence(consensus=consensus, homology=none_hit)[1].endswith("90 % of the windows, in no database given")
    assert sentence(consensus=consensus | {"share": 0.3})[0] == "unexplained"


def related(*, share: float, rest: float, q: float) -> Card:
    return {
        "members": {
            "share": share,
            "background_share": rest,
            "q": q,
            "odds_ratio": share * (1 - rest) / (rest * (1 - share)),
        }
    }


def test_copies_that_are_like_a_known_sequence_are_not_called_unknown() -> None:
    hit = {"family": "ALU", "subject": "ALU:AluYb8", "identity": 0.85, "query_start": 2, "query_end": 101}
    consensus = {
        "found": True,
        "share": 0.52,
        "consensus": "ACGT" * 30,
        "identity": 0.8,
        "low_complexity": 0.0,
        "relatives": [hit],
    }
    homology = family("ALU", share=0.45, q=1e-4)
    basis, text = sentence(consensus=consensus, homology=homology)
    assert basis == "family" and text.endswith("52 % of the windows, 99 bp of it like ALU:AluYb8 at 85 % identity")
    # other windows hold it as often: it names nothing
    homology["databases"][0]["families"][0] |= {"q": 0.4, "background_share": 0.27, "share": 0.54}
    basis, text = sentence(consensus=consensus, homology=homology)
    assert basis == "unexplained" and text.endswith("54 % of them hold ALU, other windows 27 % (q = 0.4)")


def test_copies_that_other_windows_are_relatives_of_as_often_name_nothing() -> None:
    consensus = {"found": True, "share": 0.9, "consensus": "ACGT" * 30, "identity": 0.85, "low_complexity": 0.0}
    assert sentence(consensus=consensus, corpus_homology=related(share=0.9, rest=0.1, q=1e-6))[0] == "family"
    assert sentence(consensus=consensus, corpus_homology=related(share=0.5, rest=0.4, q=0.6))[0] == "unexplained"


def test_composition_is_called_composition() -> None:
    kind = compositional(0.99, nearby=0.95, low=0.9)
    parts = card(kind=kind)
    assert "area of 0.95" in cluster_sentence(parts)["text"]
    parts["makeup"]["gc"] = {"value": 0.6, "rest": 0.42, "q": 1e-9}
    assert cluster_sentence(parts)["text"] == "GC-rich sequence (60 % GC, elsewhere 42 %)"


def test_a_cluster_of_one_composition_is_sure_only_where_it_comes_back() -> None:
    nearby = {"value": 0.95, "low": 0.9}
    kind = {
        "kind": "compositional",
        "composition_auc": {"value": 0.99},
        "composition_auc_nearby": nearby,
        "comparisons": [],
    }
    parts = card(kind=kind)
    assert parts["makeup"]["stretches"] >= 20 and cluster_sentence(parts)["basis"] == "composition"
    sure = [cluster_sentence(parts | {"stability": {"verdict": told}}) for told in ("stable", "pattern", "dissolved")]
    assert [each["confidence"] for each in sure] == ["high", "moderate", "low"]
    assert cluster_sentence(parts)["confidence"] == "moderate"
    parts["homology"] = family("Alu", share=0.94, q=1e-9)  # what is found in the sequences needs no repeats
    assert cluster_sentence(parts)["confidence"] == "high"


def test_a_region_that_differs_from_the_rest_but_not_from_its_surroundings_gets_no_story() -> None:
    kind = compositional(0.95, nearby=0.5, low=0.4)
    basis, text = sentence(kind=kind)
    assert (
        basis == "unexplained"
        and "composition is not shown to set it apart from its surroundings (AUC 0.50): perhaps no group at all" in text
    )
    parts = card(kind=kind)
    parts["makeup"]["gc"] = {"value": 0.6, "rest": 0.42, "q": 1e-9}
    assert (
        "GC-rich sequence (60 % GC, elsewhere 42 %), but this is not shown to set it apart"
        in cluster_sentence(parts)["text"]
    )


def test_an_area_of_few_places_that_may_be_chance_names_nothing() -> None:
    kind = compositional(0.95, nearby=0.73, low=0.64)
    basis, text = sentence(kind=kind)
    assert basis == "unexplained" and "is not shown to set it apart from its surroundings (AUC 0.73)" in text


def test_what_nothing_explains_is_unexplained_with_its_test() -> None:
    comparison = {"form": "semi_global", "against": "equal_gc", "q": 0.3, "effect": -0.1}
    kind = {"kind": "neither", "composition_auc": {"value": 0.55}, "comparisons": [comparison]}
    text = cluster_sentence(card(kind=kind))["text"]
    assert text == (
        "unexplained: 200 windows at 60 places, not shown to be nearer in letters than windows of equal GC (q = 0.3), "
        "near in the embedding, as far in letters as chance, and not by composition"
    )


@pytest.mark.parametrize(
    ("effect", "side"), [(0.2, ", farther apart in letters than"), (-0.2, ", nearer in letters than")]
)
def test_a_small_q_is_told_with_its_side(effect: float, side: str) -> None:
    comparison = {"form": "semi_global", "against": "equal_gc", "q": 0.01, "effect": effect}
    kind = {"kind": "undecided", "composition_auc": {"value": 0.76, "low": 0.74}, "comparisons": [comparison]}
    text = cluster_sentence(card(kind=kind))["text"]
    assert f"{side} windows of equal GC (q = 0.01), composition tells it from other windows in part (AUC 0.76)" in text


def test_what_an_unexplained_cluster_lacks_and_what_some_of_it_have_is_told() -> None:
    alu = term("repeat_class", "Alu", share=0.02, rest=0.46, q=1e-4) | {"low": 0.01, "high": 0.03}
    line = term("repeat_class", "L1", share=0.4, rest=0.04, q=1e-4) | {"low": 9.0, "high": 30.0}
    text = sentence(annotation=[alu, line])[1]
    assert text.endswith("hardly any Alu (2 %, elsewhere 46 %), L1 in 40 % (elsewhere 4 %)")
    # not what the test does not hold
    weak = [alu | {"q": 0.2}, line | {"q": 0.2}]
    assert sentence(annotation=weak)[1] == sentence()[1]
    # a cluster that has every window of which the class is known
    assert sentence(annotation=[alu | {"share_rest": None, "q": None}])[1] == sentence()[1]


def test_an_unexplained_cluster_of_which_a_test_says_something_is_a_group() -> None:
    """Of 39 windows 97 % lay in other repeats, elsewhere 48 %, q = 2e-4, and the card said: perhaps no group at all."""
    kind = compositional(0.95, nearby=0.5, low=0.4)
    other = term("repeat_class", "other", share=0.97, rest=0.48, q=2e-4) | {"low": 2.9}
    text = sentence(kind=kind, annotation=[other])[1]
    assert text.endswith("its surroundings (AUC 0.50), other repeats in 97 % (elsewhere 48 %)")
    # more than is told, since none of it is much: the largest odds
    rows = [
        term("region", name, share=share, rest=0.1, q=0.01) | {"low": 1.5}
        for name, share in (("UTR", 0.3), ("CDS", 0.4), ("exon", 0.35), ("intron", 0.9))
    ]
    assert sentence(annotation=rows)[1].endswith(
        "coding sequence touched in 40 % (elsewhere 10 %), an exon that codes for no protein touched in 35 % "
        "(elsewhere 10 %)"
    )
    for row in (other | {"q": 0.06}, other | {"share": 0.1}, other | {"share_rest": 0.9}):
        assert "perhaps no group at all" in sentence(kind=kind, annotation=[row])[1]
        assert "other repeats" not in sentence(kind=kind, annotation=[row])[1]


def test_coding_sequence_that_many_windows_touch_is_told_of_a_named_cluster() -> None:
    kind = compositional(0.99, nearby=0.95, low=0.9)
    touched = term("region", "CDS", share=0.24, rest=0.06, q=1e-5) | {"low": 3.8}
    mostly = term("main_region", "CDS", share=0.22, rest=0.01, q=1e-5) | {"low": 5.0}
    assert sentence(kind=kind, annotation=[mostly, touched])[1].endswith(
        ", coding sequence touched in 24 % (elsewhere 6 %)"
    )


def test_one_species_is_told_where_there_are_several() -> None:
    parts = card(homology=family("Alu", share=0.94, q=1e-9))
    parts["makeup"]["genomes"] = {"human": 200}
    assert cluster_sentence(parts)["text"].endswith("in human alone")
    assert "alone" not in cluster_sentence(parts | {"genomes_of_corpus": 1})["text"]


@pytest.mark.parametrize(("rest", "told"), [(0.25, True), (0.98, False)])
def test_one_species_is_not_told_where_it_has_nearly_all_other_windows_too(rest: float, told: bool) -> None:
    """Of a host and its plasmid every cluster was nearly all in the host."""
    parts = card(
        homology=family("Alu", share=0.94, q=1e-9), annotation=[term("genome", "host", share=0.99, rest=rest, q=0.5)]
    )
    parts["makeup"]["genomes"] = {"host": 198, "plasmid": 2}
    assert cluster_sentence(parts)["text"].endswith("nearly all in host") == told


def test_confidence_follows_places_and_stability() -> None:
    assert cluster_sentence(card())["confidence"] == "low"  # unexplained
    parts = card(homology=family("Alu", share=0.94, q=1e-9))
    assert cluster_sentence(parts)["confidence"] == "high"
    assert cluster_sentence(parts | {"stability": {"verdict": "dissolved"}})["confidence"] == "low"
    assert cluster_sentence(parts | {"stability": {"verdict": "pattern"}})["confidence"] == "moderate"
    parts["makeup"]["stretches"] = 3  # parts of three prophages, say
    found = cluster_sentence(parts)
    assert found["confidence"] == "low" and found["text"].endswith("over 290 bp, in 3 stretches of 10 kb")
    few = card()
    few["makeup"] |= {"loci": 31, "stretches": 1}
    assert cluster_sentence(few)["text"].startswith("unexplained: 200 windows at 31 places in one stretch of 10 kb")


def motif(
    *, share: float = 0.9, rest: float = 0.05, q: float = 1e-9, low: float = 2.0, shuffled_q: float = 1e-9
) -> Card:
    against = {"share": share, "background_share": rest, "log_odds": 4.0, "low": low, "q": q}
    row = {
        "name": "cluster_3_motif_1",
        "consensus": "GGGACTTTCC",
        "versus_others": against,
        "versus_shuffled": against | {"q": shuffled_q},
    }
    return {"motifs": [row]}


def test_a_motif_beyond_other_windows_and_beyond_composition_names_a_cluster() -> None:
    text = "motif GGGACTTTCC in 90 % of the windows, elsewhere 5 %, in shuffled windows 5 %"
    assert sentence(motifs=motif()) == ("motif", text)
    known = [{"motif": "cluster_3_motif_1", "known": "NFKB1"}, {"motif": "cluster_9_motif_1", "known": "CTCF"}]
    assert sentence(motifs=motif(), known_motifs=known)[1].startswith("motif GGGACTTTCC (like NFKB1) in 90 %")
    for weak in (motif(q=0.2), motif(shuffled_q=0.2), motif(share=0.3), motif(low=0.5)):
        assert sentence(motifs=weak)[0] == "unexplained"


def test_a_gene_set_is_named_when_its_test_holds() -> None:
    row = {"name": "planted", "share": 0.6, "expected": 0.1, "q": 0.01}
    assert sentence(gene_sets=[row])[1].endswith("in genes of planted (60 %, expected 10 %)")
    assert "planted" not in sentence(gene_sets=[row | {"q": 0.3}])[1]


ELEMENT = {"found": True, "share": 0.6, "consensus": "ACGT" * 30, "identity": 0.85, "low_complexity": 0.0}
ALIGNED = {"members": {"share": 0.71, "background_share": 0.09, "q": 2e-8, "odds_ratio": 27.0}}


def test_a_long_consensus_beats_a_motif_and_composition() -> None:
    assert sentence(consensus=ELEMENT, corpus_homology=ALIGNED, motifs=motif())[0] == "family"
    # short ones, and those that other windows align with nearly as often, are what a motif explains
    short = ELEMENT | {"consensus": "ACGT" * 15}
    weak = {"members": ALIGNED["members"] | {"odds_ratio": 2.0}}
    assert sentence(consensus=short, corpus_homology=ALIGNED, motifs=motif())[0] == "motif"
    assert sentence(consensus=ELEMENT, corpus_homology=weak, motifs=motif())[0] == "motif"
    parts = card(consensus=ELEMENT | {"share": 0.4}, corpus_homology=ALIGNED)
    parts["kind"] = {"kind": "compositional", "composition_auc_nearby": {"value": 0.95, "low": 0.9}, "comparisons": []}
    parts["makeup"]["gc"] = {"value": 0.3, "rest": 0.42, "q": 1e-9}
    text = (
        "copies of one element of 120 bp at 85 % identity, 40 % of the windows (71 % align with another member, "
        "elsewhere 9 %)"
    )
    assert cluster_sentence(parts)["text"] == text


def test_of_a_long_motif_the_core_is_told() -> None:
    found = motif()
    found["motifs"][0]["consensus"] = "NNWSCKSSRMACGTRSRTCBN"
    assert sentence(motifs=found)[1].startswith("motif SRMACGTRSRTC (core of 21 bp) in 90 % of the windows")


def test_coding_sequence_names_a_cluster_only_where_it_is_rarer_elsewhere() -> None:
    touched = term("region", "exon", share=0.68, rest=0.3, q=1e-6)  # a base is enough: says nothing of the window
    assert sentence(annotation=[touched])[0] == "unexplained"
    assert sentence(annotation=[term("main_region", "CDS", share=0.99, rest=0.97, q=1e-6)])[0] == "unexplained"
    assert sentence(annotation=[term("main_region", "CDS", share=0.55, rest=0.4, q=1e-6)])[0] == "unexplained"
    coding = term("main_region", "CDS", share=0.7, rest=0.02, q=1e-6)
    assert sentence(annotation=[coding]) == ("exon", "coding sequence, 70 % of the windows, elsewhere 2 %")


def test_a_term_of_far_larger_odds_wins_even_with_less_than_half() -> None:
    exons = term("main_region", "exon", share=0.68, rest=0.4, q=1e-3)
    simple = term("repeat_class", "Simple_repeat", share=0.46, rest=0.017, q=1e-8) | {"low": 20.0}
    found = cluster_sentence(card(annotation=[exons, simple]))
    assert (found["basis"], found["confidence"]) == ("class of many", "moderate")
    assert found["text"] == "Simple_repeat repeats, 46 % of the windows, elsewhere 2 %"
    # what half have goes first where the odds are alike
    assert sentence(annotation=[term("main_region", "CDS", share=0.7, rest=0.02, q=1e-6), simple])[0] == "exon"


def test_exons_of_genes_that_code_for_nothing_are_named_by_their_type() -> None:
    exons = term("main_region", "exon", share=0.9, rest=0.02, q=1e-6) | {"low": 20.0}
    ribosomal = term("gene_type", "rRNA", share=0.9, rest=0.02, q=1e-6)
    expected = "rRNA genes, 90 % of the windows, elsewhere 2 %, exon in 90 % (elsewhere 2 %)"
    assert sentence(annotation=[exons, ribosomal]) == ("gene type", expected)
    for other in ({"term": "protein_coding"}, {"q": 0.2}, {"share": 0.4}):
        assert sentence(annotation=[exons, ribosomal | other])[1].startswith(
            "exons, 90 % of the windows, elsewhere 2 %"
        )


def test_gene_types_and_tracks_name_a_cluster() -> None:
    ribosomal = term("gene_type", "rRNA", share=0.8, rest=0.01, q=1e-6)
    assert sentence(annotation=[ribosomal]) == ("gene type", "rRNA genes, 80 % of the windows, elsewhere 1 %")
    rows = [term("phage", "any", share=0.9, rest=0.02, q=1e-6), term("phage", "Mu", share=0.7, rest=0.01, q=1e-6)]
    assert sentence(annotation=rows) == ("track", "Mu (phage), 70 % of the windows, elsewhere 1 %")
    assert sentence(annotation=rows[:1]) == ("track", "phage, 90 % of the windows, elsewhere 2 %")
    assert sentence(annotation=[rows[0] | {"q": 0.2}])[0] == "unexplained"
    # beside an element they are told second, unless their odds are far larger
    text = sentence(annotation=[ribosomal], consensus=ELEMENT, corpus_homology=ALIGNED)[1]
    assert text == "rRNA genes, 80 % of the windows, elsewhere 1 %"  # odds of 396 against 27
    strong = {"members": ALIGNED["members"] | {"odds_ratio": 200.0}}
    basis, text = sentence(annotation=[ribosomal | {"low": 50.0}], consensus=ELEMENT, corpus_homology=strong)
    assert basis == "family" and text.endswith("60 % of the windows, rRNA genes in 80 % (elsewhere 1 %)")


def test_the_sequence_of_a_library_that_is_hit_most_is_named() -> None:
    homology = family("IS", share=0.94, q=1e-9)
    homology["databases"][0]["subjects"] = [
        {"name": f"{name}#IS", "best": best} for name, best in (("ISBar", 0.2), ("ISFoo1", 0.63))
    ]
    assert sentence(homology=homology)[1].startswith(
        "IS elements (most like ISFoo1, 63 %), both strands, 94 % of the windows"
    )


def codon(*, position: float, frame: float, rest: float = 0.3, n: int = 150, q: float = 1e-9) -> list[dict[str, Any]]:
    rows = (("codon_position", "1", position), ("codon_frame", "-1", frame))
    return [
        {"feature": feature, "most": most, "share": share, "share_rest": rest, "n": n, "q": q}
        for feature, most, share in rows
    ]


def test_a_cluster_cut_at_one_codon_position_is_told_to_be_an_artefact() -> None:
    told = "cut at one codon position (an artefact of where windows begin): "
    assert sentence(confounds=codon(position=0.95, frame=0.93)) == (
        "codon position",
        f"{told}frame -1, 93 % of the coding windows, elsewhere 30 %",
    )
    assert (
        sentence(confounds=codon(position=0.95, frame=0.5))[1]
        == f"{told}frames +1 and -1, 95 % of the coding windows, elsewhere 30 %"
    )
    poor = card(confounds=codon(position=0.95, frame=0.93))
    poor["makeup"]["gc"] = {"value": 0.3, "rest": 0.42, "q": 1e-9}
    assert cluster_sentence(poor)["text"].endswith(", AT-rich sequence (30 % GC, elsewhere 42 %)")


@pytest.mark.parametrize(
    "weak",
    [{"q": 0.2}, {"n": 60}, {"position": 0.45}, {"rest": 0.9}, {"q": None}],
    ids=["not significant", "few are coding", "not most", "as many elsewhere", "in one place"],
)
def test_a_codon_position_that_the_test_does_not_hold_names_nothing(weak: dict[str, Any]) -> None:
    assert "codon" not in sentence(confounds=codon(**({"position": 0.95, "frame": 0.93} | weak)))[1]


def test_a_codon_position_gives_way_to_what_is_far_clearer_and_is_added_to_it() -> None:
    coding = term("main_region", "CDS", share=0.9, rest=0.01, q=1e-9)
    basis, text = sentence(annotation=[coding], confounds=codon(position=0.95, frame=0.5))
    assert basis == "exon" and "cut at one codon position" in text
    barely = term("main_region", "CDS", share=0.75, rest=0.45, q=1e-9)
    assert sentence(annotation=[barely], confounds=codon(position=1.0, frame=0.5))[0] == "codon position"
    assert sentence(annotation=[barely], confounds=codon(position=0.7, frame=0.5))[0] == "exon"


def test_tandem_repeats_are_told_with_their_period() -> None:
    rows = [
        term("tandem_period", "tandem repeat", share=0.9, rest=0.01, q=1e-9),
        term("tandem_period", "171 bp", share=0.8, rest=0.001, q=1e-9),
    ]
    period = "repeating every 171 bp (80 % of the windows, elsewhere < 1 %)"
    assert sentence(annotation=rows) == (
        "tandem repeat",
        f"tandem repeats, 90 % of the windows, elsewhere 1 %, {period}",
    )
    assert sentence(annotation=rows[:1]) == ("tandem repeat", "tandem repeats, 90 % of the windows, elsewhere 1 %")
    satellites = term("repeat_class", "Satellite/centr", share=0.9, rest=0.02, q=1e-9)
    assert sentence(annotation=[satellites, *rows]) == (
        "repeat",
        f"Satellite/centr repeats, 90 % of the windows, {period}",
    )
    for other in ({"share": 0.49}, {"q": 0.06}, {"share_rest": 0.7}):
        assert "171 bp" not in sentence(annotation=[rows[0], rows[1] | other])[1]
