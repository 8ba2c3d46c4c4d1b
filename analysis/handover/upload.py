"""Upload a written folder to the Hugging Face hub, when a person asks for it and is logged in."""

from __future__ import annotations

import re
from pathlib import Path

from huggingface_hub import HfApi
from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError

from analysis.errors import PlaceError, first_line

REPOSITORY = re.compile(r"\w[\w.-]{0,95}(/\w[\w.-]{0,95})?")
"""`name` or `owner/name`."""


def account() -> str:
    """Who is logged in to the hub on this machine.

    Raises:
        PlaceError: nobody is, or the hub is out of reach.
    """
    try:
        return str(HfApi().whoami()["name"])
    except LocalTokenNotFoundError as error:
        raise PlaceError("nobody is logged in to the hub; run `hf auth login` first") from error
    except Exception as error:  # no network, in any of its forms, or a token that has ended
        raise PlaceError(f"the hub does not say who is logged in: {first_line(error)}") from error


def check_repository(repository: str) -> None:
    """Refuse what cannot be the name of a repository.

    Raises:
        PlaceError: it is none.
    """
    if not REPOSITORY.fullmatch(repository):
        raise PlaceError(
            f"{repository[:80]!r} is no name of a repository; write name or owner/name, of letters, digits, "
            "., - and _"
        )


def push(folder: str | Path, repository: str, *, private: bool = True) -> str:
    """Upload an exported folder and return the address of its repository.

    Args:
        folder: what `export.export` wrote.
        repository: `name` or `owner/name`; made when missing.
        private: who may see a repository that is made.

    Raises:
        PlaceError: nobody is logged in, or the hub refused.
    """
    check_repository(repository)
    account()
    hub = HfApi()
    try:
        made = hub.create_repo(repository, private=private, exist_ok=True)
        hub.upload_folder(
            repo_id=made.repo_id, folder_path=str(folder), commit_message="Upload by Headcount"
        )
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise PlaceError(f"the hub did not take {repository}: {first_line(error)}") from error
    return str(made)
