"""What others rely on: names of inputs and outputs, defaults, messages of refusals, facts."""

import re

from states import Case, ROOT, SERVERS, blocks

VARIABLES = blocks("variable", *sorted(ROOT.glob("variables*.tf")))
OUTPUTS = blocks("output", ROOT / "outputs.tf")

INPUTS = """
project_name region vpc_cidr availability_zones enable_vpc_endpoints temporal_image temporal_admin_tools_image temporal_ui_image grafana_image loki_image
alloy_image benchmark_image dsql_cluster_endpoint dsql_cluster_arn ec2_instance_type ec2_instance_count temporal_history_shards grafana_cpu grafana_memory
grafana_count grafana_admin_secret_name loki_cpu loki_memory loki_count loki_retention_days alloy_cpu alloy_memory opensearch_visibility_index
opensearch_instance_type opensearch_instance_count log_retention_days benchmark_enabled benchmark_cpu benchmark_memory benchmark_max_instances
benchmark_instance_type dsql_reservoir_enabled dsql_reservoir_target_ready dsql_reservoir_base_lifetime dsql_reservoir_lifetime_jitter
dsql_reservoir_guard_window dsql_distributed_conn_lease_enabled dsql_distributed_conn_limit
""".split() + [f"temporal_{service}_{what}" for service in [*SERVERS, "ui"] for what in ["cpu", "memory", "count"]]

DEFAULTS = {
    "project_name": '"temporal-dev"', "region": '"eu-west-1"', "vpc_cidr": '"10.0.0.0/16"', "availability_zones": '["eu-west-1a", "eu-west-1b"]', "ec2_instance_count": "10",
    "temporal_history_cpu": "4096", "temporal_history_memory": "8192", "temporal_matching_cpu": "1024", "temporal_matching_memory": "2048",
    "temporal_frontend_cpu": "2048", "temporal_frontend_memory": "4096", "temporal_worker_cpu": "512", "temporal_worker_memory": "1024",
    "temporal_history_shards": "4096", "grafana_admin_secret_name": '"grafana/admin"', "log_retention_days": "7", "loki_retention_days": "7",
} | {name: "0" for name in INPUTS if name.endswith("_count") and name not in ["ec2_instance_count", "opensearch_instance_count"]}


class Inputs(Case):
    def test_all_inputs_of_the_original(self):
        self.assertEqual([name for name in INPUTS if name not in VARIABLES], [])

    def test_its_defaults(self):
        found = {name: re.search(r"^  default\s+= (.+)$", VARIABLES[name], re.M)[1] for name in DEFAULTS}
        self.assertEqual(found, DEFAULTS)

    def test_all_outputs_of_the_original(self):
        expected = ["ecs_cluster_arn", "ecs_cluster_name", "all_service_names", "opensearch_endpoint", "prometheus_remote_write_endpoint", "prometheus_query_endpoint", "loki_endpoint",
                    "temporal_ui_port_forward_command", "grafana_port_forward_command", "deployment_summary"]
        expected += [f"temporal_{server}_ecs_exec_command" for server in SERVERS]
        self.assertEqual([name for name in expected if name not in OUTPUTS], [])

    def test_a_refusal_names_its_variable(self):
        """One sentence, and the name first."""
        seen = 0
        for name, text in VARIABLES.items():
            for message in re.findall(r'error_message = "(.*)"$', text, re.M):
                seen += 1
                self.assertTrue(message.startswith(f"{name}: "), message)
                self.assertRegex(message, r"^[^\n]+[.)]$")
        self.assertGreater(seen, 50)

    def test_nobody_says_latest(self):
        for file in [*ROOT.glob("envs/*"), *ROOT.glob("examples/*/*.tf"), *ROOT.rglob("modules/**/*.tf")]:
            self.assertNotIn(":latest", file.read_text(), file)


