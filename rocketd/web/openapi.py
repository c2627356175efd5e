"""The OpenAPI document of the control socket (openapi.json, version 3.1), made of the routes and the shapes."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from rocketd import __version__
from rocketd.daemon.json_format import Json, JsonObject
from rocketd.metrics.exposition import CONTENT_TYPES
from rocketd.web.api import ROUTES, Route
from rocketd.web.limits import (
    BODY_BYTES,
    HEAD_BYTES,
    MAX_CONNECTIONS,
    MAX_CONNECTIONS_PER_USER,
    MAX_CONNECTIONS_PER_VIEWER,
    MAX_VIEWERS,
)
from rocketd.web.shapes.route_table import ANSWERS, Parameter, ParameterType, RouteAnswer, parameter_of
from rocketd.web.shapes.shape import Key, Kind
from rocketd.web.shapes.table import SHAPES, keys_of

LINES: Final = "application/x-ndjson"

ERRORS: Final[Mapping[int, str]] = {
    400: "a parameter is wrong, or unknown for this path",
    403: "not allowed",
    404: "no such path, task or run",
    405: "wrong method; `Allow` has the right one",
    409: "not possible now: the task is not paused, a mutex is held, all slots are in use",
    413: f"the body is too large: the limit is {BODY_BYTES // 1024} KiB",
    431: f"the header is too large: the limit is {HEAD_BYTES // 1024} KiB",
    500: "an internal error; the journal has the traceback",
    503: "the store cannot be read or written now, or too many connections are open (more than "
    f"{MAX_CONNECTIONS}, or {MAX_CONNECTIONS_PER_USER} of one user; on `view.sock` {MAX_VIEWERS}, or "
    f"{MAX_CONNECTIONS_PER_VIEWER})",
}

_NAMES: Final = {
    "TASK": ("task", "the name of a task"),
    "RUN": ("run", "a run id, at least its first 8 digits, or TASK/NUMBER with the slash written as `%2F`"),
}


def document() -> JsonObject:
    """Return the document."""
    paths: dict[str, dict[str, Json]] = {}
    for route in ROUTES:
        paths.setdefault(_path(route), {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The control socket of rocketd",
            "version": __version__,
            "description": "HTTP on a unix socket, /run/rocketd/control.sock; the daemon knows clients by the kernel.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "http://rocketd", "description": "any host name"}],
        "paths": {**paths},
        "components": {"schemas": {_identifier(name): _object(name) for name in SHAPES}},
    }


def _path(route: Route) -> str:
    return re.sub("TASK|RUN", lambda found: f"{{{_NAMES[found[0]][0]}}}", route.path)


def _operation(route: Route) -> JsonObject:
    answer = ANSWERS[route.method, route.path]
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "description": meaning, "schema": {"type": "string"}}
        for word, (name, meaning) in _NAMES.items()
        if word in route.path
    ]
    taken = [parameter_of(route.path, name) for name in route.parameters]
    operation: JsonObject = {
        "operationId": _operation_id(route),
        "summary": _plain(answer.meaning),
        "responses": {"200": _response(answer), **_errors(route)},
    }
    if route.method == "GET":
        parameters += [_query_parameter(one) for one in taken]
    else:
        operation["requestBody"] = _body(taken)
    return {**operation, "parameters": parameters} if parameters else operation


def _operation_id(route: Route) -> str:
    words = [word.lower() for word in re.findall("[a-zA-Z]+", route.path.removeprefix("/v1/"))]
    return "_".join([route.method.lower(), *words])


def _errors(route: Route) -> dict[str, Json]:
    known = [400, 403, 404, 409, 413, 431, 500, 503] if route.method == "POST" else [400, 403, 404, 409, 431, 500, 503]
    return {str(status): {"description": ERRORS[status], "content": _json(_reference("Error"))} for status in known}


def _response(answer: RouteAnswer) -> JsonObject:
    if not answer.shapes:
        texts: dict[str, Json] = {written: {"schema": {"type": "string"}} for written in CONTENT_TYPES.values()}
        return {"description": _plain(answer.meaning), "content": texts}
    if answer.lines:
        any_line: JsonObject = {"type": "string", "description": f"JSON objects: {', '.join(answer.shapes)}"}
        return {"description": _plain(answer.meaning), "content": {LINES: {"schema": any_line}}}
    schemas = [_reference(name) for name in answer.shapes]
    schema: JsonObject = schemas[0]
    if answer.array:
        schema = _array(schema)
    elif len(schemas) > 1:  # without parameters it is an array
        schema = {"oneOf": [schemas[0], _array(schemas[1])]}
    return {"description": _plain(answer.meaning), "content": _json(schema)}


def _json(schema: JsonObject) -> JsonObject:
    return {"application/json": {"schema": schema}}


def _query_parameter(parameter: Parameter) -> JsonObject:
    return {
        "name": parameter.name,
        "in": "query",
        "description": _plain(parameter.meaning),
        "schema": _parameter_schema(parameter),
        **({"explode": False, "style": "form"} if parameter.takes is ParameterType.WORDS else {}),
    }


def _body(parameters: Sequence[Parameter]) -> JsonObject:
    properties: dict[str, Json] = {
        one.name: {**_in_body(one), "description": _plain(one.meaning)} for one in parameters
    }
    required: list[Json] = [one.name for one in parameters if one.required]
    schema: JsonObject = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = required
    return {"required": bool(required), "content": _json(schema)}


def _in_body(parameter: Parameter) -> JsonObject:
    """Null is as good as nothing for a text; a flag is set or not."""
    schema = _parameter_schema(parameter)
    if parameter.required:
        return {**schema, "minLength": 1}
    return schema if schema == _SIMPLE_PARAMETERS[ParameterType.FLAG] else {"anyOf": [schema, _NULL]}


def _parameter_schema(parameter: Parameter) -> JsonObject:
    """Return what a parameter takes; an empty text is as good as nothing."""
    words: list[Json] = ["", *parameter.words]
    match parameter.takes:
        case ParameterType.NUMBER:
            number: JsonObject = {"type": "integer", "minimum": parameter.least, "maximum": parameter.most}
            return {"anyOf": [number, _EMPTY]}
        case ParameterType.WORD:
            return {"type": "string", "enum": words}
        case ParameterType.WORDS:
            return {"type": "array", "items": {"type": "string", "enum": words}}
        case ParameterType.PLACE:
            return {"type": "string", "pattern": f"^({parameter.form})?$"}
        case ParameterType.TEXT if parameter.most:
            return {"type": "string", "maxLength": parameter.most}
    return _SIMPLE_PARAMETERS[parameter.takes]


_INSTANT: Final[JsonObject] = {"type": "string", "format": "date-time"}
_EMPTY: Final[JsonObject] = {"type": "string", "maxLength": 0}
_NULL: Final[JsonObject] = {"type": "null"}
_SIMPLE_PARAMETERS: Final[Mapping[ParameterType, JsonObject]] = {
    ParameterType.INSTANT: {"anyOf": [_INSTANT, _EMPTY]},
    ParameterType.FLAG: {"type": "boolean"},
    ParameterType.TEXT: {"type": "string"},
    ParameterType.TASK: {"type": "string"},
}

# -- shapes -----------------------------------------------------------------------------------------------------------


def _object(name: str) -> JsonObject:
    keys = keys_of(name)
    schema: JsonObject = {
        "type": "object",
        "properties": {key.name: _schema(key) for key in keys},
        "required": [key.name for key in keys if not key.optional],
    }
    return {**schema, "description": SHAPES[name].meaning} if SHAPES[name].meaning else schema


def _schema(key: Key) -> JsonObject:
    schema = _value(key)
    if key.array:
        schema = _array(schema)
    if key.null:
        schema = {"oneOf": [schema, _NULL]}
    meaning = _plain(key.meaning)
    return {**schema, "description": meaning} if meaning and "$ref" not in schema else schema


def _value(key: Key) -> JsonObject:
    if key.kind is Kind.OBJECT:
        return _reference(key.of)
    return {"type": "string", "enum": [*key.words]} if key.words else _VALUES[key.kind]


_BAR: Final[list[Json]] = [{"type": "integer"}, _INSTANT, {"oneOf": [_INSTANT, _NULL]}, {"type": "string"}]
_VALUES: Final[Mapping[Kind, JsonObject]] = {
    Kind.TEXT: {"type": "string"},
    Kind.INTEGER: {"type": "integer"},
    Kind.SECONDS: {"type": "number"},
    Kind.FLAG: {"type": "boolean"},
    Kind.INSTANT: _INSTANT,
    Kind.BAR: {"type": "array", "prefixItems": _BAR, "minItems": 4, "maxItems": 4},
}


def _array(items: JsonObject) -> JsonObject:
    return {"type": "array", "items": items}


def _reference(name: str) -> JsonObject:
    return {"$ref": f"#/components/schemas/{_identifier(name)}"}


def _identifier(name: str) -> str:
    """Return the name of a shape as one word: `Page of tasks` is PageOfTasks."""
    return "".join(word[0].upper() + word[1:] for word in name.split())


def _plain(text: str) -> str:
    """Return a sentence without the links of the manual."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
