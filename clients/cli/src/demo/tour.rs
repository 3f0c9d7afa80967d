//! What the demo shows, section by section. Each question is printed as the command that asks it.

use calotype_client::{
    AnswerEnd, AsOfQuestion, Claim, Client, DiffQuestion, HistoryForm, HistoryQuestion, Key, Point,
    SystemTime, TimeRange, ValidTime, Value,
};

use super::page::{self, Page, Sheet, WIDTH};
use crate::commands::diff::named;
use crate::commands::history::picture;
use crate::error::CliError;
use crate::feed::Outcome;
use crate::output::Format;
use crate::{claim, console};

/// The context that is asked.
const CONTEXT: &str = "regions";
/// The columns that the demo shows of a region.
const COLUMNS: [&str; 4] = ["denominazione_regione", "totale_casi", "deceduti", "terapia_intensiva"];

/// Microseconds since the Unix epoch.
const SECOND: i64 = 1_000_000;

/// The tour.
pub(super) async fn run(
    client: &Client,
    place: &str,
    outcome: &Outcome,
    page: &mut Page,
) -> Result<(), CliError> {
    let answer = first_and_corrected(client, place, page).await?;
    what_changed(client, place, page).await?;
    drawn(client, place, page).await?;
    behind(page, &answer)?;
    refused(place, outcome, page)?;
    goodbye(place, page)
}

/// An instant given in seconds.
fn valid(seconds: i64) -> ValidTime {
    ValidTime::from_micros(seconds * SECOND)
}

fn system(seconds: i64) -> SystemTime {
    SystemTime::from_micros(seconds * SECOND)
}

fn point(valid_at: i64, known_at: i64) -> Point {
    Point { valid_at: Some(valid(valid_at)), known_at: Some(system(known_at)) }
}

/// 2020-06-25T00:00:00Z, the day that was published with its rows in the wrong places.
const SLIPPED: i64 = 1_593_043_200;
/// 2020-06-25T16:00:00Z, minutes after it was published.
const BEFORE: i64 = SLIPPED + 16 * 3600;
/// 2020-06-25T16:30:00Z, minutes after it was corrected.
const AFTER: i64 = BEFORE + 1800;

async fn first_and_corrected(
    client: &Client,
    place: &str,
    page: &mut Page,
) -> Result<(Claim, AnswerEnd), CliError> {
    page.section(
        "The state of a day, as first published and as corrected",
        "On 25 June 2020 the regional bulletin appeared with its figures in the wrong rows: Lombardia, the\n\
         region hit hardest, had those of Marche. Half an hour later it was corrected. Both are\n\
         remembered: --valid-at says which day is meant, --known-at who would have known it when.",
    )?;
    let mut last = None;
    for (known, text) in [(BEFORE, "16:00:00"), (AFTER, "16:30:00")] {
        page.command(
            place,
            &format!(
                "as-of regions --key 03 --key Lombardia\n--valid-at 2020-06-25T00:00:00Z --known-at 2020-06-25T{text}Z\n--columns {}",
                COLUMNS.join(",")
            ),
        )?;
        let question = AsOfQuestion {
            columns: COLUMNS.map(str::to_owned).to_vec(),
            keys: region("03", "Lombardia").into(),
            ..AsOfQuestion::new(CONTEXT, point(SLIPPED, known))
        };
        let answer = client.as_of(&question).await?;
        let sheet = Sheet::default();
        let out = Box::new(sheet.clone());
        last = Some(console::write(answer, Format::Table, out, page::table()).await?);
        page.write(&sheet.text())?;
    }
    last.ok_or(CliError::NoStore)
}

fn region(code: &str, name: &str) -> Key {
    let text = |text: &str| Value::String(text.to_owned());
    Key::of([("codice_regione", text(code)), ("denominazione_regione", text(name))])
}

