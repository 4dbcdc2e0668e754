"""Writes what a program links as a CycloneDX list, for whoever looks for a vulnerable version of something.

`cargo tree` says which crates: those of this one package, with the features that it asks for, on one target. `cargo metadata` says
what they are, and Cargo.lock the checksum of each. The same commit and target give the same bytes. A crate that one of these doesn't
know ends the script.
"""

import argparse
import json
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from pathlib import Path


def cargo(*arguments):
    return subprocess.run(["cargo", *arguments], check=True, capture_output=True, text=True).stdout


def linked(program, target):
    """(name, version) of all that is linked, the program among it; and macros and build scripts: what they write is linked."""
    said = cargo("tree", "--locked", "--package", program, "--edges", "normal,build", "--target", target, "--prefix", "none",
                 "--format", "{p}")
    return {(name, version.removeprefix("v")) for name, version, *_ in (line.split() for line in said.splitlines() if line)}


def purl(crate):
    name, version = crate
    return f"pkg:cargo/{name}@{version}"


def component(package, checksum):
    crate = (package["name"], package["version"])
    entry = {"type": "library", "bom-ref": purl(crate), "name": crate[0], "version": crate[1], "purl": purl(crate)}
    if checksum:
        entry["hashes"] = [{"alg": "SHA-256", "content": checksum}]
    if package["license"]:
        # Cargo's older form of "or" is a slash.
        entry["licenses"] = [{"expression": " ".join(package["license"].replace("/", " OR ").split())}]
    if package["repository"]:
        entry["externalReferences"] = [{"type": "vcs", "url": package["repository"]}]
    return entry


def bill(program, target, epoch):
    crates = linked(program, target)
    metadata = json.loads(cargo("metadata", "--locked", "--format-version", "1", "--filter-platform", target))
    crate_of = {package["id"]: (package["name"], package["version"]) for package in metadata["packages"]}
    packages = {crate_of[package["id"]]: package for package in metadata["packages"]}
    if unknown := crates - packages.keys():
        sys.exit(f"cargo metadata doesn't know {sorted(unknown)}")
    lock = tomllib.loads(Path("Cargo.lock").read_text())["package"]
    checksums = {(package["name"], package["version"]): package.get("checksum") for package in lock}
    needs = {crate_of[node["id"]]: {crate_of[need] for need in node["dependencies"]} for node in metadata["resolve"]["nodes"]}
    itself, = (crate for crate in crates if crate[0] == program)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": component(packages[itself], None) | {"type": "application"},
            "properties": [{"name": "cdx:rustc:target", "value": target}],
        },
        "components": [component(packages[crate], checksums[crate]) for crate in sorted(crates - {itself})],
        "dependencies": [
            {"ref": purl(crate), "dependsOn": [purl(need) for need in sorted(needs[crate] & crates)]} for crate in sorted(crates)
        ],
    }


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("program", help="as its package is called")
    arguments.add_argument("target", help="as rustc calls it")
    arguments.add_argument("epoch", type=int, help="the time of the commit, in seconds")
    given = arguments.parse_args()
    json.dump(bill(given.program, given.target, given.epoch), sys.stdout, indent=1)
    print()


main()
