"""The OpenAPI description of what is served, made of the table of routes and the body models."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode, models_json_schema

from lake.server.http.handlers.config import VERSION
from lake.server.http.routes import OBJECTS, OPERATIONS, REF_OBJECTS, Operation

PATH: Final = "/openapi.json"
_COMPONENT: Final = "#/components/schemas/{model}"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_BYTES: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_PUBLIC: Final = ("/healthcheck", "/setup_lakefs", "/auth/login")
_TEXT: Final = {"type": "string"}
_FLAG: Final = {"type": "boolean"}
_QUERY: Final[dict[str, dict[str, Any]]] = {
    "amount": {"type": "integer", "minimum": -1, "default": 100},
    "objects": {"type": "array", "items": _TEXT},
    "prefixes": {"type": "array", "items": _TEXT},
    "type": {"type": "string", "enum": ["three_dot", "two_dot"]},
    "since": {"type": "string", "format": "date-time"},
    "bare": _FLAG,
    "dry_run": _FLAG,
    "first_parent": _FLAG,
    "force": _FLAG,
    "include_right_stats": _FLAG,
    "limit": _FLAG,
    "presign": _FLAG,
    "show_hidden": _FLAG,
    "user_metadata": _FLAG,
}
"""Schemas of query parameters that are not plain text."""


class _BodySchema(GenerateJsonSchema):
    """Schemas as OpenAPI 3.0 has them: without titles of fields, and without null as a default."""

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401, ARG002  pydantic's own
        """Leave the titles of fields out: they repeat the names."""
        return False

    def default_schema(self, schema: Any) -> dict[str, Any]:  # noqa: ANN401  pydantic's own
        """Leave out the default of an optional field whose absence is what counts."""
        if isinstance(schema.get("default"), BaseModel | None):
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


@cache
def description() -> dict[str, Any]:
    """Describe the server (OpenAPI 3.0); paths are below `/api/v1`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    paths[OBJECTS]["post"] = _describe_upload()
    paths[REF_OBJECTS] = {
        "get": _describe_download("getObject"),
        "head": _describe_download("headObject"),
    }
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Embedded lake",
            "version": VERSION,
            "description": "The part of the lakeFS API that this server has.",
        },
        "servers": [{"url": "/api/v1"}],
        "security": [{"basic_auth": []}, {"jwt_token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "basic_auth": {"type": "http", "scheme": "basic"},
                "jwt_token": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {**_body_schemas(), "Error": _error_schema()},
        },
    }


def _body_schemas() -> dict[str, Any]:
    """Schemas of all bodies by their models' names."""
    models = {operation.body for operation in OPERATIONS if operation.body is not None}
    mode: JsonSchemaMode = "validation"
    wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, mode) for model in sorted(models, key=lambda model: model.__name__)
    ]
    _, schemas = models_json_schema(wanted, ref_template=_COMPONENT, schema_generator=_BodySchema)
    return dict(schemas["$defs"])


def _error_schema() -> dict[str, Any]:
    return {"type": "object", "properties": {"message": _TEXT}, "required": ["message"]}


def _describe(operation: Operation) -> dict[str, Any]:
    words = operation.handler.__name__.split("_")
    path_words = "".join(part.title() for part in re.findall(r"\w+", operation.path))
    described: dict[str, Any] = {
        "operationId": f"{words[0]}{''.join(word.title() for word in words[1:])}{path_words}",
        "summary": (operation.handler.__doc__ or "").partition("\n")[0],
        "parameters": _parameters(operation.path, operation.query),
        "responses": _responses(operation.status),
    }
    if operation.path in _PUBLIC:
        described["security"] = []
    if operation.body is not None:
        schema = {"$ref": _COMPONENT.format(model=operation.body.__name__)}
        described["requestBody"] = {
            "required": operation.method != "DELETE",
            "content": {"application/json": {"schema": schema}},
        }
    return described


def _describe_upload() -> dict[str, Any]:
    return {
        "operationId": "uploadObject",
        "summary": "Stage an object: the raw body, or the part `content` of a form.",
        "parameters": [
            *_parameters(OBJECTS, ("path!", "force")),
            _header("If-None-Match"),
            _header("If-Match"),
        ],
        "requestBody": {"content": _BYTES},
        "responses": _responses(201),
    }


def _describe_download(name: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": "Bytes of an object, or with `presign` a redirect to a signed address of it.",
        "parameters": [
            *_parameters(REF_OBJECTS, ("path!", "presign")),
            _header("Range"),
            _header("If-None-Match"),
        ],
        "responses": {
            "200": {"description": "All bytes", "content": _BYTES},
            "206": {"description": "A range of bytes", "content": _BYTES},
            "302": {"description": "A signed address"},
            "304": {"description": "Not modified"},
            **_responses(None),
        },
    }


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "schema": _TEXT}


def _parameters(path: str, query: tuple[str, ...]) -> list[dict[str, Any]]:
    in_path = [
        {"name": name, "in": "path", "required": True, "schema": _TEXT}
        for name in _PARAMETER.findall(path)
    ]
    in_query = [
        {
            "name": name.rstrip("!"),
            "in": "query",
            "required": name.endswith("!"),
            "schema": _QUERY.get(name.rstrip("!"), _TEXT),
        }
        for name in query
    ]
    return [*in_path, *in_query]


def _responses(status: int | None) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": _COMPONENT.format(model="Error")}}}
    refusal = {"default": {"description": "An error, in one sentence", "content": error}}
    if status is None:
        return refusal
    return {str(status): {"description": HTTPStatus(status).phrase}, **refusal}
