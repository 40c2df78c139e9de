from dnabert.report.metrics import METRICS, measured


def test_keys_are_unique_and_explained() -> None:
    assert len({metric.key for metric in METRICS}) == len(METRICS)
    assert all(metric.explanation.endswith((".", ").")) for metric in METRICS)


def test_mutual_information_counts_noise_as_a_cluster() -> None:
    told = [metric.explanation for metric in METRICS if metric.key.startswith("ami_")]
    assert told and all("windows in no cluster count as one cluster" in each for each in told)


def test_metrics_without_a_value_are_left_out() -> None:
    ladder = [{"metrics": {"silhouette": {"value": None}, "clusters": {"value": 3}, "majority_region": {"value": 0.6}}}]
    assert [metric.key for metric in measured(ladder)] == ["clusters"]


def test_artefacts_are_never_marked_best() -> None:
    assert all(
        m.better is None for m in METRICS if m.key.endswith(("_genome", "_strand", "_phase", "_codon_frame")) or m.key == "silhouette"
    )
