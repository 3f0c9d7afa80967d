//! A section of the settings: each setting is declared once, and field, default, unit, bounds and documentation
//! all come from that one place.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use super::sections::{LogFormat, Ratio};
use super::value::{Unit, Value};

/// What is known about a setting.
#[derive(Clone, Debug)]
pub struct Declaration {
    /// The section.
    pub section: &'static str,
    /// The name within the section.
    pub name: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// What it is unless somebody chooses.
    pub default: Value,
    /// What it is for, in a line.
    pub doc: &'static str,
}

impl Declaration {
    /// `section.name`.
    pub fn key(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// The variable of the environment.
    pub fn variable(&self) -> String {
        format!("CALOTYPE_{}_{}", self.section, self.name).to_ascii_uppercase()
    }
}

/// A section of the settings.
pub trait Section: Default {
    /// Its settings, in the order of their declaration.
    fn declarations() -> Vec<Declaration>;

    /// The value of a setting.
    fn value(&self, name: &str) -> Option<Value>;

    /// Gives a setting a value. `false` if there is no such setting, or its type does not hold the value.
    #[must_use]
    fn set(&mut self, name: &str, value: Value) -> bool;
}

/// A type that a setting can have.
pub trait Typed: Sized {
    /// The value without its type.
    fn value(&self) -> Value;

    /// The value with its type, where that holds it.
    fn typed(value: Value) -> Option<Self>;
}

/// Declares the settings of a section: the struct, its defaults, and what [`Section`] knows of it.
macro_rules! section {
    (
        $(#[doc = $about:literal])+
        $Name:ident = $section:literal;
        $( $(#[doc = $doc:literal])+ $field:ident: $Type:ty = $default:expr, $unit:expr; )+
    ) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $Name {
            $( $(#[doc = $doc])+ pub $field: $Type, )+
        }

        impl Default for $Name {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        impl $crate::settings::section::Section for $Name {
            fn declarations() -> Vec<$crate::settings::section::Declaration> {
                use $crate::settings::section::{Declaration, Typed};
                let default = Self::default();
                vec![$( Declaration {
                    section: $section,
                    name: stringify!($field),
                    unit: $unit,
                    default: Typed::value(&default.$field),
                    doc: concat!($($doc),+).trim_ascii(),
                }, )+]
            }

            fn value(&self, name: &str) -> Option<$crate::settings::value::Value> {
                match name {
                    $( stringify!($field) => Some($crate::settings::section::Typed::value(&self.$field)), )+
                    _ => None,
                }
            }

            fn set(&mut self, name: &str, value: $crate::settings::value::Value) -> bool {
                match name {
                    $( stringify!($field) => $crate::settings::section::Typed::typed(value)
                        .map(|value| self.$field = value)
                        .is_some(), )+
                    _ => false,
                }
            }
        }
    };
}
pub(crate) use section;

macro_rules! typed {
    ($Type:ty, $value:ident => $to:expr, $Variant:ident($inner:ident) => $from:expr) => {
        impl Typed for $Type {
            fn value(&self) -> Value {
                let $value = self;
                $to
            }

            fn typed(value: Value) -> Option<Self> {
                let Value::$Variant($inner) = value else { return None };
                $from
            }
        }
    };
}

typed!(u32, number => Value::Number(u64::from(*number)), Number(number) => Self::try_from(number).ok());
typed!(u64, number => Value::Number(*number), Number(number) => Some(number));
typed!(usize, number => Value::Number(u64::try_from(*number).unwrap_or(u64::MAX)), Number(number) => Self::try_from(number).ok());
typed!(bool, flag => Value::Flag(*flag), Flag(flag) => Some(flag));
typed!(Duration, duration => Value::Duration(*duration), Duration(duration) => Some(duration));
typed!(String, text => Value::Text(text.clone()), Text(text) => Some(text));
typed!(Option<String>, text => Value::Text(text.clone().unwrap_or_default()), Text(text) => Some((!text.is_empty()).then_some(text)));
typed!(Option<PathBuf>, path => Value::Text(path.as_ref().map_or_else(String::new, |path| path.display().to_string())), Text(text) => Some((!text.is_empty()).then(|| text.into())));
typed!(SocketAddr, address => Value::Text(address.to_string()), Text(text) => socket_address(&text));
typed!(Option<SocketAddr>, address => Value::Text(address.map_or_else(String::new, |address| address.to_string())), Text(text) => match text.as_str() {
    "" => Some(None),
    text => socket_address(text).map(Some),
});
typed!(Ratio, ratio => Value::Ratio(ratio.0), Ratio(ppm) => Some(Self(ppm)));
typed!(LogFormat, format => Value::Text(format.word().to_owned()), Text(text) => Self::ALL.into_iter().find(|format| format.word() == text));

/// Reads an address; `localhost` is the one name that is understood, since it needs nobody to ask.
fn socket_address(text: &str) -> Option<SocketAddr> {
    match text.strip_prefix("localhost:") {
        Some(port) => Some((std::net::Ipv4Addr::LOCALHOST, port.parse().ok()?).into()),
        None => text.parse().ok(),
    }
}
