"""Writes what HdrHistogram for Java and for Python say of the stored histograms beside them.

pip install hdrhistogram==0.10.8; HdrHistogram 2.2.2 for Java from org.hdrhistogram:HdrHistogram. Then, in this folder:
python3 reference.py HdrHistogram-2.2.2.jar
"""

import json
import pathlib
import subprocess
import sys

from hdrh.histogram import HdrHistogram

FILE = pathlib.Path(__file__).parent.parent / "histograms.json"
PERCENTILES = [50, 75, 90, 95, 99, 99.9, 99.99]


def figures(count, low, high, mean, percentiles):
    return {"count": count, "min": low, "max": high, "mean": mean, "percentiles": percentiles}


def python(text):
    histogram = HdrHistogram.decode(text.encode())
    if histogram.get_total_count() == 0:
        return figures(0, 0, 0, 0.0, [0] * len(PERCENTILES))
    return figures(
        histogram.get_total_count(),
        histogram.get_min_value(),
        histogram.get_max_value(),
        histogram.get_mean_value(),
        [histogram.get_value_at_percentile(percentile) for percentile in PERCENTILES],
    )


def java(texts, jar):
    command = ["java", "-cp", jar, str(pathlib.Path(__file__).parent / "Reference.java")]
    lines = subprocess.run(command, input="\n".join(texts) + "\n", capture_output=True, text=True, check=True).stdout
    for line in lines.splitlines():
        count, low, high, mean, *percentiles = line.split()
        yield figures(int(count), int(low), int(high), float(mean), [int(value) for value in percentiles])


def main():
    stored = json.loads(FILE.read_text())
    for entry, told in zip(stored, java([entry["text"] for entry in stored], sys.argv[1])):
        entry["java"] = told
        entry["python"] = python(entry["text"])
    FILE.write_text(json.dumps(stored, indent=2) + "\n")


main()
