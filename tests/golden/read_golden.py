#!/usr/bin/env python3
"""An independent reader of Calotype stores, written from storage/FORMAT.md alone; names in quotes are that page's sections.

The plainest program that could be right: it checks every object, decodes every fact and resolves by brute force.

    read_golden.py tests/golden/v1      check the store in it and compare it with its expected/*.json
    read_golden.py --store DIR --context NAME --valid-at MICROS --known-at MICROS      print the rows as NDJSON
"""
import argparse, collections, functools, hashlib, json, math, pathlib, re, struct, sys, zlib
import zstandard
from blake3 import blake3

OPEN = 2**63 - 1
VALID_FROM, VALID_TO, OP, ENTRY, PARTITION, OFFSET = range(0xFFFFFF01, 0xFFFFFF07)


class Damage(Exception):
    """Something is not what the page says: refused, never answered from what is left."""


def need(ok, *what):
    if not ok:
        raise Damage(" ".join(map(str, what)))


# "Conventions", "Records": compact JSON has one form, which is checked against these. Members stand in this order; one
# with `?` may be left out; `[x]` is a list, `@x` a listed value (inline, or a chunk of its own), `a|b` one of these members.

FORMS = {
    "store": "format:u32 store:id created:instant constants:constants",
    "record": "format:u32 sequence:u64 wall_time:instant prev:digest nonce:id entries:[entry]",
    "entry": "context:context system_time:instant principal:ascii idempotency_key?:ascii put_digest?:digest reason?:text "
             "packs?:[digest] body:create|alter|go_live|facts|full|delta|withdraw|materialise",
    "create": "mode:mode key:[text] import:bool max_retracted_ppm?:u32 schema?:@schema",
    "alter": "schema?:@schema max_retracted_ppm?:u32",
    "go_live": "",
    "facts": "semantics:semantics replace:bool schema_version:u32 schema?:@schema facts?:digest counts:counts "
             "positions?:@[position] watermark?:instant",
    "withdraw": "cutoff:instant schema_version:u32 facts?:digest counts:counts",
    "materialise": "valid_at:instant known_at:instant covers:u32 schema_version:u32 manifest?:digest relies_on?:@[digest]",
    "counts": "rows:u64 asserted:u64 retracted:u64 unchanged:u64 duplicates:u64",
    "position": "source:text partition:text epoch:u64 from:i64 to:i64",
    "schema": "version:u32 key:[text] fields:[field]",
    "field": "id:u32 name:text type:text nullable:bool class?:class",
    "snapshot": "format:u32 store:id context:context semantics:semantics cutoff:instant known_at:instant schema_version:u32 "
                "kind:kind revision:u32 parent?:digest content_root:digest rows:u64 completeness:completeness "
                "reconciliation:text lineage:digest"}
FORMS["full"] = FORMS["delta"] = f"cutoff:instant {FORMS['facts']} snapshot:snapshot"
NUMBERS = {"u32": (0, 2**32), "u64": (0, 2**64), "i64": (-(2**63), 2**63), "instant": (-(2**63) + 1, OPEN)}
TEXTS = {"digest": "[0-9a-f]{64}", "id": "[0-9a-f]{32}", "context": "[a-z_][a-z0-9_]{0,127}", "ascii": "[ -~]{1,128}",
         "text": "[^\0-\x1f\x7f-\x9f]{1,1024}", "mode": "state|events", "kind": "full|delta",
         "semantics": "event_time|processing_time|business_effective|offset",
         "class": "skeleton|financial|personal|secret|operational"}
CONSTANTS = {"row_group_rows_min": 2048, "row_group_rows_target": 8192, "row_group_rows_max": 32768,
             "row_group_bytes_max": 2097152, "record_bytes_max": 61440, "alignment": 64}