class Facts(Case):
    KEYS = {
        "version", "project", "environment", "region", "account_id", "partition", "cluster", "services", "pools", "workers", "tasks", "ttl_hours", "subnets", "security_groups", "bucket",
        "leader", "scheduler", "log_groups", "temporal", "dsql", "opensearch", "prometheus", "images", "cost",
    }

    def test_keys(self):
        for state in self.each():
            facts = state.outputs["facts"]
            self.assertEqual(set(facts), self.KEYS)
            self.assertEqual(facts["version"], 1)

    def test_services_in_their_order(self):
        for state in self.each():
            services = state.outputs["facts"]["services"]
            servers = SERVERS if state.own else []
            self.assertEqual([service["key"] for service in services], ["loki", *servers, *(["ui"] if state.own else []), "grafana"])
            self.assertEqual([service["order"] for service in services], list(range(1, len(services) + 1)))
            deployed = {service["values"]["name"]: service["values"] for service in state.services().values()}
            for service in services:
                self.assertIn(service["name"], deployed)
                task = state.tasks()[service["family"].removeprefix(f"{state.project}-")]
                self.assertEqual((str(service["cpu"]), str(service["memory"])), (task["cpu"], task["memory"]), service["key"])
                self.assertIn(service["container"], task["containers"])

    def test_one_shot_tasks(self):
        for state in self.each():
            tasks = state.outputs["facts"]["tasks"]
            self.assertEqual(set(tasks), ({"generator", "generator_join"} if state.benchmark else set()) | ({"setup_schema", "setup_database"} if state.own else set()))
            for name, task in tasks.items():
                definition = state.tasks()[task["family"].removeprefix(f"{state.project}-")]
                container = definition["containers"][task["container"]]
                options = container["logConfiguration"]["options"]
                self.assertEqual((options["awslogs-group"], options["awslogs-stream-prefix"]), (task["log_group"], task["log_prefix"]), name)
                self.assertEqual(task["pool"] is None, definition["requires_compatibilities"] == ["FARGATE"], name)
                self.assertEqual(task["propagate_tags"], "TASK_DEFINITION", name)
                # A kind's own group, of this network.
                kind = "setup" if task["pool"] is None else "generator"
                self.assertEqual(task["security_groups"], [state.outputs["facts"]["security_groups"][kind]], name)

    def test_what_each_command_of_the_program_needs(self):
        """Names that are passed to AWS are those of what was made."""
        for state in self.each():
            facts = state.outputs["facts"]
            made = {kind: {resource["values"]["name"] for resource in state.of(kind)} for kind in ["aws_autoscaling_group", "aws_ecs_capacity_provider", "aws_cloudwatch_log_group", "aws_scheduler_schedule_group"]}
            self.assertEqual({pool["group"] for pool in facts["pools"].values()}, made["aws_autoscaling_group"])
            self.assertEqual({pool["capacity_provider"] for pool in facts["pools"].values()}, made["aws_ecs_capacity_provider"])
            self.assertLessEqual(set(facts["log_groups"].values()), made["aws_cloudwatch_log_group"])
            self.assertEqual(facts["subnets"], [resource["values"]["id"] for resource in state.of("aws_subnet") if "private" in resource["address"]])
            self.assertEqual({container["image"] for task in state.tasks().values() for container in task["containers"].values()}, set(facts["images"].values()))
            self.assertTrue(facts["prometheus"]["query_url"].startswith(facts["prometheus"]["url"] + "/api/"))
            # status tells dollars an hour by instances that are there.
            for pool in facts["pools"].values():
                self.assertAlmostEqual(pool["usd_per_hour"], {"m8g.4xlarge": 0.80033, "m8g.xlarge": 0.20008}[pool["instance_type"]] + 30 * 0.00012055)
            self.assertEqual([facts[key] is not None for key in ["bucket", "leader", "scheduler", "workers"]], [state.benchmark] * 4)
            self.assertEqual([facts[key] is not None for key in ["dsql", "opensearch"]], [state.own] * 2)
            if state.benchmark:
                self.assertEqual({facts["scheduler"]["group"]}, made["aws_scheduler_schedule_group"])
                self.assertEqual((facts["leader"]["instance"], facts["leader"]["name"]), ("leader", f"leader.{state.project}.internal:7400"))
                self.assertIn(facts["workers"]["container"], state.tasks()["benchmark-worker"]["containers"])
            if state.own:
                self.assertEqual((facts["dsql"]["user"], facts["opensearch"]["index"]), ("admin", "temporal_visibility_v1"))

    def test_sizes_of_the_original(self):
        for state in self.each(lambda state: state.name in ["dev", "bench", "prod"]):
            found = {service["key"]: (service["cpu"], service["memory"], service["count"]) for service in state.outputs["facts"]["services"]}
            expected = {
                "dev": {"history": (2048, 4096, 3), "matching": (1024, 2048, 2), "frontend": (1024, 2048, 2), "worker": (512, 1024, 2)},
                "bench": {"history": (4096, 8192, 16), "matching": (1024, 2048, 16), "frontend": (2048, 4096, 9), "worker": (512, 1024, 3)},
                "prod": {"history": (2048, 8192, 6), "matching": (1024, 4096, 4), "frontend": (1024, 4096, 3), "worker": (512, 1024, 2)},
            }[state.name]
            self.assertEqual({server: found[server] for server in SERVERS}, expected)
            self.assertEqual(state.outputs["facts"]["temporal"]["shards"], 2048 if state.name == "dev" else 4096)

    def test_the_docs_say_what_it_costs(self):
        text = (ROOT.parent / "docs" / "aws.md").read_text()
        for state in self.each(lambda state: state.name in ["dev", "bench"]):
            (row,) = re.findall(rf"^\| {state.name}: [^|]*\| \$([0-9.]+)/h \| \$([0-9.]+)/h \| \$([0-9.]+)/h \|$", text, re.M)
            usd = state.outputs["cost"]["usd_per_hour"]
            self.assertEqual(row, tuple(f"{usd[phase]:.2f}" for phase in ["idle", "up", "run"]))

    def test_what_four_hundred_a_second_costs(self):
        """Sums done by hand, as in cost.tftest.hcl: endpoints and search; ten instances; thirteen, and one for the generator."""
        (cost,) = [state.outputs["cost"] for state in self.each(lambda state: state.name == "400-a-second")]
        self.assertEqual({phase: f"{usd:.2f}" for phase, usd in cost["usd_per_hour"].items()}, {"idle": "0.89", "up": "8.93", "run": "19.59"})

    def test_nothing_secret(self):
        for state in self.each():
            self.assertNotRegex(str({key: value for key, value in state.outputs["facts"].items() if key != "cost"}), r"(?i)password|secret")
