"""Tasks and services: sizes, ports, names, time-outs, dependencies, logs."""

import json
import re

from states import Case, SERVERS, environment

PORTS = {
    "temporal-history": {7234, 6934}, "temporal-matching": {7235, 6935}, "temporal-frontend": {7233, 6933}, "temporal-worker": {7239, 6939},
    "temporal-ui": {8080}, "grafana": {3000}, "loki": {3100}, "benchmark-worker": set(),
}


class Tasks(Case):
    def test_every_service_is_there_and_none_else(self):
        for state in self.each():
            expected = {"grafana", "loki"}
            if state.own:
                expected |= {f"temporal-{server}" for server in SERVERS} | {"temporal-ui"}
            if state.benchmark:
                expected |= {"benchmark-worker"}
            self.assertEqual(set(state.services()), expected)
            one_shot = ({"setup-schema", "setup-database"} if state.own else set()) | ({"generator", "generator-join"} if state.benchmark else set())
            self.assertEqual(set(state.tasks()), expected | one_shot)

    def test_the_proxy_has_its_share(self):
        for state in self.each():
            for name in state.services():
                task = state.tasks()[name]
                # Loki's configuration is written before Loki begins.
                containers = [container for key, container in task["containers"].items() if key != "config"]
                self.assertGreaterEqual(int(task["cpu"]), 512, name)
                self.assertGreaterEqual(int(task["memory"]), 512, name)
                self.assertEqual(int(task["cpu"]) - sum(container["cpu"] for container in containers), 256, name)
                self.assertEqual(int(task["memory"]) - sum(container["memory"] for container in containers), 128, name)
                self.assertTrue(all(container["cpu"] >= 64 and container["memory"] >= 128 for container in containers), name)

    def test_a_generator_has_its_task_for_itself(self):
        for state in self.each(lambda state: state.benchmark):
            for name in ["generator", "generator-join"]:
                task = state.tasks()[name]
                for size in ["cpu", "memory"]:
                    self.assertEqual(int(task[size]), sum(container[size] for container in task["containers"].values()), name)

    def test_images_are_digests(self):
        for state in self.each():
            for name, task in state.tasks().items():
                for container in task["containers"].values():
                    self.assertRegex(container["image"], r"^[0-9]{12}\.dkr\.ecr\.[a-z0-9-]+\.amazonaws\.com/[a-z/-]+@sha256:[0-9a-f]{64}$", name)

    def test_one_architecture(self):
        for state in self.each():
            for name, task in state.tasks().items():
                self.assertEqual(task["runtime_platform"], [{"cpu_architecture": "ARM64", "operating_system_family": "LINUX"}], name)
                self.assertEqual(task["network_mode"], "awsvpc", name)

    def test_services_begin_with_none_and_roll_back(self):
        for state in self.each():
            for name, service in state.services().items():
                values = service["values"]
                self.assertEqual(values["desired_count"], 0, name)
                # Its agent needs a root file system that can be written.
                self.assertEqual(values["enable_execute_command"], not state.tasks()[name]["containers"][name]["readonlyRootFilesystem"], name)
                self.assertEqual(values["deployment_circuit_breaker"], [{"enable": True, "rollback": True}], name)
                replaced_in_place = name in ["loki", "grafana", "benchmark-worker"]
                self.assertEqual(
                    (values["deployment_minimum_healthy_percent"], values["deployment_maximum_percent"]), (0, 100) if replaced_in_place else (100, 200), name
                )
                pool = "benchmark" if name == "benchmark-worker" else "main"
                self.assertEqual([strategy["capacity_provider"] for strategy in values["capacity_provider_strategy"]], [f"{state.project}-{pool}"], name)

    def test_ports(self):
        for state in self.each():
            for name in state.services():
                mappings = [mapping for container in state.tasks()[name]["containers"].values() for mapping in container["portMappings"]]
                self.assertEqual({mapping["containerPort"] for mapping in mappings}, PORTS[name], name)

    def test_only_frontend_and_loki_are_found_by_service_connect(self):
        for state in self.each():
            published = {}
            for name, service in state.services().items():
                (connect,) = service["values"]["service_connect_configuration"]
                self.assertTrue(connect["enabled"], name)
                for endpoint in connect["service"]:
                    (alias,) = endpoint["client_alias"]
                    (mapping,) = [
                        mapping for container in state.tasks()[name]["containers"].values() for mapping in container["portMappings"] if mapping["name"] == endpoint["port_name"]
                    ]
                    timeouts = [(timeout["per_request_timeout_seconds"], timeout["idle_timeout_seconds"]) for timeout in endpoint["timeout"]]
                    published[name] = (endpoint["discovery_name"], alias["dns_name"], alias["port"], mapping["appProtocol"], timeouts)
            expected = {"loki": ("loki", "loki", 3100, "http", [])}
            if state.own:
                # Calls are balanced, not connections, and a long poll of 70 s is not cut.
                expected["temporal-frontend"] = ("temporal-frontend", "temporal-frontend", 7233, "grpc", [(0, 3600)])
            self.assertEqual(published, expected)

    def test_names_in_dns(self):
        for state in self.each():
            names = {service["values"]["name"]: service["values"] for service in state.of("aws_service_discovery_service")}
            self.assertEqual(set(names), ({"frontend"} if state.own else set()) | ({"leader"} if state.benchmark else set()))
            for name, values in names.items():
                (dns,) = values["dns_config"]
                self.assertEqual((dns["routing_policy"], dns["dns_records"]), ("MULTIVALUE", [{"ttl": 5, "type": "A"}]), name)
            # ECS writes a record for each task of the service that is registered there, and of no other.
            registered = [name for name, service in state.services().items() if service["values"]["service_registries"]]
            self.assertEqual(registered, ["temporal-frontend"] if state.own else [])
            if state.benchmark:
                leader = state.one("module.benchmark[0].aws_service_discovery_instance.leader")
                self.assertEqual((leader["instance_id"], leader["attributes"]), ("leader", {"AWS_INSTANCE_IPV4": "127.0.0.1"}))

    def test_clients_come_after_what_they_call(self):
        loki = "module.observability.module.loki.aws_ecs_service.this"
        server = "module.temporal_service.module.service.aws_ecs_service.this"
        for state in self.each():
            for name, service in state.services().items():
                needs = {"aws_ecs_cluster_capacity_providers.this"}
                if name != "loki":
                    needs |= {loki}
                if state.own and name in ["temporal-ui", "benchmark-worker"]:
                    needs |= {server}
                self.assertLessEqual(needs, set(service["depends_on"]), name)

    def test_where_lines_go(self):
        for state in self.each():
            for name, task in state.tasks().items():
                main = [container for key, container in task["containers"].items() if key not in ["alloy", "log-router"]]
                by_firelens = name.startswith("temporal-") or name == "benchmark-worker"
                for container in main:
                    self.assertEqual(container["logConfiguration"]["logDriver"], "awsfirelens" if by_firelens else "awslogs", name)
                self.assertEqual("log-router" in task["containers"], by_firelens, name)
                if by_firelens:
                    (container,) = main
                    options = container["logConfiguration"]["options"]
                    self.assertEqual((options["Name"], options["Host"], options["Port"]), ("loki", "loki", "3100"))
                    self.assertIn(f"service_name={name},", options["Labels"])
                for container in task["containers"].values():
                    if container["logConfiguration"]["logDriver"] == "awslogs":
                        self.assertTrue(container["logConfiguration"]["options"]["awslogs-group"].startswith(f"/ecs/{state.project}/"), name)

    def test_nothing_of_the_host_is_mounted(self):
        for state in self.each():
            for name, task in state.tasks().items():
                volumes = [(volume["name"], volume["host_path"]) for volume in task["volume"]]
                self.assertEqual(volumes, {"generator": [("runs", None)], "loki": [("config", None)]}.get(name, []), name)

    def test_loki_needs_no_shell(self):
        """Its image has none since 3.6."""
        for state in self.each():
            containers = state.tasks()["loki"]["containers"]
            loki, config = containers["loki"], containers["config"]
            self.assertNotIn("entryPoint", loki)
            self.assertEqual(loki["command"], ["-config.file=/config/loki.yaml"])
            self.assertEqual(loki["dependsOn"], [{"containerName": "config", "condition": "SUCCESS"}])
            self.assertEqual((loki["mountPoints"], config["mountPoints"]), tuple([{"sourceVolume": "config", "containerPath": "/config", "readOnly": read_only}] for read_only in [True, False]))
            self.assertFalse(config["essential"])
            text = environment(config)["LOKI_CONFIG"]
            for line in [f"bucketnames: {state.one('module.observability.module.loki_bucket.aws_s3_bucket.this')['bucket']}", "region: eu-west-1", f"retention_period: {24 * {'bench': 14, 'prod': 30}.get(state.name, 7)}h"]:
                self.assertRegex(text, rf"(?m)^ +{re.escape(line)}$")

    def test_a_servers_environment(self):
        for state in self.each(lambda state: state.own):
            for server in SERVERS:
                variables = environment(state.tasks()[f"temporal-{server}"]["containers"][f"temporal-{server}"])
                self.assertEqual(variables["SERVICES"], server)
                self.assertEqual(variables["TEMPORAL_SQL_HOST"], "abcdefghijklmnopqrstuvwxyz." + ("dsql-fnh4" if state.name != "dev" else "dsql") + ".eu-west-1.on.aws")
                self.assertEqual(variables["TEMPORAL_SQL_USER"], "admin")
                self.assertEqual(variables["DSQL_DISTRIBUTED_RATE_LIMITER_TABLE"], f"{state.project}-dsql-rate-limiter")
                self.assertFalse([name for name, value in variables.items() if value in ["", "null"]])

    def test_health(self):
        for state in self.each(lambda state: state.own):
            probed = {
                server: state.tasks()[f"temporal-{server}"]["containers"][f"temporal-{server}"]["healthCheck"]["command"][-1] for server in SERVERS
            }
            # Worker answers no calls: its ring is all that listens.
            self.assertEqual(probed, {server: f"tcp://127.0.0.1:{port}" for server, port in {"history": 7234, "matching": 7235, "frontend": 7233, "worker": 6939}.items()})


