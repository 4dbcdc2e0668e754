"""A release, unpacked: whether it is whole, and a later build made of it.

The later build isn't compiled. It is this build with another description in its template (in the file, and in the program that has it
inside), and with functions that end in one more byte, which a program doesn't see and Lambda does. Its version is the same.
"""

import hashlib
import json
import re
import shutil
from pathlib import Path

from machine import expect

EXPECTED = (
    "man/tidings.1", "man/tidings-dev.1", "completions/tidings.bash", "completions/tidings.zsh", "template.yaml", "LICENSE",
    "README.md", "THIRD-PARTY.txt", "docs/start.md", "docs/deploy.md", "examples/bots/python/bot.py", "examples/bots/node/bot.mjs",
    "examples/shop/sources.yaml", "examples/devops/sources.yaml",
)
FUNCTIONS = ("receiver", "processor", "reader", "publisher", "kafka", "sender")
# The number of a machine in an ELF header: two bytes at 18.
MACHINES = {"x86_64": 62, "arm64": 183}
LINKED = {"tidings": {"serde", "aws-sdk-dynamodb", "clap"}} | {name: {"serde", "lambda_runtime"} for name in FUNCTIONS}

# A parameter's default wouldn't do: an update keeps what a stack's parameters were.
OF_THE_TEMPLATE = b'Description: "Tidings: webhooks in, chatbot context out."'
OF_THE_LATER = b'Description: "Tidings: webhooks in, chatbot context out!"'


def unpack(machine, archive):
    """As the first page says."""
    for file in (archive, archive.with_name(f"{archive.name}.sha256")):
        shutil.copy(file, machine.work)
    machine.run("sha256sum", "--check", "--strict", "--quiet", f"{archive.name}.sha256")
    machine.run("tar", "xzf", archive.name)
    return machine.work / archive.name.removesuffix(".tar.gz")


def files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def is_whole(machine, release):
    machine.run("sha256sum", "--check", "--strict", "--quiet", "SHA256SUMS", cwd=release)
    listed = sorted(line.split(maxsplit=1)[1] for line in (release / "SHA256SUMS").read_text().splitlines())
    there = sorted(f"./{path.relative_to(release)}" for path in files(release) if path.name != "SHA256SUMS")
    expect(listed == there, f"SHA256SUMS doesn't list each file once: {set(listed) ^ set(there)}")
    for name in EXPECTED:
        expect((release / name).is_file() and (release / name).stat().st_size, f"{name} is missing or empty")


def names_no_folder_of(release, private):
    for path in files(release):
        content = path.read_bytes()
        for folder in private:
            expect(folder.encode() not in content, f"{path} names {folder}")


def has_functions(release, architecture):
    """Each is a program for the architecture that its folder names, and this machine's are there."""
    folders = sorted((release / "functions").iterdir())
    expect(architecture in [folder.name for folder in folders], f"no functions for {architecture}: {folders}")
    for folder in folders:
        for function in FUNCTIONS:
            bootstrap = folder / function / "bootstrap"
            with bootstrap.open("rb") as file:
                machine = int.from_bytes(file.read(20)[18:], "little")
            expect(machine == MACHINES[folder.name], f"{bootstrap} is for machine {machine}")
            expect(bootstrap.stat().st_mode & 0o111, f"{bootstrap} can't be executed")


def lists_what_is_linked(release):
    for program, some in LINKED.items():
        bill = json.loads((release / "sbom" / f"{program}.cdx.json").read_text())
        names = {component["name"] for component in bill["components"]}
        expect(bill["bomFormat"] == "CycloneDX" and bill["metadata"]["component"]["name"] == program, f"{program}: another list")
        expect(some <= names, f"{program}: {sorted(some - names)} aren't in its list")
        expect(all(re.fullmatch(r"pkg:cargo/.+@.+", component["purl"]) for component in bill["components"]), program)


def has_what_its_pages_link_to(release):
    for page in sorted(release.rglob("*.md")):
        # What is in code isn't a link.
        text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(), flags=re.S)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if not re.match(r"[a-z]+:|#", target):
                there = (page.parent / target.split("#")[0]).exists()
                expect(there, f"{page.relative_to(release)} links to {target}, which isn't in the archive")


def later_build(release, into):
    """A later build of the same, unpacked."""
    shutil.copytree(release, into)
    for path in (into / "template.yaml", into / "tidings"):
        content = path.read_bytes()
        expect(OF_THE_TEMPLATE in content, f"{path} hasn't the description that the later build changes")
        path.write_bytes(content.replace(OF_THE_TEMPLATE, OF_THE_LATER))
    for bootstrap in (into / "functions").rglob("bootstrap"):
        with bootstrap.open("ab") as file:
            file.write(b"\n")
    summed = [path for path in files(into) if path.name != "SHA256SUMS"]
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(into)}\n" for path in summed]
    (into / "SHA256SUMS").write_text("".join(lines))
    return into


def blocks(page: Path):
    """The files that a page tells to write: what is in them, by name."""
    return dict(re.findall(r"\bIn `([^`]+)`:\n\n```\w+\n(.*?)^```", page.read_text(), re.S | re.M))
