"""What commands show while and after they compute."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from domain.standings.compare import Comparison
from domain.standings.compute_standings import ActivePolicy
from domain.standings.recompute import Progress as Advance
from domain.standings.review_customers import ReviewCounts


@contextmanager
def blocks_bar(console: Console, words: str) -> Iterator[Advance]:
    """A bar over blocks of customers; silent where the output is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar:
        task = bar.add_task(words, total=None)
        yield lambda done, of_all: bar.update(task, completed=done, total=of_all)


def counts_table(title: str, counts: Mapping[str, int]) -> Table:
    table = Table("", "number", title=title, box=None, title_justify="left")
    for words, number in counts.items():
        table.add_row(words, f"{number:,}")
    return table


def review_table(title: str, counts: ReviewCounts) -> Table:
    words = {name.replace("_", " "): number for name, number in asdict(counts).items()}
    return counts_table(title, words)


def tiers_table(policy: ActivePolicy, comparison: Comparison) -> Table:
    """How many hold each tier as stored and as computed, best first."""
    moves = comparison.moves[policy.policy_id]
    title = f"{policy.version.policy_code} version {policy.version.number}"
    table = Table("tier", "stored", "computed", "rises to it", "falls to it", title=title, box=None)
    names = {0: "no tier", **{tier.rank: tier.code for tier in policy.version.rule.tiers}}
    for rank, name in sorted(names.items(), reverse=True):
        rises, falls = int(moves[:rank, rank].sum()), int(moves[rank + 1 :, rank].sum())
        numbers = (int(moves[rank].sum()), int(moves[:, rank].sum()), rises, falls)
        table.add_row(name, *(f"{number:,}" for number in numbers))
    return table
