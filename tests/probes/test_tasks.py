import gzip
import tracemalloc

import numpy as np
import pytest

from dnabert.alphabet import reverse_complement
from dnabert.errors import UserError
from dnabert.probes import read_task, seen_in_training, task_inputs

CSV = "sequence,label\nACGTACGT,1\nGGCC,0\n"


def write(folder, **files):
    folder.mkdir()
    for name, text in files.items():
        (folder / name.replace("_", ".")).write_text(text)
    return folder


def text_of(part):
    return [bases.tobytes().decode() for bases in part.sequences]


def test_a_folder_of_three_formats(tmp_path):
    folder = write(
        tmp_path / "tata", train_csv=CSV, dev_tsv=CSV.replace(",", "\t"), test_fa=">a 1\nACGT\nACGT\n>b x 0\nGGCC\n"
    )
    task = read_task(folder)
    assert (task.name, task.classes) == ("tata", ["0", "1"])
    for part in (task.train, task.dev, task.test):
        assert text_of(part) == ["ACGTACGT", "GGCC"] and part.labels.tolist() == [1, 0]


def test_gzip(tmp_path):
    folder = write(tmp_path / "t", train_csv=CSV)
    (folder / "test.csv.gz").write_bytes(gzip.compress(CSV.encode()))
    (folder / "dev.csv").write_bytes(gzip.compress(CSV.encode()))  # the content tells, not the name
    task = read_task(folder)
    assert text_of(task.test) == text_of(task.dev) == ["ACGTACGT", "GGCC"]


@pytest.mark.parametrize("name", ["splice.fna", "splice.fasta.gz", "splice.txt"])
@pytest.mark.parametrize("kind", ["fasta", "csv", "tsv"])
def test_the_content_tells_the_format(tmp_path, name, kind):
    rows = [(spelled(i) + "Xn", "EI" if i % 4 else "N") for i in range(100)]
    texts = {
        "fasta": "".join(
            f">s{i} splice {label}\r\n{bases[:5]}\r\n{bases[5:]}\r\n" for i, (bases, label) in enumerate(rows)
        ),
        "csv": "label,sequence\n" + "".join(f"{label},{bases}\n" for bases, label in rows),
        "tsv": "name\tsequence\tlabel\n" + "".join(f"s\t{bases}\t{label}\n" for bases, label in rows),
    }
    (tmp_path / name).write_bytes(gzip.compress(texts[kind].encode()) if name.endswith(".gz") else texts[kind].encode())
    task = read_task(tmp_path / name)
    assert (task.name, task.classes) == ("splice", ["EI", "N"])
    assert {
        (text, task.classes[label])
        for part in (task.train, task.dev, task.test)
        for text, label in zip(text_of(part), part.labels, strict=True)
    } == set(rows)


def test_a_folder_names_its_task_dots_and_all(tmp_path):
    assert (
        read_task(write(tmp_path / "tata.v2", train_csv=CSV, dev_csv=CSV, test_fna=">a 1\nACGTACGT\n>b 0\nGGCC\n")).name
        == "tata.v2"
    )


def test_blanks_and_marks_around_words_are_no_part_of_them(tmp_path):
    spaced = "\ufeff" + CSV.replace(",", ", ")
    task = read_task(
        write(tmp_path / "t", train_csv=spaced, dev_csv=CSV, test_fa="\ufeff>a A->G 1\nACGTACGT\n>b 0\nGGCC\n")
    )
    assert task.classes == ["0", "1"] and text_of(task.train) == text_of(task.test) == ["ACGTACGT", "GGCC"]


