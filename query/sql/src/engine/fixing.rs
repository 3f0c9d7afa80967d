//! A statement whose defaults are named, so that it is answered the same when it is asked again.

use calotype_query::as_of;
use calotype_query::fixed::Moment;

use futures::future::BoxFuture;

use super::{Defaults, SqlEngine, SqlRequest};
use crate::caught::caught;
use crate::error::SqlError;
use crate::names;
use crate::script::Script;

const VALID_TIME: &str = "calotype.valid_time";
const SYSTEM_TIME: &str = "calotype.system_time";
const SNAPSHOT: &str = "calotype.snapshot";

impl SqlEngine {
    /// Names the instants in a request's settings that hold where its statement names none. What a text sets itself stays,
    /// and so does what it says with `now()`.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn fix<'a>(&'a self, request: &'a mut SqlRequest) -> BoxFuture<'a, Result<(), SqlError>> {
        Box::pin(caught(self.fixed(request)))
    }

    async fn fixed(&self, request: &mut SqlRequest) -> Result<(), SqlError> {
        let script = Script::read(&request.text, &request.parameters)?;
        as_of::see(&self.database, request.at_least).await?;
        let moment = Moment::of(&self.database);
        let mut views = request.views.clone();
        views.extend(script.views);
        let names_snapshot =
            |(name, value): (&String, &String)| name.eq_ignore_ascii_case(SNAPSHOT) && !value.is_empty();
        let names_snapshot = request.settings.iter().any(names_snapshot)
            || script.settings.iter().any(|(name, value)| names_snapshot((name, value)));
        let defaults = Defaults::read(&self.database, &request.settings, script.settings)?;
        if names_snapshot {
            return Ok(());
        }
        let known = match defaults.known {
            Some(known) => Some(known),
            None => names::settled(&self.database, moment, &script.query, &views)?,
        };
        let valid = defaults.valid.unwrap_or(moment.valid_now());
        request.settings.retain(|name, value| {
            let name = name.to_ascii_lowercase();
            !value.is_empty() && name != VALID_TIME && name != SYSTEM_TIME
        });
        request.settings.insert(VALID_TIME.to_owned(), valid.to_string());
        if let Some(known) = known {
            request.settings.insert(SYSTEM_TIME.to_owned(), known.to_string());
        }
        Ok(())
    }
}
