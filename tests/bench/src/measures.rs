//! The measures.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;

use anyhow::{Context as _, Result, ensure};
use arrow_array::RecordBatch;
use calotype_query::{AsOfRequest, KeyValue, Keys, LocalPolicy, Point, resolve};
use calotype_storage::ValidTime;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::evaluate::{CreateContext, Deed, Materialise};
use calotype_storage::name::ContextName;
use calotype_storage::put::{Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use futures::executor::block_on;

use crate::book::book;
use crate::machine::{float, folder_bytes, memory_peak_mib, spread, timed};

/// Point questions in one run.
const POINTS: usize = 20_000;

fn loans() -> ContextName {
    ContextName::parse("loans").expect("a legal name")
}

pub(crate) fn cutoff(day: u64) -> ValidTime {
    let micros = (20_000 + i64::try_from(day).unwrap_or(0)) * 86_400_000_000;
    ValidTime::from_micros(micros).expect("an ordinary instant")
}

pub(crate) fn database(folder: &Path) -> Result<Database> {
    let backend = Backend::local(&folder.join("store"), true)?;
    let state = StateFolder::Under(folder.join("store.local"));
    Ok(block_on(Database::open(backend, OpenOptions::new(Access::Create, state)))?)
}

pub(crate) fn create(database: &Database) -> Result<()> {
    let definition = CreateEntry {
        mode: Mode::State,
        key: vec!["loan_id".into()],
        import: false,
        max_retracted_ppm: None,
        schema: None,
    };
    let deed = Deed { context: loans(), options: PutOptions::default() };
    block_on(database.create_context(CreateContext { deed, definition }))?;
    Ok(())
}

pub(crate) fn put(database: &Database, day: u64, batches: Vec<RecordBatch>) -> Result<()> {
    let schema = batches.first().context("there are rows")?.schema();
    let kind = PutKind::Full { cutoff: cutoff(day) };
    block_on(database.put(Put { context: loans(), kind, schema, batches, options: PutOptions::default() }))?;
    Ok(())
}

fn print(name: &str, unit: &str, figures: Vec<f64>) {
    let (least, median, most) = spread(figures);
    println!("{name:<58} {median:>12.1} {unit:<8} ({least:.1} to {most:.1})");
}

pub(crate) fn working_folder(directory: Option<&Path>) -> Result<tempfile::TempDir> {
    Ok(match directory {
        Some(directory) => tempfile::tempdir_in(directory)?,
        None => tempfile::tempdir()?,
    })
}

/// Loads the bulletin feed by the command line, each time into a new store.
pub(crate) fn feed(calotype: &Path, feed: &Path, runs: usize, directory: Option<&Path>) -> Result<()> {
    let folder = working_folder(directory)?;
    let mut figures = Vec::new();
    for run in 0..runs {
        let mut import = Command::new(calotype);
        import.arg("--store").arg(folder.path().join(format!("feed-{run}")));
        import.args(["--quiet", "import", "--feed"]).arg(feed).stdout(Stdio::null()).stderr(Stdio::null());
        let (status, time) = timed(|| import.status());
        // Some of the real files are broken and refused, which the exit code says.
        status.context("the command line starts")?;
        figures.push(time.as_secs_f64());
    }
    print("bulletin feed, 4,022 publications, durable", "s", figures);
    Ok(())
}

/// Takes all measures.
pub(crate) fn all(rows: usize, runs: usize, directory: Option<&Path>) -> Result<()> {
    let folder = working_folder(directory)?;
    println!("{rows} rows x 12 columns, {runs} runs; median (least to most)");
    let per_second = |seconds: f64| f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / seconds;
    let first = book(rows, 0, 100);
    let second = book(rows, 1, 100);
    let (mut loads, mut again, mut shares) = (Vec::new(), Vec::new(), Vec::new());
    for run in 0..runs {
        let folder = folder.path().join(format!("load-{run}"));
        let database = database(&folder)?;
        create(&database)?;
        let (loaded, time) = timed(|| put(&database, 0, first.clone()));
        loaded?;
        loads.push(per_second(time.as_secs_f64()));
        let before = folder_bytes(&folder.join("store"));
        let (loaded, time) = timed(|| put(&database, 1, second.clone()));
        loaded?;
        again.push(per_second(time.as_secs_f64()));
        let after = folder_bytes(&folder.join("store"));
        shares.push(100.0 * float(after - before) / float(before));
        if run == 0 {
            println!("{:<58} {:>12.1} MiB", "bytes of the first full", float(before) / 1_048_576.0);
        }
    }
    print("full extract, durable", "rows/s", loads);
    print("the same with 1 % changed, durable", "rows/s", again);
    print("bytes of the second, of the first", "%", shares);
    drop((first, second));
    let store = folder.path().join("load-0");
    let database = database(&store)?;
    scans(&database, rows, runs)?;
    points(&database, rows, runs)?;
    keyframes(&database, runs)?;
    drop(database);
    openings(&store, runs)?;
    println!("{:<58} {:>12} MiB", "memory, most at any time", memory_peak_mib(std::process::id()));
    Ok(())
}

fn request(day: u64) -> AsOfRequest {
    AsOfRequest::new(loans(), Point { valid_at: Some(cutoff(day)), known_at: None })
}

fn scans(database: &Database, rows: usize, runs: usize) -> Result<()> {
    for (day, name) in [(0, "as-of scan of the first full"), (1, "as-of scan with 1 % patched")] {
        let mut figures = Vec::new();
        for _ in 0..runs {
            let (counted, time) = timed(|| {
                block_on(async {
                    let mut answer = resolve(database, &LocalPolicy, &request(day)).await?;
                    let mut counted = 0;
                    while let Some(batch) = answer.next().await? {
                        counted += batch.num_rows();
                    }
                    anyhow::Ok(counted)
                })
            });
            ensure!(counted? == rows, "the scan counted other rows than were put");
            figures.push(f64::from(u32::try_from(rows).unwrap_or(u32::MAX)) / time.as_secs_f64());
        }
        print(name, "rows/s", figures);
    }
    Ok(())
}

fn points(database: &Database, rows: usize, runs: usize) -> Result<()> {
    let rows = u64::try_from(rows)?;
    let (mut halves, mut tails) = (Vec::new(), Vec::new());
    for run in 0..runs {
        let mut times = Vec::with_capacity(POINTS);
        for point in 0..POINTS {
            // A thousand keys, so that what they lie in stays warm.
            let id = (u64::try_from(point % 1000)? * 7919 + u64::try_from(run)?) % rows;
            let keys = Keys::one(vec![KeyValue::Integer(i128::from(id))]);
            let request = AsOfRequest { keys, ..request(1) };
            let (answer, time) = timed(|| {
                block_on(async { resolve(database, &LocalPolicy, &request).await?.collect().await })
            });
            ensure!(answer?.1.rows == 1, "loan {id} was not found");
            times.push(time.as_secs_f64() * 1e6);
        }
        times.sort_by(f64::total_cmp);
        halves.push(times[POINTS / 2]);
        tails.push(times[POINTS * 99 / 100]);
    }
    print("point as-of, warm, p50", "us", halves);
    print("point as-of, warm, p99", "us", tails);
    Ok(())
}

/// Keyframes of the newest state, each compared with a second resolution before it is committed.
fn keyframes(database: &Database, runs: usize) -> Result<()> {
    let mut figures = Vec::new();
    for run in 0..runs {
        let known = database.head().context("something was put")?.newest_time;
        let valid = ValidTime::from_micros(cutoff(1).micros() + i64::try_from(run)?).context("an instant")?;
        let deed = Deed { context: loans(), options: PutOptions::default() };
        let (made, time) = timed(|| block_on(database.materialise(Materialise { deed, valid, known })));
        made?;
        figures.push(time.as_secs_f64() * 1e3);
    }
    print("keyframe of the newest state", "ms", figures);
    Ok(())
}

/// Opens a store and asks for one loan.
pub(crate) fn open(folder: &Path) -> Result<()> {
    let (found, time) = timed(|| {
        let database = database(folder)?;
        let keys = Keys::one(vec![KeyValue::Integer(1)]);
        let answer = block_on(async {
            resolve(&database, &LocalPolicy, &AsOfRequest { keys, ..request(1) }).await?.collect().await
        });
        anyhow::Ok(answer?.1.rows)
    });
    ensure!(found? == 1, "the loan was not found");
    println!("{}", time.as_secs_f64() * 1e3);
    Ok(())
}

/// Puts small deltas until the process is killed; says when it has begun.
pub(crate) fn put_until_killed(folder: &Path) -> Result<()> {
    let database = database(folder)?;
    let rows = book(100, 0, 100);
    for day in 2.. {
        let kind = PutKind::Delta { cutoff: cutoff(day) };
        let put = Put {
            context: loans(),
            kind,
            schema: Arc::clone(rows[0].schema_ref()),
            batches: rows.clone(),
            options: PutOptions::default(),
        };
        block_on(database.put(put))?;
        if day == 150 {
            println!("begun");
        }
    }
    Ok(())
}

fn openings(folder: &Path, runs: usize) -> Result<()> {
    let program = std::env::current_exe()?;
    let mut figures = Vec::new();
    for _ in 0..runs {
        let mut writer = Command::new(&program)
            .arg("--until-killed")
            .arg(folder)
            .stdout(Stdio::piped())
            .spawn()
            .context("the program starts itself")?;
        let mut output = std::io::BufReader::new(writer.stdout.take().context("its output is piped")?);
        let mut line = String::new();
        std::io::BufRead::read_line(&mut output, &mut line)?;
        writer.kill()?;
        writer.wait()?;
        let opened = Command::new(&program).arg("--open").arg(folder).output()?;
        ensure!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
        figures.push(String::from_utf8(opened.stdout)?.trim().parse()?);
    }
    print("open after a kill, until the first answer", "ms", figures);
    Ok(())
}