def spelled(number):
    """A sequence of 8 bases that no other number below 4^8 has."""
    return "".join("ACGT"[number // 4**place % 4] for place in range(8))


def test_one_file_is_split_by_label(tmp_path):
    lines = [f"{spelled(i)},{'EI' if i % 4 else 'N'}" for i in range(400)]
    (tmp_path / "splice.csv").write_text("sequence,label\n" + "\n".join(lines) + "\n")
    task = read_task(tmp_path / "splice.csv")
    assert [len(part.labels) for part in (task.train, task.dev, task.test)] == [320, 40, 40]
    assert np.bincount(task.test.labels).tolist() == [30, 10]
    assert read_task(tmp_path / "splice.csv").test.labels.tolist() == task.test.labels.tolist()


@pytest.mark.parametrize("separator", [",", "\t"])
def test_one_file_is_split_as_its_column_says(tmp_path, separator):
    """It was split at random, and sequences of the test stood in train, without a word."""
    parts = ["train"] * 20 + ["Validation"] * 8 + ["test"] * 12
    rows = [(parts[i * 7 % 40], spelled(i), "EI" if i % 4 else "N") for i in range(40)]
    text = "\n".join(separator.join(row) for row in [("Split", "sequence", "label"), *rows])
    (tmp_path / "mine.csv").write_text(text + "\n")
    task = read_task(tmp_path / "mine.csv")
    for name, part in (("train", task.train), ("Validation", task.dev), ("test", task.test)):
        assert text_of(part) == [bases for of, bases, _ in rows if of == name]
    assert not task.drawn
    (tmp_path / "mine.csv").write_text(text.replace("Validation", "train") + "\n")
    task = read_task(tmp_path / "mine.csv")
    assert task.drawn and text_of(task.test) == [bases for of, bases, _ in rows if of == "test"]
    assert sorted(text_of(task.train) + text_of(task.dev)) == sorted(b for of, b, _ in rows if of != "test")


@pytest.mark.parametrize(
    ("third", "told"),
    [
        ("held out", "sequence 3 has the split 'held out', allowed are train, dev, validation, valid, val, test: mend"),
        ("", "sequence 3 has the split '', allowed are train"),
        ("train", "its column split has no 'test': mark some sequences so, or take the column out"),
    ],
)
def test_a_column_split_that_does_not_say_it_is_told(tmp_path, third, told):
    (tmp_path / "mine.csv").write_text(f"sequence,label,split\nACGT,1,train\nGGTT,0,train\nCCAT,1,{third}\n")
    with pytest.raises(UserError, match=f"mine.csv: {told}"):
        read_task(tmp_path / "mine.csv")


def test_copies_of_a_sequence_stay_on_one_side(tmp_path):
    lines = [f"{spelled(i % 100) if i < 200 else spelled(i % 100).lower()},{i % 2}" for i in range(300)]
    (tmp_path / "copies.csv").write_text("sequence,label\n" + "\n".join(lines) + "\n")
    task = read_task(tmp_path / "copies.csv")
    sides = [{text.upper() for text in text_of(part)} for part in (task.train, task.dev, task.test)]
    assert [len(side) for side in sides] == [80, 10, 10] and len(set.union(*sides)) == 100
    assert [len(part.labels) for part in (task.train, task.dev, task.test)] == [240, 30, 30]


def test_the_strands_of_a_sequence_stay_on_one_side(tmp_path):
    rng = np.random.default_rng(0)
    some = ["".join(rng.choice(list("ACGT"), 20)) for _ in range(100)]
    lines = [
        f"{each},{i % 2}"
        for both in (some, [reverse_complement(each).lower() for each in some])
        for i, each in enumerate(both)
    ]
    (tmp_path / "strands.csv").write_text("sequence,label\n" + "\n".join(lines) + "\n")
    task = read_task(tmp_path / "strands.csv")
    sides = [
        {min(text.upper(), reverse_complement(text.upper())) for text in text_of(part)}
        for part in (task.train, task.dev, task.test)
    ]
    assert [len(side) for side in sides] == [80, 10, 10] and len(set.union(*sides)) == 100


def test_a_sequence_in_letters_of_rna_is_the_same(tmp_path):
    rng = np.random.default_rng(0)
    some = ["".join(rng.choice(list("ACGT"), 40)) for _ in range(50)]
    rna = [each.replace("T", "U") for each in some]
    turned = [reverse_complement(each).replace("T", "U") for each in some]
    for name, kinds in (("both", (some, rna)), ("strands", (rna, turned))):
        path = tmp_path / f"{name}.csv"
        path.write_text(
            "sequence,label\n" + "".join(f"{each},{i % 2}\n" for kind in kinds for i, each in enumerate(kind))
        )
        task = read_task(path)
        sides = [
            {min(text, reverse_complement(text)) for text in (each.replace("U", "T") for each in text_of(part))}
            for part in (task.train, task.dev, task.test)
        ]
        assert [len(side) for side in sides] == [40, 5, 5] and len(set.union(*sides)) == 50
    folder = write(tmp_path / "t", train_csv=CSV, dev_csv=CSV, test_csv="sequence,label\nGGCC,0\nACGUACGU,1\n")
    assert read_task(folder).summary().endswith("2 are copies")


def test_a_summary_tells_of_rare_classes_and_of_copies(tmp_path):
    folder = write(tmp_path / "t", train_csv=CSV, dev_csv=CSV, test_csv="sequence,label\nggcc,0\nACGTA,1\n")
    told = read_task(folder).summary()
    assert told == (
        "t: 2 / 2 / 2 sequences (train / dev / test) of 4 to 8 bases; 0 3, 1 3; naming 0 always has an accuracy of "
        "0.500 on test; dev: 0 of 2 share 30 bases with train, 2 are copies; test: 0 of 2 share 30 bases with "
        "train, 1 are copies"
    )
    for part in ("dev", "test"):
        (folder / f"{part}.csv").write_text("sequence,label\nAAAAAAAA,0\nACGTAAAA,1\n")
    assert "copies" not in read_task(folder).summary()


def test_the_other_strand_of_a_training_sequence_is_a_copy_too(tmp_path):
    """Of sequences too short to share 30 bases nothing else tells that they were seen."""
    train = "sequence,label\nAACCGTTACA,0\nGGCATTACCA,1\n"
    turned = "sequence,label\n" + f"{reverse_complement('AACCGTTACA').lower()},0\nGGGGTTTTTA,1\n"
    task = read_task(write(tmp_path / "t", train_csv=train, dev_csv=turned, test_csv=turned))
    assert task.unseen.tolist() == [False, True]
    assert task.summary().endswith("test: 0 of 2 share 30 bases with train, 1 are copies")


def test_a_summary_tells_of_sequences_with_several_labels_and_of_rare_classes(tmp_path):
    train = CSV + "acgtacgt,0\nGGCC,0\nAAAAAAAA,0\n"
    test = "sequence,label\n" + "".join(f"{spelled(i)},{int(i == 7)}\n" for i in range(20))
    told = read_task(write(tmp_path / "t", train_csv=train, dev_csv=CSV, test_csv=test)).summary()
    assert (
        "; naming 0 always has an accuracy of 0.950 on test; 1 different sequences have several labels; dev: " in told
    )


@pytest.mark.parametrize("batch", [1, 100, 10**6])
def test_a_summary_counts_sequences_that_share_30_bases_with_train(tmp_path, monkeypatch, batch):
    monkeypatch.setattr(seen_in_training, "_BATCH", batch)
    rng = np.random.default_rng(0)
    one, other, new = ("".join(rng.choice(list("ACGT"), 80)) for _ in range(3))
    turned = dict(zip("ACGT", "TGCA", strict=True))
    opposite = "".join(turned[base] for base in reversed(other))
    tests = [
        one.lower(),  # a copy
        new[:9] + one[7:37] + new[9:20],  # 30 bases of it
        new[30:] + opposite[50:],  # of the other strand
        new[:9] + turned[one[6]] + one[7:36] + turned[one[36]] + new[9:20],  # 29, between bases of its own
        one[:29] + "N" + one[30:50] + "N" + one[51:80],  # nowhere 30 known ones
        one[60:] + other[:20],  # only across two sequences
        new,
        "ACGT",
    ]
    train = "sequence,label\n" + "".join(f"{sequence},{label}\n" for label, sequence in enumerate((one, other)))
    folder = write(
        tmp_path / "t",
        train_csv=train,
        dev_csv=train,
        test_csv="sequence,label\n" + "".join(f"{each},{i % 2}\n" for i, each in enumerate(tests)),
    )
    task = read_task(folder)
    assert (
        seen_in_training.seen_in_training(task.test.sequences, train=task.train.sequences).tolist()
        == [True] * 3 + [False] * 5
    )
    assert task.unseen.tolist() == [False] * 3 + [True] * 5
    assert task.summary().endswith("; test: 3 of 8 share 30 bases with train, 1 are copies")


@pytest.mark.parametrize("packed", [False, True])
def test_the_uci_repositorys_form(tmp_path, packed):
    labels = ["EI", "IE", "N"]
    text = "".join(f"{labels[i % 3]},     GENE-{i},   {spelled(i)}{'DNRS'[i % 4]}\n" for i in range(90)) + "\n"
    path = tmp_path / ("splice.data.gz" if packed else "splice.data")
    path.write_bytes(gzip.compress(text.encode()) if packed else text.encode())
    task = read_task(path)
    assert (task.name, task.classes) == ("splice", labels)
    assert [np.bincount(part.labels).tolist() for part in (task.train, task.dev, task.test)] == [
        [24] * 3,
        [3] * 3,
        [3] * 3,
    ]
    assert {bases for part in (task.train, task.dev, task.test) for bases in text_of(part)} == {
        spelled(i) + "DNRS"[i % 4] for i in range(90)
    }


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {"train_csv": CSV, "test_csv": CSV},
            "has no dev.csv, .tsv, .fa or .fasta, and it cannot be drawn from train .*: add it",
        ),
        ({"train_csv": "seq,label\nACGT,1\n"}, "begins with 'seq,label': .* as CSV it has no column 'sequence'"),
        (
            {"train_csv": "sequence,class\nACGT,1\n"},
            "train.csv: sequence 1 has no label: write it .* in a table's column 'label'",
        ),
        ({"train_csv": "sequence,label\nACGTL,1\n"}, "sequence 1 has 'L' at position 5, which is no nucleotide letter"),
        ({"train_csv": "sequence,label\n,1\n"}, "train.csv: sequence 1 has no bases: remove it"),
        ({"train_csv": "sequence,label\n"}, "holds no sequence"),
        ({"train_csv": CSV + "ACGT,\n"}, "train.csv: sequence 3 has no label: write it"),
        ({"train_csv": CSV + "ACGT\n"}, "line 4 has 1 fields, the header 2"),
        ({"train_csv": ""}, "train.csv is empty"),
        ({"train_data": "EI, ACGT\n"}, "line 1: 2 fields between commas, allowed are label, name, sequence"),
        ({"train_fa": ">only_a_name\nACGT\n"}, "sequence only_a_name has no label: write it as its header's last word"),
        (
            {
                "train_csv": CSV.replace(",0", ",1"),
                "dev_csv": CSV.replace(",0", ",1"),
                "test_csv": CSV.replace(",0", ",1"),
            },
            "one label",
        ),
    ],
)
def test_what_is_no_task_is_refused_in_one_line(tmp_path, files, message):
    with pytest.raises(UserError, match=message):
        read_task(write(tmp_path / "t", **({} if "test_csv" in files else {"dev_csv": CSV, "test_csv": CSV}), **files))


