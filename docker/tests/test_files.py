"""Dockerfiles, bake.hcl, compose.yaml, the dynamic configurations and what terraform/ expects of the images, held against each
other. Nothing is built."""

import json
import pathlib
import re
import tomllib
import unittest

import yaml

import bake

ROOT = bake.ROOT
DOCKER = ROOT / "docker"
TARGETS = bake.targets()
COMPOSE = yaml.safe_load((DOCKER / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
# What BuildKit sets by itself.
PLATFORM = {"TARGETARCH"}


def instructions(dockerfile):
    """A Dockerfile's instructions, continued lines joined: pairs of word and rest."""
    text = re.sub(r"\\\n", " ", pathlib.Path(dockerfile).read_text())
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(word, rest.strip()) for word, _, rest in (line.partition(" ") for line in lines)]


def dockerfile(target):
    return (ROOT / target["context"] / target["dockerfile"]).resolve()


def environment(dockerfile):
    """What the image sets itself."""
    return dict(pair.split("=", 1) for word, rest in instructions(dockerfile) if word == "ENV" for pair in rest.split())


def compiled():
    """What docker/binaries makes: our programs, and Temporal's."""
    script = (DOCKER / "binaries").read_text()
    ours, servers = (re.search(rf"^{name}=\((.*)\)$", script, re.M)[1].split() for name in ("programs", "servers"))
    return {pair.split("=")[1] for pair in ours}, {pair.split("=")[1] for pair in servers}


def tfvars(name):
    """Images that an environment of terraform/ runs: variable and text."""
    text = (ROOT / f"terraform/envs/{name}.tfvars").read_text()
    return dict(re.findall(r'^(\w+)_image\s*=\s*"([^"]+)"', text, re.M))


class Bake(unittest.TestCase):
    def test_every_target_has_its_files(self):
        ours, servers = compiled()
        for name, target in TARGETS.items():
            context = ROOT / target["context"]
            for word, rest in instructions(dockerfile(target)):
                if word != "COPY" or "--from=" in rest:
                    continue
                *sources, _ = [part for part in rest.split() if not part.startswith("--")]
                for source in sources:
                    with self.subTest(target=name, source=source):
                        if source.startswith("bin/${TARGETARCH}/"):
                            made = ours | servers | {"ca-certificates.crt"}
                            wanted = pathlib.PurePath(source).name
                            self.assertTrue(any(pathlib.PurePath(file).match(wanted) for file in made))
                        else:
                            self.assertTrue(list(context.glob(source)), "nothing there")

    def test_images_hold_what_is_compiled_and_all_of_it(self):
        ours, servers = compiled()
        copied = {
            pathlib.PurePath(source).name
            for target in TARGETS.values()
            for word, rest in instructions(dockerfile(target))
            if word == "COPY"
            for source in rest.split()
            if source.startswith("bin/")
        }
        for program in ours | servers:
            self.assertTrue(any(pathlib.PurePath(program).match(pattern) for pattern in copied), program)

    def test_every_argument_is_taken_and_every_one_that_is_taken_is_given(self):
        for name, target in TARGETS.items():
            taken = {rest for word, rest in instructions(dockerfile(target)) if word == "ARG"}
            self.assertEqual(taken - PLATFORM, set(target["args"]), name)

    def test_nothing_runs_in_a_build(self):
        for file in DOCKER.glob("*.Dockerfile"):
            self.assertNotIn("RUN", [word for word, _ in instructions(file)], file.name)

    def test_both_architectures_with_contents_and_provenance(self):
        for name, target in TARGETS.items():
            self.assertEqual(target["platforms"], ["linux/arm64", "linux/amd64"], name)
            self.assertEqual({text.split(",")[0] for text in target["attest"]}, {"type=sbom", "type=provenance"}, name)

    def test_the_default_group_is_all_of_them(self):
        (listed,) = bake.groups().values()
        self.assertEqual({name.split("-")[0] if name.startswith("mirror-") else name for name in TARGETS}, set(listed))

    def test_bases_have_a_version_and_tags_say_which(self):
        for name, target in TARGETS.items():
            if "BASE" not in target["args"]:
                continue
            base, tag = target["args"]["BASE"], target["tags"][0]
            self.assertRegex(base, r"^[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:v?\d+\.\d+[\d.]*(@sha256:[0-9a-f]{64})?$", name)
            if name == "grafana" or name.startswith("mirror-"):
                self.assertEqual(base.partition("@")[0].rpartition(":")[2].removeprefix("v"), tag.rpartition(":")[2], name)

    def test_tags_are_those_that_terraform_runs(self):
        made = {tag for target in TARGETS.values() for tag in target["tags"]}
        for name in ("dev", "bench", "prod"):
            self.assertEqual(set(tfvars(name).values()), made, name)

    def test_versions_are_those_of_the_sources(self):
        cargo = tomllib.loads((ROOT / "Cargo.toml").read_text())
        self.assertEqual(bake.variables()["VERSION"], cargo["workspace"]["package"]["version"])
        script = (DOCKER / "test").read_text()
        self.assertIn(f"go.temporal.io/server@v{bake.variables()['TEMPORAL_VERSION']}", script)
        # Go numbers Prometheus 3.16.0 so.
        major, minor, patch = SERVICES["prometheus"]["image"].rpartition(":v")[2].split(".")
        self.assertIn(f"cmd/prometheus@v0.{major}{minor}.{patch}", script)
        # The CLI that the tests have.
        (version,) = re.findall(r'CLI_VERSION: &str = "([^"]+)"', (ROOT / "temporal/src/embedded/cache.rs").read_text())
        self.assertEqual(set(re.findall(r"temporal(?:-|@)(v\d[0-9.]*)", script)), {version})


class Health(unittest.TestCase):
    """Who asks whether something is healthy finds the program where the image has it."""

    def test_terraform_calls_it_where_it_lies(self):
        for module, image in (("benchmark", "benchmark"), ("temporal-service", "temporal")):
            text = (ROOT / f"terraform/modules/{module}/main.tf").read_text()
            called = set(re.findall(r'"CMD", "(\S*benchmark-cluster)"', text))
            copies = [rest.split() for word, rest in instructions(DOCKER / f"{image}.Dockerfile") if word == "COPY"]
            (folder,) = {parts[-1] for parts in copies if any(part.endswith("/benchmark-cluster") for part in parts)}
            self.assertEqual(called, {f"{folder}benchmark-cluster"}, module)

    def test_the_image_asks_what_terraform_asks(self):
        (check,) = [rest for word, rest in instructions(DOCKER / "benchmark.Dockerfile") if word == "HEALTHCHECK"]
        asked = json.loads(check.partition(" CMD ")[2])
        text = (ROOT / "terraform/modules/benchmark/main.tf").read_text()
        self.assertIn(json.dumps(["CMD", *asked]), text)

    def test_what_compose_starts_of_it_listens_there(self):
        for name in ("worker-1", "generator"):
            self.assertEqual(SERVICES[name]["environment"]["BENCHMARK_METRICS_LISTEN"], "0.0.0.0:9090")


class Profile(unittest.TestCase):
    def test_images_are_built_stripped_and_not_incrementally(self):
        profile = tomllib.loads((ROOT / "Cargo.toml").read_text())["profile"]["image"]
        self.assertEqual(profile, {"inherits": "release", "incremental": False, "strip": True})


class Compose(unittest.TestCase):
    def test_what_is_built_is_a_target_of_bake(self):
        by_tag = {target["tags"][0]: target for target in TARGETS.values()}
        built = {name: service for name, service in SERVICES.items() if "build" in service}
        self.assertEqual(
            {service["image"] for service in built.values()},
            {TARGETS[name]["tags"][0] for name in ("benchmark", "temporal", "admin-tools", "grafana")},
        )
        for name, service in built.items():
            target, build = by_tag[service["image"]], service["build"]
            context = (DOCKER / build["context"]).resolve()
            self.assertEqual(context, (ROOT / target["context"]).resolve(), name)
            self.assertEqual((context / build["dockerfile"]).resolve(), dockerfile(target), name)
            given = {key: str(value) for key, value in build["args"].items()}
            self.assertEqual(given, {key: target["args"][key] for key in given}, name)
            self.assertLessEqual(set(target["args"]) - set(given), {"REVISION"}, name)

    def test_the_rest_has_a_version(self):
        for name, service in SERVICES.items():
            if "build" not in service:
                self.assertRegex(service["image"], r"^[a-z0-9.-]+\.[a-z]+/\S+:v?\d+", name)

    def test_programs_are_those_of_the_image(self):
        ours, _ = compiled()
        for name in ("worker-1", "worker-2", "generator"):
            (program,) = SERVICES[name]["entrypoint"]
            self.assertIn(program, {f"/{program}" for program in ours}, name)

    def test_what_is_mounted_is_there(self):
        for name, service in SERVICES.items():
            for volume in service.get("volumes", []):
                source = volume.split(":")[0]
                if source.startswith("."):
                    self.assertTrue((DOCKER / source).exists(), f"{name}: {source}")
                else:
                    self.assertIn(source, COMPOSE["volumes"], name)

    def test_only_this_machine_reaches_it(self):
        for name, service in SERVICES.items():
            for port in service.get("ports", []):
                self.assertTrue(port.startswith("127.0.0.1:"), f"{name}: {port}")

    def test_what_is_waited_for_can_say_that_it_is_ready(self):
        for name, service in SERVICES.items():
            for other, how in service.get("depends_on", {}).items():
                self.assertIn(other, SERVICES, name)
                if how["condition"] == "service_healthy":
                    self.assertIn("healthcheck", SERVICES[other], f"{name} waits for {other}")

    def test_the_run_is_one_fleet(self):
        generator = SERVICES["generator"]["environment"]
        workers = [service["environment"] for service in SERVICES.values() if service.get("entrypoint") == ["/benchmark-worker"]]
        self.assertEqual(generator["BENCHMARK_EXPECT_WORKERS"], len(workers))
        port = generator["BENCHMARK_FLEET_LISTEN"].rpartition(":")[2]
        for worker in workers:
            self.assertEqual(worker["BENCHMARK_JOIN"], f"generator:{port}")
            self.assertEqual(worker["BENCHMARK_FLEET_TOKEN"], generator["BENCHMARK_FLEET_TOKEN"])
            self.assertEqual(worker["TEMPORAL_ADDRESS"], generator["TEMPORAL_ADDRESS"])

    def test_variables_of_the_programs_are_documented(self):
        options = (ROOT / "docs/options.md").read_text()
        for name in ("worker-1", "generator"):
            for variable in SERVICES[name]["environment"]:
                self.assertIn(f"`{variable}`", options, name)

    def test_prometheus_scrapes_what_listens(self):
        config = yaml.safe_load((DOCKER / "prometheus.yaml").read_text())
        scraped = [target for job in config["scrape_configs"] for static in job["static_configs"] for target in static["targets"]]
        listens = {}
        for name, service in SERVICES.items():
            variables = service.get("environment", {})
            at = variables.get("BENCHMARK_METRICS_LISTEN") or variables.get("PROMETHEUS_ENDPOINT")
            if at:
                listens[f"{name}:{at.rpartition(':')[2]}"] = at
        self.assertEqual(set(scraped), set(listens))
        self.assertTrue(all(at.startswith("0.0.0.0:") for at in listens.values()))

    def test_the_run_asks_the_server_for_its_figures(self):
        self.assertEqual(SERVICES["generator"]["environment"]["BENCHMARK_SERVER_METRICS"], "http://temporal:9090/metrics")


class Grafana(unittest.TestCase):
    def variables(self, *files):
        return {name for file in files for name in re.findall(r"\$([A-Z_]+)", (ROOT / "dashboards" / file).read_text())}

    def copied(self):
        sources = [part for word, rest in instructions(DOCKER / "grafana.Dockerfile") if word == "COPY" for part in rest.split()[:-1]]
        return [file.relative_to(ROOT / "dashboards") for source in sources for file in sorted((ROOT / "dashboards").glob(source))]

    def test_on_aws_every_variable_is_set_by_the_image_or_the_task(self):
        files = [file for file in self.copied() if file.suffix == ".yaml"]
        task = (ROOT / "terraform/modules/observability/main.tf").read_text()
        grafana = task[task.index('module "grafana"') :]
        set_there = set(re.findall(r"^\s+([A-Z][A-Z0-9_]+)\s+=", grafana, re.M)) | set(environment(DOCKER / "grafana.Dockerfile"))
        self.assertLessEqual(self.variables(*files), set_there)

    def test_there_is_one_default_data_source(self):
        for files in (self.copied(), ["provisioning/datasources/prometheus.yaml"]):
            read = [yaml.safe_load((ROOT / "dashboards" / file).read_text()) for file in files if "datasources" in str(file)]
            self.assertEqual(sum(source.get("isDefault", False) for one in read for source in one["datasources"]), 1)

    def test_the_boards_are_in_it(self):
        boards = [file for file in self.copied() if file.suffix == ".json"]
        self.assertEqual({str(file) for file in boards}, {f"{name}.json" for name in ("bench", "workers", "server", "dsql", "logs")})

    def test_its_plug_in_is_that_of_the_data_source(self):
        source = yaml.safe_load((ROOT / "dashboards/provisioning/datasources/amazon-prometheus.yaml").read_text())["datasources"][0]
        self.assertEqual(environment(DOCKER / "grafana.Dockerfile")["GF_PLUGINS_PREINSTALL_SYNC"], source["type"])

    def test_here_every_variable_is_set(self):
        service = SERVICES["grafana"]
        mounted = dict(volume.split(":")[:2] for volume in service["volumes"])
        folder = service["environment"]["GF_PATHS_PROVISIONING"]
        self.assertTrue(all(target.startswith(f"{folder}/") for target in mounted.values()))
        paths = [(DOCKER / source).resolve() for source in mounted]
        files = [file for path in paths for file in (path.glob("*.yaml") if path.is_dir() else [path])]
        wanted = self.variables(*(file.relative_to(ROOT / "dashboards") for file in files))
        self.assertLessEqual(wanted, set(service["environment"]) | set(environment(DOCKER / "grafana.Dockerfile")))


class DynamicConfiguration(unittest.TestCase):
    NAMES = ("dev", "bench", "prod")

    def read(self, name):
        values = yaml.safe_load((DOCKER / f"dynamicconfig/{name}.yaml").read_text())
        for key, entries in values.items():
            self.assertEqual([list(entry) for entry in entries], [["value"]], f"{name}: {key}")
        return {key: entries[0]["value"] for key, entries in values.items()}

    def test_there_is_one_for_each_environment_of_terraform(self):
        environments = sorted(file.stem for file in (ROOT / "terraform/envs").glob("*.tfvars"))
        self.assertEqual(environments, sorted(self.NAMES))
        self.assertEqual(sorted(file.stem for file in (DOCKER / "dynamicconfig").glob("*")), sorted(self.NAMES))

    def test_they_have_the_same_keys_and_the_table_has_their_values(self):
        dev, bench, prod = (self.read(name) for name in self.NAMES)
        self.assertEqual(list(dev), list(bench))
        self.assertEqual(list(dev), list(prod))
        table = (ROOT / "docs/images.md").read_text()
        for key, value in dev.items():
            row = f"| `{key}` | {value} | {bench[key]} | {prod[key]} |".replace("True", "true")
            self.assertIn(row, table)
        self.assertEqual(len(re.findall(r"^\| `(?:frontend|history|matching|system)\.", table, re.M)), len(dev))

    def test_partitions_are_as_many_to_read_as_to_write(self):
        for name in self.NAMES:
            values = self.read(name)
            self.assertEqual(values["matching.numTaskqueueReadPartitions"], values["matching.numTaskqueueWritePartitions"])


if __name__ == "__main__":
    unittest.main()
