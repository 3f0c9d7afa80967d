//! The stream of events, drawn from SHA-256 of what is drawn and for what.
//!
//! Invariant: the stream of a tier has the published SHA-256.

use std::fmt::Write as _;
use std::ops::Range;
use std::str::FromStr;

use anyhow::bail;
use sha2::{Digest as _, Sha256};

use super::table::Table;

/// What begins every text that is hashed.
const SEED: &str = "20260920";
/// One after the last day.
const DAYS_END: i64 = 366;
/// Publications, the first one included.
pub(super) const PUBLICATIONS: i64 = 25;

/// A size of the benchmark.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// 2,000 contracts, for development.
    Dev,
    /// 25,000 contracts.
    T25k,
    /// 100,000 contracts.
    T100k,
}

impl Tier {
    /// All of them, the smallest first.
    pub const ALL: [Self; 3] = [Self::Dev, Self::T25k, Self::T100k];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dev => "dev",
            Self::T25k => "T25k",
            Self::T100k => "T100k",
        }
    }

    /// The SHA-256 of its stream, as it was published.
    pub const fn published_sha256(self) -> &'static str {
        match self {
            Self::Dev => "bc0c819476a6ee4804ad246262ce223a04d044fcaf363b15e87d6bb542378fa2",
            Self::T25k => "0d7a24032cf76152e1fbbb00f9972890a608c1a42470db3ab036b35d6f03c597",
            Self::T100k => "fe3f025b5e143e75a6ec63badef4c2d830c91d1a0067cb41ba824a6e61f42c39",
        }
    }

    /// What [`Answers::sha256`](super::Answers::sha256) of its answers is: made once by hand from those of a second
    /// oracle, in another language, which shares no code with this one.
    pub const fn answers_sha256(self) -> &'static str {
        match self {
            Self::Dev => "34be122dbeb5cc440471e601fd2691b1e1c8f63dc18e25243f165ecff52a4d8b",
            Self::T25k => "510bd97eb2509a820fff580d390b94ad89936828bd118744e7b38639539f90c9",
            Self::T100k => "54633011c1d0f8ca12875dca72928bd726ed9d9f3e8a909bee8df121a52cab8f",
        }
    }

    /// How many entities a table has.
    pub const fn entities(self, table: Table) -> i64 {
        let (contracts, products, suppliers) = match self {
            Self::Dev => (2_000, 200, 100),
            Self::T25k => (25_000, 2_500, 500),
            Self::T100k => (100_000, 10_000, 2_000),
        };
        match table {
            Table::Contracts => contracts,
            Table::Products => products,
            Table::Suppliers => suppliers,
        }
    }
}

impl FromStr for Tier {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let Some(tier) = Self::ALL.into_iter().find(|tier| tier.name() == text) else {
            bail!("SH1 has no tier '{text}'; expected dev, T25k or T100k");
        };
        Ok(tier)
    }
}

/// What a publication says about an entity over some days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The publication, 0 to 24.
    pub publication: i64,
    /// The table.
    pub table: Table,
    /// The entity, from 1.
    pub id: i64,
    /// The first day.
    pub from: i64,
    /// The day after the last; greater than `from`.
    pub to: i64,
    /// The values of the table's columns; `None`: the entity is absent on those days.
    pub values: Option<Vec<i64>>,
}

/// All events of a tier, in the order of publication; within a publication those of one table stand together.
pub fn events(tier: Tier) -> Vec<Event> {
    let mut events = Vec::new();
    for table in Table::ALL {
        for id in 1..=tier.entities(table) {
            let values = Some(values(tier, table, 0, id));
            events.push(Event { publication: 0, table, id, from: 0, to: DAYS_END, values });
        }
    }
    for publication in 1..PUBLICATIONS {
        events.extend(planned(tier, publication));
        for table in Table::ALL {
            events.extend(drawn(tier, table, publication));
        }
    }
    events
}

/// The SHA-256 of a stream, hexadecimal: each event as one line of JSON.
pub fn stream_sha256(events: &[Event]) -> String {
    let mut digest = Sha256::new();
    for event in events {
        digest.update(line(event));
    }
    hexadecimal(&digest.finalize())
}

pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a String takes whatever is written");
        text
    })
}

