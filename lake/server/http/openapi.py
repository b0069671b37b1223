"""The OpenAPI description of what is served, built from the table that the routes come from."""

from __future__ import annotations

import re
from functools import cache
from http import HTTPStatus
from typing import Any, Final

from lake.server.http.handlers.config import VERSION
from lake.server.http.routes import OPERATIONS, B, Operation, R
from lake.server.http.schemas import BODIES, QUERY, TEXT

PATH: Final = "/openapi.json"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")
_BYTES: Final = {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}
_OPEN: Final = ("/healthcheck", "/setup_lakefs", "/auth/login")


@cache
def description() -> dict[str, Any]:
    """Describe the server (OpenAPI 3.0); paths are below `/api/v1`."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation)
    paths[f"{B}/objects"]["post"] = _upload()
    paths[f"{R}/refs/{{ref}}/objects"] = {"get": _read("getObject"), "head": _read("headObject")}
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
            "schemas": {
                **BODIES,
                "Error": {
                    "type": "object",
                    "properties": {"message": TEXT},
                    "required": ["message"],
                },
            },
        },
    }


def _described(operation: Operation) -> dict[str, Any]:
    words = operation.handler.__name__.split("_")
    where = "".join(part.title() for part in re.findall(r"\w+", operation.path))
    found: dict[str, Any] = {
        "operationId": f"{words[0]}{''.join(word.title() for word in words[1:])}{where}",
        "summary": (operation.handler.__doc__ or "").partition("\n")[0],
        "parameters": _parameters(operation.path, operation.query),
        "responses": _responses(operation.status),
    }
    if operation.path in _OPEN:
        found["security"] = []
    if operation.body:
        schema = {"$ref": f"#/components/schemas/{operation.body}"}
        found["requestBody"] = {
            "required": operation.method != "DELETE",
            "content": {"application/json": {"schema": schema}},
        }
    return found


def _upload() -> dict[str, Any]:
    return {
        "operationId": "uploadObject",
        "summary": "Stage an object: the raw body, or the part `content` of a form.",
        "parameters": [
            *_parameters(f"{B}/objects", ("path!",)),
            {"name": "If-None-Match", "in": "header", "schema": TEXT},
        ],
        "requestBody": {"content": _BYTES},
        "responses": _responses(201),
    }


def _read(name: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": "Bytes of an object, or with `presign` a redirect to a signed address of it.",
        "parameters": [
            *_parameters(f"{R}/refs/{{ref}}/objects", ("path!", "presign")),
            *(
                {"name": each, "in": "header", "schema": TEXT}
                for each in ("Range", "If-None-Match")
            ),
        ],
        "responses": {
            "200": {"description": "All bytes", "content": _BYTES},
            "206": {"description": "A range of bytes", "content": _BYTES},
            "302": {"description": "A signed address"},
            "304": {"description": "Not modified"},
            **_responses(None),
        },
    }


def _parameters(path: str, query: tuple[str, ...]) -> list[dict[str, Any]]:
    places = [
        {"name": name, "in": "path", "required": True, "schema": TEXT}
        for name in _PARAMETER.findall(path)
    ]
    asked = [
        {
            "name": name.rstrip("!"),
            "in": "query",
            "required": name.endswith("!"),
            "schema": QUERY.get(name.rstrip("!"), TEXT),
        }
        for name in query
    ]
    return [*places, *asked]


def _responses(status: int | None) -> dict[str, Any]:
    error = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    refused = {"default": {"description": "Refused, in one sentence", "content": error}}
    if status is None:
        return refused
    return {str(status): {"description": HTTPStatus(status).phrase}, **refused}
