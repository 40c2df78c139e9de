"""What --resume auto and --overwrite take for a run of ours; what is another's, or cannot be read, stays as it is."""

from __future__ import annotations

from pathlib import Path

import pytest
from accelerate import Accelerator

from dnabert.errors import UserError
from dnabert.manifest import write_manifest
from dnabert.pretraining import loop, pretrain
from dnabert.pretraining.checkpoints import checkpoints
from dnabert.pretraining.curve import METRICS
from dnabert.pretraining.run_folder import begun
from dnabert.pretraining.setup import read_corpus

HOW = [{"resume": "auto"}, {"overwrite": True}, {"resume": "auto", "overwrite": True}, {}]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("its_config", [None, "", "learning_rate: 0.1\nlayers: 2\n", "seed: 1\nsteps: 100\n", "a: [\n"])
def test_another_programs_run_is_left_alone(config, how, its_config):
    out = Path(config().out)
    (out / "checkpoints" / "step-100").mkdir(parents=True)
    (out / "checkpoints" / "step-100" / "weights.pt").write_bytes(b"a week")
    (out / METRICS).write_text('{"loss": 1}\n')
    if its_config is not None:
        (out / "config.yaml").write_text(its_config)
    before = contents(out)
    with pytest.raises(
        UserError, match=r"exists already|is no run of dnabert|its config is none of this version .*config.yaml"
    ):
        pretrain(config(**how))
    assert contents(out) == before and [path.name for path in out.parent.iterdir()] == [out.name]


@pytest.mark.parametrize("left", [(METRICS,), (METRICS, ".config.yaml.1.partial/config.yaml")])
def test_killed_before_it_had_a_config_a_run_begins_again(config, left):
    for name in left:
        (Path(config().out) / name).parent.mkdir(parents=True, exist_ok=True)
        (Path(config().out) / name).touch()
    with (
        pytest.raises(UserError, match=r"was stopped .before its first checkpoint.: pass --resume auto"),
        begun(config()),
    ):
        pass
    with begun(config(resume="auto")) as checkpoint:
        assert checkpoint is None
    assert (Path(config().out) / "config.yaml").is_file()


def test_a_config_that_cannot_be_read_is_not_gone_on_with(config):
    run = pretrain(config(steps=2))
    (run / "manifest.json").unlink()
    (run / "config.yaml").write_text("k: [\n")
    before = contents(run)
    with pytest.raises(
        UserError, match=r"cannot be gone on with, .*config.yaml is no valid YAML.*mend it, or choose another --out"
    ):
        pretrain(config(seed=1, resume="auto"))
    assert contents(run) == before


@pytest.mark.parametrize(
    "stands", ["nothing", "an empty folder", "a finished run", "a stopped run", "a link to a finished run"]
)
def test_what_stood_there_is_given_back_when_a_run_cannot_be_begun(config, stands, tmp_path):
    out = Path(config().out)
    if stands == "an empty folder":
        out.mkdir()
    elif stands != "nothing":
        pretrain(config(steps=1))
        (out / "mine").write_text("years")
    if stands == "a stopped run":
        (out / "manifest.json").unlink()
    if "link" in stands:
        out.rename(tmp_path / "elsewhere")
        out.symlink_to(tmp_path / "elsewhere")
    before = contents(out)

    def begin_half() -> None:
        with begun(config(overwrite=True)):
            (out / "wandb").mkdir()
            (out / "wandb" / "half").touch()
            assert not (out / "mine").exists()
            raise UserError("no tracker")

    with pytest.raises(UserError, match="no tracker"):
        begin_half()
    assert out.exists() == (stands != "nothing") and out.is_symlink() == ("link" in stands)
    assert contents(out) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        ({"elsewhere"} if "link" in stands else set()) | ({"run"} if out.exists() else set())
    )


