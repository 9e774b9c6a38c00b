"""Ready code for every operation, as `x-codeSamples` of the OpenAPI document.

They follow the examples of the API reference (curl, fetch, axios) and its Python client; tests run
each of them. The pages put the reader's own address and key in the place of ADDRESS and KEY.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urlencode

ADDRESS: Final = "http://localhost:8000"
KEY: Final = "YOUR_API_KEY"
JSON: Final = "application/json"
MAX_INLINE: Final = 70  # characters


class ExampleRequest(NamedTuple):
    """One request; its body is None where there is none."""

    method: str
    url: str
    body: Any


def add_snippets(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """Add samples with the documented examples to what a key may call (a drf-spectacular hook)."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            request = example_request(path, method.upper(), operation)
            if request and {"ApiKey": []} in operation.get("security", []):
                operation["x-codeSamples"] = samples(request)
    return result


def example_request(path: str, method: str, operation: dict[str, Any]) -> ExampleRequest | None:
    """The request with every documented example; None where a required value has none."""
    query = {}
    for parameter in operation.get("parameters", []):
        values = [example["value"] for example in parameter.get("examples", {}).values()]
        if not values:
            if parameter.get("required"):
                return None
        elif parameter["in"] == "path":
            path = path.replace(f"{{{parameter['name']}}}", quote(str(values[0])))
        else:
            query[parameter["name"]] = values[0]
    examples = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("examples", {})
    bodies = [example["value"] for example in examples.values()]
    if operation.get("requestBody", {}).get("required") and not bodies:
        return None
    url = ADDRESS + path + (f"?{urlencode(query, safe='/,')}" if query else "")
    return ExampleRequest(method, url, bodies[0] if bodies else None)


def samples(request: ExampleRequest) -> list[dict[str, str]]:
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(request)},
        {"lang": "JavaScript", "label": "fetch", "source": _fetch(request)},
        {"lang": "JavaScript", "label": "axios", "source": _axios(request)},
        {"lang": "Python", "label": "Python", "source": _python(request)},
    ]


def _headers(request: ExampleRequest) -> dict[str, str]:
    return {"X-API-Key": KEY} | ({} if request.body is None else {"Content-Type": JSON})


def _curl(request: ExampleRequest) -> str:
    options = [f'-H "{name}: {value}"' for name, value in _headers(request).items()]
    if request.body is not None:
        options.append(f"-d {shlex.quote(json.dumps(request.body, ensure_ascii=False))}")
    return " \\\n  ".join([f'curl -X {request.method} "{request.url}"', *options])


def _fetch(request: ExampleRequest) -> str:
    options = [] if request.method == "GET" else [f"method: '{request.method}'"]
    options.append(f"headers: {_js_headers(request)}")
    if request.body is not None:
        options.append(f"body: JSON.stringify({_literal(request.body, _js)})".replace("\n", "\n  "))
    return (
        f"fetch('{request.url}', {{\n  "
        + ",\n  ".join(options)
        + "\n})\n  .then(res => res.json())\n  .then(data => console.log(data));"
    )


def _axios(request: ExampleRequest) -> str:
    arguments = [f"'{request.url}'"]
    if request.method in ("POST", "PUT", "PATCH"):
        arguments.append("null" if request.body is None else _literal(request.body, _js))
    arguments.append(f"{{\n  headers: {_js_headers(request)}\n}}")
    return (
        "const axios = require('axios');\n\n"
        f"axios.{request.method.lower()}({', '.join(arguments)})\n"
        "  .then(response => console.log(response.data));"
    )


def _python(request: ExampleRequest) -> str:
    arguments = [f'"{request.url}"', f'headers={{"X-API-Key": "{KEY}"}}']
    if request.body is not None:
        arguments.append(f"json={_literal(request.body, repr, '    ')}".replace("\n", "\n    "))
    arguments.append("timeout=30")
    lines = "".join(f"    {argument},\n" for argument in arguments)
    return (
        f"import requests\n\nresponse = requests.{request.method.lower()}(\n{lines})\n"
        "response.raise_for_status()\nprint(response.json())"
    )


def _literal(body: Any, encode: Callable[[Any], str], indent: str = "  ") -> str:
    """The body in the language of `encode`: on one line where it fits, else a line per field."""
    if len(encode(body)) <= MAX_INLINE or not isinstance(body, dict):
        return encode(body)
    fields = "".join(f"{indent}{encode(name)}: {encode(value)},\n" for name, value in body.items())
    return f"{{\n{fields}}}"


def _js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _js_headers(request: ExampleRequest) -> str:
    headers = ", ".join(f"'{name}': '{value}'" for name, value in _headers(request).items())
    return f"{{ {headers} }}"
