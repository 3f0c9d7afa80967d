//! Long runs of the simulation: `sim --seed N --histories M [--bits]`. One seed gives
//! one run; a failure names the seed that repeats it alone.

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Context, bail};
use calotype_oracle::Seed;
use calotype_suite::cuts::{cut, fates, one_fate, pairs_by_lot, steps};
use calotype_suite::golden::Golden;
use calotype_suite::histories::by_lot;
use calotype_suite::recovered::{Wrong, check, recover_and_go_on};
use calotype_suite::world::World;
use calotype_suite::writers::share;

/// Crash points of one history; each is tried with several survivors.
const CUTS: u32 = 12;
/// Second crashes of one history.
const PAIRS: u32 = 4;

/// What is run.
struct Arguments {
    seed: u64,
    histories: u64,
    bits: bool,
}

impl Arguments {
    fn parse() -> anyhow::Result<Self> {
        let mut arguments = Self { seed: 0, histories: 100, bits: false };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            let mut number = || -> anyhow::Result<u64> {
                let value = words.next().with_context(|| format!("{word} needs a number"))?;
                Ok(value.parse()?)
            };
            match word.as_str() {
                "--seed" => arguments.seed = number()?,
                "--histories" => arguments.histories = number()?,
                "--bits" => arguments.bits = true,
                other => bail!("{other} is not an argument: --seed N --histories M [--bits]"),
            }
        }
        Ok(arguments)
    }
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse()?;
    let crashes = AtomicU64::new(0);
    in_parallel(arguments.histories, |number| {
        let seed = arguments.seed.wrapping_add(number);
        match history(seed) {
            Ok(count) => Ok(crashes.fetch_add(count, Ordering::Relaxed)),
            Err(wrong) => Err(format!("{wrong}\nrepeat it with --seed {seed} --histories 1")),
        }
    })?;
    println!(
        "{} histories from seed {}: {} crashes survived, two writers each, equal traces",
        arguments.histories,
        arguments.seed,
        crashes.into_inner()
    );
    if arguments.bits {
        let all = Golden::new().bits(1, 0);
        let chunk = 4_096;
        let chunks = all.chunks(chunk).collect::<Vec<_>>();
        in_parallel(chunks.len() as u64, |number| {
            let golden = Golden::new();
            let mine = usize::try_from(number).map_err(|error| error.to_string())?;
            chunks[mine].iter().try_for_each(|(path, bit)| golden.check_bit(path, *bit))
        })?;
        println!("{} bits flipped: each was named, and no answer changed", all.len());
    }
    Ok(())
}

/// Does numbered pieces of work on all cores, until one goes wrong.
fn in_parallel<T>(count: u64, work: impl Fn(u64) -> Result<T, Wrong> + Sync) -> anyhow::Result<()> {
    let next = AtomicU64::new(0);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let worker = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= count {
                return Ok(());
            }
            if let Err(wrong) = work(number) {
                next.store(count, Ordering::Relaxed);
                return Err(wrong);
            }
        }
    };
    let outcomes: Vec<Result<(), Wrong>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(worker)).collect();
        let panicked = |_| Err("a history panicked; its message is above".to_owned());
        workers.into_iter().map(|worker| worker.join().unwrap_or_else(panicked)).collect()
    });
    match outcomes.into_iter().find_map(Result::err) {
        Some(wrong) => bail!("{wrong}"),
        None => Ok(()),
    }
}

/// One history by lot: undisturbed, cut, cut twice, and shared by two writers. How many crashes it survived.
fn history(number: u64) -> Result<u64, Wrong> {
    let named = |what: &str, wrong: Wrong| format!("seed {number}: {what}: {wrong}");
    let script = by_lot(Seed::new(number));
    let mut seed = Seed::new(!number);
    let (trace, again) = (undisturbed(number)?, undisturbed(number)?);
    if trace != again {
        return Err(format!("seed {number}: two traces of one history"));
    }
    let steps = steps(&script)?.1;
    let mut crashes = 0;
    for _ in 0..CUTS {
        let step = steps[seed.below(u32::try_from(steps.len()).unwrap_or(u32::MAX)) as usize];
        let world = cut(&script, step)?;
        let mut survivors = fates(&world, &mut seed);
        survivors.truncate(6);
        survivors.push(one_fate(&mut seed));
        for fate in survivors {
            let story = format!("cut at {step}, {fate:?}");
            recover_and_go_on(&mut world.restarted(fate), &script).map_err(|wrong| named(&story, wrong))?;
            crashes += 1;
        }
    }
    crashes += u64::from(pairs_by_lot(&script, &mut seed, PAIRS).map_err(|wrong| named("pairs", wrong))?);
    for seconds in [0, 60] {
        share(World::default(), Seed::new(number), seconds).map_err(|wrong| named("two writers", wrong))?;
    }
    Ok(crashes)
}

fn undisturbed(number: u64) -> Result<u64, Wrong> {
    let script = by_lot(Seed::new(number));
    let mut world = World::default();
    let database = world.run(&script).ok_or_else(|| format!("seed {number}: it does not run"))?;
    check(&database, &world.journal).map_err(|wrong| format!("seed {number}: undisturbed: {wrong}"))?;
    Ok(world.store.trace_hash())
}
