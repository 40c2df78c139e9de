from dnabert.report.metrics import METRICS, measured


def test_keys_are_unique_and_explained() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    assert all(metric.explanation.endswith((".", ").")) for metric in METRICS)


def test_mutual_information_counts_noise_as_a_cluster() -> None:
    told = {metric.key: metric.explanation for metric in METRICS if metric.key.startswith("ami_")}
    alone = {key for key in told if key.startswith("ami_clustered_")}
    assert len(alone) == 3 and all("which windows were left out tells nothing" in told[key] for key in alone)
    assert told.keys() > alone and all(
        "windows in no cluster count as one cluster" in told[key] for key in told.keys() - alone
    )


def test_agreement_of_other_windows_in_each_encoder_ranks_none() -> None:
    assert all(
        metric.better is None and not metric.headline for metric in METRICS if metric.key.startswith("ami_clustered_")
    )


def test_pairs_of_windows_rank_none() -> None:
    """Their intervals do not know that clusters hang on which windows there are: one encoder was the best by them that
    none is by AMI."""
    assert not [metric.key for metric in METRICS if metric.key.startswith("ari_") and metric.better]


def test_what_judges_is_what_has_a_better_way() -> None:
    assert {m.key for m in METRICS if m.headline} == {m.key for m in METRICS if m.better}
    judged = {m.key: m.short for m in METRICS if m.headline and m.key.startswith("ami_")}
    assert judged == {
        f"ami_{key}": f"Clusters follow {name}"
        for key, name in (("repeat_class", "repeat class"), ("region", "gene region"), ("gene_type", "gene type"))
    }
    (alone,) = (m.name for m in METRICS if m.key == "ami_clustered_region")
    assert alone == "The clustered alone follow gene region (AMI)"


def test_metrics_without_a_value_are_left_out() -> None:
    ladder = [{"metrics": {"silhouette": {"value": None}, "clusters": {"value": 3}, "majority_region": {"value": 0.6}}}]
    assert [metric.key for metric in measured(ladder)] == ["clusters"]


def test_artefacts_are_never_marked_best() -> None:
    assert all(
        m.better is None
        for m in METRICS
        if m.key.endswith(("_genome", "_strand", "_phase", "_codon_frame")) or m.key == "silhouette"
    )
