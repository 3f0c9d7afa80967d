//! The three tables.

use std::fmt;

/// A table; each is a context of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// What is bought from whom, at what cost.
    Contracts,
    /// What is sold, at what price.
    Products,
    /// Who delivers.
    Suppliers,
}

impl Table {
    /// All of them, in the order of the stream.
    pub const ALL: [Self; 3] = [Self::Contracts, Self::Products, Self::Suppliers];

    /// Its name, and that of its context.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Contracts => "contracts",
            Self::Products => "products",
            Self::Suppliers => "suppliers",
        }
    }

    /// Its columns after `id`, all of them whole numbers; `cost` and `retail` are cents.
    pub const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Contracts => &["pid", "sid", "cost", "qty", "grade"],
            Self::Products => &["category", "retail"],
            Self::Suppliers => &["region", "tier"],
        }
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
