"""`python -m bench [name ...]`: run the named benchmarks, or all of them."""

from __future__ import annotations

import argparse
import importlib

NAMES = (
    "fanout",
    "rest",
    "ingest",
    "imports",
    "stats",
    "latency",
    "gateway",
    "attacks",
    "ami",
    "pbx_live",
    "screening",
    "viewers_poll",
    "viewers_read",
    "lotto_import",
    "lotto_read",
    "ocr_read",
    "ocr_accuracy",
    "ocr_engines",
    "stream",
    "dashboard",
    "limits",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"of {', '.join(NAMES)} (default: all)"
    )
    chosen = parser.parse_args().names or NAMES
    for name in chosen:
        if name not in NAMES:
            parser.error(f"no benchmark {name!r}; there are {', '.join(NAMES)}")
        importlib.import_module(f"bench.{name}").main()


if __name__ == "__main__":
    main()
