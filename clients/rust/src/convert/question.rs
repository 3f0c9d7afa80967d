//! Points, ranges, questions.

use calotype_proto::v1;
use prost_types::Timestamp;

use super::maybe;
use crate::error::{Broken, ClientError};
use crate::question::{
    AsOfQuestion, EntityQuestion, HistoryForm, HistoryQuestion, Keys, Point, SqlQuestion, TimeRange,
};

impl From<Point> for v1::Point {
    fn from(point: Point) -> Self {
        Self { valid_at: point.valid_at.map(Into::into), known_at: point.known_at.map(Into::into) }
    }
}

impl TryFrom<v1::Point> for Point {
    type Error = Broken;

    fn try_from(point: v1::Point) -> Result<Self, Broken> {
        Ok(Self { valid_at: maybe(point.valid_at)?, known_at: maybe(point.known_at)? })
    }
}

/// All is a range that is left out.
fn range<T: Copy + Into<Timestamp>>(range: TimeRange<T>) -> Option<v1::TimeRange> {
    let (from, to, to_inclusive) = match range {
        TimeRange::All => return None,
        TimeRange::At(at) => (at, None, false),
        TimeRange::FromTo(from, to) => (from, Some(to), false),
        TimeRange::Between(from, to) => (from, Some(to), true),
    };
    Some(v1::TimeRange { from: Some(from.into()), to: to.map(Into::into), to_inclusive })
}

impl Keys {
    /// The keys as they are sent.
    pub(crate) fn sent(&self) -> Result<Vec<v1::Key>, ClientError> {
        match self {
            Self::All => Ok(Vec::new()),
            Self::Of(keys) if keys.is_empty() => {
                Err(ClientError::Request("no key is named: ask for all keys, or for none at all".to_owned()))
            }
            Self::Of(keys) => Ok(keys.iter().map(Into::into).collect()),
        }
    }
}

/// All but what the answer must have seen.
impl From<&EntityQuestion> for v1::GetEntityRequest {
    fn from(question: &EntityQuestion) -> Self {
        Self {
            context: question.context.clone(),
            key: Some((&question.key).into()),
            point: Some(question.point.into()),
            columns: question.columns.clone(),
            system_columns: question.system_columns,
            schema_version: question.schema_version,
            at_least: None,
        }
    }
}

/// All but keys, format, and what the answer must have seen.
impl From<&AsOfQuestion> for v1::AsOfRequest {
    fn from(question: &AsOfQuestion) -> Self {
        Self {
            context: question.context.clone(),
            point: Some(question.point.into()),
            columns: question.columns.clone(),
            system_columns: question.system_columns,
            schema_version: question.schema_version,
            offsets: question.offsets.iter().map(Into::into).collect(),
            r#where: question.predicate.clone().unwrap_or_default(),
            ..Self::default()
        }
    }
}

/// All but keys, format, and what the answer must have seen.
impl From<&HistoryQuestion> for v1::HistoryRequest {
    fn from(question: &HistoryQuestion) -> Self {
        let form = match question.form {
            HistoryForm::Facts => v1::HistoryForm::Facts,
            HistoryForm::Rectangles => v1::HistoryForm::Rectangles,
        };
        Self {
            context: question.context.clone(),
            form: form.into(),
            valid: range(question.valid),
            known: range(question.known),
            columns: question.columns.clone(),
            schema_version: question.schema_version,
            ..Self::default()
        }
    }
}

/// All but format, and what the answer must have seen.
impl From<&SqlQuestion> for v1::SqlRequest {
    fn from(question: &SqlQuestion) -> Self {
        let named = question.named_parameters.iter();
        Self {
            text: question.text.clone(),
            parameters: question.parameters.iter().map(Into::into).collect(),
            named_parameters: named.map(|(name, value)| (name.clone(), value.into())).collect(),
            settings: question.settings.clone(),
            views: question.views.clone(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::ValidTime;
    use crate::value::Key;

    #[test]
    fn no_keys_are_not_all_keys() {
        assert_eq!(Keys::All.sent().unwrap(), []);
        assert!(Keys::Of(Vec::new()).sent().unwrap_err().to_string().contains("no key is named"));
        assert_eq!(Keys::from(Key::from([("id", 7_i64.into())])).sent().unwrap().len(), 1);
    }

    #[test]
    fn ranges_say_whether_their_end_belongs_to_them() {
        let at = ValidTime::from_micros;
        let sent = |found| range(found).map(|range| (range.from, range.to, range.to_inclusive));
        let time = |micros| Some(at(micros).into());
        assert_eq!(sent(TimeRange::All), None);
        assert_eq!(sent(TimeRange::At(at(1))), Some((time(1), None, false)));
        assert_eq!(sent(TimeRange::FromTo(at(1), at(2))), Some((time(1), time(2), false)));
        assert_eq!(sent(TimeRange::Between(at(1), at(2))), Some((time(1), time(2), true)));
    }
}
