"""The tests that docs/guarantees.md names are there."""

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
    """Of all files of that name; the document may put a folder before it."""
    found = [path for ending in (".cc", ".py")
             for path in glob.glob(f"{TESTS}/**/{name}{ending}", recursive=True)]
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


if __name__ == "__main__":
    unittest.main()
