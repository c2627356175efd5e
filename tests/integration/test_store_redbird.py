"""Red Bird beside Pydantic 2, each question in an interpreter of its own."""

import subprocess
import sys

import pytest


def says(script: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["rocketd.log", "rocketd.repos"])
def test_once_it_is_imported_redbird_works_with_all_its_modules(module: str) -> None:
    script = f"import {module}, redbird.oper; from redbird import BaseRepo; from redbird.repos import MemoryRepo"
    assert says(f"{script}; print(issubclass(MemoryRepo, BaseRepo))") == "True"


def test_pydantic_itself_stays_what_it_is() -> None:
    script = "import sys, pydantic as before; import rocketd.log, redbird.base; import pydantic as after"
    assert says(f"{script}; print(before is after is sys.modules['pydantic'])") == "True"


def test_red_bird_imported_by_several_threads_at_once_is_one() -> None:
    script = """
import threading, rocketd.repos
seen = []
threads = [threading.Thread(target=lambda: seen.append(rocketd.repos.MemoryRepo)) for _ in range(8)]
[t.start() for t in threads]; [t.join() for t in threads]
print(len(seen), len(set(seen)))
"""
    assert says(script) == "8 1"


def test_a_daemon_whose_records_stay_in_its_state_directory_does_without_red_bird() -> None:
    script = "import sys, rocketd.bootstrap.service; print({'redbird', 'pydantic', 'sqlalchemy'} & sys.modules.keys())"
    assert says(script) == "set()"


def test_models_are_light_and_sqlalchemy_comes_only_with_its_repositories() -> None:
    assert (
        says("import sys, rocketd.store.sqlite.store; print('pydantic' in sys.modules, 'sqlalchemy' in sys.modules)")
        == "False False"
    )
    assert says("import sys, rocketd.repos; print('sqlalchemy' in sys.modules)") == "False"
    assert says("import sys; from rocketd.repos import RunRepo; print('sqlalchemy.orm' in sys.modules)") == "False"
    assert says("import sys; from rocketd.repos import SQLRepo; print('sqlalchemy.orm' in sys.modules)") == "True"


def test_a_repository_that_does_not_exist_is_an_attribute_error() -> None:
    script = "import rocketd.repos\ntry: rocketd.repos.CloudRepo\nexcept AttributeError as error: print(error)"
    assert says(script) == "module 'rocketd.repos' has no attribute 'CloudRepo'"


def test_a_repository_for_sql_that_red_bird_itself_gives_finds_all_of_sqlalchemy() -> None:
    script = """
import rocketd.log
from redbird.repos import SQLRepo
from sqlalchemy import create_engine
engine = create_engine("sqlite://")
repo = SQLRepo(model=rocketd.log.RunRecord, table="log", engine=engine, id_field="id", if_missing="create")
print(repo.filter_by().count())
"""
    assert says(script) == "0"
