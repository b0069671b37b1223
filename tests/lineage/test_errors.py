from __future__ import annotations

from lineage import errors
from lineage.errors import LineageError


def with_subclasses(error: type[LineageError]) -> list[type[LineageError]]:
    return [error, *(each for sub in error.__subclasses__() for each in with_subclasses(sub))]


ALL = with_subclasses(LineageError)


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
        "GuardError": "guard",
        "QueryError": "query",
        "CycleError": "cycle",
        "ImageFileError": "image_file",
        "TooManyPixelsError": "too_many_pixels",
        "CacheError": "cache",
    }


def test_no_error_exits_as_success() -> None:
    assert all(each.exit_code > 0 for each in ALL)