class Benchmark(Case):
    def test_the_generator(self):
        for state in self.each(lambda state: state.benchmark):
            task = state.tasks()["generator"]
            self.assertEqual(list(task["containers"]), ["generator", "attendant", "alloy"])
            generator, attendant = task["containers"]["generator"], task["containers"]["attendant"]
            self.assertEqual(
                environment(generator),
                {
                    "TEMPORAL_ADDRESS": f"frontend.{state.project}.internal:7233" if state.own else "https://namespace.account.tmprl.cloud:7233",
                    "BENCHMARK_NAMESPACE": "benchmark" if state.own else "namespace.account",
                    "BENCHMARK_GENERATOR_ONLY": "true",
                    "BENCHMARK_FLEET_LISTEN": "0.0.0.0:7400",
                    "BENCHMARK_METRICS_LISTEN": "127.0.0.1:9090",
                },
            )
            self.assertEqual([secret["name"] for secret in generator["secrets"]], ["BENCHMARK_FLEET_TOKEN"] + ([] if state.own else ["TEMPORAL_API_KEY"]))
            self.assertEqual((generator["entryPoint"], generator["workingDirectory"]), (["/run-benchmark"], "/"))
            # Stopping reverses this order, so the attendant sees the generator's last result.
            self.assertEqual(generator["dependsOn"], [{"containerName": "attendant", "condition": "HEALTHY"}, {"containerName": "alloy", "condition": "START"}])
            self.assertNotIn("dependsOn", attendant)
            self.assertEqual(environment(attendant).keys(), {"ATTEND_BUCKET", "ATTEND_LEADER_SERVICE", "ATTEND_TTL", "ATTEND_WORKERS", "AWS_REGION"})
            self.assertEqual(environment(attendant)["ATTEND_WORKERS"], f"{state.project}-cluster/{state.project}-benchmark-worker")
            self.assertEqual(environment(attendant)["ATTEND_TTL"], "2h")
            self.assertEqual(attendant["healthCheck"]["command"], ["CMD", "/benchmark-cluster", "attend", "--ready"])
            for container in [generator, attendant]:
                self.assertTrue(container["essential"] and container["readonlyRootFilesystem"])
                self.assertEqual(container["stopTimeout"], 120)
                self.assertEqual(container["mountPoints"], [{"containerPath": "/runs", "readOnly": False, "sourceVolume": "runs"}])
            (volume,) = task["volume"]
            self.assertEqual([(docker["scope"], docker["driver"]) for docker in volume["docker_volume_configuration"]], [("task", "local")])
            # What its role's condition asks for.
            self.assertEqual(task["tags"], {"family": f"{state.project}-generator"})

    def test_generators_that_join(self):
        for state in self.each(lambda state: state.benchmark):
            task = state.tasks()["generator-join"]
            self.assertEqual(list(task["containers"]), ["generator", "alloy"])
            self.assertEqual(task["containers"]["generator"]["command"], ["join", f"leader.{state.project}.internal:7400"])

    def test_workers(self):
        for state in self.each(lambda state: state.benchmark):
            worker = state.tasks()["benchmark-worker"]["containers"]["benchmark-worker"]
            self.assertEqual(
                environment(worker),
                {
                    "BENCHMARK_JOIN": f"leader.{state.project}.internal:7400",
                    "BENCHMARK_STAY": "true",
                    "BENCHMARK_JOIN_TIMEOUT": "24h",
                    "BENCHMARK_METRICS_LISTEN": "127.0.0.1:9090",
                    "TEMPORAL_ADDRESS": "temporal-frontend:7233" if state.own else "https://namespace.account.tmprl.cloud:7233",
                },
            )
            self.assertEqual(worker["healthCheck"]["command"][-1], "http://127.0.0.1:9090/healthz")

    def test_the_bucket(self):
        for state in self.each(lambda state: state.benchmark):
            bucket = "module.benchmark[0].module.results.aws_s3_bucket"
            self.assertEqual(state.one(f"{bucket}_versioning.this[0]")["versioning_configuration"][0]["status"], "Enabled")
            (rule,) = state.one(f"{bucket}_lifecycle_configuration.this")["rule"]
            self.assertEqual((rule["expiration"][0]["days"], rule["noncurrent_version_expiration"][0]["noncurrent_days"]), (365, 30))
            self.assertTrue(state.one(f"{bucket}.this")["force_destroy"])
            self.assertLessEqual(len(state.one(f"{bucket}.this")["bucket"]), 63)


