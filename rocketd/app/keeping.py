"""Where an application's records go: a repository, a state directory, both, or memory."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

from rocketd.core.errors import RocketdError
from rocketd.store.lock import StateLock
from rocketd.store.models import RunRecord
from rocketd.store.redbird_import import BaseRepo, repository
from rocketd.store.repo_store import RepoStore
from rocketd.store.store import SqliteStore

_THREAD_BOUND: Final = ("SingletonThreadPool",)
"""Pools of SQLAlchemy that give each thread a connection, and so a database in memory of its own."""

AnyStore: TypeAlias = RepoStore | SqliteStore


def memory_repo() -> BaseRepo:
    """Make a repository that is gone with the program."""
    return repository("MemoryRepo")(model=RunRecord)


def refuse_thread_bound(repo: BaseRepo) -> None:
    """Refuse a database in memory that is another one for each thread: records are written by a thread of their own."""
    pool = getattr(getattr(repo, "engine", None), "pool", None)
    if type(pool).__name__ in _THREAD_BOUND:
        raise RocketdError(
            "each thread has its own database in memory with this engine",
            hint="take a file, or poolclass=StaticPool, connect_args={'check_same_thread': False}",
        )


def open_store(
    repo: BaseRepo | None, state_dir: Path | None, fingerprints: Mapping[str, str], stack: AsyncExitStack
) -> AnyStore:
    """Open the store over a repository; the stack closes it. Raises StoreError.

    Without a state directory what belongs to the tasks is taken from the records: when they were armed (at the
    beginning of their log), which numbers are used, which runs are open.
    """
    if state_dir is not None and repo is None:
        stack.enter_context(StateLock(state_dir))
        embedded = SqliteStore(state_dir)
        stack.callback(embedded.close)
        return embedded
    if state_dir is None:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="rocketd-", ignore_cleanup_errors=True)))
    else:
        directory = state_dir
        stack.enter_context(StateLock(directory))
    store = RepoStore(memory_repo() if repo is None else repo, directory, durability="full" if state_dir else "normal")
    stack.callback(store.close)
    store.recall(fingerprints)
    return store