def test_what_is_replaced_comes_back_when_the_new_run_was_killed_before_its_first_checkpoint(config, tmp_path, capsys):
    out = pretrain(config(steps=1))
    before = contents(out)
    for how in ({"resume": "auto"}, {}, {"overwrite": True}):
        with begun(config(overwrite=True)):
            pass  # and then it is killed, so that nothing is cleared up
        assert contents(tmp_path / ".run.replaced") == before and not checkpoints(out)
        if how.get("overwrite"):
            pretrain(config(**how))
            assert checkpoints(out)[-1].name == "step-000000006"
        else:
            with pytest.raises(UserError, match="run exists already: choose another --out or pass --overwrite"):
                pretrain(config(**how))
            assert contents(out) == before
        assert (
            "run is what it was before --overwrite: the run that was to replace it ended before"
            in capsys.readouterr().err
        )
        assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("ends", [OSError(28, "No space left on device"), KeyboardInterrupt(), UserError("diverged")])
def test_what_is_replaced_comes_back_when_the_new_run_ends_before_its_first_checkpoint(
    config, ends, tmp_path, monkeypatch
):
    out = pretrain(config(steps=1))
    before = contents(out)

    def ended(*_: object) -> None:
        raise ends

    monkeypatch.setattr(loop, "_evaluate", ended)
    with pytest.raises((UserError, KeyboardInterrupt)):
        pretrain(config(overwrite=True))
    assert contents(out) == before and [path.name for path in tmp_path.iterdir()] == ["run"]


def test_a_checkpoint_gives_up_what_was_replaced(config, tmp_path):
    out = pretrain(config(steps=1))
    (out / "mine").touch()
    with begun(config(overwrite=True)):
        assert (tmp_path / ".run.replaced" / "mine").exists()
    (out / "checkpoints" / "step-000000002").mkdir(parents=True)  # made, and killed before the old run was removed
    with pytest.raises(UserError, match="none that can be read"), begun(config(resume="auto")):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["run"] and not (out / "mine").exists()


def test_a_refused_step_forward_leaves_the_config_of_the_run(config):
    run = pretrain(config(steps=2))
    (run / "manifest.json").unlink()
    before = contents(run)

    def go_on() -> None:
        with begun(config(steps=4, resume="auto")) as checkpoint:
            assert checkpoint == checkpoints(run)[-1]
            raise UserError("does not fit")

    with pytest.raises(UserError, match="does not fit"):
        go_on()
    assert contents(run) == before


def test_a_run_goes_on_in_the_folder_that_is_stood_in_but_begins_elsewhere(config, monkeypatch):
    run = pretrain(config(steps=2))
    monkeypatch.chdir(run)
    with pytest.raises(UserError, match="--out . is the folder that you stand in"):
        pretrain(config(out=".", overwrite=True))
    (run / "manifest.json").unlink()
    assert checkpoints(pretrain(config(out=".", steps=4, resume="auto")))[-1].name == "step-000000004"
    (run / "empty").mkdir()
    monkeypatch.chdir(run / "empty")
    with pytest.raises(UserError, match="--out . is the folder that you stand in"):
        pretrain(config(out="."))


def test_the_demo_corpus_of_a_run_in_the_folder_that_is_stood_in(config, monkeypatch, tmp_path, small_corpus):
    (tmp_path / "demo-corpus").symlink_to(small_corpus)
    (tmp_path / "run").mkdir()
    monkeypatch.chdir(tmp_path / "run")
    assert read_corpus(config(corpus=None, out="."), Accelerator(cpu=True)).folder == tmp_path / "demo-corpus"


@pytest.mark.parametrize("finished", [True, False])
def test_vectors_kept_in_a_run_are_not_lost_with_it(config, finished):
    run = pretrain(config(steps=1))
    (run / "vectors").mkdir()
    write_manifest(run / "vectors", kind="embeddings")
    if not finished:
        (run / "manifest.json").unlink()
    before = contents(run)
    with pytest.raises(UserError, match=r"would be replaced, and .*vectors \(embeddings\) with it"):
        pretrain(config(steps=1, overwrite=True))
    assert contents(run) == before
