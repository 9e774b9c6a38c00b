"""The sockets as AsyncAPI 3.0 (`asyncapi.yaml`, the one description of them) and as a page."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

from core.sockets.consumers import SERVICE_TYPES
from gateway_arq.apidocs.snippets import ADDRESS, KEY

_FILE: Final = Path(__file__).with_name("asyncapi.yaml")
_SOCKET: Final = ADDRESS.replace("http", "ws", 1)

BROWSER: Final = f"""\
let last = null;  // seq and epoch of the newest message: nothing is lost on a reconnect

function connect() {{
  const resume = last ? `&since=${{last.seq}}&epoch=${{last.epoch}}` : '';
  const ws = new WebSocket('{_SOCKET}/ws?api_key={KEY}' + resume);
  ws.onmessage = ({{ data }}) => {{
    const event = JSON.parse(data);
    if (event.seq) last = event;
    console.log(event.type, event);
  }};
  ws.onclose = ({{ code }}) => {{
    if (code < 4400 || code === 4429) setTimeout(connect, 1000 + 4000 * Math.random());
  }};
}}

connect();"""
NODE: Final = f"""\
const WebSocket = require('ws');

const ws = new WebSocket('{_SOCKET}/ws', {{ headers: {{ 'X-API-Key': '{KEY}' }} }});

ws.on('message', (data) => {{
  const event = JSON.parse(data);
  console.log(event.type, event);
}});
ws.on('close', (code) => console.log('Closed:', code));"""
PYTHON: Final = f"""\
import json

from websockets.sync.client import connect

with connect("{_SOCKET}/ws?types=call_event_realtime&api_key={KEY}") as ws:
    for message in ws:
        event = json.loads(message)
        print(event["type"], event, flush=True)"""
SNIPPETS: Final = [("Browser", BROWSER), ("Node.js (ws)", NODE), ("Python (websockets)", PYTHON)]


class Field(NamedTuple):
    """One field of a message, as the page shows it."""

    name: str
    kind: str
    text: str
    is_always_there: bool


class Message(NamedTuple):
    """One message of a socket, as the page shows it."""

    type: str
    summary: str
    description: str
    fields: list[Field]
    example: str


class SocketChannel(NamedTuple):
    """One address with its messages, as the page shows it."""

    address: str
    title: str
    events: list[Message]


@cache
def document() -> dict[str, Any]:
    """The AsyncAPI document."""
    parsed: dict[str, Any] = yaml.safe_load(_FILE.read_text())
    return parsed


def page() -> dict[str, Any]:
    """Context of the template."""
    described = document()
    messages = described["components"]["messages"]
    sockets = [
        SocketChannel(
            channel["address"],
            channel["title"],
            [_message(name) for name in channel["messages"] if _is_event(name)],
        )
        for channel in described["channels"].values()
    ]
    return {
        "sockets": sockets,
        "service": [_message(name) for name in messages if _is_service(name)],
        "query": described["channels"]["ws"]["bindings"]["ws"]["query"]["properties"],
        "close_codes": described["x-close-codes"],
        "snippets": SNIPPETS,
    }


def _is_service(name: str) -> bool:
    return name in SERVICE_TYPES


def _is_event(name: str) -> bool:
    return not _is_service(name) and name != "ping"


def _message(name: str) -> Message:
    message = document()["components"]["messages"][name]
    schema = merged(message["payload"])
    always = schema.get("required", [])
    fields = [
        Field(field, _kind(merged(facts)), merged(facts).get("description", ""), field in always)
        for field, facts in schema["properties"].items()
        if field != "type"
    ]
    example = json.dumps(message["examples"][0]["payload"], ensure_ascii=False, indent=2)
    return Message(name, message["summary"], message.get("description", ""), fields, example)


def merged(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with its references and its `allOf` resolved."""
    if "$ref" in schema:
        found: Any = document()
        for step in schema["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        return merged(found)
    whole: dict[str, Any] = {}
    for part in map(merged, schema.get("allOf", [])):
        whole |= part | {"properties": whole.get("properties", {}) | part["properties"]}
    return whole or schema


def _kind(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return ", ".join(map(str, schema["enum"]))
    kinds = schema.get("type", "any")
    kind = kinds if isinstance(kinds, str) else " or ".join(kinds)
    return f"{kind}, {schema['format']}" if "format" in schema else kind
