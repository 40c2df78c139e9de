import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from dnabert.corpus.windows import UnknownRuns, composition, covered, lay_windows, segments_between

bases = st.text("ACGTacgtNNNR", max_size=200).map(lambda text: np.frombuffer(text.encode(), np.uint8))


@given(bases=bases, at_least=st.integers(1, 5), chunk=st.integers(1, 50))
def test_runs_do_not_depend_on_chunks_and_equal_a_loop(bases: np.ndarray, at_least: int, chunk: int) -> None:
    runs = UnknownRuns()
    for start in range(0, len(bases), chunk):
        runs.add(bases[start : start + chunk])
    expected, begun = [], None
    for i, letter in enumerate([*bases.tobytes().decode(), "A"]):
        if letter.upper() not in "ACGT" and begun is None:
            begun = i
        elif letter.upper() in "ACGT" and begun is not None:
            if i - begun >= at_least:
                expected.append([begun, i])
            begun = None
    assert runs.of_at_least(at_least).tolist() == expected


@given(
    edges=st.lists(st.integers(0, 60), unique=True, max_size=8).map(sorted),
    cuts=st.lists(st.integers(-5, 70), max_size=5),
)
def test_segments_equal_a_loop_over_bases(edges: list[int], cuts: list[int]) -> None:
    runs = np.array(edges[: len(edges) // 2 * 2], np.int64).reshape(-1, 2)
    in_run = np.zeros(61, bool)
    for a, b in runs:
        in_run[a:b] = True
    expected: list[list[int]] = []
    for i in range(60):
        if in_run[i]:
            continue
        if expected and expected[-1][1] == i and i not in cuts:
            expected[-1][1] += 1
        else:
            expected.append([i, i + 1])
    assert segments_between(runs, length=60, cuts=np.array(cuts, np.int64)).tolist() == expected


@given(
    sizes=st.lists(st.tuples(st.integers(0, 5), st.integers(1, 40)), max_size=6),
    length=st.integers(1, 12),
    step=st.integers(1, 15),
)
def test_windows_lie_within_their_segment(sizes: list[tuple[int, int]], length: int, step: int) -> None:
    ends = np.cumsum([gap + size for gap, size in sizes]) if sizes else np.empty(0, np.int64)
    segments = np.array([[end - size, end] for end, (_, size) in zip(ends, sizes, strict=True)], np.int64).reshape(
        -1, 2
    )
    windows = lay_windows(segments, length=length, step=step)
    expected = [x for a, b in segments.tolist() for x in range(a, b - length + 1, step)]
    assert windows.start.tolist() == expected
    left, right = windows.start - windows.before, windows.start + length + windows.after
    pairs = {tuple(pair) for pair in segments.tolist()}
    assert all(pair in pairs for pair in zip(left.tolist(), right.tolist(), strict=True))
    assert covered(windows, length=length) == len({x + i for x in expected for i in range(length)})


def test_before_and_after_are_capped() -> None:
    windows = lay_windows(np.array([[0, 200_000]]), length=100_0, step=1000)
    assert windows.before.max() == windows.after.max() == 65_535


def test_composition_of_windows_worked_by_hand() -> None:
    shares = composition(np.frombuffer(b"GGCCaattNNNNRRRRACGTacgu", np.uint8).reshape(3, 8))
    assert shares["gc"].tolist() == [0.5, 0.0, 0.5]
    assert shares["soft_masked"].tolist() == [0.5, 0.0, 0.5]
    assert shares["n_share"].tolist() == [0.0, 1.0, 0.0]
