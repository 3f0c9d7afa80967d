//! A small store whose objects are damaged in every way: whoever opens it or verifies
//! it is told which object, and no question gets another answer.

use std::collections::BTreeMap;

use calotype_oracle::Key;
use calotype_simulation::SimStore;
use calotype_storage::database::{Access, Database};
use calotype_storage::name::ContextName;
use calotype_storage::verify::{Level, verify};
use futures::executor::block_on;

use crate::histories::everything;
use crate::oracle_rows::answer;
use crate::recovered::Wrong;
use crate::world::{Outcome, Place, World};

/// Objects by path.
pub type Image = BTreeMap<String, Vec<u8>>;

/// A point and the state there.
type Answered = (ContextName, i64, i64, BTreeMap<Key, u32>, String);

/// A sound store, what it answers, and a database that saw it sound.
#[derive(Debug)]
pub struct Golden {
    /// Its objects.
    pub image: Image,
    answers: Vec<Answered>,
    /// A world around the store, to be damaged and mended.
    world: World,
    witness: Database,
}

/// What came of looking at a damaged store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// It was not opened, for this reason.
    Refused(String),
    /// Verification found this.
    Found(String),
    /// Nothing.
    Nothing,
}

impl Golden {
    /// Makes the store.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new() -> Self {
        let mut world = World::default();
        world.place = Place::Bucket;
        let witness = world.run(&everything()).expect("an undisturbed run");
        let mut golden = Self { image: world.store.image(), answers: Vec::new(), world, witness };
        golden.answers = golden.ask_all();
        golden
    }

    fn ask_all(&self) -> Vec<Answered> {
        let mut known = Vec::new();
        for sent in &self.world.journal {
            let Outcome::Acknowledged(receipt, _) = &sent.outcome else {
                unreachable!("everything is taken: {sent:?}")
            };
            known.push(receipt.system_time.micros());
        }
        let mut answers = Vec::new();
        for name in self.witness.contexts().expect("an index in memory") {
            for known in known.iter().copied().step_by(2).chain(known.last().copied()) {
                for valid in [0, 7, 10, 15, 20, 31] {
                    let (state, end) = answer(&self.witness, &name, valid, known).expect("a sound store");
                    let hash = end.result_hash.to_string();
                    answers.push((name.clone(), valid, known, state, hash));
                }
            }
        }
        answers
    }

    /// Opens a damaged store without an index, verifies it, and asks everything again.
    ///
    /// # Errors
    /// If a question gets another answer.
    pub fn look_afresh(&self, image: &Image) -> Result<Seen, Wrong> {
        let store = SimStore::from_image(image).map_err(|error| error.to_string())?;
        let mut world = self.world.clone();
        world.store = store;
        let database = match world.open_for(Access::Read) {
            Ok(database) => database,
            Err(error) => return Ok(Seen::Refused(error.to_string())),
        };
        let seen = found(&database);
        for (context, valid, known, state, hash) in &self.answers {
            let Ok((now, end)) = answer(&database, context, *valid, *known) else {
                continue;
            };
            if now != *state || end.result_hash.to_string() != *hash {
                return Err(format!(
                    "{context} at {valid} known {known} is {now:?}, was {state:?}, and was seen: {seen:?}"
                ));
            }
        }
        Ok(seen)
    }

    /// Lets the database that saw the store sound verify it as it is now.
    ///
    /// # Errors
    /// If the store cannot be arranged.
    pub fn look_as_witness(&self, image: &Image) -> Result<Seen, Wrong> {
        self.world.store.restore(image).map_err(|error| error.to_string())?;
        let seen = found(&self.witness);
        self.world.store.restore(&self.image).map_err(|error| error.to_string())?;
        Ok(seen)
    }

    /// The store with one bit flipped.
    pub fn flipped(&self, path: &str, bit: usize) -> Image {
        let mut image = self.image.clone();
        if let Some(bytes) = image.get_mut(path) {
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        image
    }

    /// Every `stride`-th bit of the store, over all objects, from an offset on.
    pub fn bits(&self, stride: usize, offset: usize) -> Vec<(String, usize)> {
        let of = |(path, bytes): (&String, &Vec<u8>)| {
            let path = path.clone();
            // Every object has its share, however small it is.
            let bits = (offset % stride..bytes.len() * 8).step_by(stride);
            bits.map(move |bit| (path.clone(), bit)).collect::<Vec<_>>()
        };
        self.image.iter().flat_map(of).collect()
    }

    /// Flips a bit: it is found by name, and changes no answer.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check_bit(&self, path: &str, bit: usize) -> Result<(), Wrong> {
        let image = self.flipped(path, bit);
        let named = |seen: &Seen| match seen {
            Seen::Refused(text) | Seen::Found(text) => names(text, path),
            Seen::Nothing => false,
        };
        let story = |seen: &Seen| format!("bit {bit} of {path}: {seen:?}");
        let witnessed = self.look_as_witness(&image)?;
        if !named(&witnessed) {
            return Err(story(&witnessed));
        }
        let afresh = self.look_afresh(&image);
        let afresh = afresh.map_err(|wrong| format!("bit {bit} of {path}: {wrong}"))?;
        if named(&afresh) { Ok(()) } else { Err(story(&afresh)) }
    }
}

impl Default for Golden {
    fn default() -> Self {
        Self::new()
    }
}

/// Whether a text names an object; a record may also be named by the one that follows it.
pub fn names(text: &str, path: &str) -> bool {
    if text.contains(path) {
        return true;
    }
    let number = path.strip_prefix("log/").and_then(|number| number.parse::<u64>().ok());
    number.is_some_and(|number| text.contains(&format!("log/{:020}", number + 1)))
}

fn found(database: &Database) -> Seen {
    match block_on(verify(database, Level::Content, &mut |_, _, _| {})) {
        Err(error) => Seen::Found(error.to_string()),
        Ok(report) if report.findings.is_empty() => Seen::Nothing,
        Ok(report) => Seen::Found(format!("{:?}", report.findings)),
    }
}