def check_form(form, value, where):
    """Refuse a member that is unknown, missing, misplaced or of another type."""
    if form in NUMBERS:
        return need(type(value) is int and value in range(*NUMBERS[form]), where, "is not", form)
    if form in TEXTS:
        return need(type(value) is str and re.fullmatch(TEXTS[form], value), where, "is not", form)
    if form == "bool":
        return need(type(value) is bool, where, "is not a bool")
    if form == "constants":
        return need(compact(value) == compact(CONSTANTS), where, "are not those of format 1")
    if form == "completeness" and value == "complete":
        return
    if form[0] == "[":
        need(type(value) is list, where, "is not a list")
        return [check_form(form[1:-1], item, f"{where}[{i}]") for i, item in enumerate(value)]
    need(type(value) is dict, where, "is not an object")
    if form == "completeness":
        members = [("partial" if "partial" in value else "exception_bearing", "text")]
    elif form[0] == "@":
        members = [("object", "digest") if "object" in value else ("inline", form[1:])]
    elif "|" in form:
        members = [(name, name) for name in form.split("|") if name in value]
    else:
        members = [member.split(":") for member in FORMS[form].split()]
        members = [(name.rstrip("?"), kind) for name, kind in members if name[-1] != "?" or name[:-1] in value]
    need(list(value) == [name for name, _ in members] and ("|" not in form or value), where, "has the members", *value)
    for name, kind in members:
        check_form(kind, value[name], f"{where}.{name}")


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parse(form, data, where):
    """Compact JSON that is what writing it again gives."""
    try:
        value = json.loads(data)
    except ValueError as error:
        raise Damage(f"{where} is no JSON: {error}")
    need(type(value) is not dict or value.get("format", 1) == 1, where, "is of another format")
    check_form(form, value, where)
    need(compact(value) == data, where, "is not in its one form")
    return value


# "Types", "Keys", "Canonical columns". A value is None, bool, int (of a decimal unscaled), float, or bytes (of text too).

CODES = {"bool": (1, 1, ""), "int8": (2, 2, "b"), "int16": (3, 2, "h"), "int32": (4, 2, "i"), "int64": (5, 2, "q"),
         "uint8": (6, 3, "B"), "uint16": (7, 3, "H"), "uint32": (8, 3, "I"), "uint64": (9, 3, "Q"), "float": (10, 4, "f"),
         "double": (11, 4, "d"), "decimal128": (12, 5, "16s"), "date32[day]": (13, 6, "i"),
         "timestamp[us, tz=UTC]": (14, 7, "q"), "string": (15, 8, ""), "binary": (16, 9, "")}  # code, class, stored value
ALIASES = {"float32": "float", "float64": "double", "date32": "date32[day]", "utf8": "string"}
STORED = {code: (group, layout) for code, group, layout in CODES.values()}
WIDE = {2: "<q", 3: "<Q", 4: "<d", 6: "<q", 7: "<q"}
Type = collections.namedtuple("Type", "name group precision scale")  # group: the page's class


def parse_type(text):
    name, _, rest = ALIASES.get(text, text).partition("(")
    need(name in CODES and bool(rest) == (name == "decimal128"), "unknown type", text)
    precision, scale = map(int, rest.rstrip(")").split(",")) if rest else (1, 0)
    need(1 <= precision <= 38 and 0 <= scale <= precision, "impossible type", text)
    return Type(f"{name}({precision}, {scale})" if rest else name, CODES[name][1], precision, scale)


def plain(group, value):
    """One value in canonical width, normalised: a null is zero, -0.0 is 0.0, a NaN the one NaN."""
    if group in (8, 9):
        return value or b""
    if group == 5:
        return (value or 0).to_bytes(16, "little", signed=True)
    if group == 4 and value is not None and math.isnan(value):
        return bytes.fromhex("000000000000f87f")
    return bytes([bool(value)]) if group == 1 else struct.pack(WIDE[group], value or 0)


def lengths(values):
    return b"".join(struct.pack("<I", len(value or b"")) for value in values)


