"""The driver of the fleet's database is found without a restart when its package has been installed."""

import sys
import sysconfig
from pathlib import Path

import pytest

from rocketd.fleet.driver import load_driver


def test_a_driver_that_is_installed_while_the_program_runs_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site_packages, driver = tmp_path / "site-packages", tmp_path / "fleet"
    for directory in (site_packages, driver):
        directory.mkdir()
    hidden = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "psycopg"}
    for name in hidden:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(site_packages))
    with pytest.raises(ImportError):
        load_driver()
    (driver / "psycopg.py").write_text("IS_HERE = True\n")
    (site_packages / "rocketd-fleet.pth").write_text(f"{driver}\n")
    load_driver()
    assert sys.modules.pop("psycopg").IS_HERE
