"""An explanation of `api.explain` as a person reads it: fields first, then every step with its text and plan."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.syntax import Syntax
from rich.text import Text
from rich.tree import Tree

LINE_CHARACTERS = 1_000
"""Of the text of a statement; all of it is in `extensions.explain`."""

MARKS = str.maketrans({"\x01": "⟨", "\x02": "⟩", "\x03": "¦"})
"""Where the printed text has holes, for functions and the graph."""


def print_explanation(console: Console, explanation: Mapping[str, Any]) -> None:
    if "reference" in explanation:
        console.print(
            f"There is no plan: {explanation['reference']}. The reference reader answered, field by field."
        )
        return
    steps: Sequence[Mapping[str, Any]] = explanation["steps"]
    fields = Tree(f"[bold]Fields[/bold] (planned in {explanation['planMs']:g} ms)")
    for one in explanation["fields"]:
        add_field(fields, one)
    console.print(fields)
    for number, step in enumerate(steps, 1):
        console.print()
        print_step(console, number, step)


def add_field(tree: Tree, one: Mapping[str, Any]) -> None:
    if "columns" in one:
        tree.add(Text(", ".join(one["columns"]), style="dim"))
        return
    line = Text(one["field"], style="bold")
    if "from" in one:
        line.append(f"  {one['from']}", style="magenta" if "question" in one else "cyan")
    branch = tree.add(line)
    for inner in one.get("fields", ()):
        add_field(branch, inner)


def print_step(console: Console, number: int, step: Mapping[str, Any]) -> None:
    what = f"{step['store']}: {step['question']}" if "question" in step else step["store"]
    took = f"{step['rows']} rows in {step['ms']:g} ms" if "ms" in step else "no answer"
    console.print(Text.assemble((f"Step {number}  {what}", "bold"), f"  {took}"))
    text = str(step.get("sql") or step["cypher"]).translate(MARKS)
    shown = text if len(text) <= LINE_CHARACTERS else f"{text[:LINE_CHARACTERS]} … ({len(text):,} characters)"
    language = "sql" if "sql" in step else "cypher"
    console.print(Syntax(shown, language, word_wrap=True, theme="ansi_dark", background_color="default"))
    if "plan" in step:
        plan = step["plan"]
        tree = Tree(
            f"[bold]What PostgreSQL did[/bold] (again: planned in {plan['planMs']:g} ms, ran {plan['runMs']:g} ms)"
        )
        add_plan(tree, plan)
        console.print(tree)


def add_plan(tree: Tree, node: Mapping[str, Any]) -> None:
    line = Text(node["step"])
    loops = f", {node['loops']:,} times" if node["loops"] > 1 else ""
    line.append(f"  {node['rows']:,} rows{loops}, {node['ms']:g} ms", style="cyan")
    if "warning" in node:
        line.append(f"  ! {node['warning']}", style="bold red")
        if "filter" in node:
            line.append(f" {node['filter']}", style="dim")
    branch = tree.add(line)
    for inner in node.get("steps", ()):
        add_plan(branch, inner)
