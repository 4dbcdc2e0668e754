"""Writes the licences of all that a release links: whoever passes the binaries on must pass these texts on.

Reads what cargo knows and the sources that it has unpacked. A crate without a licence's file is listed with its licence's name
alone; one without a name ends the script, which `cargo deny` wouldn't have let through either.
"""

import argparse
import json
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

PROGRAMS = ("tidings", "receiver", "processor", "reader", "publisher", "kafka", "sender")
FILES = ("license", "licence", "copying", "copyright", "notice", "unlicense")


def linked(target):
    """Every crate of others that a program links on one target, by name and version."""
    metadata = json.loads(subprocess.run(
        ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target],
        check=True, capture_output=True, text=True,
    ).stdout)
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    ours = set(metadata["workspace_members"])
    todo = [id for id in ours if packages[id]["name"] in PROGRAMS]
    seen = set(todo)
    while todo:
        for dependency in nodes[todo.pop()]["deps"]:
            # Macros and build scripts run here and aren't passed on, but what they write is: they are listed, too.
            if any(kind["kind"] in (None, "build") for kind in dependency["dep_kinds"]) and dependency["pkg"] not in seen:
                seen.add(dependency["pkg"])
                todo.append(dependency["pkg"])
    return sorted((packages[id] for id in seen - ours), key=lambda package: (package["name"], package["version"]))


def texts(package):
    folder = Path(package["manifest_path"]).parent
    found = {path for path in folder.iterdir() if path.is_file() and path.name.lower().startswith(FILES)}
    if package["license_file"]:
        found.add(folder / package["license_file"])
    return sorted(path.read_text(encoding="utf-8", errors="replace").strip() for path in found)


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("target", help="as rustc calls it")
    packages = linked(arguments.parse_args().target)
    nameless = [package["name"] for package in packages if not package["license"] and not package["license_file"]]
    if nameless:
        sys.exit(f"no licence is named by {', '.join(nameless)}")
    print(f"Tidings links these {len(packages)} crates. It is itself under the Apache License 2.0 (LICENSE).\n")
    by_text = defaultdict(list)
    for package in packages:
        name = f"{package['name']} {package['version']}"
        print(f"{name}: {package['license'] or 'see its text'}, {package['repository'] or 'no repository'}")
        for text in texts(package):
            by_text[text].append(name)
    for text, names in sorted(by_text.items(), key=lambda item: item[1]):
        print(f"\n{'-' * 78}\n{', '.join(names)}\n{'-' * 78}\n\n{text}")


main()
