"""Runs the tests inside the installed `riak` package and writes what becomes of each, one JSON object a line.

Runs in the private environment of Riak's client (Python 3.6 or later). A line {"start": ID} before each test tells
which one hangs, should one hang; {"id": ID, "outcome": ..., "text": ...} follows it; {"finished": true} is the last.
"""
import json
import os
import sys
import unittest

import riak.tests


class JSONResult(unittest.TextTestResult):
    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.file = open(os.environ["KINDRED_SUITE_RESULTS"], "w", encoding="utf-8")

    def line(self, **fields):
        self.file.write(json.dumps(fields) + "\n")
        self.file.flush()

    def outcome(self, test, outcome, text=""):
        self.line(id=test.id(), outcome=outcome, text=text)

    def startTest(self, test):
        super().startTest(test)
        self.line(start=test.id())

    def addSuccess(self, test):
        super().addSuccess(test)
        self.outcome(test, "passed")

    # Errors of setUpModule and setUpClass come here too, under an id of their own.
    def addError(self, test, error):
        super().addError(test, error)
        self.outcome(test, "failed", self._exc_info_to_string(error, test))

    def addFailure(self, test, error):
        super().addFailure(test, error)
        self.outcome(test, "failed", self._exc_info_to_string(error, test))

    def addSubTest(self, test, subtest, error):
        super().addSubTest(test, subtest, error)
        if error is not None:
            self.outcome(subtest, "failed", self._exc_info_to_string(error, test))

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.outcome(test, "skipped", reason)

    def addExpectedFailure(self, test, error):
        super().addExpectedFailure(test, error)
        self.outcome(test, "passed")

    def addUnexpectedSuccess(self, test):
        super().addUnexpectedSuccess(test)
        self.outcome(test, "failed", "passed although the suite expects it to fail")


def ids(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from ids(test)
        else:
            yield test.id()


def main():
    folder = os.path.dirname(riak.tests.__file__)
    top = os.path.dirname(os.path.dirname(folder))
    suite = unittest.TestLoader().discover(folder, top_level_dir=top)
    known = list(ids(suite))
    # Whoever started this prints the verdict; unittest's own report would say everything twice.
    with open(os.devnull, "w") as nowhere:
        result = unittest.TextTestRunner(stream=nowhere, verbosity=0, resultclass=JSONResult).run(suite)
    result.line(finished=True, known=known)
    result.file.close()
    sys.stdout.flush()
    # The client's pools of threads may outlive a lost server for ever.
    os._exit(0)


main()
