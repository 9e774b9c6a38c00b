"""The AsyncAPI document matches the sockets; `published_events` checks messages of every test."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from core.realtime.events import Event, types_on
from core.sockets.consumers import SERVICE_TYPES
from core.tests.published import contradictions
from gateway_arq.apidocs import sockets
from gateway_arq.routing import SOCKETS


def test_the_document_is_served(client: Client) -> None:
    response = client.get("/docs/asyncapi.json")
    assert response.status_code == 200
    assert response["Content-Type"] == "application/vnd.aai.asyncapi+json; version=3.0.0"
    assert response.json() == sockets.document()


def test_each_socket_is_a_channel_with_the_messages_that_it_may_send() -> None:
    served = {address: types_on(address) for address in SOCKETS}
    described = {
        channel["address"]: set(channel["messages"]) - SERVICE_TYPES - {"ping"}
        for channel in sockets.document()["channels"].values()
    }
    assert described == served
    assert served.keys() == {"/ws", "/jpbx-ws", "/dashboard-ws"}
    for channel in sockets.document()["channels"].values():
        assert set(channel["messages"]) > SERVICE_TYPES


def test_every_message_is_described_and_no_other() -> None:
    published = {name for name in Event.known if not name.startswith("test_")}
    assert set(sockets.document()["components"]["messages"]) == published | {"ping"}


def test_references_resolve() -> None:
    def references(part: Any) -> list[str]:
        if isinstance(part, dict):
            own = [part["$ref"]] if "$ref" in part else []
            return own + [found for value in part.values() for found in references(value)]
        return (
            [found for value in part for found in references(value)]
            if isinstance(part, list)
            else []
        )

    for reference in references(sockets.document()):
        assert sockets.merged({"$ref": reference})


@pytest.mark.parametrize("name", sorted(sockets.document()["components"]["messages"]))
def test_each_example_is_as_described(name: str) -> None:
    [example] = sockets.document()["components"]["messages"][name]["examples"]
    assert example["payload"]["type"] == name
    assert contradictions(example["payload"]) == []


def test_a_message_that_differs_is_found() -> None:
    assert contradictions({"type": "webtv_update", "viewers": "9", "stream": "main"}) == [
        "webtv_update: '9' is not of type 'integer'",
        "webtv_update: 'timestamp' is a required property",
    ]
    assert contradictions({"type": "webtv_update", "viewers": 9, "stream": "m", "x": 1}) != []


def test_the_page_lists_every_message(client: Client) -> None:
    page = client.get("/docs/events").content.decode()
    for name in set(sockets.document()["components"]["messages"]) - {"ping"}:
        assert f'id="{name}"' in page
    for code in ("1012", "4008", "4401"):
        assert f"<code>{code}</code>" in page
