# Sourced by the scripts here, at the repository's root: what they run by is installed under target/tools/, once, and again when
# the file that names it changes.

# What fails to install isn't taken for installed: without this `$(…)` goes on after an error.
shopt -s inherit_errexit

# Prints the bin folder of a virtual environment with what a requirements file names.
python_with() {
    local requirements=$1 python=${PYTHON:-python3.11} path
    command -v "$python" >/dev/null || { echo "$0: no $python; name a Python 3.11 or newer in PYTHON" >&2; return 2; }
    path=target/tools/python-$(git hash-object "$requirements" | cut -c1-12)
    if [ ! -e "$path/complete" ]; then
        echo "$0: installing $requirements into $path" >&2
        rm -rf "$path"
        "$python" -m venv "$path" >&2
        "$path/bin/pip" install --quiet --disable-pip-version-check --requirement "$requirements" >&2
        touch "$path/complete"
    fi
    echo "$PWD/$path/bin"
}

# Prints a folder whose node_modules are what a package.json names. What follows it goes to npm.
node_with() {
    local package=$1 path
    path=target/tools/node-$(git hash-object "$package" | cut -c1-12)
    if [ ! -e "$path/complete" ]; then
        echo "$0: installing $package into $path" >&2
        rm -rf "$path"
        mkdir -p "$path"
        cp "$package" "$path"
        npm install --silent --no-audit --no-fund "${@:2}" --prefix "$path" >&2
        touch "$path/complete"
    fi
    echo "$PWD/$path"
}
