"""The models of run records, for the repository that keeps them."""

from rocketd.store.models import (
    LogRecord,
    MinimalRecord,
    MinimalRunRecord,
    RunRecord,
    TaskLogRecord,
    TaskRunRecord,
)
from rocketd.store.redbird_import import make_importable

make_importable()  # whoever has a record can import a repository for it

__all__ = ["LogRecord", "MinimalRecord", "MinimalRunRecord", "RunRecord", "TaskLogRecord", "TaskRunRecord"]
