//! The eight tables of TPC-H, with its names of columns, and the receivable period of ORDERS.

use std::fmt;
use std::sync::Arc;

use super::cell::{Cell, Cells, Cents};
use super::day::Day;

/// The key of a row; the second part is 0 where there is one key column.
pub type Key = (i64, i64);

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A 64-bit integer.
    Integer,
    /// Money, a decimal with two digits.
    Money,
    /// Text.
    Text,
    /// A day.
    Day,
}

/// A table, in the order in which they are loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Table {
    /// Constant.
    Region,
    /// Constant.
    Nation,
    /// System time alone changes.
    Supplier,
    /// Valid while the part can be had.
    Part,
    /// Valid while price and stock line hold.
    PartSupp,
    /// Valid while the customer's data hold.
    Customer,
    /// Valid while the order is active.
    Orders,
    /// Valid from order to delivery.
    LineItem,
}

/// A row of one of the tables.
pub trait Row: Clone + Eq + fmt::Debug + Send + Sync + 'static {
    /// Its table.
    const TABLE: Table;
    /// Names of the key columns.
    const KEY: &'static [&'static str];
    /// Names and kinds of all columns.
    const COLUMNS: &'static [(&'static str, Kind)];

    /// Its key.
    fn key(&self) -> Key;

    /// Its cells, in the order of the columns.
    fn cells(&self) -> Cells;
}

/// A type of field, and the kind of its column.
trait Field {
    const KIND: Kind;
}

impl Field for i64 {
    const KIND: Kind = Kind::Integer;
}
impl Field for Cents {
    const KIND: Kind = Kind::Money;
}
impl Field for Arc<str> {
    const KIND: Kind = Kind::Text;
}
impl Field for Day {
    const KIND: Kind = Kind::Day;
}

/// A cell of a field, which is copied or counted.
trait ToCell {
    fn to_cell(&self) -> Cell;
}

impl<T> ToCell for T
where
    for<'a> &'a T: Into<Cell>,
{
    fn to_cell(&self) -> Cell {
        self.into()
    }
}

impl From<&i64> for Cell {
    fn from(value: &i64) -> Self {
        (*value).into()
    }
}
impl From<&Cents> for Cell {
    fn from(value: &Cents) -> Self {
        (*value).into()
    }
}
impl From<&Day> for Cell {
    fn from(value: &Day) -> Self {
        (*value).into()
    }
}

macro_rules! row {
    (
        $(#[$doc:meta])*
        $name:ident, key $key:expr, $row:ident => $key_of:expr,
        { $($field:ident: $type:ty = $column:literal,)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            $(#[doc = concat!("`", $column, "`.")] pub $field: $type,)*
        }

        impl Row for $name {
            const TABLE: Table = Table::$name;
            const KEY: &'static [&'static str] = &$key;
            const COLUMNS: &'static [(&'static str, Kind)] = &[$(($column, <$type as Field>::KIND),)*];

            fn key(&self) -> Key {
                let $row = self;
                $key_of
            }

            fn cells(&self) -> Cells {
                vec![$(self.$field.to_cell(),)*]
            }
        }
    };
}

row! {
    /// A region.
    Region, key ["r_regionkey"], row => (row.regionkey, 0),
    { regionkey: i64 = "r_regionkey", name: Arc<str> = "r_name", comment: Arc<str> = "r_comment", }
}

row! {
    /// A nation.
    Nation, key ["n_nationkey"], row => (row.nationkey, 0),
    {
        nationkey: i64 = "n_nationkey", name: Arc<str> = "n_name", regionkey: i64 = "n_regionkey",
        comment: Arc<str> = "n_comment",
    }
}

row! {
    /// A supplier.
    Supplier, key ["s_suppkey"], row => (row.suppkey, 0),
    {
        suppkey: i64 = "s_suppkey", name: Arc<str> = "s_name", address: Arc<str> = "s_address",
        nationkey: i64 = "s_nationkey", phone: Arc<str> = "s_phone", acctbal: Cents = "s_acctbal",
        comment: Arc<str> = "s_comment",
    }
}

