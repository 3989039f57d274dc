"""Runs one file of tests, and says what it said only when it is done: several run at once."""

import io
import pathlib
import sys
import time
import unittest

file = pathlib.Path(sys.argv[1])
begun = time.monotonic()
said = io.StringIO()
suite = unittest.defaultTestLoader.loadTestsFromName(file.stem)
result = unittest.TextTestRunner(said, verbosity=2).run(suite)
right = result.wasSuccessful() and result.testsRun > 0 and not result.skipped
text = "" if right else said.getvalue()
print(f"   {file.stem}: {result.testsRun} tests {'passed' if right else 'FAILED'} in {time.monotonic() - begun:.0f} s\n{text}", end="", flush=True)
sys.exit(0 if right else 1)
