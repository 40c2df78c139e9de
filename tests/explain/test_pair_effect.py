import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from dnabert.explain.pair_effect import pair_effect


def alone(n: int) -> np.ndarray:
    return np.arange(2 * n).reshape(1, n, 2)


def test_one_round_is_cliffs_delta_and_mann_whitney() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.integers(0, 9, (1, 60)), rng.integers(1, 12, 80)
    found = pair_effect(a, b, ends=alone(60))
    assert found.effect == pytest.approx(np.mean(np.sign(a[0][:, None] - b[None])))
    assert found.p == pytest.approx(mannwhitneyu(a[0], b, method="asymptotic").pvalue)
    assert found.low < found.effect < found.high


def test_rounds_give_twice_the_median_p_and_a_pair_counts_once() -> None:
    values = np.array([[1.0, 2.0], [1.0, 2.0], [5.0, 6.0]])
    ends = np.array([[[0, 1], [2, 3]], [[1, 0], [3, 2]], [[0, 2], [1, 3]]])
    others = np.arange(3.5, 20)
    found = pair_effect(values, others, ends=ends)
    by_hand = np.mean(np.sign(np.array([1.0, 2, 5, 6])[:, None] - others[None]))
    assert found.effect == pytest.approx(by_hand)
    assert found.p == pytest.approx(
        min(1, 2 * np.median([mannwhitneyu(each, others, method="asymptotic").pvalue for each in values]))
    )


def test_interval_is_as_wide_as_the_formula_says() -> None:
    """Feng and Cliff's interval written out, for pairs without a common end."""
    from scipy.stats import t

    rng = np.random.default_rng(2)
    a, b = rng.normal(size=25), rng.normal(0.5, 1, size=40)
    sign = np.sign(a[:, None] - b[None])
    delta, rows, columns = sign.mean(), sign.mean(axis=1), sign.mean(axis=0)
    variance = ((rows - delta) ** 2).sum() / 25**2 + columns.var(ddof=1) / 40
    quantile = t.ppf(0.975, 39)
    root = quantile * np.sqrt(variance * ((1 - delta**2) ** 2 + quantile**2 * variance))
    limits = (delta - delta**3 + np.array([-root, root])) / (1 - delta**2 + quantile**2 * variance)
    found = pair_effect(a[None], b, ends=alone(25))
    assert (found.low, found.high) == pytest.approx(tuple(limits))


def test_full_separation_of_few_pairs_is_not_certain() -> None:
    found = pair_effect(np.zeros((1, 4)), np.ones(100), ends=alone(4))
    assert found.effect == found.low == -1 and found.high == pytest.approx(-1 + 2 * (1 - 0.025**0.25))
    assert pair_effect(np.ones((1, 4)), np.zeros(100), ends=alone(4)).low == pytest.approx(1 - 2 * (1 - 0.025**0.25))
    same = pair_effect(np.zeros((1, 4)), np.zeros(9), ends=alone(4))
    assert same.effect == 0 and same.p == 1 and same.low <= 0 <= same.high


@pytest.mark.parametrize("shared", [0.0, 0.7])
def test_interval_covers_the_truth_when_pairs_share_windows(shared: float) -> None:
    """Values of pairs are sums of what their ends bring and of noise: nominal 95 %, the simulation's own error 2.2
    %."""
    rng = np.random.default_rng(0)
    total = 2 * shared**2 + 1
    truth = -(2 * (1 / (1 + np.exp(-1.702 * 1.0 / np.sqrt(2 * total)))) - 1)  # the normal's integral, to 1 %
    hits, false_alarms, trials = 0, 0, 100
    for _ in range(trials):
        ends = np.stack([rng.permutation(24).reshape(12, 2) for _ in range(6)])
        own = shared * rng.normal(size=24)
        noise = rng.normal(size=(24, 24))
        noise = np.triu(noise, 1) + np.triu(noise, 1).T
        values = own[ends].sum(axis=2) + noise[ends[..., 0], ends[..., 1]]
        others = np.sqrt(total) * rng.normal(size=200)
        found = pair_effect(values - 1.0, others, ends=ends)
        hits += found.low <= truth <= found.high
        false_alarms += pair_effect(values, others, ends=ends).p <= 0.05
    assert hits / trials > 0.89
    assert false_alarms / trials < 0.09


def test_a_small_p_of_distances_in_float32_is_not_zero() -> None:
    near, far = np.linspace(0, 0.2, 200, dtype=np.float32), np.linspace(0.4, 0.5, 300, dtype=np.float32)
    p = pair_effect(near[None], far, ends=alone(200)).p
    assert (
        p == pytest.approx(mannwhitneyu(near.astype(float), far.astype(float), method="asymptotic").pvalue, abs=0)
        and 0 < p < 1e-60
    )
