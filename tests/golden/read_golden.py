#!/usr/bin/env python3
"""An independent reader of Calotype stores, written from storage/FORMAT.md alone; names in quotes are its sections.

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


# "Conventions", "Layout", "Records": every JSON object has one form, so a regular expression can be made of it. Members
# stand in this order; `?` may be left out; `[x]` is a list, `@x` a listed value, `a|b` has one of these members.
# (Ranges of numbers and lengths of texts are not looked at.)

FORMS = {
    "store": "format:one store:id created:instant constants:constants",
    "record": "format:one sequence:u wall_time:instant prev:digest nonce:id entries:[entry]",
    "entry": "context:context system_time:instant principal:ascii idempotency_key?:ascii put_digest?:digest "
             "reason?:text packs?:[digest] body:create|alter|go_live|facts|full|delta|withdraw|materialise",
    "create": "mode:mode key:[text] import:bool max_retracted_ppm?:u schema?:@schema",
    "alter": "schema?:@schema max_retracted_ppm?:u",
    "go_live": "",
    "facts": "semantics:semantics replace:bool schema_version:u schema?:@schema facts?:digest counts:counts "
             "positions?:@[position] watermark?:instant",
    "withdraw": "cutoff:instant schema_version:u facts?:digest counts:counts",
    "materialise": "valid_at:instant known_at:instant covers:u schema_version:u manifest?:digest relies_on?:@[digest]",
    "counts": "rows:u asserted:u retracted:u unchanged:u duplicates:u",
    "position": "source:text partition:text epoch:u from:i to:i",
    "schema": "version:u key:[text] fields:[field]",
    "field": "id:u name:text type:text nullable:bool class?:class",
    "snapshot": "format:one store:id context:context semantics:semantics cutoff:instant known_at:instant "
                "schema_version:u kind:kind revision:u parent?:digest content_root:digest rows:u "
                "completeness:completeness reconciliation:text lineage:digest"}
FORMS["full"] = FORMS["delta"] = f"cutoff:instant {FORMS['facts']} snapshot:snapshot"
TEXT, INTEGER = r'"(?:[^"\\\0-\x1f]|\\.)+"', "(?:0|-?[1-9][0-9]*)"
SIMPLE = {
    "one": "1", "u": "(?:0|[1-9][0-9]*)", "i": INTEGER, "instant": f"(?!-{2**63}|{2**63 - 1}){INTEGER}", "text": TEXT,
    "bool": "(?:true|false)", "digest": '"[0-9a-f]{64}"', "id": '"[0-9a-f]{32}"', "context": '"[a-z_][a-z0-9_]{0,127}"',
    "ascii": r'"(?:[ !#-\[\]-~]|\\["\\]){1,128}"', "mode": '"(?:state|events)"', "kind": '"(?:full|delta)"',
    "semantics": '"(?:event_time|processing_time|business_effective|offset)"',
    "class": '"(?:skeleton|financial|personal|secret|operational)"',
    "completeness": r'(?:"complete"|\{"(?:partial|exception_bearing)":' + TEXT + r"\})",
    "constants": re.escape('{"row_group_rows_min":2048,"row_group_rows_target":8192,"row_group_rows_max":32768,'
                           '"row_group_bytes_max":2097152,"record_bytes_max":61440,"alignment":64}')}


@functools.cache
def pattern(form):
    """The regular expression of a form."""
    if form in SIMPLE:
        return SIMPLE[form]
    if form[0] == "[":
        return rf"\[(?:(?:(?<=\[)|,){pattern(form[1:-1])})*\]"
    if form[0] == "@":
        return rf'\{{(?:"inline":{pattern(form[1:])}|"object":{SIMPLE["digest"]})\}}'
    if "|" in form:
        return r"\{(?:" + "|".join(f'"{name}":{pattern(name)}' for name in form.split("|")) + r")\}"
    members = [member.split(":") for member in FORMS[form].split()]
    members = [rf'(?:(?:(?<=\{{)|,)"{name.rstrip("?")}":{pattern(kind)}){"?" * (name[-1] == "?")}'
               for name, kind in members]
    return r"\{" + "".join(members) + r"\}"


def compact(value):
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def parse(form, data, where):
    """Compact JSON of a form: what writing it again gives."""
    try:
        need(re.fullmatch(pattern(form), data.decode(), re.DOTALL), where, "is not in the form of a", form)
        value = json.loads(data)
    except ValueError as error:
        raise Damage(f"{where}: {error}")
    need(compact(value) == data, where, "is not in its one form")
    return value


# "Types", "Keys", "Canonical columns". A value is None, bool, int (a decimal's unscaled), float, or bytes (text too).

CODES = {  # name: (code, class, layout of a stored value)
    "bool": (1, 1, ""), "int8": (2, 2, "b"), "int16": (3, 2, "h"), "int32": (4, 2, "i"), "int64": (5, 2, "q"),
    "uint8": (6, 3, "B"), "uint16": (7, 3, "H"), "uint32": (8, 3, "I"), "uint64": (9, 3, "Q"),
    "float": (10, 4, "f"), "double": (11, 4, "d"), "decimal128": (12, 5, "16s"), "date32[day]": (13, 6, "i"),
    "timestamp[us, tz=UTC]": (14, 7, "q"), "string": (15, 8, ""), "binary": (16, 9, "")}
ALIASES = {"float32": "float", "float64": "double", "date32": "date32[day]", "utf8": "string"}
STORED = {code: (group, layout) for code, group, layout in CODES.values()}
WIDE = {2: "<q", 3: "<Q", 4: "<d", 6: "<q", 7: "<q"}  # layout of a canonical value
Type = collections.namedtuple("Type", "name group precision scale")  # group: the page's class


def parse_type(text):
    """A type by its name in a schema."""
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
    """The u32 lengths of texts."""
    return b"".join(struct.pack("<I", len(value or b"")) for value in values)


def bits(flags):
    """A bit mask, the lowest bit of a byte first."""
    return int("0" + "".join("01"[bool(on)] for on in reversed(flags)), 2).to_bytes((len(flags) + 7) // 8, "little")


def unbits(mask, rows):
    """The flags of a bit mask."""
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
    fixed = sum({1: 1, 5: 16, 8: 4, 9: 4}.get(kinds[i].group, 8) for i in used)
    texts = [i for i in used if kinds[i].group in (8, 9)]
    sizes = [fixed + sum(len(row.get(i, b"")) for i in texts) for _, row in rows]
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
    """The digest of an answer: columns [(name, Type)], and rows, each a list of their values."""
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


def unseal(data, where):
    """The JSON object without its last member, the checksum, once that is found right ("Layout")."""
    raw = data[:-23] + b"}"
    need(data[-23:] == b',"checksum":"%08x"}' % zlib.crc32(raw), where, "has another checksum")
    return raw


class Store:
    """A store, read whole and checked: the entries, schemas [(system time, schema)] and facts of its contexts.

    The facts {(context, ordinal): [Fact]} are what an entry brought; of a `materialise`, the rows of its keyframe."""

    def __init__(self, folder):
        self.folder, self.newest, self.importing = pathlib.Path(folder), -OPEN - 1, set()  # newest: wall or live time
        self.chunks, self.packs, self.contexts, self.schemas, self.hashes = {}, set(), {}, {}, []
        self.meta = parse("store", unseal(self.read("meta/format.json"), "meta/format.json"), "meta/format.json")
        names = sorted(f"log/{path.name}" for path in self.folder.glob("log/*") if re.fullmatch("[0-9]{20}", path.name))
        need(names == [f"log/{number:020}" for number in range(len(names))], "the log has a gap")
        for sequence, name in enumerate(names):
            self.read_record(sequence, name)
        self.facts = {(context, entry.ordinal): self.manifest(context, entry) for context, entry in self.entries()}

    def entries(self):
        return [(context, entry) for context, entries in self.contexts.items() for entry in entries]

    def read(self, name):
        need((self.folder / name).is_file(), name, "is missing")
        return (self.folder / name).read_bytes()

    def read_record(self, sequence, where):
        data = self.read(where)
        record = parse("record", unseal(data, where), where)
        need(len(data) <= 61440 and 1 <= len(record["entries"]) <= 256, where, "is too large or empty")
        need(record["sequence"] == sequence, where, "has another sequence")
        need(record["prev"] == (self.hashes[-1].hex() if sequence else "0" * 64), where, "breaks the chain")
        need(record["wall_time"] > self.newest, where, "has a wall time that does not rise")
        self.hashes.append(hashlib.sha256(b"\0" + data).digest())
        self.newest = record["wall_time"] - 1  # a live entry may have the wall time itself
        for place, whole in enumerate(record["entries"]):
            (kind, body), = whole["body"].items()
            context, time = whole["context"], whole["system_time"]
            entries, schemas = self.contexts.setdefault(context, []), self.schemas.setdefault(context, [])
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
                schemas.append((time, self.listed("schema", body["schema"])))
                need(schemas[-1][1]["version"] == len(schemas), where, "has a schema version out of order")
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
            need(line.kind in (1, 2, 3) and line.offset % 64 == 0, where, "has a line of another kind or place")
            need(64 <= line.offset <= end - line.length, where, "has a chunk outside")
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
        known = self.schemas[context] or [(0, {"version": None, "key": [], "fields": []})]
        return ([schema for time, schema in known if time <= known_at] or [known[0][1]])[-1]

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
        ids = {field["name"]: field["id"] for field in schema["fields"]}
        kinds = {field["id"]: parse_type(field["type"]) for field in schema["fields"]}
        kinds |= {i: parse_type("int64") for i in (VALID_FROM, VALID_TO, OFFSET)}
        kinds |= {OP: parse_type("bool"), ENTRY: parse_type("uint32"), PARTITION: parse_type("string")}
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
            spans = {i: take("qq") for i in (VALID_FROM, VALID_TO, ENTRY)}
            digests = [take("I32s") for _ in range(*take("I"))]
            need(part // 2 == keyframe and ops < 3 and rows, name, "has an odd group")
            need(all(i in kinds for i, _ in digests) and digests == sorted(set(digests)), name, "has odd columns")
            read = {i: self.column(digest, kinds[i], rows) for i, digest in digests}
            need((OP in read) == (ops == 2) and len(read) == len(digests), name, "has odd columns")
            for i, span in spans.items():
                need((i in read) == (span[0] < span[1]), name, "has an odd span")
                need((min(read.get(i, span)), max(read.get(i, span))) == span, name, "has another span than its rows")
                read.setdefault(i, [span[0]] * rows)
            read.setdefault(OP, [ops == 1] * rows)
            group = []
            for r in range(rows):
                row = {i: column[r] for i, column in read.items() if column[r] is not None}
                start, end, retracts, by = (row.pop(i) for i in (VALID_FROM, VALID_TO, OP, ENTRY))
                key = b"".join(encode_key(kinds[ids[key]].group, row[ids[key]]) for key in schema["key"])
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


# "Reading a state", without keyframes: `verify` shows that they say the same.

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
    """Recompute every snapshot and every keyframe; `store.snapshots` {id: (context, Entry)} from now on."""
    store.snapshots, revisions = {}, collections.Counter()
    for context, entry in store.entries():
        where, body, schema = f"{context} entry {entry.place}", entry.body, store.schema(context, entry.time)
        if entry.kind in ("full", "delta"):
            head, kinds = body["snapshot"], {field["id"]: parse_type(field["type"]) for field in schema["fields"]}
            revisions[context, body["cutoff"]] += 1
            if entry.kind == "full":
                rows = [(f.key, f.row) for f in winners(by_key(store, context, entry.time), body["cutoff"])]
            else:
                rows = [(f.key, f.row | {OP: f.retracts}) for f in store.facts[context, entry.ordinal] if f.part == 0]
                kinds[OP] = parse_type("bool")
            lineage = {
                "principal": entry.whole["principal"], "positions": store.listed("[position]", body.get("positions")),
                "schema_version": schema["version"], "parent": head.get("parent"), "put": entry.whole.get("put_digest")}
            again = {
                "store": store.meta["store"], "context": context, "semantics": body["semantics"],
                "cutoff": body["cutoff"], "known_at": entry.time, "schema_version": body["schema_version"],
                "kind": entry.kind, "rows": len(rows), "revision": revisions[context, body["cutoff"]],
                "content_root": content_root(rows, kinds), "lineage": blake3(compact(lineage)).hexdigest()}
            for name, value in again.items():
                need(head[name] == value, where, "has a snapshot with", name, head[name], "instead of", value)
            store.snapshots[blake3(compact(head)).hexdigest()] = context, entry
        if entry.kind == "materialise":
            at, keys = body["valid_at"], by_key(store, context, body["known_at"], body["covers"])
            shown = [fact._replace(start=a, end=b, part=2 if a <= at else 3, row={
                         i: value for i, value in fact.row.items() if i not in (PARTITION, OFFSET)})
                     for facts in keys.values() for a, b, fact in pieces(facts) if b > at and not fact.retracts]
            shown.sort(key=lambda fact: (fact.part, fact.key, fact.start))
            need(shown == store.facts[context, entry.ordinal], where, "is a keyframe that differs from the facts")


# tests/golden/README.md: questions and answers

PERIODS = ["_valid_from", "_valid_to", "_system_from", "_system_to"]
SYSTEM = {name: parse_type("timestamp[us, tz=UTC]") for name in PERIODS}
SYSTEM |= {name: parse_type("string") for name in ("_op", "_entry")}


def fits(kind, value):
    """Whether a type, of an older schema version, holds a value."""
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
        return struct.pack(">f" if kind.name == "float" else ">d", value).hex()
    if kind.group == 5:
        digits = f"{abs(value):0{kind.scale + 1}}"
        return "-" * (value < 0) + (f"{digits[:-kind.scale]}.{digits[-kind.scale:]}" if kind.scale else digits)
    return value.decode() if kind.group == 8 else value.hex()


def claim(store, context, schema, entries, q):
    """What an answer rests on, of the entries known."""
    newest, said = None, {}  # said: {cutoff: its newest snapshot}
    for entry in entries:
        if entry.kind in ("withdraw", "full", "delta", "facts"):
            newest = entry.place
            said.pop(entry.body.get("cutoff"), None)
        if entry.kind in ("full", "delta"):
            said[entry.body["cutoff"]] = blake3(compact(entry.body["snapshot"])).hexdigest()
    said = [said[cutoff] for cutoff in sorted(said) if cutoff <= q.get("valid_at", OPEN)]
    begun = any(entry.kind in ("withdraw", "full", "delta", "facts") for entry in store.contexts[context])
    settled = store.contexts[context][-1].time if context in store.importing else store.newest
    return {"schema_version": schema["version"], "settled": begun and q["known_at"] <= settled,
            "record": newest and list(map(int, newest.split("."))), "snapshot": said[-1] if said else None}


def tell(store, context, q, asked):
    """What an answer tells, [(from, to, Fact, ordinal of the entry that covers it or None)]; facts left out."""
    told, lost, entries = [], 0, store.contexts[context]
    vector = {(source, partition): (epoch, offset) for source, partition, epoch, offset in q.get("offsets", [])}
    for facts in by_key(store, context, q["known_at"]).values():
        if "offsets" in q:
            placed = [(fact, positions(store, entries[fact.entry], fact)) for fact in facts]
            lost += sum(not at and fact.start <= q["valid_at"] < fact.end for fact, at in placed)
            facts = [fact for fact, at in placed if at and all(p[2:] <= vector.get(p[:2], ()) for p in at)]
        if q["kind"] == "delta":
            told += [(f.start, f.end, f, None) for f in facts if (f.entry, f.part) == (asked.ordinal, 0)]
        elif q["kind"] == "history":
            told += rectangles(facts) if q["form"] == "rectangles" else [(f.start, f.end, f, None) for f in facts]
        else:
            told += [(start, end, f, None) for start, end, f in pieces(facts)
                     if start <= q["valid_at"] < end and not f.retracts]
    return told, lost


def answer(store, question):
    """An answer as the README writes it, but with all its rows."""
    q, asked = question, None
    if q["kind"] == "snapshot":
        context, asked = store.snapshots[q["id"]]
        q = {"context": context, "kind": asked.kind, "valid_at": asked.body["cutoff"], "known_at": asked.time,
             "schema_version": asked.body["schema_version"]}
    context, entries = q["context"], store.contexts[q["context"]]
    schema = store.schema(context, q["known_at"])
    if "schema_version" in q:
        schema = store.schemas[context][q["schema_version"] - 1][1]
    kinds = {field["name"]: parse_type(field["type"]) for field in schema["fields"]}
    names = list(q.get("columns", kinds)) + PERIODS * (q["kind"] == "history" or "system_columns" in q)
    names += ["_op"] * (q["kind"] == "delta" or q.get("form") == "facts") + ["_entry"] * (q["kind"] == "history")
    columns, rows = [(name, (kinds | SYSTEM)[name]) for name in names if kinds], []  # no schema: no columns at all
    told, lost = tell(store, context, q, asked)
    for start, end, fact, cover in told:
        row = {field["name"]: fact.row.get(field["id"]) for field in schema["fields"]}
        for name, kind in kinds.items():
            need(fits(kind, row[name]), "a value of", name, "does not fit version", schema["version"])
        row |= {"_valid_from": start, "_valid_to": None if end == OPEN else end,
                "_system_from": entries[fact.entry].time,
                "_system_to": None if cover is None else entries[cover].time,
                "_op": b"retract" if fact.retracts else b"assert", "_entry": entries[fact.entry].place.encode()}
        if "key" not in q or q["key"] == [show(kinds[name], row[name]) for name in schema["key"]]:
            rows.append([row[name] for name, _ in columns])
    known = [asked] if asked else [entry for entry in entries if entry.time <= q["known_at"]]
    return {"question": question, "columns": [[kind.name, name] for name, kind in columns], "row_count": len(rows),
            "rows": [[show(kind, value) for (_, kind), value in zip(columns, row)] for row in rows],
            "result_hash": result_hash(columns, rows), "claim": claim(store, context, schema, known, q),
            "facts_without_position": lost}


def overview(store):
    """What expected/log.json says."""
    ids = {entry.place: identity for identity, (_, entry) in store.snapshots.items()}
    return {"store": store.meta["store"], "hashes": [digest.hex() for digest in store.hashes],
            "root": merkle(store.hashes, hashlib.sha256).hex(),
            "contexts": {name: [[entry.place, entry.kind, entry.time, ids.get(entry.place)] for entry in entries]
                         for name, entries in store.contexts.items()}}


def differences(store, wanted):
    """Where an expected answer is not ours. A question without an answer must be refused here too, in any words."""
    try:
        got = answer(store, wanted["question"]) if "question" in wanted else overview(store)
    except Damage as refusal:
        return [] if "error" in wanted else [f"{wanted['question']}: refused, {refusal}"]
    if "sample" in wanted:
        got["sample"] = [[at, got["rows"][at]] for at, _ in wanted["sample"] if at < got["row_count"]]
    return [f"{wanted.get('question')}\n    {name}: expected {str(wanted[name])[:500]}\n    {name}: got "
            f"{str(got.get(name))[:500]}" for name in wanted if wanted[name] != got.get(name)]


def compare(folder):
    """Check a golden store and compare it with what is expected, a line for each file; whether all is equal."""
    store, total, wrong = Store(folder / "store"), 0, 0
    verify(store)
    print(f"store: {len(store.hashes)} records, {len(store.packs)} packs, {len(store.chunks)} chunks, "
          f"{len(store.snapshots)} snapshots verified")
    for path in sorted(folder.glob("expected/*.json")):
        wanted = json.loads(path.read_text("utf-8"))
        wanted = wanted if type(wanted) is list else [wanted]
        found = [difference for one in wanted for difference in differences(store, one)]
        print(f"{path.name}: {len(wanted)} compared, {len(found)} differences", *found[:3], sep="\n  ")
        total, wrong = total + len(wanted), wrong + len(found)
    need(total, "nothing to compare in", folder)
    print(f"{'DIFFERENT' if wrong else 'equal'}: {total} compared, {wrong} differences")
    return not wrong


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("golden", nargs="?", type=pathlib.Path, help="a folder with store/ and expected/")
    for name, kind in ("store", str), ("context", str), ("valid-at", int), ("known-at", int):
        options.add_argument(f"--{name}", type=kind)
    args = options.parse_args()
    if (args.golden is None) == (None in (args.store, args.context, args.valid_at, args.known_at)):
        options.error("give a folder, or all of --store, --context, --valid-at and --known-at")
    try:
        if args.golden:
            return 0 if compare(args.golden) else 1
        store = Store(args.store)
        need(args.context in store.contexts, "no context", args.context)
        got = answer(store, {"kind": "as_of"} | vars(args))
        for row in got["rows"]:  # values as in tests/golden/README.md
            print(json.dumps({name: value for (_, name), value in zip(got["columns"], row)}, ensure_ascii=False))
    except Damage as damage:
        print("REFUSED:", damage, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
