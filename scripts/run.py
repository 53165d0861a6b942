"""Run one of the project's jobs on a machine that has nothing but Python and pip.

    python3 scripts/run.py contract    build the contract, check generated/, run the suite
    python3 scripts/run.py tests       the project's own tests
    python3 scripts/run.py --list      every job

The jobs are the sessions of noxfile.py; nox and uv are installed beside them, in .nox/bootstrap.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".nox" / "bootstrap"
BIN = HOME / ("Scripts" if os.name == "nt" else "bin")
TOOLS = ["nox==2026.10.20", "uv==0.13.8"]


def main(arguments: list[str]) -> int:
    """Install the tools if they are not there yet, then hand the arguments to nox."""
    if not arguments or arguments[0] in {"-h", "--help"}:
        print(__doc__)
        return 0 if arguments else 2
    install_tools()
    sessions = arguments if arguments[0].startswith("-") else ["-s", *arguments]
    # As pip does, uv is to trust what the machine trusts: a proxy's certificate, say.
    environment = {"UV_SYSTEM_CERTS": "1", **os.environ}
    environment["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    nox = [str(BIN / "nox"), "-f", str(ROOT / "noxfile.py"), *sessions]
    return subprocess.run(nox, env=environment, check=False).returncode


def install_tools() -> None:
    """Put nox and uv into an environment of their own, once."""
    ready = HOME / "-".join(["ready", *TOOLS])
    if ready.exists():
        return
    print(f"Installing {' and '.join(TOOLS)} into {HOME.relative_to(ROOT)} …", file=sys.stderr)
    # Debian's Python can make environments but not put pip into them: the pip outside does it.
    venv.create(HOME, with_pip=False, clear=True)
    pip = [sys.executable, "-m", "pip", "--python", str(BIN / "python")]
    subprocess.run([*pip, "install", "-qq", *TOOLS], check=True)
    ready.touch()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
