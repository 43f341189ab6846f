"""Load one day's orders and add up the revenue."""

import json
import logging
import os
import pathlib
import sqlite3

log = logging.getLogger(__name__)


def read_orders(day: str) -> list[dict]:
    path = pathlib.Path(os.environ["LANDING"]) / "orders" / f"{day}.json"
    log.info("Reading %s", path)
    return json.loads(path.read_text())["orders"]


def to_row(order: dict, day: str) -> tuple:
    return (order["id"], order["shop"], order["customer_id"], float(order["amount"]), day)


def load(day: str) -> int:
    rows = [to_row(order, day) for order in read_orders(day)]
    with sqlite3.connect(os.environ["WAREHOUSE"]) as warehouse:
        warehouse.execute(
            "create table if not exists orders (id text, shop text, customer_id text, amount real, day text)"
        )
        warehouse.execute("delete from orders where day = ?", [day])
        warehouse.executemany("insert into orders values (?, ?, ?, ?, ?)", rows)
    log.info("Loaded %d orders of %s", len(rows), day)
    return len(rows)


def add_up(day: str) -> int:
    with sqlite3.connect(os.environ["WAREHOUSE"]) as warehouse:
        warehouse.execute("create table if not exists revenue (shop text, customers integer, amount real, day text)")
        warehouse.execute("delete from revenue where day = ?", [day])
        warehouse.execute(
            "insert into revenue select shop, count(distinct customer_id), round(sum(amount), 2), day "
            "from orders where day = ? group by shop",
            [day],
        )
        return warehouse.execute("select count(*) from revenue where day = ?", [day]).fetchone()[0]
