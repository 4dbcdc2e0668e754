"""template.yaml, as it is deployed, against AWS Control Tower's rules: all hold but those of infra/cfn-guard.txt, and those don't."""

import json
import platform
import subprocess
import sys
from pathlib import Path

from deployed import GIVEN, WITH_FUNCTION_URL, deployed

LEFT_OUT = Path("infra/cfn-guard.txt")


def evaluate(package, template):
    """(rules that hold, rules that don't with what they say) of those that apply."""
    system = {"Linux": "ubuntu", "Darwin": "macos"}[platform.system()]
    machine = "aarch64" if platform.machine().lower() in ("arm64", "aarch64") else "x86_64"
    binary = package / "bin" / system / machine / "cfn-guard"
    binary.chmod(0o755)  # The archive doesn't keep it.
    ran = subprocess.run(
        [binary, "validate", "--rules", package / "rules" / "control-tower" / "cfn-guard", "--structured",
         "--output-format", "json", "--show-summary", "none"],
        input=json.dumps(template), capture_output=True, text=True,
    )
    # 19: a rule doesn't hold.
    assert ran.returncode in (0, 19), f"cfn-guard ended with {ran.returncode}: {ran.stderr}"
    report, = json.loads(ran.stdout)
    return set(report["compliant"]), {r["Rule"]["name"]: " ".join(sorted(said(r))) for r in report["not_compliant"]}


def said(part):
    """Every message in a report."""
    if isinstance(part, dict):
        message = part.get("error_message")
        if isinstance(message, str) and message.strip():
            yield " ".join(message.split())
        for value in part.values():
            yield from said(value)
    elif isinstance(part, list):
        for value in part:
            yield from said(value)


def main():
    lines = LEFT_OUT.read_text(encoding="utf-8").splitlines()
    left_out = {line.strip() for line in lines if line.strip() and not line.startswith("#")}
    held, broken = set(), {}
    for given in (GIVEN, WITH_FUNCTION_URL):
        of_one = evaluate(Path(sys.argv[1]), deployed("template.yaml", given))
        held |= of_one[0]
        broken |= of_one[1]
    for rule in sorted(set(broken) - left_out):
        print(f"template.yaml breaks {rule}: {broken[rule]}")
    for rule in sorted(left_out - set(broken)):
        print(f"{LEFT_OUT} leaves out {rule}, which holds or doesn't apply: take it out of there")
    if set(broken) != left_out:
        sys.exit(1)
    assert held, "no rule applies: is it the right template?"
    print(f"cfn-guard: {len(held)} rules hold, {len(left_out)} are left out with a reason")


if __name__ == "__main__":
    main()
