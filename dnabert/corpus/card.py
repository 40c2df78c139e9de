"""A data set card, made from what a corpus recorded: genomes, windows, splits, sources, how it is loaded."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from dnabert.manifest import without_places

if TYPE_CHECKING:
    from dnabert.corpus.loading import Corpus

#: The Hub's names of sizes, by their upper end.
_SIZES = {1e3: "n<1K", 1e4: "1K<n<10K", 1e5: "10K<n<100K", 1e6: "100K<n<1M", 1e7: "1M<n<10M", 1e8: "10M<n<100M"}


def dataset_card(corpus: Corpus, *, name: str, data: str | None = None, license: str | None = None) -> str:
    """Write a corpus's card as the Hugging Face Hub reads it: metadata in YAML, then Markdown.

    Parameters
    ----------
    corpus : opened by `load_corpus`.
    name : under which it is loaded: ``OWNER/NAME`` on the Hub, or a folder.
    data : where the sequences come from, in a sentence.
    license : the Hub's identifier, such as ``cc0-1.0``; without one the card states none.
    """
    import yaml

    header = yaml.safe_dump(_metadata(corpus, name=name, license=license), sort_keys=False)
    config = corpus.manifest["config"]
    step = config["window"]["step"] or corpus.window_length
    length = corpus.window_length
    counts = ", ".join(f"{split} {len(corpus[split]):,}" for split in corpus)
    return f"""---
{header}---

# Windows of {", ".join(summary.genome for summary in corpus.summary)}

Windows of {length} bp, one every {step} bp, with their annotation, made by `dnabert prepare`. {data or ""}

Windows: {counts}; split by {config["split"]["by"]}. Coordinates are 0-based and half open; soft-masked bases are lower case.

## Genomes

| genome | bases | in runs of N | windows: {" / ".join(corpus)} | left out over the limit of N |
|---|---|---|---|---|
{_genomes(corpus)}

## How to load it

```python
import datasets, dnabert, huggingface_hub

windows = datasets.load_dataset("{name}", "windows")         # a row per window: place and annotation
sequences = datasets.load_dataset("{name}", "sequences")     # the bases, once
corpus = dnabert.load_corpus(huggingface_hub.snapshot_download("{name}", repo_type="dataset"))    # both together
```

Columns of a window: {", ".join(f"`{column}`" for column in next(iter(corpus.values())).column_names)}.
`offset` is the place of its first base in `sequences`.

## Sources

| input | file | bytes | SHA-256 |
|---|---|---|---|
{_sources(corpus.manifest["inputs"])}

```bash
{shlex.join(without_places(corpus.manifest["command"]))}
```
"""


def _metadata(corpus: Corpus, *, name: str, license: str | None) -> dict[str, Any]:
    """Of the card's head; https://huggingface.co/docs/hub/datasets-cards says which keys there are."""
    windows = sum(len(split) for split in corpus.values())
    size = next((label for limit, label in _SIZES.items() if windows < limit), "100M<n<1B")
    splits = [{"split": split, "path": f"{split}/*.arrow"} for split in corpus]
    return {
        **({"license": license} if license else {}),
        "pretty_name": name.split("/")[-1],
        "tags": ["dna", "genomics", "biology", "dnabert"],
        "size_categories": [size],
        "configs": [
            {"config_name": "windows", "default": True, "data_files": splits},
            {"config_name": "sequences", "data_files": [{"split": "train", "path": "sequences/*.arrow"}]},
        ],
    }


def _genomes(corpus: Corpus) -> str:
    lines = []
    for summary in corpus.summary:
        windows = " / ".join(f"{summary.windows.get(split, 0):,}" for split in corpus)
        lines.append(
            f"| {summary.genome} | {summary.bases:,} | {summary.bases_in_n_runs:,} | {windows} | "
            f"{summary.windows_over_n_fraction:,} |"
        )
    return "\n".join(lines)


def _sources(inputs: dict[str, dict[str, Any]]) -> str:
    return "\n".join(
        f"| {what} | {without_places(file['path'])} | {file.get('bytes', '')} | {file.get('sha256', '')} |"
        for what, file in inputs.items()
    )