def test_a_missing_task_and_a_class_of_one(tmp_path):
    with pytest.raises(UserError, match="no such task"):
        read_task(tmp_path / "none")
    (tmp_path / "few.csv").write_text(CSV)
    with pytest.raises(UserError, match="cannot be split into train, dev and test"):
        read_task(tmp_path / "few.csv")


@pytest.mark.parametrize("part", ["train", "dev", "test"])
def test_a_part_of_one_label_is_refused(tmp_path, part):
    """On such a dev the correlation is always 0, and the first epoch would be the best."""
    files = {f"{each}_csv": CSV for each in ("train", "dev", "test")} | {
        f"{part}_csv": "sequence,label\nACGT,1\nCC,1\n"
    }
    with pytest.raises(UserError, match=f"t: {part} has one label, '1', .*: add sequences of another"):
        read_task(write(tmp_path / "t", **files))


def test_one_long_sequence_makes_not_all_of_them_long(tmp_path):
    lines = [f"{spelled(i)},{i % 2}" for i in range(1000)] + ["ACGT" * 100_000 + ",0"]
    (tmp_path / "long.csv").write_text("sequence,label\n" + "\n".join(lines) + "\n")
    tracemalloc.start()
    try:
        task = read_task(tmp_path / "long.csv")
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
    assert sum(len(part.labels) for part in (task.train, task.dev, task.test)) == 1001


