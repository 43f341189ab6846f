"""XML → records, and a zip archive → its members. Both written by strangers: no entities, no paths, bounded sizes."""

from __future__ import annotations

import io
import re
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

MAX_DEPTH = 4
MAX_MEMBERS = 20


class BadPack(ValueError):
    """The bytes are no such document; the message says why, without a value."""


def xml_records(text: str) -> tuple[list[dict[str, Any]], str]:
    """Return one record for each of the elements that repeat most, with text by tag and attributes by ``@name``.

    Tags come without their namespace; that of the root is the second answer, empty if it has none.

    :raises BadPack: malformed, or with a document type: entities are how a small text becomes a large one.
    """
    if re.search(r"<!(?:DOCTYPE|ENTITY)", text, re.IGNORECASE):
        raise BadPack("is XML with a document type, which is not read")
    try:
        root = ET.fromstring(text)  # noqa: S314 - no document type, so no entity is ever expanded
    except ET.ParseError as error:
        raise BadPack(f"is malformed XML at line {error.position[0]}") from error
    best: list[ET.Element] = [root]
    level = [root]
    for _ in range(MAX_DEPTH):
        for parent in level:
            by_tag: dict[str, list[ET.Element]] = {}
            for child in parent:
                by_tag.setdefault(child.tag, []).append(child)
            best = max([best, *by_tag.values()], key=len)
        level = [child for parent in level for child in parent][:1_000]
    return [_record(element, 0) for element in best], root.tag.rpartition("}")[0].lstrip("{")


def _record(element: ET.Element, depth: int) -> dict[str, Any]:
    found: dict[str, Any] = {f"@{name}": value for name, value in element.attrib.items()}
    for child in element:
        inside = len(child) > 0 and depth < MAX_DEPTH
        name = child.tag.rpartition("}")[2]
        found.setdefault(name, _record(child, depth + 1) if inside else (child.text or "").strip())
    return found


def members(data: bytes, max_bytes: int) -> list[tuple[str, bytes]]:
    """Return name and bytes of an archive's files, at most 20.

    :raises BadPack: damaged, or more than *max_bytes* altogether.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            found = [info for info in archive.infolist() if not info.is_dir()][:MAX_MEMBERS]
            if sum(info.file_size for info in found) > max_bytes:
                raise BadPack("is larger than the limit when unpacked")
            read = []
            for info in found:
                with archive.open(info) as member:
                    read.append((info.filename, member.read(max_bytes)))
            return read
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise BadPack("is a damaged or encrypted archive") from error
