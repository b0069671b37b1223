from __future__ import annotations

from lineage import errors
from lineage.errors import LineageError

ALL = (LineageError, *LineageError.__subclasses__())


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    drawn = {word for word in (errors.__doc__ or "").split() if word.endswith("Error")}
    assert drawn == {each.__name__ for each in ALL}
    assert len(ALL) > 5


def test_kinds_are_stable_and_tell_errors_apart() -> None:
    kinds = {each.__name__: each.kind for each in ALL}
    assert kinds == {
        "LineageError": "lineage",
        "SchemaError": "schema",
        "IdentityError": "identity",
        "ParentError": "parent",
        "MixError": "mix",
        "SplitError": "split",
        "QueryError": "query",
        "CycleError": "cycle",
        "CacheError": "cache",
    }


def test_no_error_exits_as_success() -> None:
    assert all(each.exit_code > 0 for each in ALL)
