"""infra/ranges/update, offline: the providers' documents as they were recorded give the files as they are."""

import importlib.machinery
import importlib.util
import json
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LOADER = importlib.machinery.SourceFileLoader("update", str(ROOT / "infra/ranges/update"))
update = importlib.util.module_from_spec(importlib.util.spec_from_loader("update", LOADER))
LOADER.exec_module(update)

# What of the recorded documents is read. GitHub's has many other lists, and Paddle's is a page of text.
GITHUB = {
    "verifiable_password_authentication": False,
    "hooks": [
        "192.30.252.0/22", "185.199.108.0/22", "140.82.112.0/20", "143.55.64.0/20", "2a0a:a440::/29", "2606:50c0::/32",
        "9.234.98.160/28", "9.234.98.176/28", "9.234.106.48/28",
    ],
    "web": ["20.201.28.151/32"],
}
STRIPE = {
    "WEBHOOKS": [
        "3.18.12.63", "3.69.109.8", "3.120.168.93", "3.130.192.231", "13.235.14.237", "13.235.122.149", "18.211.135.69",
        "35.154.171.200", "35.157.207.129", "52.15.183.38", "54.88.130.119", "54.88.130.237", "54.187.174.169",
        "54.187.205.235", "54.187.216.72",
    ]
}
PADDLE = """Allow different IP addresses for `sandbox` and `live` accounts:

```text {% title="Sandbox" %}
34.194.127.46
54.234.237.108
3.208.120.145
44.226.236.210
44.241.183.62
100.20.172.113
```

```text {% title="Live" %}
34.232.58.13
34.195.105.136
34.237.3.244
35.155.119.135
52.11.166.252
34.212.5.7
```
"""
RECORDED = {
    "github": (json.dumps(GITHUB), "2026-10-29"),
    "stripe": (json.dumps(STRIPE), "2026-05-15"),
    "paddle": (PADDLE, "2026-07-02"),
}


class Ranges(unittest.TestCase):
    def test_every_file_is_what_the_updater_writes_of_the_recorded_document(self):
        self.assertEqual({path.stem for path in update.FOLDER.glob("*.toml")}, set(update.LISTS))
        for name, (text, day) in RECORDED.items():
            path = update.FOLDER / f"{name}.toml"
            kept = path.read_text(encoding="utf-8")
            if f'read_on = "{day}"' in kept:
                self.assertEqual(update.written(name, text, day), kept)
            else:
                self.assertGreater(kept.split('read_on = "')[1][:10], day, "newer than the recorded one")

    def test_a_document_of_another_form_changes_no_file(self):
        for text in ("", "<html>", "{}", "[]", '{"hooks": []}', '{"hooks": null}', '{"hooks": ["10.0.0.1/8"]}', '{"hooks": ["everybody"]}'):
            with self.assertRaises((ValueError, KeyError, TypeError), msg=text):
                update.written("github", text, "2026-12-01")

    def test_a_network_that_is_wider_than_a_provider_is_refused(self):
        for network, is_right in (("10.0.0.0/16", True), ("10.0.0.0/15", False), ("0.0.0.0/0", False), ("2001:d00::/24", True), ("2001:c00::/23", False)):
            document = json.dumps({"hooks": [network]})
            if is_right:
                self.assertIn(network, update.written("github", document, "2026-12-01"))
            else:
                with self.assertRaisesRegex(ValueError, "wider"):
                    update.written("github", document, "2026-12-01")


if __name__ == "__main__":
    unittest.main()