async fn what_changed(client: &Client, place: &str, page: &mut Page) -> Result<(), CliError> {
    page.section(
        "What a correction changed",
        "On 30 September 2021 one figure had a slip of the pen, of 3,000 cases. The diff of the two\n\
         points in system time names every cell that changed, and the commit that changed it.",
    )?;
    page.command(
        place,
        "diff regions --valid-at 2021-09-30T00:00:00Z\n--from-known 2021-09-30T17:00:00Z \
         --to-known 2021-09-30T19:00:00Z\n--columns denominazione_regione,totale_casi",
    )?;
    let day = 1_632_960_000;
    let question = DiffQuestion {
        context: CONTEXT.to_owned(),
        from: point(day, day + 17 * 3600),
        to: point(day, day + 19 * 3600),
        ..DiffQuestion::default()
    };
    let answer = client.diff(&question).await?;
    let schema = answer.schema().clone();
    let (batches, _) = console::collect(answer).await?;
    let places = named(&schema, &["denominazione_regione", "totale_casi"].map(str::to_owned))?;
    let sheet = Sheet::default();
    console::write_columns(
        &schema,
        &batches,
        &places,
        Format::Table,
        Box::new(sheet.clone()),
        page::table(),
    )?;
    page.write(&sheet.text())
}

async fn drawn(client: &Client, place: &str, page: &mut Page) -> Result<(), CliError> {
    page.section(
        "One entity on both time axes",
        "Abruzzo's total for 31 May 2020 was published as 3244, made 3222 the same evening, and set\n\
         back to 3244 two days later. From left to right: the days that the figures are about. From\n\
         top to bottom: the moments at which something new was known. Each letter is a figure.",
    )?;
    page.command(
        place,
        "history regions 13 Abruzzo --draw --columns totale_casi\n--valid-from 2020-05-30T00:00:00Z \
         --valid-to 2020-06-03T00:00:00Z\n--known-from 2020-05-30T00:00:00Z --known-to \
         2020-06-03T00:00:00Z",
    )?;
    page.write("\n")?;
    let from = 1_590_796_800;
    let to = from + 4 * 86_400;
    let question = HistoryQuestion {
        context: CONTEXT.to_owned(),
        keys: region("13", "Abruzzo").into(),
        form: HistoryForm::Rectangles,
        valid: TimeRange::FromTo(valid(from), valid(to)),
        known: TimeRange::FromTo(system(from), system(to)),
        columns: vec!["totale_casi".to_owned()],
        ..HistoryQuestion::default()
    };
    let answer = client.history(&question).await?;
    let schema = answer.schema().clone();
    let (batches, _) = console::collect(answer).await?;
    page.write(&picture::draw(&schema, &batches, &[], WIDTH)?)
}

fn behind(page: &mut Page, (claim, end): &(Claim, AnswerEnd)) -> Result<(), CliError> {
    page.section(
        "What an answer rests on",
        "Every answer comes with its claim: at which point of both times, from which commit and which\n\
         sealed snapshot, how complete, and the hash of the result. Whoever asks again at that point\n\
         gets the same rows with the same hash, today or in ten years. This is the claim behind the\n\
         last table of section 1: ask again, and compare. --claim prints it as JSON.\n",
    )?;
    page.write(&claim::text(claim, end))
}

fn refused(place: &str, outcome: &Outcome, page: &mut Page) -> Result<(), CliError> {
    page.section(
        "What was refused, and why",
        "A real feed brings bad files. Each is refused whole, with the row to blame, and nothing is\n\
         guessed; the next one goes on. What the file should have said stays as it was known before.\n",
    )?;
    page.write(&outcome.lines(WIDTH))?;
    page.command(place, "import --feed tests/data/italy-covid19/feed.toml\n--report refused.ndjson")
}

fn goodbye(place: &str, page: &mut Page) -> Result<(), CliError> {
    page.write(&format!(
        "\n\nThree things to try\n───────────────────\n\
         A whole day of old figures, corrected 17 minutes later:\n\
         \x20 $ calotype {place} diff regions --valid-at 2020-05-12T00:00:00Z \\\n\
         \x20     --from-known 2020-05-12T16:50:00Z --to-known 2020-05-12T17:10:00Z \\\n\
         \x20     --columns denominazione_regione,totale_casi,deceduti\n\
         How the columns of a feed grew over two years, and a read in the columns of then:\n\
         \x20 $ calotype {place} context show provinces\n\
         \x20 $ calotype {place} as-of provinces --valid-at 2020-04-01T00:00:00Z \\\n\
         \x20     --known-at 2020-04-01T20:00:00Z\n\
         Whether every byte in the store is what it claims to be:\n\
         \x20 $ calotype {place} verify --level 4\n"
    ))
}
