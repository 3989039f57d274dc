"""bake.hcl as targets: what is inherited, variables' defaults and the matrix put in, as buildx would.

As a program: `bake.py` prints a line for each target: name, context, Dockerfile and arguments, with tabs between. `bake.py -`
reads what `buildx bake --print` says and fails where that is something else.
"""

import json
import pathlib
import re
import sys

import hcl2

ROOT = pathlib.Path(__file__).resolve().parents[2]


def _plain(value):
    """A value of python-hcl2 without its quotes; a bare name becomes a template of it."""
    if isinstance(value, dict):
        return {_name(key): _plain(inner) for key, inner in value.items() if not key.startswith("__")}
    if isinstance(value, list):
        return [_plain(inner) for inner in value]
    if isinstance(value, str):
        if value.startswith('"'):
            return value[1:-1]
        return value if value.startswith("${") else "${" + value + "}"
    return value


def _name(key):
    return key.strip('"')


def _filled(value, names):
    """Templates put in. What is not known is an error, as in buildx."""
    if isinstance(value, dict):
        return {key: _filled(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, names) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{([^}]*)\}", lambda found: names[found[1]], value)
    return value


def variables():
    """Each variable's default."""
    return {name: block["default"] for name, block in _blocks("variable").items()}


def groups():
    """Each group's targets."""
    return {name: block["targets"] for name, block in _blocks("group").items()}


def _blocks(kind):
    with open(ROOT / "docker/bake.hcl", encoding="utf-8") as file:
        read = hcl2.load(file)
    return {name: block for entry in read[kind] for name, block in _plain(entry).items()}


def targets():
    """Each target that is an image; one of a matrix for each of its values."""
    blocks, known, found = _blocks("target"), variables(), {}
    for name, block in blocks.items():
        if "tags" not in block:
            continue
        whole = {}
        for parent in block.pop("inherits", []):
            whole.update(blocks[parent])
        whole.update(block)
        matrix = whole.pop("matrix", None)
        if matrix is None:
            found[name] = _filled(whole, known)
            continue
        ((item, values),) = matrix.items()
        for value in _filled(values, known):
            names = known | {f"{item}.{key}": inner for key, inner in value.items()}
            one = _filled(whole, names)
            found[one.pop("name")] = one
    return found


def printed(said):
    """The targets of `buildx bake --print`, in the words of the file."""
    found = json.loads(said)["target"]
    for target in found.values():
        attest = [",".join(f"{key}={one[key]}" for key in sorted(one, reverse=True)) for one in target["attest"]]
        target["attest"] = attest
    return found


if __name__ == "__main__":
    if sys.argv[1:] == ["-"]:
        ours, theirs = targets(), printed(sys.stdin.read())
        for name in sorted(ours.keys() | theirs.keys()):
            if ours.get(name) != theirs.get(name):
                raise SystemExit(f"docker/tests/bake.py: {name}: read as {ours.get(name)}; buildx says {theirs.get(name)}")
    else:
        for name, target in targets().items():
            print(name, target["context"], target["dockerfile"], *(f"{key}={value}" for key, value in target["args"].items()), sep="\t")
