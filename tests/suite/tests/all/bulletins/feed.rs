//! The bulletins as they were published, read in the simplest way: the index says
//! what appeared when, each file is a table of texts or is not one.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use calotype_storage::{SystemTime, ValidTime};

/// A row: column and value, empty values left out.
pub(super) type Row = BTreeMap<String, String>;

/// One publication of a file, or its withdrawal.
#[derive(Debug)]
pub(super) struct Publication {
    pub(super) context: String,
    /// The first instant of the day that the figures are about, microseconds.
    pub(super) cutoff: i64,
    /// When the file appeared, microseconds; files of one publication a microsecond apart.
    pub(super) recorded_at: i64,
    pub(super) file: String,
    /// `None`: it was withdrawn.
    pub(super) table: Option<Result<Table, &'static str>>,
    /// Whether the store has a place for it.
    pub(super) fits: bool,
}

/// A file that could be read.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) header: Vec<String>,
    pub(super) records: Vec<Vec<String>>,
}

/// The key columns of a context.
pub(super) fn key(context: &str) -> &'static [&'static str] {
    match context {
        "national" => &["stato"],
        "regions" => &["codice_regione", "denominazione_regione"],
        _ => &["codice_regione", "codice_provincia"],
    }
}

/// Reads all publications in their order.
pub(super) fn read() -> Vec<Publication> {
    let files = unpack();
    let mut seen: BTreeMap<(String, i64), i64> = BTreeMap::new();
    let mut index = csv::Reader::from_reader(files["index.csv"].as_slice());
    let publication = |record: csv::StringRecord| {
        let context = record[2].to_owned();
        let published_at = SystemTime::parse(&record[1]).unwrap().micros();
        let earlier = seen.entry((context.clone(), published_at)).or_default();
        let recorded_at = published_at + *earlier;
        *earlier += 1;
        let (year, month, day) = (&record[3][..4], &record[3][4..6], &record[3][6..]);
        let cutoff = ValidTime::parse(&format!("{year}-{month}-{day}T00:00:00Z")).unwrap();
        let withdrawn = &record[4] == "D";
        let table = (!withdrawn).then(|| Table::read(&files[&record[5]], key(&context)));
        let has_place = |table: &Table| table.rows(key(&context)).is_some();
        Publication {
            fits: table.as_ref().is_none_or(|table| table.as_ref().is_ok_and(has_place)),
            table,
            context,
            cutoff: cutoff.micros(),
            recorded_at,
            file: record[5].to_owned(),
        }
    };
    index.records().map(Result::unwrap).map(publication).collect()
}

fn unpack() -> BTreeMap<String, Vec<u8>> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../data/italy-covid19");
    let packed = std::fs::File::open(data.join("publications-2020-2021.tar.zst")).unwrap();
    let mut archive = tar::Archive::new(zstd::Decoder::new(packed).unwrap());
    let mut files = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path().unwrap().display().to_string();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(path.trim_start_matches("./").to_owned(), bytes);
    }
    files
}

impl Table {
    /// Reads UTF-8, with or without a mark at its beginning, or else Latin-1.
    fn read(bytes: &[u8], key: &[&str]) -> Result<Self, &'static str> {
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text.trim_start_matches('\u{feff}').to_owned(),
            Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
        };
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let owned = |record: &csv::StringRecord| record.iter().map(str::to_owned).collect::<Vec<_>>();
        let header = owned(reader.headers().map_err(|_| "no header")?);
        let records: Result<Vec<_>, _> = reader.records().map(|record| record.map(|r| owned(&r))).collect();
        let records = records.map_err(|_| "rows of several lengths")?;
        if key.iter().any(|name| !header.iter().any(|column| column == name)) {
            return Err("no key");
        }
        Ok(Self { header, records })
    }

    /// The rows by key; `None` if a key comes twice, or a column has no name.
    pub(super) fn rows(&self, key: &[&str]) -> Option<BTreeMap<Vec<String>, Row>> {
        let names: BTreeSet<&String> = self.header.iter().collect();
        if names.len() < self.header.len() || names.contains(&String::new()) {
            return None;
        }
        let mut rows = BTreeMap::new();
        for record in &self.records {
            let cells = self.header.iter().cloned().zip(record.iter().cloned());
            let row: Row = cells.filter(|(_, value)| !value.is_empty()).collect();
            let key = key.iter().map(|column| row.get(*column).cloned());
            if rows.insert(key.collect::<Option<Vec<_>>>()?, row).is_some() {
                return None;
            }
        }
        (!rows.is_empty()).then_some(rows)
    }
}
