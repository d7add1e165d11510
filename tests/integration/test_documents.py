"""The tests that the documents name are there, and say themselves what they are named for."""

import glob
import os
import re
import unittest

TESTS = os.path.abspath(os.path.join(os.path.dirname(__file__), ".."))
FILE = re.compile(r"(?:\w+/)*(?:\w+_test|test_\w+)")


def lines_of(document):
    with open(os.path.join(TESTS, "../docs", document)) as file:
        return file.read().splitlines()


def content_of(name):
    """Of all files of that name; the document may put a folder before it. The simulator's scenarios
    are in several files."""
    pattern = "simulation/*scenarios_test" if name == "scenarios_test" else f"**/{name}"
    found = [path for ending in (".cc", ".py")
             for path in glob.glob(f"{TESTS}/{pattern}{ending}", recursive=True)]
    content = ""
    for path in found:
        with open(path) as file:
            content += file.read()
    return content


def has_test(content, name):
    if FILE.fullmatch(name.split(".")[1]):
        group, test = name.split(".")
        [*_, methods] = re.split(rf"^class {group}\(", content, flags=re.M)
        return f"def {test}(" in re.split(r"^class ", methods, flags=re.M)[0]
    return re.search(rf"^TEST(_F|_P)?\({name.replace('.', ', ')}\)", content, re.M)


class Documents(unittest.TestCase):
    def test_every_guarantee_names_tests_that_exist(self):
        text = "\n".join(lines_of("guarantees.md"))
        count, content = 0, ""
        for shown in re.findall(r"Shown[^:`]*:(.*?)(?:\n\n|\n- |\Z)", text, re.S):
            for name in re.findall(r"`([^`]+)`", shown):
                if FILE.fullmatch(name):
                    content = content_of(name)
                    self.assertTrue(content, name)
                else:
                    count += 1
                    self.assertTrue(has_test(content, name), name)
        self.assertGreater(count, 80)

    def test_every_proof_of_an_invariant_and_of_a_fault_says_that_it_is_one(self):
        rows = [line.split("|")[1:3] for line in lines_of("architecture.md")
                if re.match(r"\| [IFL]\d+ ", line)]
        self.assertEqual([row[0].split()[0] for row in rows if "F" in row[0].split()[0]],
                         [f"F{number}" for number in range(1, 28)])
        for row in rows:
            tag = row[0].split()[0]
            for name in re.findall(r"`([^`]+)`", row[1]):
                if FILE.fullmatch(name):
                    self.assertTrue(re.search(rf"\b{tag}\b", content_of(name)), (tag, name))


if __name__ == "__main__":
    unittest.main()