def test_a_folder_without_dev_has_a_tenth_of_train_with_copies_on_one_side(tmp_path):
    lines = [
        f"{spelled(i % 200) if i < 400 else reverse_complement(spelled(i % 200))},{int(i % 200 < 20)}"
        for i in range(600)
    ]
    files = {"train_csv": "sequence,label\n" + "\n".join(lines) + "\n", "test_csv": CSV}
    folder = write(tmp_path / "t", **files)
    task = read_task(folder)
    sides = [{min(text, reverse_complement(text)) for text in text_of(part)} for part in (task.train, task.dev)]
    assert not sides[0] & sides[1] and len(sides[0] | sides[1]) == len(
        {min(text, reverse_complement(text)) for text in map(spelled, range(200))}
    )
    assert len(task.train.labels) + len(task.dev.labels) == 600 and 50 < len(task.dev.labels) < 75
    assert 0.05 < task.dev.labels.mean() < 0.15 and text_of(task.test) == ["ACGTACGT", "GGCC"]
    assert "sequences (train / dev, a tenth of train / test) of" in task.summary()
    assert text_of(read_task(folder).dev) == text_of(task.dev) != text_of(read_task(folder, seed=1).dev)
    assert sorted(task_inputs(folder)) == ["task test", "task train"]
    (folder / "test.csv").unlink()
    with pytest.raises(UserError, match="has no test.csv, .tsv, .fa or .fasta"):
        read_task(folder)


