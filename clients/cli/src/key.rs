//! Keys as people write them: `name=value` for each key column, or values alone in the key's order.

use calotype_client::{Context, Key, Keys, Value};

use crate::error::CliError;

/// The key that some arguments name.
///
/// # Errors
/// A key column is missing, named twice, or not one.
pub(crate) fn key_of(context: &Context, parts: &[String]) -> Result<Key, CliError> {
    let names = &context.key;
    let wrong = || CliError::Argument {
        argument: "key",
        found: parts.join(" "),
        expected: format!("a value for each key column of context '{}': {}", context.name, example(names)),
    };
    let by_name = |part: &String| {
        let (name, value) = part.split_once('=')?;
        let place = names.iter().position(|other| other == name)?;
        Some((place, value.to_owned()))
    };
    if parts.len() != names.len() {
        return Err(wrong());
    }
    let mut values: Vec<Option<String>> = vec![None; names.len()];
    let all: Vec<_> = parts.iter().map(by_name).collect();
    let none_named = all.iter().all(Option::is_none);
    for (place, (part, found)) in parts.iter().zip(all).enumerate() {
        let (place, value) = match found {
            Some(found) => found,
            None if none_named => (place, part.clone()),
            None => return Err(wrong()),
        };
        if values[place].replace(value).is_some() {
            return Err(wrong());
        }
    }
    let values: Option<Vec<_>> = values.into_iter().map(|value| value.map(Value::String)).collect();
    values.map(|values| Key::of(names.iter().cloned().zip(values))).ok_or_else(wrong)
}

/// The key that some arguments name; all keys if there are none.
///
/// # Errors
/// As [`key_of`].
pub(crate) fn keys_of(context: &Context, parts: &[String]) -> Result<Keys, CliError> {
    if parts.is_empty() { Ok(Keys::All) } else { Ok(key_of(context, parts)?.into()) }
}

fn example(names: &[String]) -> String {
    let part = |name: &String| format!("{name}=VALUE");
    names.iter().map(part).collect::<Vec<_>>().join(" ")
}
