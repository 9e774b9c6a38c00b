"""Runs snippets in one process: for each line of JSON on stdin it writes one on stdout.

{"source": "..."} is a snippet, the result {"output": "...", "error": "..."}.
"""

from __future__ import annotations

import io
import json
import sys
import traceback
from contextlib import redirect_stdout

for line in sys.stdin:
    output, error = io.StringIO(), ""
    try:
        with redirect_stdout(output):
            exec(compile(json.loads(line)["source"], "snippet", "exec"), {"__name__": "__main__"})
    except BaseException:  # whatever ends it, exit() among it, must not end the others
        error = traceback.format_exc()
    sys.stdout.write(json.dumps({"output": output.getvalue(), "error": error}) + "\n")
    sys.stdout.flush()
