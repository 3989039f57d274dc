"""The graph of the security groups' rules is the table of edges, both ways, and the table is the one in the docs."""

import re

from states import Case, ROOT, SERVERS
from test_tasks import PORTS

CIDR_TYPES = ["aws_security_group_rule", "aws_security_group", "aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"]


def kinds(state):
    """Security groups by id: what they are of."""
    found = {group["values"]["id"]: group["values"]["name"].removeprefix(f"{state.project}-") for group in state.of("aws_security_group")}
    assert len(set(found.values())) == len(state.of("aws_security_group"))
    return found


def table(state):
    return {(edge["from"], edge["to"], edge["port"]) for edge in state.outputs["edges"]}


class Edges(Case):
    def test_rules_are_the_table_both_ways(self):
        for state in self.each():
            kind = kinds(state)
            ingress = [
                (kind[rule["referenced_security_group_id"]], kind[rule["security_group_id"]], rule["from_port"])
                for rule in (resource["values"] for resource in state.of("aws_vpc_security_group_ingress_rule"))
            ]
            egress = [
                (kind[rule["security_group_id"]], kind[rule["referenced_security_group_id"]], rule["from_port"])
                for rule in (resource["values"] for resource in state.of("aws_vpc_security_group_egress_rule"))
                if rule["referenced_security_group_id"]
            ]
            self.assertEqual(len(ingress), len(set(ingress)))
            self.assertEqual(set(ingress), table(state))
            self.assertEqual(set(egress), table(state))

    def test_there_are_no_other_rules(self):
        for state in self.each():
            self.assertEqual(state.of("aws_security_group_rule"), [])
            # Rules inside a group would be unknown to the table. A mocked group has none unless they are written.
            for group in state.of("aws_security_group"):
                text = " ".join(file.read_text() for file in ROOT.rglob("*.tf") if ".terraform" not in file.parts)
                self.assertNotRegex(text, r"(?m)^\s*(ingress|egress)\s*(=|\{)")
                break
            for type_ in ["aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"]:
                for rule in (resource["values"] for resource in state.of(type_)):
                    self.assertEqual((rule["ip_protocol"], rule["from_port"]), ("tcp", rule["to_port"]))

    def test_addresses_are_named_for_nothing_but_the_way_out(self):
        for state in self.each():
            kind = kinds(state)
            ways = {
                (kind[rule["security_group_id"]], rule["cidr_ipv4"], rule["from_port"])
                for type_ in ["aws_vpc_security_group_ingress_rule", "aws_vpc_security_group_egress_rule"]
                for rule in (resource["values"] for resource in state.of(type_))
                if rule["cidr_ipv4"] or rule["cidr_ipv6"]
            }
            groups = set(kind.values()) - {"endpoints", "opensearch", "dsql"}
            expected = set()
            if state.name in ["dev", "benchmark-only"]:
                expected = {(group, "0.0.0.0/0", 443) for group in groups}
            if state.name == "dev":
                expected |= {(group, "0.0.0.0/0", 5432) for group in groups if group in [*(f"temporal-{server}" for server in SERVERS), "setup"]}
            if state.name == "benchmark-only":
                expected |= {(group, "0.0.0.0/0", 7233) for group in ["generator", "benchmark-worker"]}
            self.assertEqual(ways, expected)

    def test_instances_take_nothing(self):
        for state in self.each():
            self.assertFalse([edge for edge in table(state) if edge[1] == "instance"])

    def test_the_ring_is_whole(self):
        for state in self.each(lambda state: state.own):
            ring = {"history": 6934, "matching": 6935, "frontend": 6933, "worker": 6939}
            expected = {(f"temporal-{one}", f"temporal-{other}", port) for one in ring for other, port in ring.items()}
            self.assertLessEqual(expected, table(state))

    def test_who_listens_is_called_and_who_is_called_listens(self):
        for state in self.each():
            called = {}
            for _, to, port in table(state):
                called.setdefault(to, set()).add(port)
            listens = {name: PORTS[name] for name in state.services() if PORTS[name]}
            # People come through Session Manager, which needs no rule; nobody calls the worker service.
            for name in ["temporal-ui", "grafana"]:
                listens.pop(name, None)
            if "temporal-worker" in listens:
                listens["temporal-worker"] = {6939}
            if state.benchmark:
                listens["generator"] = {7400}
            elsewhere = {"endpoints": {443}, "opensearch": {443}, "dsql": {5432}}
            self.assertEqual(called, listens | {kind: ports for kind, ports in elsewhere.items() if kind in called})

    def test_the_docs_show_the_table(self):
        text = (ROOT.parent / "docs" / "aws.md").read_text()
        rows = re.findall(r"^\| ([a-z, -]+) \| ([a-z-]+) \| ([0-9, ]+) \| [^|]+ \|$", text, re.M)
        shown = {
            (one.strip(), to.strip(), int(port))
            for from_, to, ports in rows
            for one in from_.split(",")
            for port in ports.split(",")
        }
        for state in self.each(lambda state: state.name == "bench"):
            self.assertEqual(shown, table(state))
