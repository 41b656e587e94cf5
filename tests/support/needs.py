"""What a marked test needs; where it is missing the test is not run, and the summary says so."""

import shutil
from collections import Counter

import pytest

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing_needs(config: pytest.Config) -> dict[str, str]:
    """Markers whose tests are not to run now, with the reason."""
    asked: str = config.option.markexpr or ""
    present = {
        "slow": config.getoption("--all") or "slow" in asked,
        "browser": any(shutil.which(name) for name in BROWSERS),
        "neo4j": shutil.which("java") and shutil.which("mvn"),
        "npm": shutil.which("npm"),
    }
    reasons = {
        "slow": "slow (add --all)",
        "browser": "needs Chromium",
        "neo4j": "needs Java and Maven",
        "npm": "needs Node and npm",
    }
    return {marker: reasons[marker] for marker, found in present.items() if not found}


def skip_what_cannot_run(config: pytest.Config, items: list[pytest.Item]) -> None:
    missing = missing_needs(config)
    for item in items:
        for marker, reason in missing.items():
            if item.get_closest_marker(marker):
                item.add_marker(pytest.mark.skip(reason=reason))
                break


def lines_about_skipped(reports: list[pytest.TestReport]) -> list[str]:
    counts = Counter(reason_of(report) for report in reports)
    return [f"not run: {count} {'test' if count == 1 else 'tests'}, {why}" for why, count in counts.items()]


def reason_of(report: pytest.TestReport) -> str:
    return report.longrepr[2].removeprefix("Skipped: ") if isinstance(report.longrepr, tuple) else "unknown"
