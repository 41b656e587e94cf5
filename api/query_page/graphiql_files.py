"""Which files make GraphiQL, from which npm package each comes, and what each must be to the byte."""

import hashlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class PackageFile:
    """`source` is a path below node_modules; `name` is what the page asks for."""

    name: str
    source: str
    sha256: str


GRAPHIQL_FILES = (
    PackageFile(
        "react.js",
        "react/umd/react.production.min.js",
        "4b4969fa4ef3594324da2c6d78ce8766fbbc2fd121fff395aedf997db0a99a06",
    ),
    PackageFile(
        "react-dom.js",
        "react-dom/umd/react-dom.production.min.js",
        "21758ed084cd0e37e735722ee4f3957ea960628a29dfa6c3ce1a1d47a2d6e4f7",
    ),
    PackageFile(
        "graphiql.js",
        "graphiql/graphiql.min.js",
        "22faab94067b695e5f7959619fbe686ebcc8955002a0c97d986bcbba4ad4bc2c",
    ),
    PackageFile(
        "graphiql.css",
        "graphiql/graphiql.min.css",
        "b1868247f8e0502cd869e581f5f3cb55b334862e7f51b1d6cbace11059b9adc2",
    ),
    PackageFile(
        "explorer.js",
        "@graphiql/plugin-explorer/dist/index.umd.js",
        "083e37e501d3e3920a60e627b82191af056009124dce82a332e8ac74db6ca38b",
    ),
    PackageFile(
        "explorer.css",
        "@graphiql/plugin-explorer/dist/style.css",
        "762850cb69873400d0ab1737c6158aee91f5c38195bc4a30ee02a3c5d5af4e01",
    ),
)


def read_graphiql(folder: Path) -> dict[str, bytes]:
    """The files by name; empty unless each is there and unchanged, as half a page is worse than the plain one."""
    found: dict[str, bytes] = {}
    for file in GRAPHIQL_FILES:
        path = folder / file.name
        content = path.read_bytes() if path.is_file() else b""
        if hashlib.sha256(content).hexdigest() != file.sha256:
            return {}
        found[file.name] = content
    return found
