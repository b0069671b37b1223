"""The tables of the SQLite catalog, and the triggers that keep the reflog."""

from __future__ import annotations

from typing import Final

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS repositories (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, namespace TEXT NOT NULL UNIQUE,
    default_branch TEXT NOT NULL, read_only INTEGER NOT NULL, metadata TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS branches (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    name TEXT NOT NULL, commit_id TEXT NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS hidden_branches (
    repository TEXT NOT NULL, name TEXT NOT NULL, PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, name) REFERENCES branches ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS tags (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    name TEXT NOT NULL, commit_id TEXT NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS commits (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    id TEXT NOT NULL, root TEXT NOT NULL, parents TEXT NOT NULL, message TEXT NOT NULL,
    committer TEXT NOT NULL, created_ns INTEGER NOT NULL, generation INTEGER NOT NULL,
    metadata TEXT NOT NULL, PRIMARY KEY (repository, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS staging (
    repository TEXT NOT NULL, branch TEXT NOT NULL, path TEXT NOT NULL, entry TEXT,
    PRIMARY KEY (repository, branch, path),
    FOREIGN KEY (repository, branch) REFERENCES branches ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS slots (
    address TEXT PRIMARY KEY, repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    branch TEXT NOT NULL, path TEXT NOT NULL, created INTEGER NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS multipart_uploads (
    id TEXT PRIMARY KEY, repository TEXT NOT NULL, branch TEXT NOT NULL, path TEXT NOT NULL,
    content_type TEXT NOT NULL, metadata TEXT NOT NULL, created INTEGER NOT NULL,
    FOREIGN KEY (repository, branch) REFERENCES branches ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS multipart_parts (
    upload TEXT NOT NULL REFERENCES multipart_uploads ON DELETE CASCADE,
    number INTEGER NOT NULL, file TEXT NOT NULL, md5 TEXT NOT NULL, size INTEGER NOT NULL,
    created INTEGER NOT NULL, PRIMARY KEY (upload, number)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS settings (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    name TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (repository, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS action_runs (
    repository TEXT NOT NULL REFERENCES repositories ON DELETE CASCADE,
    id TEXT NOT NULL, event TEXT NOT NULL, branch TEXT NOT NULL, source_ref TEXT NOT NULL,
    commit_id TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL,
    passed INTEGER NOT NULL, PRIMARY KEY (repository, id)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS action_hooks (
    repository TEXT NOT NULL, run TEXT NOT NULL, id TEXT NOT NULL, action TEXT NOT NULL,
    hook TEXT NOT NULL, started INTEGER NOT NULL, ended INTEGER NOT NULL, passed INTEGER NOT NULL,
    output TEXT NOT NULL, PRIMARY KEY (repository, run, id),
    FOREIGN KEY (repository, run) REFERENCES action_runs ON DELETE CASCADE
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS high_water (
    one INTEGER PRIMARY KEY CHECK (one = 1), changes INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS purges (
    id INTEGER PRIMARY KEY, take_down TEXT NOT NULL, at INTEGER NOT NULL, user TEXT NOT NULL,
    statement TEXT NOT NULL, done INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS tombstones (
    sha256 TEXT PRIMARY KEY, md5 TEXT NOT NULL, size INTEGER NOT NULL,
    now_sha256 TEXT NOT NULL UNIQUE, now_md5 TEXT NOT NULL, now_size INTEGER NOT NULL,
    rows INTEGER NOT NULL, purge INTEGER NOT NULL REFERENCES purges
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blocks (id TEXT PRIMARY KEY, data BLOB NOT NULL);
CREATE TABLE IF NOT EXISTS reflog (
    repository TEXT NOT NULL, commit_id TEXT NOT NULL, left_at INTEGER NOT NULL
);
CREATE TRIGGER IF NOT EXISTS branch_moved AFTER UPDATE OF commit_id ON branches
WHEN old.commit_id IS NOT (
    SELECT json_extract(parents, '$[0]') FROM commits
    WHERE repository = new.repository AND id = new.commit_id
)
BEGIN INSERT INTO reflog VALUES (old.repository, old.commit_id, strftime('%s')); END;
CREATE TRIGGER IF NOT EXISTS branch_removed AFTER DELETE ON branches
BEGIN INSERT INTO reflog VALUES (old.repository, old.commit_id, strftime('%s')); END;
CREATE TRIGGER IF NOT EXISTS tag_removed AFTER DELETE ON tags
BEGIN INSERT INTO reflog VALUES (old.repository, old.commit_id, strftime('%s')); END;
"""
"""The reflog records which commit a branch or tag left, and when, other than by a commit on it:
however that came about, a commit that is not reachable any more has been left by some ref."""
