"""infra/edge.yaml: what a webhook needs of it."""

import unittest
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

ROOT = Path(__file__).resolve().parents[2]
TEMPLATE = yaml_parse((ROOT / "infra/edge.yaml").read_text(encoding="utf-8"))


class Edge(unittest.TestCase):
    def setUp(self):
        self.distribution = TEMPLATE["Resources"]["Distribution"]["Properties"]["DistributionConfig"]
        self.rules = TEMPLATE["Resources"]["WebAcl"]["Properties"]["Rules"]

    def test_the_origin_gets_the_header_that_the_receiver_reads_and_nobody_sees_its_value(self):
        gate = (ROOT / "functions/receiver/src/gate/mod.rs").read_text(encoding="utf-8")
        origin, = self.distribution["Origins"]
        header, = origin["OriginCustomHeaders"]
        self.assertIn(f'"{header["HeaderName"].lower()}"', gate)
        self.assertEqual(header["HeaderValue"], {"Ref": "OriginSecret"})
        self.assertTrue(TEMPLATE["Parameters"]["OriginSecret"]["NoEcho"])
        self.assertEqual(origin["CustomOriginConfig"]["OriginProtocolPolicy"], "https-only")

    def test_a_webhook_passes_as_it_was_sent(self):
        behavior = self.distribution["DefaultCacheBehavior"]
        self.assertIn("POST", behavior["AllowedMethods"])
        self.assertIs(behavior["Compress"], False)
        self.assertEqual(behavior["ViewerProtocolPolicy"], "https-only")
        self.assertNotIn("CacheBehaviors", self.distribution)
        # AWS's names for them: CachingDisabled and AllViewerExceptHostHeader.
        self.assertEqual(behavior["CachePolicyId"], "4135ea2d-6df8-44a3-9df3-4b5a84be39ad")
        self.assertEqual(behavior["OriginRequestPolicyId"], "b689b0a8-53d0-40ab-baf2-68738e2966ac")

    def test_no_rule_reads_a_body_and_one_counts_by_address(self):
        statements = {rule["Name"]: rule["Statement"] for rule in self.rules}
        self.assertEqual(statements["rate"]["RateBasedStatement"]["AggregateKeyType"], "IP")
        managed = {one["ManagedRuleGroupStatement"]["Name"] for one in statements.values() if "ManagedRuleGroupStatement" in one}
        self.assertEqual(managed, {"AWSManagedRulesAmazonIpReputationList"}, "which looks at the address alone")
        self.assertNotIn("Body", str(self.rules))
        self.assertEqual(self.distribution["WebACLId"], {"Fn::GetAtt": ["WebAcl", "Arn"]})


if __name__ == "__main__":
    unittest.main()
