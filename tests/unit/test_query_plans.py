from typing import Any

from db.query_plans import reduced


def node(kind: str, **more: Any) -> dict[str, Any]:
    return {
        "Node Type": kind,
        "Actual Rows": 2.5,
        "Actual Loops": 4,
        "Actual Total Time": 0.25,
        "Shared Hit Blocks": 3,
        "Shared Read Blocks": 1,
    } | {name.replace("_", " "): value for name, value in more.items()}


def test_rows_and_times_are_those_of_all_loops_together() -> None:
    assert reduced(node("Index Scan", Relation_Name="orders", Index_Name="pk_orders")) == {
        "step": "Index Scan using pk_orders on orders",
        "rows": 10,
        "loops": 4,
        "ms": 1.0,
        "pages": 4,
    }


def test_steps_below_stand_below() -> None:
    found = reduced(node("Limit", Plans=[node("Sort", Plans=[node("Seq Scan", Relation_Name="shop")])]))

    assert found["steps"][0]["step"] == "Sort"
    assert found["steps"][0]["steps"][0]["step"] == "Seq Scan on shop"
    assert "steps" not in found["steps"][0]["steps"][0]


def test_a_sequential_scan_of_many_rows_is_marked_also_where_the_filter_dropped_them() -> None:
    scan = node("Seq Scan", Relation_Name="orders", Actual_Loops=1, Actual_Rows=1, Filter="(net > 3)") | {
        "Rows Removed by Filter": 29_999
    }

    found = reduced(scan)

    assert found["warning"] == "reads 30,000 rows of orders one after the other: is an index missing?"
    assert found["filter"] == "(net > 3)"


def test_an_index_or_a_join_whose_rows_are_dropped_is_marked_too() -> None:
    scan = node("Index Scan", Relation_Name="orders") | {"Rows Removed by Filter": 500}

    assert reduced(scan)["warning"] == "reads 2,010 rows to drop 2,000: is an index missing?"


def test_a_sequential_scan_of_a_small_table_and_an_index_scan_of_a_large_one_are_not() -> None:
    assert "warning" not in reduced(node("Seq Scan", Relation_Name="shop"))
    assert "warning" not in reduced(node("Index Scan", Relation_Name="orders", Actual_Rows=10_000))
