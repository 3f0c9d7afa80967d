"""What the demo prints works when it is pasted."""

import os
import signal
import subprocess
import sys

from server import BINARY, free_port


def test_the_snippet_of_the_demo_works_when_pasted(tmp_path):
    command = [BINARY, "demo", "--serve", "--listen", f"127.0.0.1:{free_port()}"]
    with open(tmp_path / "log", "wb") as log:
        demo = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, cwd=tmp_path, env={**os.environ, "NO_COLOR": "1"})
    begun, snippet = False, []
    try:
        for line in demo.stdout:
            line = line.decode()
            if "--- to here" in line:
                break
            if begun:
                snippet.append(line)
            begun = begun or "--- paste" in line
        assert snippet, "a snippet between its marks"
        code = "".join(snippet)
        ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False)
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.strip(), "it prints something"
        demo.send_signal(signal.SIGINT)
        assert demo.wait(timeout=45) == 0
    finally:
        demo.kill()
