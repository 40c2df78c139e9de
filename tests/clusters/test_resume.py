from pathlib import Path

from dnabert.clusters.resume import is_current, once
from dnabert.stage import stage


def test_a_part_is_measured_again_only_when_something_has_changed(tmp_path: Path) -> None:
    source = tmp_path / "source.txt"
    source.write_text("a")
    calls = []

    def measure() -> dict[str, int]:
        calls.append(1)
        return {"calls": len(calls)}

    def part(seed: int = 0) -> dict[str, int]:
        return once(tmp_path / "part", measure, config={"part": "x", "seed": seed}, inputs={"source": source})

    assert [part(), part()] == [{"calls": 1}] * 2
    assert part(seed=1) == {"calls": 2}
    source.write_text("b")
    assert part(seed=1) == {"calls": 3}
    (tmp_path / "part" / "manifest.json").unlink()
    assert not is_current(tmp_path / "part", kind="comparison", config={}, inputs={})


def test_keys_that_only_the_manifest_has_do_not_matter(tmp_path: Path) -> None:
    with stage(tmp_path / "made", kind="clusters", config={"a": 1, "seconds": 2.5}):
        pass
    assert is_current(tmp_path / "made", kind="clusters", config={"a": 1}, inputs={})
    assert not is_current(tmp_path / "made", kind="clusters", config={"a": 1, "b": None}, inputs={})
    assert not is_current(tmp_path / "made", kind="embeddings", config={"a": 1}, inputs={})
    assert not is_current(tmp_path / "missing", kind="clusters", config={}, inputs={})
