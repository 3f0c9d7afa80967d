"""The bulletins as a naive reader has them: the index says what appeared when, each file is a table of texts
or is not one. Shares nothing with the server."""

import csv
import datetime
import io
import pathlib
import tarfile

import zstandard

ARCHIVE = pathlib.Path(__file__).parents[2] / "data/italy-covid19/publications-2020-2021.tar.zst"
KEYS = {
    "national": ["stato"],
    "regions": ["codice_regione", "denominazione_regione"],
    "provinces": ["codice_regione", "codice_provincia"],
}
DAY = 86_400_000_000
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)


def micros(text):
    return (datetime.datetime.fromisoformat(text) - EPOCH) // datetime.timedelta(microseconds=1)


def text_of(instant):
    return (EPOCH + datetime.timedelta(microseconds=instant)).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


class Publication:
    """One publication of a file, or its withdrawal."""

    def __init__(self, context, cutoff, recorded_at, file, withdrawn, content):
        self.context, self.cutoff, self.recorded_at = context, cutoff, recorded_at
        self.file, self.withdrawn = file, withdrawn
        self.header, self.records = (None, None) if withdrawn else table(content, KEYS[context])
        self.rows = None if self.header is None else by_key(self.header, self.records, KEYS[context])
        # Whether the store has a place for it.
        self.fits = withdrawn or self.rows is not None


def table(content, key):
    """Header and records; None where it is not a table with the key in it."""
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    if not lines:
        return None, None
    header, records = lines[0], lines[1:]
    if any(name not in header for name in key) or any(len(record) != len(header) for record in records):
        return None, None
    return header, records


def by_key(header, records, key):
    """Rows by key, empty values left out; None if a key comes twice, is missing, or a column has no name."""
    if len(set(header)) < len(header) or "" in header:
        return None
    rows = {}
    for record in records:
        row = {name: value for name, value in zip(header, record) if value}
        found = tuple(row.get(name) for name in key)
        if None in found or found in rows:
            return None
        rows[found] = row
    return rows or None


def publications():
    with ARCHIVE.open("rb") as packed:
        raw = zstandard.ZstdDecompressor().stream_reader(packed).read()
    with tarfile.open(fileobj=io.BytesIO(raw)) as archive:
        files = {
            member.name.removeprefix("./"): archive.extractfile(member).read()
            for member in archive.getmembers()
            if member.isfile()
        }
    seen, found = {}, []
    index = csv.reader(io.StringIO(files["index.csv"].decode()))
    next(index)
    for line in index:
        context, day = line[2], line[3]
        published = micros(line[1].replace("Z", "+00:00"))
        earlier = seen.get((context, published), 0)
        seen[context, published] = earlier + 1
        cutoff = micros(f"{day[:4]}-{day[4:6]}-{day[6:]}T00:00:00+00:00")
        withdrawn = line[4] == "D"
        content = None if withdrawn else files[line[5]]
        found.append(Publication(context, cutoff, published + earlier, line[5], withdrawn, content))
    return found


def state(feed, context, valid_at, known_at):
    """What the newest publication known says of the greatest day up to the valid time."""
    days = {}
    for publication in feed:
        if publication.context != context or publication.recorded_at > known_at or publication.cutoff > valid_at:
            continue
        if publication.withdrawn:
            days.pop(publication.cutoff, None)
        elif publication.fits:
            days[publication.cutoff] = publication.rows
    return days[max(days)] if days else {}
