//! The history of one entity as a picture on both axes: valid time from left to right, system
//! time from top to bottom. Each band shows what was known from its instant on; each letter
//! stands for one content; a bar stands where another fact begins.
//!
//! The picture is a scheme, not to scale: every period between two instants at which anything
//! changes is as wide as every other.

use std::collections::BTreeSet;

use super::escape::escape;
use super::instant::{append, date_text, instant_text};

/// The letters, in the order in which contents get them; further contents share [`MORE`].
const LETTERS: &[u8; 52] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Stands for every content beyond the letters.
const MORE: char = '#';
/// Stands for a retraction.
const RETRACTED: char = '-';
/// Stands for a time about which nothing is known.
const UNKNOWN: char = '.';
/// The least and the greatest width of a period.
const PERIOD_WIDTH: (usize, usize) = (4, 24);
/// What separates the names of the bands from the bands.
const GAP: usize = 2;
const MICROS_PER_SECOND: i64 = 1_000_000;
const MICROS_PER_DAY: i64 = 86_400 * MICROS_PER_SECOND;

/// What one fact says over a valid period, as known over a period of system time; both half-open,
/// in microseconds since the Unix epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rectangle {
    /// From when it holds.
    pub(crate) valid_from_us: i64,
    /// Until when it holds; none: for good.
    pub(crate) valid_to_us: Option<i64>,
    /// Since when it was known.
    pub(crate) system_from_us: i64,
    /// Until when it was known; none: it still is.
    pub(crate) system_to_us: Option<i64>,
    /// What it says; equal contents get one letter.
    pub(crate) label: String,
    /// Whether it says that the entity is absent.
    pub(crate) retracted: bool,
}

impl Rectangle {
    fn holds(&self, valid: i64, system: i64) -> bool {
        (self.valid_from_us..self.valid_to_us.unwrap_or(i64::MAX)).contains(&valid)
            && (self.system_from_us..self.system_to_us.unwrap_or(i64::MAX)).contains(&system)
    }
}

/// Draws rectangles, which must not overlap, within a width in characters where that is possible.
/// Periods that do not fit are left out from the left, and a line says so.
pub(crate) fn draw(rectangles: &[Rectangle], width: usize) -> String {
    if rectangles.is_empty() {
        return "nothing known\n".to_owned();
    }
    Picture::of(rectangles, width).text()
}

struct Picture<'a> {
    rectangles: &'a [Rectangle],
    /// The system instants at which anything changes.
    bands: Vec<i64>,
    /// Where the periods shown begin.
    periods: Vec<i64>,
    /// Where the last of them ends, if it does.
    end: Option<i64>,
    /// How many earlier ones are left out.
    left_out: usize,
    /// The distinct contents, in the order of their letters.
    contents: Vec<&'a str>,
    period_width: usize,
}

impl<'a> Picture<'a> {
    fn of(rectangles: &'a [Rectangle], width: usize) -> Self {
        let instants = |ends: fn(&Rectangle) -> [Option<i64>; 2]| -> Vec<i64> {
            let all: BTreeSet<_> = rectangles.iter().flat_map(ends).flatten().collect();
            all.into_iter().collect()
        };
        let bands = instants(|it| [Some(it.system_from_us), it.system_to_us]);
        let mut periods = instants(|it| [Some(it.valid_from_us), it.valid_to_us]);
        let open = rectangles.iter().any(|it| it.valid_to_us.is_none());
        let end = if open { None } else { periods.pop() };
        let mut picture = Self {
            rectangles,
            bands,
            periods,
            end,
            left_out: 0,
            contents: contents(rectangles),
            period_width: 0,
        };
        picture.fit(width);
        picture
    }

    /// Gives each period its width, and leaves out those that do not fit.
    fn fit(&mut self, width: usize) {
        let (least, greatest) = PERIOD_WIDTH;
        let room = width.saturating_sub(self.margin() + 1);
        let count = self.periods.len().min(room / least).max(1);
        self.left_out = self.periods.len() - count;
        self.periods.drain(..self.left_out);
        self.period_width = (room / count).clamp(least, greatest);
    }

    /// The width of the names of the bands, with the gap after them.
    fn margin(&self) -> usize {
        let names = names(&self.bands);
        let widest = names.iter().map(String::len).max().unwrap_or(0);
        widest.max("known on".len()) + GAP
    }