@pytest.mark.parametrize("called", ["validation", "valid", "val"])
def test_dev_may_be_called_as_others_call_it(tmp_path, called):
    task = read_task(write(tmp_path / "t", **{"train_csv": CSV, f"{called}_csv": CSV + "AAAA,0\n", "test_csv": CSV}))
    assert (
        text_of(task.dev)[-1] == "AAAA"
        and not task.drawn
        and sorted(task_inputs(tmp_path / "t")) == ["task dev", "task test", "task train"]
    )


def test_the_split_is_of_the_sorted_sequences(tmp_path):
    from sklearn.model_selection import train_test_split

    lines = [(spelled(i * 7919 % 150) + "ACG"[: i % 3]).lower() if i % 2 else spelled(i * 31 % 150) for i in range(400)]
    labels = ["rich" if sum(base in "GCgc" for base in line) > 3 else "poor" for line in lines]
    (tmp_path / "s.csv").write_text(
        "sequence,label\n" + "".join(f"{line},{label}\n" for line, label in zip(lines, labels, strict=True))
    )
    known, first, number = np.unique([line.upper().encode() for line in lines], return_index=True, return_inverse=True)
    chosen, _ = train_test_split(
        np.arange(len(known)), test_size=0.2, stratify=[labels[i] for i in first], random_state=3
    )
    assert text_of(read_task(tmp_path / "s.csv", seed=3).train) == [
        line for line, its in zip(lines, number, strict=True) if its in chosen
    ]


def test_a_label_that_train_lacks_is_refused(tmp_path):
    folder = write(tmp_path / "t", train_csv=CSV, dev_csv=CSV, test_csv=CSV + "ACCA,2\n")
    with pytest.raises(UserError, match="test has the label '2', which train lacks"):
        read_task(folder)
