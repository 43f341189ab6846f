"""Seeded generator → what 24 real systems print when all is well, as records of a task's log.

The statements are those of the systems themselves, from public logs; names in them are English words taken from Python's
own help texts, so that a log full of names has thousands of kinds of line. No failing line is among them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import lru_cache
from pydoc_data import topics

KINDS: dict[str, tuple[str, ...]] = {
    "spark": (
        "26/11/02 {t} INFO TaskSetManager: Starting task {n}.0 in stage {n}.0 (TID {n}, {i}, executor {n}, partition {n}, NODE_LOCAL, {n} bytes)",
        "26/11/02 {t} INFO TaskSetManager: Finished task {n}.0 in stage {n}.0 (TID {n}) in {n} ms on {i} (executor {n}) ({n}/{n})",
        "26/11/02 {t} INFO BlockManagerInfo: Added broadcast_{n}_piece0 in memory on {i}:{n} (size: {f} KiB, free: {f} GiB)",
        "26/11/02 {t} INFO BlockManagerInfo: Removed broadcast_{n}_piece0 on {i}:{n} in memory (size: {f} KiB, free: {f} GiB)",
        "26/11/02 {t} INFO DAGScheduler: Submitting {n} missing tasks from ShuffleMapStage {n} (MapPartitionsRDD[{n}] at {w} at {W}.scala:{n})",
        "26/11/02 {t} INFO MemoryStore: Block broadcast_{n} stored as values in memory (estimated size {f} KiB, free {f} GiB)",
        "26/11/02 {t} INFO CodeGenerator: Code generated in {f} ms",
        "26/11/02 {t} INFO FileScanRDD: Reading File path: s3a://{w}/{w}/dt=2026-11-02/part-{n}-{h}.snappy.parquet, range: 0-{n}, partition values: [{n}]",
        "26/11/02 {t} WARN TaskSetManager: Stage {n} contains a task of very large size ({n} KiB). The maximum recommended task size is 1000 KiB.",
    ),
    "airbyte": (
        "2026-11-02 {t} info INFO DefaultDispatcher-worker-{n} i.a.c.l.t.DestinationTaskLauncher(handleStreamComplete):203 Processing complete for Descriptor(namespace={w}, name={w}_{w})",
        "2026-11-02 {t} source > Records read: {n} ({n} MB)",
        "2026-11-02 {t} destination > INFO i.a.i.d.r.FileBuffer(deleteFile):109 Deleting tempFile data {h}.csv.gz",
        "2026-11-02 {t} destination > INFO i.a.i.d.r.BaseSerializedBuffer(flush):138 Finished writing data to {h}.csv.gz ({n} MB)",
        "2026-11-02 {t} info Stream status TRACE received of status: RUNNING for stream {w}:{w}_{w}",
        "2026-11-02 {t} source > Setting state of {w} stream to {{'updated_at': '2026-10-{d}T{t}'}}",
    ),
    "kafka": (
        "[2026-11-02 {t},{d}] INFO [GroupCoordinator {d}]: Stabilized group {w} generation {n} (__consumer_offsets-{d}) (kafka.coordinator.group.GroupCoordinator)",
        "[2026-11-02 {t},{d}] INFO [GroupCoordinator {d}]: Assignment received from leader for group {w} for generation {n} (kafka.coordinator.group.GroupCoordinator)",
        "kafka.consumer.fetcher - Adding buffered record to list: {n} offset={n} topic={w}.{w} partition={d}",
        "Committed offset {n} for partition {w}-{d}",
        "%4|{n}.{d}|FETCH|rdkafka#consumer-{d}| [thrd:main]: Partition {w} [{d}] start fetching at offset {n}",
    ),
    "dbt": (
        "{t}  {d} of {n} START sql table model {w}.{w}_{w} ........................ [RUN]",
        "{t}  {d} of {n} OK created sql table model {w}.{w}_{w} ................... [SELECT {n} in {f}s]",
        "{t}  {d} of {n} START test not_null_{w}_{w}_id ........................... [RUN]",
        "{t}  {d} of {n} PASS not_null_{w}_{w}_id ................................. [PASS in {f}s]",
        "{t}  {d} of {n} OK created sql incremental model {w}.{w}_{w} ............. [INSERT 0 {n} in {f}s]",
    ),
    "dbt_json": (
        '{{"data": {{"description": "sql table model {w}.{w}", "index": {d}, "node_info": {{"materialized": "table", "node_name": "{w}_{w}", "node_path": "{w}/{w}.sql", "unique_id": "model.{w}.{w}"}}}}, "info": {{"code": "Q011", "invocation_id": "{h}", "level": "info", "msg": "{d} of {n} START sql table model {w}.{w} [RUN]", "name": "LogStartLine", "pid": {n}, "thread": "Thread-{d}", "ts": "2026-11-02T{t}Z"}}}}',
        '{{"data": {{"conn_name": "model.{w}.{w}", "sql": "create table {w}.{w} as (select * from {w}.{w} where id > {n})"}}, "info": {{"code": "E017", "level": "debug", "msg": "On model.{w}.{w}: create table", "name": "SQLQuery", "ts": "2026-11-02T{t}Z"}}}}',
        '{{"data": {{"elapsed": {f}, "status": "SELECT {n}"}}, "info": {{"code": "E018", "level": "debug", "msg": "SQL status: SELECT {n} in {f} seconds", "name": "SQLQueryStatus", "ts": "2026-11-02T{t}Z"}}}}',
    ),
    "postgres": (
        "2026-11-02 {t}.{d} UTC [{n}] LOG:  duration: {f} ms  statement: SELECT {w}, {w} FROM {w}.{w} WHERE {w} = {n}",
        "2026-11-02 {t}.{d} UTC [{n}] LOG:  checkpoint complete: wrote {n} buffers ({f}%); 0 WAL file(s) added, {d} removed; write={f} s, sync={f} s, total={f} s",
        "2026-11-02 {t}.{d} UTC [{n}] LOG:  connection authorized: user={w} database={w} application_name={w}",
        '2026-11-02 {t}.{d} UTC [{n}] LOG:  automatic vacuum of table "{w}.public.{w}_{w}": index scans: 1\n\tpages: {d} removed, {n} remain, {d} skipped due to pins\n\ttuples: {n} removed, {n} remain, {d} are dead but not yet removable\n\tsystem usage: CPU: user: {f} s, system: {f} s, elapsed: {f} s',
    ),
    "pip": (
        "Collecting {w}-{w}=={d}.{d}.{d}",
        "  Downloading {w}_{w}-{d}.{d}.{d}-py3-none-any.whl ({n} kB)",
        "     ━━━━━━━━━━━━━━━━━━━━╸━━━━━━━━━━━━━━━━━━━ {f}/{f} MB {f} MB/s eta 0:00:{d}",
        "Requirement already satisfied: {w}>={d}.{d} in /opt/venv/lib/python3.12/site-packages (from {w}) ({d}.{d}.{d})",
        "Building wheel for {w} (pyproject.toml): finished with status 'done'",
    ),
    "tqdm": (
        "Downloading {w}.parquet: {d}%|██████▌   | {n}/{n} [00:{d}<00:{d}, {f}it/s]",
        "{d}%|████      | {n}/{n} [0{d}:{d}<00:{d}, {f}s/it]",
        "Map (num_proc=8): {d}%|███████   | {n}/{n} [00:{d}<00:{d}, {f} examples/s]",
    ),
    "kubelet": (
        "I1102 {t}.{n}    {n} kubelet.go:{n}] \"SyncLoop (PLEG): event for pod\" pod=\"{w}/{w}-{h}\" event={{\"ID\":\"{h}\",\"Type\":\"ContainerStarted\"}}",
        'I1102 {t}.{n}    {n} operation_generator.go:{n}] MountVolume.SetUp succeeded for volume "{w}-token" (UniqueName: "kubernetes.io/secret/{h}-{w}") pod "{w}-{h}"',
        "[{w}-{h}] Pod {w}-{h} has phase Running",
        "I1102 {t}.{n}    {n} reconciler.go:{n}] \"Reconciler: start to sync state\" node={w}-{d}",
    ),
    "access": (
        '{i} - - [02/Nov/2026:{t} +0000] "GET /api/v{d}/{w}/{w}?page={n} HTTP/1.1" 200 {n} "-" "python-requests/2.32.{d}"',
        '{i} - {w} [02/Nov/2026:{t} +0000] "POST /{w}/{w} HTTP/1.1" 201 {n} "https://{w}.example.com/{w}" "Mozilla/5.0"',
        '{i} - - [02/Nov/2026:{t} +0000] "GET /static/{w}/{h}.js HTTP/2.0" 304 0 "-" "curl/8.5.0"',
    ),
    "singer": (
        '{{"type": "RECORD", "stream": "{w}-{w}", "record": {{"id": {n}, "name": "{W} {W}", "email": "{w}@{w}.example", "updated_at": "2026-10-{d}T{t}Z"}}, "version": {n}}}',
        "INFO METRIC: {{\"type\": \"counter\", \"metric\": \"record_count\", \"value\": {n}, \"tags\": {{\"database\": \"{w}\", \"table\": \"{w}_{w}\"}}}}",
        '{{"type": "STATE", "value": {{"bookmarks": {{"{w}-{w}": {{"replication_key": "updated_at", "replication_key_value": "2026-10-{d}T{t}Z"}}}}}}}}',
    ),
    "sqlalchemy": (
        "INFO sqlalchemy.engine.Engine SELECT {w}.id, {w}.{w}, {w}.{w} \nFROM {w} JOIN {w} ON {w}.id = {w}.{w}_id \nWHERE {w}.{w} = %(param_{d})s\n LIMIT {n}",
        "INFO sqlalchemy.engine.Engine [cached since {f}s ago] {{'param_1': '{w}', 'param_2': {n}}}",
        "INFO sqlalchemy.engine.Engine INSERT INTO {w} ({w}, {w}, created_at) VALUES (%({w})s, %({w})s, now()) RETURNING {w}.id",
        "INFO sqlalchemy.engine.Engine COMMIT",
    ),
    "snowflake": (
        "query: [SELECT {w}, {w} FROM {w}.{w}.{w}_{w} WHERE {w} >= {n}]",
        "Query execution completed. query id: {h}, rows: {n}",
        "Number of results in first chunk: {n}",
        "Rows affected: {n}",
        "Running statement: COPY INTO {w}.{w} FROM @{w}/{w}/{h}, parameters: None",
        "Snowflake query id: {h}",
    ),
    "boto": (
        "Found credentials in environment variables.",
        "Uploading {w}/{w}/part-{n}.csv to s3://{w}-{w}/{w}/dt=2026-11-{d}/part-{n}.csv",
        "download: s3://{w}-{w}/{w}/{w}_{n}.json.gz to tmp/{w}_{n}.json.gz",
        "Completed {f} MiB/{f} GiB ({f} MiB/s) with {n} file(s) remaining",
        "copy: s3://{w}/{w}/{h} to s3://{w}/archive/{w}/{h}",
    ),
    "mysql": (
        "2026-11-02T{t}.{n}Z    {n} Query\tSELECT `{w}`, `{w}` FROM `{w}_{w}` WHERE `{w}` = '{w}'",
        "2026-11-02T{t}.{n}Z    {n} Connect\t{w}@{i} on {w} using TCP/IP",
        "2026-11-02T{t}.{n}Z    {n} Execute\tUPDATE `{w}` SET `{w}` = {n} WHERE `id` = {n}",
        "2026-11-02T{t}.{n}Z    {n} Quit\t",
    ),
    "gc": (
        "[{f}s][info][gc] GC({n}) Pause Young (Normal) (G1 Evacuation Pause) {n}M->{n}M({n}M) {f}ms",
        "[{f}s][info][gc,cpu] GC({n}) User={f}s Sys={f}s Real={f}s",
        "[{f}s][info][gc,heap] GC({n}) Eden regions: {n}->0({n})",
        "[{f}s][info][gc] GC({n}) Concurrent Mark Cycle {f}ms",
    ),
    "checks": (
        "| {w}_{w}       | {w}   | PASSED  | numeric  | {h} | {n}   |",
        "Query {w}.{w}.{w}.aggregation[0]:\nSELECT\n  COUNT(*),\n  COUNT(CASE WHEN {w} IS NULL THEN 1 END)\nFROM {w}.{w}",
        "Calculating Metrics: {d}%|██████    | {d}/{n} [00:0{d}<00:0{d}, {f}it/s]",
        "  {w} in {w}\n    missing_count({w}) = {d} [PASSED]",
    ),
    "rsync": (
        "{w}/{w}/{w}_{n}.{w}",
        "{w}/{w}/{w}.tar.gz",
        "    {n},{n} 100%   {f}MB/s    0:00:0{d} (xfr#{n}, to-chk={n}/{n})",
        "-rw-r--r-- {w}/staff   {n} 2026-10-{d} {t} {w}/{w}-{h}.fits",
    ),
    "training": (
        "Epoch {d}/{n} - step {n}: loss={f} accuracy={f} lr={f}e-05 val_{w}={f}",
        "[{n}]\ttrain-rmse:{f}\tvalid-rmse:{f}",
        "saving checkpoint to /mnt/{w}/{w}/epoch_{n}.pt",
        "{w}_{w}: mean {f} std {f} min {f} max {f}",
    ),
    "table": (
        "{d}  {W} {W}        {w}@{w}.example   {n}   {f}  2026-10-{d}",
        "{d}  {W} {w}-{w}    {w}@{w}.example   {n}   {f}  2026-10-{d}",
        "Customer {W} {W} has {n} orders in {W}",
        "[{n} rows x {d} columns]",
    ),
    "flink": (
        "2026-11-02 {t},{d} INFO  org.apache.flink.runtime.executiongraph.ExecutionGraph [] - Source: {w} -> Map ({d}/{d}) ({h}) switched from DEPLOYING to RUNNING.",
        "2026-11-02 {t},{d} INFO  org.apache.flink.runtime.checkpoint.CheckpointCoordinator [] - Completed checkpoint {n} for job {h} ({n} bytes, checkpointDuration={n} ms, finalizationTime={d} ms).",
        "2026-11-02 {t},{d} INFO  io.debezium.connector.common.BaseSourceTask [] - {n} records sent during previous 00:0{d}:{d}, last recorded offset of partition {w} is {n}",
    ),
    "logstash": (
        "[2026-11-02T{t},{d}][INFO ][logstash.outputs.elasticsearch] Using a default mapping template {{:es_version=>{d}, :ecs_compatibility=>:v{d}}}",
        '{{"@timestamp":"2026-11-02T{t}Z","log.level":"INFO","message":"[{w}-2026.11.02][{d}] primary-replica resync completed with {d} operations","service.name":"ES_ECS","cluster.uuid":"{h}","node.name":"{w}-{d}"}}',
        "[{w}-2026.11.02/{h}] create_mapping [{w}]",
    ),
    "hooks": (
        "Using connection ID '{w}_default' for task execution.",
        "Running statement: INSERT INTO {w}.{w} SELECT * FROM {w}.{w} WHERE ds = '2026-11-{d}', parameters: None",
        "Rows affected: {n}",
        "Loaded {n} rows into so far",
        "Copied {n} rows into {w}.{w}",
        "Done. Loaded a total of {n} rows into {w}.{w}",
        "Exporting data to: /tmp/{w}{h}.csv",
        "Inserted {n} items, skipped {d} duplicates for tenant {w}",
    ),
    "crawler": (
        "Crawled (200) <GET https://{w}.example.org/{w}/{w}-{n}> (referer: https://{w}.example.org/{w})",
        "Scraped from <200 https://{w}.example.org/{w}/{n}>\n{{'title': '{W} {w} {w}', 'price': {f}, 'seller': '{W} {W}'}}",
        "Retrying is not needed for <GET https://{w}.example.org/robots.txt>: cached",
        "Indexed document {h} in {w}/{w} ({n} ms)",
    ),
}  # fmt: skip
"""Placeholders: number, digit(s), fraction, hex, address, time, word, Name; ``\\n`` makes a record a line, as a pod's output does."""


