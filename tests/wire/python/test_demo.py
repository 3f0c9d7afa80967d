"""What the demo prints works when it is pasted."""

import os
import re
import signal
import subprocess
import sys

from server import BINARY, free_port


def test_the_snippet_of_the_demo_works_when_pasted(tmp_path):
    command = [BINARY, "demo", "--serve", "--listen", f"127.0.0.1:{free_port()}"]
    with open(tmp_path / "log", "wb") as log:
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"})
    lines = []
    try:
        for line in demo.stdout:
            lines.append(line.decode())
            text = "".join(lines)
            snippet = re.search(r"^.*--- paste.*?$\n(.*?)^.*--- to here.*?$", text, re.MULTILINE | re.DOTALL)
            if snippet:
                break
        assert snippet, text
        code = "\n".join(line[2:] if line.startswith("  ") else line for line in snippet[1].splitlines())
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.strip(), "it prints something"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=45) == 0
    finally:
        demo.kill()
