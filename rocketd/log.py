"""The models of run records, for the repository that keeps them."""

from rocketd.store.redbird.import_hook import make_importable
from rocketd.store.redbird.models import (
    LogRecord,
    MinimalRecord,
    MinimalRunRecord,
    RunRecord,
    TaskLogRecord,
    TaskRunRecord,
)

make_importable()  # whoever has a record can import a repository for it

__all__ = ["LogRecord", "MinimalRecord", "MinimalRunRecord", "RunRecord", "TaskLogRecord", "TaskRunRecord"]
