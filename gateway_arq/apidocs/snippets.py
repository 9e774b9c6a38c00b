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
FITS: Final = 70  # characters


class Call(NamedTuple):
    """One request: its body is None where there is none."""

    method: str
    url: str
    body: Any


def add_snippets(result: dict[str, Any], **_kwargs: Any) -> dict[str, Any]:
    """drf-spectacular hook: samples for what a key may call, with the values that are examples."""
    for path, operations in result["paths"].items():
        for method, operation in operations.items():
            call = example_call(path, method.upper(), operation)
            if call and {"ApiKey": []} in operation.get("security", []):
                operation["x-codeSamples"] = samples(call)
    return result


def example_call(path: str, method: str, operation: dict[str, Any]) -> Call | None:
    """The request with every example that is told; None where a needed value has none."""
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
    asked = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("examples", {})
    bodies = [example["value"] for example in asked.values()]
    if operation.get("requestBody", {}).get("required") and not bodies:
        return None
    url = ADDRESS + path + (f"?{urlencode(query, safe='/,')}" if query else "")
    return Call(method, url, bodies[0] if bodies else None)


def samples(call: Call) -> list[dict[str, str]]:
    return [
        {"lang": "Shell", "label": "curl", "source": _curl(call)},
        {"lang": "JavaScript", "label": "fetch", "source": _fetch(call)},
        {"lang": "JavaScript", "label": "axios", "source": _axios(call)},
        {"lang": "Python", "label": "Python", "source": _python(call)},
    ]


def _headers(call: Call) -> dict[str, str]:
    return {"X-API-Key": KEY} | ({} if call.body is None else {"Content-Type": JSON})


def _curl(call: Call) -> str:
    told = [f'-H "{name}: {value}"' for name, value in _headers(call).items()]
    if call.body is not None:
        told.append(f"-d {shlex.quote(json.dumps(call.body, ensure_ascii=False))}")
    return " \\\n  ".join([f'curl -X {call.method} "{call.url}"', *told])


def _fetch(call: Call) -> str:
    options = [] if call.method == "GET" else [f"method: '{call.method}'"]
    options.append(f"headers: {_js_headers(call)}")
    if call.body is not None:
        options.append(f"body: JSON.stringify({_literal(call.body, _js)})".replace("\n", "\n  "))
    return (
        f"fetch('{call.url}', {{\n  "
        + ",\n  ".join(options)
        + "\n})\n  .then(res => res.json())\n  .then(data => console.log(data));"
    )


def _axios(call: Call) -> str:
    given = [f"'{call.url}'"]
    if call.method in ("POST", "PUT", "PATCH"):
        given.append("null" if call.body is None else _literal(call.body, _js))
    given.append(f"{{\n  headers: {_js_headers(call)}\n}}")
    return (
        "const axios = require('axios');\n\n"
        f"axios.{call.method.lower()}({', '.join(given)})\n"
        "  .then(response => console.log(response.data));"
    )


def _python(call: Call) -> str:
    given = [f'"{call.url}"', f'headers={{"X-API-Key": "{KEY}"}}']
    if call.body is not None:
        given.append(f"json={_literal(call.body, repr, '    ')}".replace("\n", "\n    "))
    given.append("timeout=30")
    lines = "".join(f"    {argument},\n" for argument in given)
    return (
        f"import requests\n\nresponse = requests.{call.method.lower()}(\n{lines})\n"
        "response.raise_for_status()\nprint(response.json())"
    )


def _literal(body: Any, written: Callable[[Any], str], indent: str = "  ") -> str:
    """The body in the language of `written`: on one line where it fits, else a line per field."""
    if len(written(body)) <= FITS or not isinstance(body, dict):
        return written(body)
    fields = "".join(
        f"{indent}{written(name)}: {written(value)},\n" for name, value in body.items()
    )
    return f"{{\n{fields}}}"


def _js(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _js_headers(call: Call) -> str:
    told = ", ".join(f"'{name}': '{value}'" for name, value in _headers(call).items())
    return f"{{ {told} }}"
