"""A manager that sends recorded calls as fast as they are read; they come on stdin.

Prints its port. `Action: Go` with `Events: n` gets n recorded events.
"""

from __future__ import annotations

import socket
import sys

GREETING = b"Asterisk Call Manager/5.0.4\r\n"


def main() -> None:
    messages = [message for message in sys.stdin.buffer.read().split(b"\r\n\r\n") if message]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        print(listener.getsockname()[1], flush=True)
        while True:
            client, _ = listener.accept()
            with client:
                serve(client, messages)


def serve(client: socket.socket, messages: list[bytes]) -> None:
    client.sendall(GREETING)
    rest, sent = b"", 0
    while data := client.recv(65_536):
        *actions, rest = (rest + data).split(b"\r\n\r\n")
        for action in actions:
            headers = dict(line.split(b": ", 1) for line in action.split(b"\r\n"))
            response = b"Response: Success\r\nActionID: %b\r\nChallenge: 1\r\n\r\n"
            client.sendall(response % headers[b"ActionID"])
            if headers[b"Action"] == b"Logoff":
                return
            if count := int(headers.get(b"Events", b"0").replace(b"on", b"0")):
                piece = [messages[(sent + n) % len(messages)] for n in range(count)]
                sent += count
                client.sendall(b"\r\n\r\n".join([*piece, b""]))


if __name__ == "__main__":
    main()