    fn text(&self) -> String {
        let margin = self.margin();
        let mut out = String::new();
        let ends: Vec<_> = self.periods.iter().copied().chain(self.end).collect();
        let names_of_ends = names(&ends);
        let fits = names_of_ends.iter().all(|name| name.len() < self.period_width);
        line(&mut out, &format!("{:margin$}true on", ""));
        let mut ticks = format!("{:margin$}", "known on");
        for (number, name) in (1..).zip(&names_of_ends) {
            let tick = if fits { name.clone() } else { format!("({number})") };
            let width = self.period_width;
            append(&mut ticks, format_args!("{tick:width$}"));
        }
        line(&mut out, &ticks);
        for (band, name) in self.bands.iter().zip(names(&self.bands)) {
            line(&mut out, &format!("{name:margin$}{}", self.band(*band)));
        }
        out.push('\n');
        if !fits {
            for (number, name) in (1..).zip(&names_of_ends) {
                line(&mut out, &format!("({number}) {name}"));
            }
            out.push('\n');
        }
        self.legend(&mut out);
        out
    }

    /// What was known from an instant on.
    fn band(&self, system: i64) -> String {
        let mut band = String::new();
        let mut before = None;
        for valid in &self.periods {
            let found = self.rectangles.iter().position(|it| it.holds(*valid, system));
            let letter = self.letter(found);
            band.push(if found == before { letter } else { '|' });
            band.extend(std::iter::repeat_n(letter, self.period_width - 1));
            before = found;
        }
        match (before, self.end) {
            (None, _) => {}
            (Some(_), None) => band.push('>'),
            (Some(_), Some(_)) => band.push('|'),
        }
        band
    }

    fn letter(&self, rectangle: Option<usize>) -> char {
        let Some(rectangle) = rectangle.map(|index| &self.rectangles[index]) else {
            return UNKNOWN;
        };
        if rectangle.retracted {
            return RETRACTED;
        }
        let index = self.contents.iter().position(|content| *content == rectangle.label);
        index.and_then(|index| LETTERS.get(index)).map_or(MORE, |letter| char::from(*letter))
    }

    /// What the letters of the picture stand for.
    fn legend(&self, out: &mut String) {
        for (content, letter) in self.contents.iter().zip(LETTERS) {
            let mut text = format!("{}  ", char::from(*letter));
            escape(content, &mut text);
            line(out, &text);
        }
        let drawn: String = self.bands.iter().map(|band| self.band(*band)).collect();
        let more = self.contents.len().saturating_sub(LETTERS.len());
        for (letter, meaning) in [
            (MORE, format!("one of {more} further contents")),
            (RETRACTED, "retracted".to_owned()),
            (UNKNOWN, "nothing known".to_owned()),
        ] {
            if drawn.contains(letter) {
                line(out, &format!("{letter}  {meaning}"));
            }
        }
        if self.left_out > 0 {
            let left_out = self.left_out;
            line(out, &format!("earlier periods that do not fit the width: {left_out}"));
        }
    }
}

/// The distinct contents, in the order in which they became known, then held.
fn contents(rectangles: &[Rectangle]) -> Vec<&str> {
    let mut order: Vec<_> = rectangles.iter().filter(|it| !it.retracted).collect();
    order.sort_by_key(|it| (it.system_from_us, it.valid_from_us));
    let mut seen = BTreeSet::new();
    order.into_iter().map(|it| it.label.as_str()).filter(|label| seen.insert(*label)).collect()
}

/// The instants of one axis, all as short as the finest of them allows.
fn names(instants: &[i64]) -> Vec<String> {
    let all = |unit: i64| instants.iter().all(|instant| instant.rem_euclid(unit) == 0);
    let (days, seconds) = (all(MICROS_PER_DAY), all(MICROS_PER_SECOND));
    let name = |instant: &i64| {
        let day = i32::try_from(instant.div_euclid(MICROS_PER_DAY));
        match day {
            Ok(day) if days => date_text(day),
            _ if seconds => instant_text(*instant).replace(".000000Z", "Z"),
            _ => instant_text(*instant),
        }
    };
    instants.iter().map(name).collect()
}

/// Appends a line without trailing spaces.
fn line(out: &mut String, text: &str) {
    out.push_str(text.trim_end());
    out.push('\n');
}

#[cfg(test)]
mod tests;
