"""Upload a run or a corpus to the Hugging Face Hub."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dnabert.errors import UserError, first_line
from dnabert.given import settings
from dnabert.hub.config import PushConfig
from dnabert.hub.staging import Staged, staged


def push(
    source: str | Path,
    name: str,
    *,
    config: PushConfig | Mapping[str, Any] | None = None,
    out: str | Path | None = None,
    api: Any = None,
) -> str:
    """Make a repository if there is none, and upload a run's release or a corpus with its card in one commit.

    Parameters
    ----------
    source, name, out : see `staged`.
    config : who may see it, and what the card says.
    api : `huggingface_hub.HfApi`; by default one with the token that ``hf auth login`` or HF_TOKEN gave.

    Returns
    -------
    The repository's address.

    Raises
    ------
    UserError
        as `staged`; without a token; when the Hub cannot be reached or refuses.
    """
    config = settings(config, PushConfig)
    api = api or _api()
    with staged(source, name, config=config, out=out) as made:
        try:
            return _upload(made, api=api, private=config.private)
        except Exception as error:  # no network, proxy, no right to write: whatever keeps it away, one line says it
            reason = first_line(error)
            raise UserError(
                f"cannot upload {name}: {reason}: check the network and the token (hf auth whoami)"
            ) from error


def _api() -> Any:
    from huggingface_hub import HfApi, get_token

    if get_token() is None:
        raise UserError("no token of the Hugging Face Hub: run hf auth login, set HF_TOKEN, or pass --dry-run")
    return HfApi(library_name="dnabert")


def _upload(made: Staged, *, api: Any, private: bool) -> str:
    url = api.create_repo(made.name, repo_type=made.repository, private=private or None, exist_ok=True)
    api.upload_folder(
        repo_id=made.name, repo_type=made.repository, folder_path=str(made.folder), commit_message="dnabert push"
    )
    return str(url)