fn line(event: &Event) -> String {
    let Event { publication, table, id, from, to, values } = event;
    let op = if values.is_some() { "put" } else { "delete" };
    let mut line =
        format!(r#"{{"epoch":{publication},"table":"{table}","op":"{op}","id":{id},"a":{from},"b":{to}"#);
    for (name, value) in table.columns().iter().zip(values.iter().flatten()) {
        write!(line, r#","{name}":{value}"#).expect("a String takes whatever is written");
    }
    line.push_str("}\n");
    line
}

/// What happens to contract 1, whose history is the same in every tier.
fn planned(tier: Tier, publication: i64) -> Option<Event> {
    let (days, dearer) = match publication {
        6 => (90..210, Some(100)),
        12 => (150..180, Some(200)),
        18 => (160..170, None),
        20 => (164..168, Some(300)),
        _ => return None,
    };
    let values = dearer.map(|dearer| {
        let mut values = values(tier, Table::Contracts, 0, 1);
        values[2] += dearer;
        values
    });
    let Range { start: from, end: to } = days;
    Some(Event { publication, table: Table::Contracts, id: 1, from, to, values })
}

/// What a publication corrects in a table: entities drawn at random, by id.
fn drawn(tier: Tier, table: Table, publication: i64) -> Vec<Event> {
    let entities = tier.entities(table);
    let (first, share) = match table {
        Table::Contracts => (2, 20),
        Table::Products | Table::Suppliers => (1, 100),
    };
    let mut ids: Vec<i64> = (first..=entities).collect();
    ids.sort_by_cached_key(|&id| draw(table, publication, id, "pick"));
    let count = entities.unsigned_abs().div_ceil(share);
    ids.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    ids.sort_unstable();
    let event = |id| {
        let Range { start: from, end: to } = days(table, publication, id);
        let deletes = table == Table::Contracts && below(5, table, publication, id, "op") == 0;
        let values = (!deletes).then(|| values(tier, table, publication, id));
        Event { publication, table, id, from, to, values }
    };
    ids.into_iter().map(event).collect()
}

/// Over which days a correction speaks: one in five about the future, the others about the past.
fn days(table: Table, publication: i64, id: i64) -> Range<i64> {
    let today = 15 * publication;
    let from = if below(5, table, publication, id, "direction") == 0 {
        (today + 1 + below(30, table, publication, id, "lag")).min(DAYS_END - 1)
    } else {
        (today - 1 - below(120, table, publication, id, "lag")).max(0)
    };
    from..(from + 1 + below(90, table, publication, id, "length")).min(DAYS_END)
}

/// The values of an entity as a publication has them.
fn values(tier: Tier, table: Table, publication: i64, id: i64) -> Vec<i64> {
    let below = |bound, purpose| below(bound, table, publication, id, purpose);
    match table {
        Table::Contracts => vec![
            1 + (id - 1) % tier.entities(Table::Products),
            1 + 17 * (id - 1) % tier.entities(Table::Suppliers),
            10_000 + below(90_001, "cost"),
            1 + below(1_000, "qty"),
            // A contract keeps its grade.
            self::below(4, table, 0, id, "grade"),
        ],
        Table::Products => vec![below(16, "category"), 150_000 + below(50_001, "retail")],
        Table::Suppliers => vec![below(8, "region"), 1 + below(3, "tier")],
    }
}

/// A number from 0, below a bound.
fn below(bound: u32, table: Table, publication: i64, id: i64, purpose: &str) -> i64 {
    let rest = draw(table, publication, id, purpose) % u64::from(bound);
    i64::try_from(rest).expect("a rest is below its bound, which is a u32")
}

/// A number drawn for a purpose: the first eight bytes of a SHA-256, big-endian.
fn draw(table: Table, publication: i64, id: i64, purpose: &str) -> u64 {
    let text = format!("{SEED}|{table}|{publication}|{id}|{purpose}");
    let hash: [u8; 32] = Sha256::digest(text).into();
    hash.iter().take(8).fold(0, |number, &byte| number << 8 | u64::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stream_of_the_development_tier_has_the_published_hash() {
        assert_eq!(stream_sha256(&events(Tier::Dev)), Tier::Dev.published_sha256());
    }

    #[test]
    fn every_publication_says_something_about_every_table_and_nothing_twice() {
        let events = events(Tier::Dev);
        let place = |event: &Event| (event.publication, event.table, event.id);
        assert!(events.is_sorted_by(|a, b| place(a) < place(b)), "in order, and no entity twice");
        for publication in 0..PUBLICATIONS {
            for table in Table::ALL {
                let mut those =
                    events.iter().filter(|event| (event.publication, event.table) == (publication, table));
                assert!(those.next().is_some(), "{table} at {publication}");
            }
        }
        assert!(events.iter().all(|event| 0 <= event.from && event.from < event.to && event.to <= DAYS_END));
    }

    #[test]
    fn tiers_are_read_by_their_names() {
        for tier in Tier::ALL {
            assert_eq!(tier.name().parse::<Tier>().unwrap(), tier);
        }
        let refused = "t25K".parse::<Tier>().unwrap_err().to_string();
        assert_eq!(refused, "SH1 has no tier 't25K'; expected dev, T25k or T100k");
    }
}