row! {
    /// A part.
    Part, key ["p_partkey"], row => (row.partkey, 0),
    {
        partkey: i64 = "p_partkey", name: Arc<str> = "p_name", mfgr: Arc<str> = "p_mfgr",
        brand: Arc<str> = "p_brand", kind: Arc<str> = "p_type", size: i64 = "p_size",
        container: Arc<str> = "p_container", retailprice: Cents = "p_retailprice", comment: Arc<str> = "p_comment",
    }
}

row! {
    /// What a supplier offers a part for, and how many there are.
    PartSupp, key ["ps_partkey", "ps_suppkey"], row => (row.partkey, row.suppkey),
    {
        partkey: i64 = "ps_partkey", suppkey: i64 = "ps_suppkey", availqty: i64 = "ps_availqty",
        supplycost: Cents = "ps_supplycost", comment: Arc<str> = "ps_comment",
    }
}

row! {
    /// A customer.
    Customer, key ["c_custkey"], row => (row.custkey, 0),
    {
        custkey: i64 = "c_custkey", name: Arc<str> = "c_name", address: Arc<str> = "c_address",
        nationkey: i64 = "c_nationkey", phone: Arc<str> = "c_phone", acctbal: Cents = "c_acctbal",
        mktsegment: Arc<str> = "c_mktsegment", comment: Arc<str> = "c_comment",
    }
}

row! {
    /// An order. Its status is `O` open, `P` pending or `F` final.
    Orders, key ["o_orderkey"], row => (row.orderkey, 0),
    {
        orderkey: i64 = "o_orderkey", custkey: i64 = "o_custkey", orderstatus: Arc<str> = "o_orderstatus",
        totalprice: Cents = "o_totalprice", orderdate: Day = "o_orderdate",
        orderpriority: Arc<str> = "o_orderpriority", clerk: Arc<str> = "o_clerk",
        shippriority: i64 = "o_shippriority", comment: Arc<str> = "o_comment",
        receivable_begin: Day = "o_receivable_begin", receivable_end: Day = "o_receivable_end",
    }
}

row! {
    /// An item of an order. Its status is `O` open or `F` delivered.
    LineItem, key ["l_orderkey", "l_linenumber"], row => (row.orderkey, row.linenumber),
    {
        orderkey: i64 = "l_orderkey", partkey: i64 = "l_partkey", suppkey: i64 = "l_suppkey",
        linenumber: i64 = "l_linenumber", quantity: i64 = "l_quantity", extendedprice: Cents = "l_extendedprice",
        discount: Cents = "l_discount", tax: Cents = "l_tax", returnflag: Arc<str> = "l_returnflag",
        linestatus: Arc<str> = "l_linestatus", shipdate: Day = "l_shipdate", commitdate: Day = "l_commitdate",
        receiptdate: Day = "l_receiptdate", shipinstruct: Arc<str> = "l_shipinstruct",
        shipmode: Arc<str> = "l_shipmode", comment: Arc<str> = "l_comment",
    }
}

impl LineItem {
    /// What it adds to the total of its order, as TPC-H rounds it: price less discount, plus tax.
    pub fn charge(&self) -> Cents {
        Cents(self.extendedprice.0 * (100 - self.discount.0) / 100 * (100 + self.tax.0) / 100)
    }
}

impl Orders {
    /// Whether its bill is open on a day.
    pub fn is_receivable(&self, day: Day) -> bool {
        self.receivable_begin <= day && day < self.receivable_end
    }
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Region,
        Self::Nation,
        Self::Supplier,
        Self::Part,
        Self::PartSupp,
        Self::Customer,
        Self::Orders,
        Self::LineItem,
    ];

    /// Its name, and that of its context.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Region => "region",
            Self::Nation => "nation",
            Self::Supplier => "supplier",
            Self::Part => "part",
            Self::PartSupp => "partsupp",
            Self::Customer => "customer",
            Self::Orders => "orders",
            Self::LineItem => "lineitem",
        }
    }
}