@lru_cache
def words() -> tuple[str, ...]:
    """Return some thousand English words, lower case."""
    found = set(re.findall(r"\b[a-z]{4,11}\b", " ".join(topics.topics.values())))
    return tuple(sorted(found))


def chatter(kind: str, target_bytes: int, seed: int) -> list[bytes]:
    """Return the records of one kind of log, about *target_bytes* of them."""
    return list(_records(KINDS[kind], target_bytes, random.Random(f"{kind}{seed}")))


def record(level: str, event: str, number: int) -> bytes:
    """Return one line of a task's log, as Airflow 3 writes it."""
    stamp = f"2026-11-02T{number // 3600 % 24:02d}:{number // 60 % 60:02d}:{number % 60:02d}.{number % 1_000_000:06d}Z"
    fields = {"timestamp": stamp, "level": level, "event": event, "logger": "task.stdout"}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _records(statements: tuple[str, ...], target_bytes: int, dice: random.Random) -> Iterator[bytes]:
    written = number = 0
    weights = [1 / (place + 1) for place in range(len(statements))]
    while written < target_bytes:
        for event in _filled(dice.choices(statements, weights)[0], dice).split("\n"):
            number += 1
            line = record("info", event, number)
            written += len(line)
            yield line


_PLACES = re.compile(r"\{([a-zA-Z])\}")


def _filled(statement: str, dice: random.Random) -> str:
    vocabulary = words()

    def fill(match: re.Match[str]) -> str:
        kind = match[1]
        if kind in "wW":
            word = dice.choice(vocabulary)
            return word if kind == "w" else word.capitalize()
        return {
            "n": lambda: str(dice.randrange(1, 10 ** dice.randrange(1, 7))),
            "d": lambda: str(dice.randrange(1, 30)),
            "f": lambda: f"{dice.random() * 100:.2f}",
            "h": lambda: f"{dice.getrandbits(64):016x}",
            "i": lambda: f"10.{dice.randrange(256)}.{dice.randrange(256)}.{dice.randrange(256)}",
            "t": lambda: f"{dice.randrange(24):02d}:{dice.randrange(60):02d}:{dice.randrange(60):02d}",
        }[kind]()

    return _PLACES.sub(fill, statement).replace("{{", "{").replace("}}", "}")
