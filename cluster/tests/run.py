"""Runs the tests of one class, and says what they said only when they are done: several classes run at once.

    run.py FILE…      lists the classes with tests, as FILE:CLASS
    run.py FILE:CLASS runs one
"""

import io
import pathlib
import signal
import sys
import time
import unittest


def classes(files):
    for file in files:
        module = __import__(pathlib.Path(file).stem)
        for name, found in vars(module).items():
            if isinstance(found, type) and issubclass(found, unittest.TestCase) and unittest.defaultTestLoader.getTestCaseNames(found):
                yield f"{file}:{name}"


def run(file, name):
    begun = time.monotonic()
    said = io.StringIO()
    suite = unittest.defaultTestLoader.loadTestsFromName(f"{pathlib.Path(file).stem}.{name}")
    result = unittest.TextTestRunner(said, verbosity=2).run(suite)
    right = result.wasSuccessful() and result.testsRun > 0 and not result.skipped
    told = f"   {pathlib.Path(file).stem} {name}: {result.testsRun} tests {'passed' if right else 'FAILED'} in {time.monotonic() - begun:.0f} s"
    print(told if right else f"{told}\n{said.getvalue()}", flush=True)
    return right


if ":" in sys.argv[1]:
    # Servers and processes of tasks end with this one, also when it is told to end.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(0 if run(*sys.argv[1].split(":")) else 1)
print("\n".join(classes(sys.argv[1:])))