class Pools(Case):
    def test_instances(self):
        for state in self.each():
            for resource in state.of("aws_launch_template"):
                values = resource["values"]
                (metadata,) = values["metadata_options"]
                self.assertEqual((metadata["http_tokens"], metadata["http_put_response_hop_limit"]), ("required", 1))
                (device,) = values["block_device_mappings"]
                # As the provider has it, a text.
                self.assertEqual(device["ebs"][0]["encrypted"], "true")
                self.assertEqual(values["instance_market_options"], [])
            for address, text in state.user_data().items():
                self.assertIn(f"ECS_CLUSTER={state.project}-cluster\n", text)
                self.assertIn("ECS_AWSVPC_BLOCK_IMDS=true\n", text)
                self.assertNotIn("SPOT", text)

    def test_capacity_scales_from_zero_by_itself(self):
        for state in self.each():
            pools = {group["values"]["name"]: group["values"] for group in state.of("aws_autoscaling_group")}
            self.assertEqual(set(pools), {f"{state.project}-{pool}" for pool in (["main", "benchmark", "generator"] if state.benchmark else ["main"])})
            for name, pool in pools.items():
                self.assertEqual((pool["min_size"], pool["desired_capacity"], pool["protect_from_scale_in"], pool["force_delete"]), (0, 0, True, True), name)
            for provider in state.of("aws_ecs_capacity_provider"):
                (group,) = provider["values"]["auto_scaling_group_provider"]
                (scaling,) = group["managed_scaling"]
                self.assertEqual((group["managed_termination_protection"], group["managed_draining"]), ("ENABLED", "ENABLED"))
                self.assertEqual((scaling["status"], scaling["target_capacity"]), ("ENABLED", 100))


