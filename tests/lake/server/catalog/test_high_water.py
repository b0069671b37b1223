"""A catalogue that has lost changes which it has seen is not served."""

from __future__ import annotations

import gc
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from lake.errors import CorruptError
from lake.home import LakeHome
from lake.polling import until
from lake.server.catalog import high_water
from lake.server.catalog.database import Database
from lake.server.catalog.high_water import Keeper
from lake.server.maintenance import backup, fsck
from tests.lake.in_process import REPO, InProcessLake
from tests.lake.servers import Served


def keep(lake: InProcessLake) -> None:
    Keeper(lake.home.catalog, lake.lake.catalog.database).keep()


def copied(lake: InProcessLake, home: Path, *names: str) -> LakeHome:
    """A copy of some of a lake's files, as of now."""
    home.mkdir()
    for name in ("identity.json", "credentials.json", "catalog.db", *names):
        if (lake.home.path / name).exists():
            shutil.copy(lake.home.path / name, home / name)
    shutil.copytree(lake.home.objects, home / "objects")
    return LakeHome(home)


def test_the_database_alone_is_whole_where_the_mark_is_written(
    local: InProcessLake, tmp_path: Path
) -> None:
    local.write("a", b"a")
    head = local.commit()
    keep(local)
    copy = copied(local, tmp_path / "copy")
    assert InProcessLake.opened(copy.path).lake.versions.head(REPO, "main").id == head


def test_a_log_with_a_flipped_bit_is_noticed(local: InProcessLake, tmp_path: Path) -> None:
    keep(local)
    for number in range(5):
        local.write(str(number), b"%d" % number)
        local.commit()
    seen = high_water.changes(local.lake.catalog.database)
    copy = copied(local, tmp_path / "copy", "catalog.db-wal")
    (copy.path / high_water.NAME).write_text(f'{{"changes": {seen}}}', encoding="utf-8")
    assert InProcessLake.opened(copy.path).lake.versions.head(REPO, "main")
    spoilt = copied(local, tmp_path / "spoilt", "catalog.db-wal")
    (spoilt.path / high_water.NAME).write_text(f'{{"changes": {seen}}}', encoding="utf-8")
    log = spoilt.path / "catalog.db-wal"
    data = bytearray(log.read_bytes())
    data[len(data) // 2] ^= 1
    log.write_bytes(data)
    with pytest.raises(CorruptError, match=r"lacks \d changes that it has seen.*lake restore"):
        InProcessLake.opened(spoilt.path)
    gc.collect()  # closes the connection
    assert log.read_bytes() == data  # somebody may still read what is behind the damage
    assert "changes that it has seen" in fsck.check(spoilt).problems[0].item.name
    (spoilt.path / high_water.NAME).unlink()
    assert InProcessLake.opened(spoilt.path).lake.versions.head(REPO, "main")


def test_an_empty_catalogue_in_the_place_of_one_is_noticed_and_a_backup_put_back(
    local: InProcessLake, tmp_path: Path
) -> None:
    local.write("a", b"a")
    head = local.commit()
    keep(local)
    backup.take(local.home, tmp_path / "backup")
    local.home.catalog.unlink()
    with pytest.raises(CorruptError, match=r"catalog.db is gone, and 3 changes with it"):
        InProcessLake.opened(local.home.path)
    Database(local.home.catalog)
    with pytest.raises(CorruptError, match="lacks 3 changes"):
        InProcessLake.opened(local.home.path)
    local.home.catalog.unlink()
    backup.restore(tmp_path / "backup", local.home)
    assert InProcessLake.opened(local.home.path).lake.versions.head(REPO, "main").id == head


def test_a_mark_is_not_lowered_while_a_lake_is_served(local: InProcessLake) -> None:
    keeper = Keeper(local.home.catalog, local.lake.catalog.database)
    keeper.keep()
    marked = high_water.path(local.home.catalog).read_bytes()
    connection = local.lake.catalog.database.connection
    connection.execute("UPDATE high_water SET changes = changes - 1")
    with pytest.raises(CorruptError, match="has lost 1 changes while it was served"):
        keeper.keep()
    connection.execute("DROP TABLE high_water")
    with pytest.raises(CorruptError, match="has lost"):
        keeper.keep()
    assert high_water.path(local.home.catalog).read_bytes() == marked


def test_a_catalogue_that_loses_changes_is_served_no_longer(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(tmp_path / "home")
    mark, log = tmp_path / "home" / high_water.NAME, tmp_path / "home/server.log"
    with served.http() as api:
        body = {"name": "marked", "storage_namespace": "local://marked"}
        api.post("/repositories", json=body).raise_for_status()
    assert until(mark.exists, interval=0.05, timeout=20)
    with closing(sqlite3.connect(tmp_path / "home/catalog.db")) as other, other:
        other.execute("UPDATE high_water SET changes = 0")
    assert until(
        lambda: log.exists() and "lost 1 changes while" in log.read_text(),
        interval=0.05,
        timeout=20,
    )
    assert mark.read_text() == '{"changes": 1}'


@pytest.mark.parametrize("content", ["", "[]", '{"changes": "9"}', '{"changes": true}', "\\x00"])
def test_a_mark_that_cannot_be_read_is_none(local: InProcessLake, content: str) -> None:
    high_water.path(local.home.catalog).write_text(content, encoding="utf-8")
    assert high_water.lost(local.home.catalog, local.lake.catalog.database) == 0


def test_a_server_writes_the_mark_and_takes_the_log_over(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    served = serve(tmp_path / "home")
    mark = tmp_path / "home" / high_water.NAME
    with served.http() as api:
        body = {"name": "marked", "storage_namespace": "local://marked"}
        api.post("/repositories", json=body).raise_for_status()
        assert until(lambda: mark.exists() and "1" in mark.read_text(), interval=0.05, timeout=20)
    served.kill()
    (tmp_path / "home/catalog.db-wal").unlink()
    again = serve(tmp_path / "home")
    with again.http() as api:
        assert api.get("/repositories/marked").status_code == 200
