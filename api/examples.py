"""The example operations of a checkout; an installed wheel has none and does without."""

from pathlib import Path

from api.query_page.examples import Example, read_examples

FOLDER = Path(__file__).parent.parent / "examples"


def load_examples() -> tuple[Example, ...]:
    return read_examples(FOLDER) if FOLDER.is_dir() else ()