def bits(flags):
    return int("0" + "".join("01"[bool(on)] for on in reversed(flags)), 2).to_bytes((len(flags) + 7) // 8, "little")


def unbits(mask, rows):
    return [bool(mask[r >> 3] >> (r & 7) & 1) for r in range(rows)]


def canonical(kind, values):
    """The form of a column whose BLAKE3 is its digest."""
    nulls = None in values
    return (struct.pack("<BBBBI", 1, kind.group, kind.scale, nulls, len(values))
            + (bits([value is not None for value in values]) if nulls else b"")
            + (lengths(values) if kind.group in (8, 9) else b"")
            + (bits(values) if kind.group == 1 else b"".join(plain(kind.group, value) for value in values)))


def encode_key(group, value):
    """Bytes in the order of the values."""
    if group in (8, 9):
        return value.replace(b"\0", b"\0\xff") + b"\0\0"
    width = {1: 1, 5: 16}.get(group, 8)
    return (value + (1 << 8 * width - 1 if group in (2, 5, 6, 7) else 0)).to_bytes(width, "big")


# "Merkle tree", "Row groups", "Content roots and snapshots", "Result hash"

def merkle(leaves, digest):
    """The root over leaves that are hashed already, as in RFC 9162."""
    if len(leaves) < 2:
        return leaves[0] if leaves else digest(b"").digest()
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return digest(b"\1" + merkle(leaves[:k], digest) + merkle(leaves[k:], digest)).digest()


def cut(rows, kinds):
    """Cut sorted rows [(key, {field id: value})] into row groups."""
    used = [i for i in kinds if i < VALID_FROM and any(row.get(i) is not None for _, row in rows)]
    widths = {i: {1: 1, 5: 16, 8: 4, 9: 4}.get(kinds[i].group, 8) for i in used}
    sizes = [sum(widths[i] + (len(row.get(i, b"")) if kinds[i].group in (8, 9) else 0) for i in used) for _, row in rows]
    group, size = [], 0
    for at, (key, row) in enumerate(rows):
        group.append((key, row))
        size += sizes[at]
        mark = int.from_bytes(blake3(b"calotype row group boundary v1\0" + key).digest()[:8], "little")
        ends = at + 1 == len(rows) or len(group) == 32768 or size + sizes[at + 1] > 2097152
        if ends or len(group) >= 2048 and mark % 8192 == 0 and rows[at + 1][0] != key:
            yield group
            group, size = [], 0


def content_root(rows, kinds):
    """The Merkle root over one leaf for each row group."""
    leaves = []
    for group in cut(rows, kinds):
        columns = [(i, [row.get(i) for _, row in group]) for i in sorted(kinds)]
        columns = [struct.pack("<I", i) + blake3(canonical(kinds[i], values)).digest()
                   for i, values in columns if any(value is not None for value in values)]
        leaves.append(blake3(b"\0" + struct.pack("<II", len(group), len(columns)) + b"".join(columns)).digest())
    return merkle(leaves, blake3).hex()


def result_hash(columns, rows):
    """The digest of an answer: columns [(name, Type)], and rows, lists of their values."""
    out = b"calotype result v1\0" + b"".join(f"{kind.name}\t{name}\n".encode() for name, kind in columns)
    out += struct.pack("<Q", len(rows))
    for at, (_, kind) in enumerate(columns):
        values = [row[at] for row in rows]
        for part in (bytes(value is not None for value in values), lengths(values) if kind.group in (8, 9) else b"",
                     b"".join(plain(kind.group, value) for value in values)):
            out += blake3(part).digest()
    return blake3(out).hexdigest()


# "Layout", "Packs", "Stored columns", "Manifests": opening a store checks all of it.

Line = collections.namedtuple("Line", "digest kind code rows nulls validity offsets values offset length checksum")
Entry = collections.namedtuple("Entry", "ordinal place time kind body whole")  # place: "record.place"
Fact = collections.namedtuple("Fact", "key start end retracts row entry part")  # row: {field id: value}; entry: ordinal


class Store:
    """A store, read whole: `contexts` {name: [Entry]}, `schemas` {name: [(system time, schema)]}, and `facts`
    {(name, ordinal): [Fact]}: what an entry brought, or the rows of a keyframe."""

    def __init__(self, folder, instead={}):
        self.instead = instead  # objects that stand instead of those in the folder; None for none at all
        self.folder, self.chunks, self.packs, self.contexts, self.schemas = pathlib.Path(folder), {}, set(), {}, {}
        self.meta = parse("store", self.read("meta/format.json"), "meta/format.json")
        names = sorted(path.name for path in (self.folder / "log").iterdir() if re.fullmatch("[0-9]{20}", path.name)
                       and instead.get(f"log/{path.name}", path) is not None)
        need(names == [f"{number:020}" for number in range(len(names))], "the log has a gap")
        self.hashes, self.newest, self.importing = [], -OPEN - 1, set()
        for sequence, name in enumerate(names):
            self.read_record(sequence, f"log/{name}")
        self.facts = {(name, e.ordinal): self.manifest(name, e) for name, all in self.contexts.items() for e in all}

    def read(self, name):
        need(self.instead.get(name, b"") is not None and (self.folder / name).is_file(), name, "is missing")
        return self.instead.get(name) or (self.folder / name).read_bytes()

    def read_record(self, sequence, where):
        data = self.read(where)
        record = parse("record", data, where)
        need(len(data) <= 61440 and 1 <= len(record["entries"]) <= 256, where, "is too large or empty")
        need(record["sequence"] == sequence, where, "has another sequence")
        need(record["prev"] == (self.hashes[-1].hex() if sequence else "0" * 64), where, "breaks the chain")
        need(record["wall_time"] > self.newest, where, "has a wall time that does not rise")
        self.hashes.append(hashlib.sha256(b"\0" + data).digest())
        self.newest = record["wall_time"] - 1
        for place, whole in enumerate(record["entries"]):
            (kind, body), = whole["body"].items()
            context, time = whole["context"], whole["system_time"]
            entries = self.contexts.setdefault(context, [])
            need((kind == "create") == (not entries), where, "creates", context, "twice or too late")
            need(not entries or time - (kind != "materialise") >= entries[-1].time, where, "has times that do not rise")
            if kind == "go_live" or kind == "create" and body["import"]:
                self.importing ^= {context}
            if context not in self.importing and kind != "materialise":
                need(time > self.newest, where, "has live times that do not rise")
                self.newest = time
            for pack in whole.get("packs", []):
                self.read_pack(pack)
            entries.append(Entry(len(entries), f"{sequence}.{place}", time, kind, body, whole))
            if "schema" in body:
                known, schema = self.schemas.setdefault(context, []), self.listed("schema", body["schema"])
                need(schema["version"] == len(known) + 1, where, "has a schema version out of order")
                known.append((time, schema))
        self.newest = max(self.newest, record["wall_time"])

    def read_pack(self, name):
        where = f"packs/{name[:2]}/{name}"
        data = self.read(where)
        need(blake3(data).hexdigest() == name, where, "has bytes of another name")
        need(data[:12] == b"CALOPACK\1\0\0\0" and data[-8:] == b"KCAPOLAC", where, "is no pack of layout 1")
        count, checksum = struct.unpack("<II", data[-16:-8])
        end = len(data) - 16 - 80 * count
        need(end >= 64 and zlib.crc32(data[end:-16]) == checksum, where, "has a damaged footer")
        for line in map(Line._make, struct.iter_unpack("<32sBB2xIIIIIQII8x", data[end:-16])):
            need(line.kind in (1, 2, 3) and line.offset % 64 == 0 and 64 <= line.offset <= end - line.length, where, "line")
            chunk = data[line.offset:line.offset + line.length]
            need(zlib.crc32(chunk) == line.checksum, where, "has a damaged chunk", line.digest.hex())
            need(line.kind == 1 or blake3(b"\2" + chunk).digest() == line.digest, where, "has a chunk of another name")
            self.chunks[line.digest] = line, chunk
        self.packs.add(name)

    def chunk(self, digest, kind):
        need(digest in self.chunks and self.chunks[digest][0].kind == kind, "no pack has the chunk", digest.hex())
        return self.chunks[digest]

    def listed(self, form, value):
        """A listed value, wherever it stands; of none an empty list."""
        if value and "object" in value:
            return parse(form, self.chunk(bytes.fromhex(value["object"]), 3)[1], value["object"])
        return value["inline"] if value else []

    def schema(self, context, known_at):
        """The schema in force: the newest known at that time, else the first; without fields if there is none."""
        known = self.schemas.get(context, [(0, {"version": None, "key": [], "fields": []})])
        return ([schema for time, schema in known if time <= known_at] or [known[0][1]])[-1]

    def settled(self, context):
        """The settled time of a context; None if nothing is settled."""
        entries = self.contexts[context]
        said = any(entry.kind in ("facts", "full", "delta", "withdraw") for entry in entries)
        return (entries[-1].time if context in self.importing else self.newest) if said else None

    @functools.lru_cache(None)
    def column(self, digest, kind, rows):
        """The values of a column chunk; its digest is always compared."""
        (line, chunk), name, at, buffers = self.chunk(digest, 1), digest.hex(), 0, []
        group, layout = STORED.get(line.code, (None, None))
        need(group == kind.group and line.rows == rows and line.nulls < rows, name, "has another class or other rows")
        for length in (line.validity, line.offsets, line.values):
            buffers.append(decompress(chunk[at:at + length], name))
            at += (length + 63) // 64 * 64
        validity, offsets, values = buffers
        wanted = (rows + 7) // 8 if line.nulls else 0, 4 * (rows + 1) if group in (8, 9) else 0
        need((at, len(validity), len(offsets)) == (line.length, *wanted), name, "has buffers of odd lengths")
        if offsets:
            ends = struct.unpack(f"<{rows + 1}i", offsets)
            need(ends[0] == 0 and list(ends) == sorted(ends) and ends[-1] <= len(values), name, "has odd offsets")
            column = [values[a:b] for a, b in zip(ends, ends[1:])]
        else:
            width = struct.calcsize("<" + layout) * rows if layout else (rows + 7) // 8
            need(len(values) == width, name, "has values of an odd length")
            column = [v for v, in struct.iter_unpack("<" + layout, values)] if layout else unbits(values, rows)
        if group == 5:
            column = [int.from_bytes(value, "little", signed=True) for value in column]
        if group == 4:
            column = [math.nan if value != value else value + 0.0 for value in column]
        if line.nulls:
            column = [value if on else None for value, on in zip(column, unbits(validity, rows))]
        need(column.count(None) == line.nulls, name, "has other nulls")
        need(blake3(canonical(kind, column)).digest() == digest, name, "has values of another digest")
        return column

    def manifest(self, context, entry):
        """The facts in an entry's manifest, stated before withdrawn, by key and then by where they begin."""
        keyframe, name = entry.kind == "materialise", entry.body.get("facts", entry.body.get("manifest"))
        if name is None:
            return []
        schema = self.schemas[context][entry.body["schema_version"] - 1][1]
        kinds = {field["id"]: parse_type(field["type"]) for field in schema["fields"]}
        kinds |= {PARTITION: parse_type("string"), OFFSET: parse_type("int64")}
        system = {VALID_FROM: parse_type("int64"), VALID_TO: parse_type("int64"), ENTRY: parse_type("uint32")}
        key_ids = [field["id"] for key in schema["key"] for field in schema["fields"] if field["name"] == key]
        data, at, facts = self.chunk(bytes.fromhex(name), 2)[1], 0, []

        def take(layout):
            nonlocal at
            at += struct.calcsize("<" + layout)
            need(at <= len(data), name, "ends too soon")
            return struct.unpack("<" + layout, data[at - struct.calcsize("<" + layout):at])

        need(take("8sH") == (b"CALOMANI", 1), name, "is no manifest of layout 1")
        for _ in range(*take("I")):
            part, ops, rows = take("BBI")
            bounds = [take(f"{take('I')[0]}s")[0] for _ in range(2)]
            spans = {i: take("qq") for i in system}
            columns = dict(take("I32s") for _ in range(*take("I")))
            need(part // 2 == keyframe and ops < 3 and rows, name, "has an odd group")
            need((OP in columns) == (ops == 2), name, "has odd columns")
            read = {i: self.column(digest, (kinds | system | {OP: parse_type("bool")})[i], rows)
                    for i, digest in columns.items()}
            for i, span in spans.items():
                need((i in read) == (span[0] < span[1]), name, "has an odd span")
                need((min(read.get(i, span)), max(read.get(i, span))) == span, name, "has another span than its rows")
                read.setdefault(i, [span[0]] * rows)
            read.setdefault(OP, [ops == 1] * rows)
            group = []
            for r in range(rows):
                key = b"".join(encode_key(kinds[i].group, read[i][r]) for i in key_ids)
                start, end, retracts, by = (read[i][r] for i in (VALID_FROM, VALID_TO, OP, ENTRY))
                row = {i: read[i][r] for i in kinds if i in read and read[i][r] is not None}
                group.append(Fact(key, start, end, retracts, row, by if keyframe else entry.ordinal, part))
            need([group[0].key, group[-1].key] == bounds, name, "has other keys")
            facts += group
        need(at == len(data) and all(fact.start < fact.end for fact in facts), name, "has a bad period or end")
        order = [(fact.part, fact.key, fact.start) for fact in facts]
        need(order == sorted(order), name, "is not in order")
        return facts


def decompress(stored, name):
    """One buffer of a stored column: an i64, -1 before raw bytes, else their number before one zstd frame."""
    size = struct.unpack("<q", stored[:8])[0] if stored else -1
    if size == -1:
        return stored[8:]
    frame = zstandard.ZstdDecompressor().decompressobj()
    try:
        out = frame.decompress(stored[8:])
    except zstandard.ZstdError as error:
        raise Damage(f"{name}: {error}")
    need(frame.eof and not frame.unused_data and len(out) == size <= 1 << 26, name, "has a buffer of another size")
    return out


# "Reading a state"

def by_key(store, context, known_at, ordinals=None):
    """The facts known, in the order of their entries, for each key in the order of keys."""
    keys = collections.defaultdict(list)
    for entry in store.contexts[context][:ordinals]:
        if entry.time <= known_at and entry.kind != "materialise":
            for fact in store.facts[context, entry.ordinal]:
                keys[fact.key].append(fact)
    return dict(sorted(keys.items()))


def winners(keys, valid_at):
    """The last fact of each key that holds valid_at, unless it retracts."""
    for facts in keys.values():
        holding = [fact for fact in facts if fact.start <= valid_at < fact.end]
        if holding and not holding[-1].retracts:
            yield holding[-1]


def pieces(facts):
    """What shows of a key's facts when they are laid over each other: [(from, to, Fact)]."""
    shown = []
    for fact in facts:
        shown = [(a, b, old) for start, end, old in shown
                 for a, b in ((start, min(end, fact.start)), (max(start, fact.end), end)) if a < b]
        shown.append((fact.start, fact.end, fact))
    return sorted(shown, key=lambda piece: piece[0])


def rectangles(facts):
    """A key's history on both axes: [(from, to, Fact, ordinal of the entry that covers it, or None)]."""
    out = []
    for fact in facts:
        later = [other for other in facts if other.entry > fact.entry]
        edges = {edge for other in later for edge in (other.start, other.end) if fact.start < edge < fact.end}
        edges = sorted(edges | {fact.start, fact.end})
        for a, b in zip(edges, edges[1:]) if not fact.retracts else ():
            cover = next((other.entry for other in later if other.start <= a < other.end), None)
            if out and out[-1][1:] == (a, fact, cover):
                a = out.pop()[0]
            out.append((a, b, fact, cover))
    return sorted(out, key=lambda rectangle: (rectangle[0], rectangle[2].entry))


def positions(store, entry, fact):
    """Where a fact stood in its source: [(source, partition, epoch, offset)]."""
    put = store.listed("[position]", entry.body.get("positions"))
    if PARTITION in fact.row and OFFSET in fact.row:
        partition = fact.row[PARTITION].decode()
        return [(p["source"], partition, p["epoch"], fact.row[OFFSET]) for p in put if p["partition"] == partition][:1]
    return [(p["source"], p["partition"], p["epoch"], p["to"]) for p in put]


def verify(store):
    """Recompute every snapshot and every keyframe; {id of a snapshot: (context, Entry)}."""
    snapshots = {}
    for context, entries in store.contexts.items():
        revisions = collections.Counter()
        for entry in entries:
            where, body, schema = f"{context} entry {entry.ordinal}", entry.body, store.schema(context, entry.time)
            if entry.kind in ("full", "delta"):
                head, kinds = body["snapshot"], {f["id"]: parse_type(f["type"]) for f in schema["fields"]}
                revisions[body["cutoff"]] += 1
                if entry.kind == "full":
                    rows = [(f.key, f.row) for f in winners(by_key(store, context, entry.time), body["cutoff"])]
                else:
                    rows = [(f.key, f.row | {OP: f.retracts}) for f in store.facts[context, entry.ordinal] if f.part == 0]
                    kinds[OP] = parse_type("bool")
                lineage = {"principal": entry.whole["principal"],
                           "positions": store.listed("[position]", body.get("positions")),
                           "schema_version": body["schema_version"], "parent": head.get("parent"),
                           "put": entry.whole.get("put_digest")}
                again = {"store": store.meta["store"], "context": context, "semantics": body["semantics"],
                         "cutoff": body["cutoff"], "known_at": entry.time, "schema_version": body["schema_version"],
                         "kind": entry.kind, "revision": revisions[body["cutoff"]], "rows": len(rows),
                         "content_root": content_root(rows, kinds), "lineage": blake3(compact(lineage)).hexdigest()}
                for name, value in again.items():
                    need(head[name] == value, where, "has a snapshot with", name, head[name], "instead of", value)
                snapshots[blake3(compact(head)).hexdigest()] = context, entry
            if entry.kind == "materialise":
                shown = [(2 if a <= body["valid_at"] else 3, fact.key, a, b, fact.entry,
                          {i: value for i, value in fact.row.items() if i < VALID_FROM}) for facts
                         in by_key(store, context, body["known_at"], body["covers"]).values()
                         for a, b, fact in pieces(facts) if b > body["valid_at"] and not fact.retracts]
                kept = [(f.part, f.key, f.start, f.end, f.entry, f.row) for f in store.facts[context, entry.ordinal]]
                need(sorted(shown, key=lambda p: p[:3]) == kept, where, "is a keyframe that differs from the facts")
    return snapshots


# tests/golden/README.md: questions and answers

TIME, TEXT = parse_type("timestamp[us, tz=UTC]"), parse_type("string")
SYSTEM = {"_valid_from": TIME, "_valid_to": TIME, "_system_from": TIME, "_system_to": TIME, "_op": TEXT, "_entry": TEXT}


def fits(kind, value):
    """Whether a type of an older schema version holds a value."""
    layout = CODES[kind.name.partition("(")[0]][2]
    if value is None or not layout or kind.group == 5:
        return kind.group != 5 or abs(value or 0) < 10**kind.precision
    try:
        return value != value or struct.unpack("<" + layout, struct.pack("<" + layout, value)) == (value,)
    except (struct.error, OverflowError):
        return False


def show(kind, value):
    """A value as it stands in an expected row."""
    if value is None or kind.group in (1, 2, 3, 6, 7):
        return value
    if kind.group == 4:
        return struct.pack(">f" if kind.name == "float" else ">d", math.nan if value != value else value + 0.0).hex()
    if kind.group == 5:
        digits = f"{abs(value):0{kind.scale + 1}}"
        return "-" * (value < 0) + (f"{digits[:-kind.scale]}.{digits[-kind.scale:]}" if kind.scale else digits)
    return value.decode() if kind.group == 8 else value.hex()


def answer(store, question):
    """The answer to a question: (columns {name: Type}, rows, claim, facts without a position)."""
    q = question
    if q["kind"] == "snapshot":
        need(q["id"] in store.snapshots, "no snapshot", q["id"])
        context, asked = store.snapshots[q["id"]]
        q = q | {"valid_at": asked.body["cutoff"], "known_at": asked.time, "schema_version": asked.body["schema_version"]}
    else:
        context, asked = q["context"], None
    entries = [entry for entry in store.contexts[context] if entry.time <= q["known_at"]]
    schema = store.schema(context, q["known_at"])
    if "schema_version" in q:
        schema = store.schemas[context][q["schema_version"] - 1][1]
    kinds = {field["name"]: parse_type(field["type"]) for field in schema["fields"]}
    all_kinds, rows, keys, lost = kinds | SYSTEM, [], by_key(store, context, q["known_at"]), 0
    if "offsets" in q:
        vector = {(source, partition): (epoch, offset) for source, partition, epoch, offset in q["offsets"]}
        for key, facts in keys.items():
            at = {id(fact): positions(store, store.contexts[context][fact.entry], fact) for fact in facts}
            lost += sum(not at[id(fact)] and fact.start <= q["valid_at"] < fact.end for fact in facts)
            keys[key] = [fact for fact in facts if at[id(fact)] and all(
                (epoch, offset) <= vector.get((source, partition), ()) for source, partition, epoch, offset in at[id(fact)])]

    def tell(fact, start, end, until=None):
        entry = store.contexts[context][fact.entry]
        row = {field["name"]: fact.row.get(field["id"]) for field in schema["fields"]}
        for name, value in row.items():
            need(fits(kinds[name], value), "a value of", name, "does not fit version", schema["version"])
        if "key" not in q or [show(kinds[name], row[name]) for name in schema["key"]] == q["key"]:
            rows.append(row | {
                "_valid_from": start, "_valid_to": None if end == OPEN else end, "_system_from": entry.time,
                "_system_to": None if until is None else store.contexts[context][until].time,
                "_op": b"retract" if fact.retracts else b"assert", "_entry": entry.place.encode()})

    names = list(q.get("columns", kinds)) + list(SYSTEM)[:4] * (q["kind"] == "history" or "system_columns" in q)
    if q["kind"] == "snapshot" and asked.kind == "delta":
        names += ["_op"]
        for fact in store.facts[context, asked.ordinal]:
            if fact.part == 0:
                tell(fact, fact.start, fact.end)
    elif q["kind"] == "history":
        names += ["_op", "_entry"] if q["form"] == "facts" else ["_entry"]
        for facts in keys.values():
            for told in rectangles(facts) if q["form"] == "rectangles" else [(f.start, f.end, f) for f in facts]:
                tell(told[2], *told[:2], *told[3:])
    else:
        for facts in keys.values():
            for start, end, fact in pieces(facts):
                if start <= q["valid_at"] < end and not fact.retracts:
                    tell(fact, start, end)
    names = names if kinds else []
    said, newest = {}, None
    for entry in [asked] if asked else entries:
        if entry.kind in ("withdraw", "full", "delta", "facts"):
            newest = [int(n) for n in entry.place.split(".")]
            said.pop(entry.body.get("cutoff"), None)
        if entry.kind in ("full", "delta"):
            said[entry.body["cutoff"]] = blake3(compact(entry.body["snapshot"])).hexdigest()
    said = [said[cutoff] for cutoff in sorted(said) if cutoff <= q.get("valid_at", OPEN)]
    settled = store.settled(context)
    claim = {"schema_version": schema["version"], "settled": settled is not None and q["known_at"] <= settled,
             "record": newest, "snapshot": said[-1] if said else None}
    return {name: all_kinds[name] for name in names}, [[row[name] for name in names] for row in rows], claim, lost


def reply(store, question):
    """The answer as tests/golden/README.md writes it, with all its rows."""
    try:
        columns, rows, claim, lost = answer(store, question)
    except Damage as refusal:
        return {"question": question, "error": str(refusal)}
    return {"question": question, "columns": [[kind.name, name] for name, kind in columns.items()], "row_count": len(rows),
            "rows": [[show(kind, value) for kind, value in zip(columns.values(), row)] for row in rows],
            "result_hash": result_hash(columns.items(), rows), "claim": claim, "facts_without_position": lost}


def differences(wanted, got):
    """Where an expected answer is not ours. The words of an error are nobody's but the first reader's."""
    if "error" in wanted and "error" in got:
        return
    if "sample" in wanted:
        got["sample"] = [[at, got["rows"][at]] for at, _ in wanted["sample"] if at < len(got["rows"])]
    for name in wanted:
        if wanted[name] != got.get(name):
            yield (f"{json.dumps(wanted.get('question'))}\n    {name}: expected {json.dumps(wanted[name])[:500]}"
                   f"\n    {' ' * len(name)}     here {json.dumps(got.get(name, got.get('error')))[:500]}")


def compare(folder):
    """Check a golden store and compare it with its expected answers: a line for each file; the number of differences."""
    store, total, wrong = Store(folder / "store"), 0, 0
    store.snapshots = verify(store)
    print(f"store: {len(store.hashes)} records, {len(store.packs)} packs, {len(store.chunks)} chunks, "
          f"{len(store.snapshots)} snapshots verified")
    ids = {entry.place: identity for identity, (_, entry) in store.snapshots.items()}
    log = {"store": store.meta["store"], "hashes": [digest.hex() for digest in store.hashes],
           "root": merkle(store.hashes, hashlib.sha256).hex(),
           "contexts": {name: [[entry.place, entry.kind, entry.time, ids.get(entry.place)] for entry in entries]
                        for name, entries in store.contexts.items()}}
    for path in sorted((folder / "expected").glob("*.json")):
        wanted = json.loads(path.read_text("utf-8"))
        pairs = [(wanted, log)] if path.name == "log.json" else [(w, reply(store, w["question"])) for w in wanted]
        differing = [difference for pair in pairs for difference in differences(*pair)]
        print(f"{path.name}: {len(pairs)} compared, {len(differing)} differences", *differing[:3], sep="\n  ")
        total, wrong = total + len(pairs), wrong + len(differing)
    need(total, "nothing to compare in", folder / "expected")
    print(f"{'DIFFERENT' if wrong else 'equal'}: {total} compared, {wrong} differences")
    return wrong


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("golden", nargs="?", type=pathlib.Path, help="a folder with store/ and expected/")
    options.add_argument("--store", help="any store; prints rows, with values as in tests/golden/README.md")
    options.add_argument("--context")
    options.add_argument("--valid-at", type=int)
    options.add_argument("--known-at", type=int)
    args = options.parse_args()
    if bool(args.golden) == bool(args.store) or args.store and None in (args.context, args.valid_at, args.known_at):
        options.error("give a folder, or all of --store, --context, --valid-at and --known-at")
    try:
        if args.golden:
            return 1 if compare(args.golden) else 0
        store = Store(args.store)
        need(args.context in store.contexts, "no context", args.context)
        got = reply(store, {"kind": "as_of", "context": args.context, "valid_at": args.valid_at, "known_at": args.known_at})
        for row in got["rows"]:
            print(json.dumps(dict(zip([name for _, name in got["columns"]], row)), ensure_ascii=False))
    except Damage as damage:
        print("DAMAGED:", damage)
        return 1


if __name__ == "__main__":
    sys.exit(main())