class Kept(Case):
    def test_logs_are_kept_for_a_time(self):
        for state in self.each():
            days = {"dev": 7, "bench": 14, "prod": 30}.get(state.name, 7)
            for group in state.of("aws_cloudwatch_log_group"):
                self.assertEqual(group["values"]["retention_in_days"], days, group["address"])

    def test_prod_is_protected(self):
        for state in self.each(lambda state: state.own):
            prod = state.name == "prod"
            self.assertEqual([cluster["values"]["deletion_protection_enabled"] for cluster in state.of("aws_dsql_cluster")], [prod])
            self.assertEqual({table["values"]["deletion_protection_enabled"] for table in state.of("aws_dynamodb_table")}, {prod})
            self.assertEqual({bucket["values"]["force_destroy"] for bucket in state.of("aws_s3_bucket")}, {not prod})
            (domain,) = state.of("aws_opensearch_domain")
            self.assertLessEqual(len(domain["values"]["domain_name"]), 28)
            (config,) = domain["values"]["cluster_config"]
            self.assertEqual((config["dedicated_master_enabled"], config["dedicated_master_count"]), (prod, 3 if prod else None))
            self.assertTrue(config["zone_awareness_enabled"])

    def test_ways_to_aws(self):
        for state in self.each():
            interface = [endpoint["values"]["service_name"] for endpoint in state.of("aws_vpc_endpoint") if endpoint["values"]["vpc_endpoint_type"] == "Interface"]
            gateways = [endpoint["values"]["service_name"].rsplit(".", 1)[1] for endpoint in state.of("aws_vpc_endpoint") if endpoint["values"]["vpc_endpoint_type"] == "Gateway"]
            self.assertEqual(set(gateways), {"s3", "dynamodb"})
            private = state.name not in ["dev", "benchmark-only"]
            self.assertEqual(len(interface), 14 if private else 0)
            self.assertEqual(len(state.of("aws_nat_gateway")), 0 if private else 1)
            self.assertEqual(len(state.of("aws_flow_log")), 1)
            public = [subnet["address"] for subnet in state.of("aws_subnet") if "public" in subnet["address"]]
            self.assertEqual(len(public), 0 if private else 1)
            self.assertFalse(any(subnet["values"]["map_public_ip_on_launch"] for subnet in state.of("aws_subnet")))

    def test_alarms(self):
        for state in self.each():
            names = {alarm["values"]["alarm_name"].removeprefix(f"{state.project}-") for alarm in state.of("aws_cloudwatch_metric_alarm")}
            services = [name for name in state.services() if name != "benchmark-worker"]
            expected = {f"{name}-below-desired" for name in services}
            expected |= {"opensearch-red", "opensearch-storage", "dsql-conflicts"} if state.own else set()
            expected |= {"benchmark-instances-left", "generator-instances-left"} if state.benchmark else set()
            self.assertEqual(names, expected)
            for alarm in state.of("aws_cloudwatch_metric_alarm"):
                self.assertEqual(alarm["values"]["alarm_actions"], ["arn:aws:sns:eu-west-1:111122223333:some"])
            # Each metric is paid for.
            metrics = sum(len([query for query in alarm["values"]["metric_query"] if query["metric"]]) or 1 for alarm in state.of("aws_cloudwatch_metric_alarm"))
            self.assertEqual([item["count"] for item in state.outputs["cost"]["items"] if item["item"] == "metrics of alarms"], [metrics])
            left = [alarm["values"] for alarm in state.of("aws_cloudwatch_metric_alarm") if "instances-left" in alarm["address"] or "benchmark_capacity" in alarm["address"]]
            for alarm in left:
                self.assertEqual(alarm["period"] * alarm["evaluation_periods"], 3 * 3600)
            self.assertEqual(len(state.of("aws_budgets_budget")), 1 if state.name == "whole-stack" else 0)
            for budget in state.of("aws_budgets_budget"):
                told = {(note["notification_type"], note["threshold"]) for note in budget["values"]["notification"]}
                self.assertEqual(told, {("ACTUAL", 80), ("FORECASTED", 100)})
            # Names of events that ECS documents.
            pattern = json.loads(state.one("aws_cloudwatch_event_rule.placement")["event_pattern"])
            self.assertEqual(pattern["detail"]["eventName"], ["SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_TASK_CONFIGURATION_FAILURE", "SERVICE_TASK_START_IMPAIRED"])
