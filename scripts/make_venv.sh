#!/usr/bin/env bash
# Make (or repair) the virtual environment with the pinned development set.
#   bash scripts/make_venv.sh FOLDER
set -euo pipefail
venv=${1:-.venv}

supported='import sys; raise SystemExit(not (3, 11) <= sys.version_info[:2] < (3, 14))'
python=
for name in ${PYTHON:-} python3.11 python3.12 python3.13 python3; do
    if command -v "$name" >/dev/null 2>&1 && "$name" -c "$supported" >/dev/null 2>&1; then
        python=$name
        break
    fi
done
if [ -z "$python" ]; then
    echo "mixbook needs Python 3.11, 3.12 or 3.13, and none was found on the PATH." >&2
    echo "Install one of them, or name it: make book PYTHON=/path/to/python3.12" >&2
    exit 1
fi

# A half-made environment, or one whose Python is gone, is made anew.
if [ -e "$venv" ] && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    echo "The environment in $venv is damaged; making it anew."
    rm -rf "$venv"
fi
if [ ! -e "$venv" ] && ! "$python" -m venv "$venv"; then
    rm -rf "$venv"
    echo "$python cannot make virtual environments; install its venv module (Debian: python3-venv)." >&2
    exit 1
fi
echo "Installing mixbook and the pinned development set into $venv (a few minutes the first time)."
if ! "$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --constraint constraints.txt --editable '.[dev]'; then
    echo "The installation failed (see above). It needs a network and about 3 GB of disk;" >&2
    echo "running the same command again goes on where it stopped." >&2
    exit 1
fi
