"""docs/what-others-ran-into.md names tests that exist, and enough of them."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import pytest

from harness.places import ROOT

PAGE = ROOT / "docs" / "what-others-ran-into.md"
ROW = re.compile(r"^\| \[.+\|$", re.MULTILINE)
NAMED = re.compile(r"`(?:(\w+\.py)::(\w+)|([A-Z]\w+)\.(\w+))`")
LINK = re.compile(
    r"\[(?:([\w.-]+/[\w.-]+)#(\d+)|(KAFKA-\d+))\]\(https://"
    r"(?:github\.com/([\w.-]+/[\w.-]+)/(?:issues|pull)/(\d+)|issues\.apache\.org/jira/browse/(KAFKA-\d+))\)"
)
LEAST = 40


def rows() -> list[list[str]]:
    """Report, symptom, what happens here, tests, controls."""
    return [row.strip("| ").split(" | ") for row in ROW.findall(PAGE.read_text())]


@cache
def known() -> frozenset[str]:
    """Every test of the project, named as on the page."""
    # What git knows and what it would add: no environment, nothing that was built.
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py", "*.java"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:
        pytest.skip(f"no git repository: {listed.stderr.strip()}")
    found = set()
    for name in listed.stdout.splitlines():
        path = ROOT / name
        if not path.exists():
            continue
        if path.name.startswith("test_"):
            found |= {
                f"{path.name}::{test}"
                for test in re.findall(r"^(?:    )?def (test_\w+)", path.read_text(), re.MULTILINE)
            }
        elif "/src/test/" in name and path.suffix == ".java":
            found |= {
                f"{path.stem}.{test}"
                for test in re.findall(
                    r"@(?:Repeated|Parameterized)?Test\b.*?\bvoid (\w+)\(",
                    path.read_text(),
                    re.DOTALL,
                )
            }
    return frozenset(found)


def test_there_are_enough_reports() -> None:
    assert len(rows()) >= LEAST


def test_the_readme_leads_there() -> None:
    assert f"]({PAGE.relative_to(ROOT)})" in (ROOT / "README.md").read_text()


def test_each_row_has_a_link_and_its_text_says_where_it_leads() -> None:
    for row in rows():
        links = LINK.findall(row[0])
        assert links, row[0]
        assert len(links) == row[0].count("]("), row[0]
        for name, number, jira, there, number_there, jira_there in links:
            assert (name, number, jira) == (there, number_there, jira_there)


def test_no_report_is_told_twice() -> None:
    links = [link for row in rows() for link in re.findall(r"\]\((.+?)\)", row[0])]
    assert len(links) == len(set(links))


def test_every_test_that_is_named_exists() -> None:
    missing = []
    for row in rows():
        assert len(row) == 5, row
        named = [
            f"{file}::{test}" if file else f"{of}.{method}"
            for cell in row[3:]
            for file, test, of, method in NAMED.findall(cell)
        ]
        assert NAMED.findall(row[3]), row[3]
        assert row[4] == "—" or NAMED.findall(row[4]), row[4]
        missing += [name for name in named if name not in known()]
    assert missing == []


def test_a_test_that_does_not_exist_would_be_found() -> None:
    assert "test_page.py::test_there_are_enough_reports" in known()
    assert "DeliveryIT.aSecondRelayIsRefused" in known()
    assert "test_page.py::test_there_is_no_such_test" not in known()
