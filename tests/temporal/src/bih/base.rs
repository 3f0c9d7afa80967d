//! Version 0: TPC-H's rows, each with a period, all known before the first simulated day.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::sync::Arc;

use tpchgen::dates::TPCHDate;
use tpchgen::decimal::TPCHDecimal;
use tpchgen::distribution::Distributions;
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen::text::TextPool;

use super::cell::Cents;
use super::day::{BEGINNING, Day, LOADED};
use super::draw::Draw;
use super::scenario::World;
use super::tables::{Customer, LineItem, Nation, Orders, Part, PartSupp, Region, Row, Supplier};
use super::timeline::{Book, Moment};

/// The text that comments are cut from, bytes.
const TEXT_BYTES: i32 = 4 << 20;
/// Rows of version 0 that become known together.
const TOGETHER: usize = 100_000;

/// How much there is of version 0, of TPC-H's scale 1; in thousandths, so that it prints and compares exactly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Thousandths(pub u32);

impl Thousandths {
    fn factor(self) -> f64 {
        f64::from(self.0) / 1000.0
    }
}

/// Why a text is no scale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no scale; give a number above 0 with at most three digits after the point, such as 0.01")]
pub struct ParseScaleError(String);

impl FromStr for Thousandths {
    type Err = ParseScaleError;

    fn from_str(text: &str) -> Result<Self, ParseScaleError> {
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = format!("{whole}{fraction:0<3}");
        let is_number = fraction.len() <= 3 && digits.bytes().all(|byte| byte.is_ascii_digit());
        let thousandths = digits.parse().ok().filter(|&thousandths| is_number && thousandths > 0);
        thousandths.map(Self).ok_or_else(|| ParseScaleError(text.to_owned()))
    }
}

/// Tables of version 0 whose periods hang on other tables.
struct Periods {
    /// Of each order: its beginning and end, and the earliest beginning and latest end of its items.
    orders: BTreeMap<i64, (Day, Day)>,
    /// Of each part: the earliest beginning of an item.
    parts: BTreeMap<i64, Day>,
    /// Of each customer: the earliest beginning of an order.
    customers: BTreeMap<i64, Day>,
}

/// Version 0 at a scale.
pub(super) fn version_0(scale: Thousandths, seed: u64) -> World {
    let distributions = Distributions::static_default();
    let text = TextPool::new(TEXT_BYTES, distributions);
    let factor = scale.factor();
    let mut world = World::new(seed);
    for row in RegionGenerator::new_with_distributions_and_text_pool(distributions, &text).iter() {
        let row =
            Region { regionkey: row.r_regionkey, name: row.r_name.into(), comment: row.r_comment.into() };
        load(&mut world.region, BEGINNING, None, row);
    }
    for row in NationGenerator::new_with_distributions_and_text_pool(distributions, &text).iter() {
        let row = Nation {
            nationkey: row.n_nationkey,
            name: row.n_name.into(),
            regionkey: row.n_regionkey,
            comment: row.n_comment.into(),
        };
        load(&mut world.nation, BEGINNING, None, row);
    }
    let suppliers =
        SupplierGenerator::new_with_distributions_and_text_pool(factor, 1, 1, distributions, &text);
    for row in suppliers.iter() {
        let row = Supplier {
            suppkey: row.s_suppkey,
            name: shown(row.s_name),
            address: shown(row.s_address),
            nationkey: row.s_nationkey,
            phone: shown(row.s_phone),
            acctbal: cents(row.s_acctbal),
            comment: row.s_comment.into(),
        };
        load(&mut world.supplier, BEGINNING, None, row);
    }
    let periods = items(&mut world, factor, distributions, &text);
    parts(&mut world, &periods, factor, distributions, &text);
    let periods = orders(&mut world, periods, factor, distributions, &text);
    customers(&mut world, &periods, factor, distributions, &text);
    world
}

/// Items, each active from the least to the greatest of its days.
fn items(world: &mut World, factor: f64, distributions: &Distributions, text: &TextPool) -> Periods {
    let mut periods = Periods { orders: BTreeMap::new(), parts: BTreeMap::new(), customers: BTreeMap::new() };
    let items = LineItemGenerator::new_with_distributions_and_text_pool(factor, 1, 1, distributions, text);
    for row in items.iter() {
        let row = LineItem {
            orderkey: row.l_orderkey,
            partkey: row.l_partkey,
            suppkey: row.l_suppkey,
            linenumber: row.l_linenumber.into(),
            quantity: row.l_quantity,
            extendedprice: cents(row.l_extendedprice),
            discount: cents(row.l_discount),
            tax: cents(row.l_tax),
            returnflag: row.l_returnflag.into(),
            linestatus: row.l_linestatus.into(),
            shipdate: day(row.l_shipdate),
            commitdate: day(row.l_commitdate),
            receiptdate: day(row.l_receiptdate),
            shipinstruct: row.l_shipinstruct.into(),
            shipmode: row.l_shipmode.into(),
            comment: row.l_comment.into(),
        };
        let from = row.shipdate.min(row.commitdate).min(row.receiptdate);
        let to = row.shipdate.max(row.commitdate).max(row.receiptdate);
        let order = periods.orders.entry(row.orderkey).or_insert((from, to));
        *order = (order.0.min(from), order.1.max(to));
        let part = periods.parts.entry(row.partkey).or_insert(from);
        *part = from.min(*part);
        load(&mut world.lineitem, from, Some(to), row);
    }
    periods
}

/// Parts and what suppliers offer, from the first item on; what nobody ever ordered is never there.
fn parts(world: &mut World, periods: &Periods, factor: f64, distributions: &Distributions, text: &TextPool) {
    for row in PartGenerator::new_with_distributions_and_text_pool(factor, 1, 1, distributions, text).iter() {
        let row = Part {
            partkey: row.p_partkey,
            name: shown(row.p_name),
            mfgr: shown(row.p_mfgr),
            brand: shown(row.p_brand),
            kind: row.p_type.into(),
            size: row.p_size.into(),
            container: row.p_container.into(),
            retailprice: cents(row.p_retailprice),
            comment: row.p_comment.into(),
        };
        match periods.parts.get(&row.partkey) {
            Some(&from) => load(&mut world.part, from, None, row),
            None => world.part.know(row),
        }
    }
    for row in PartSuppGenerator::new_with_text_pool(factor, 1, 1, text).iter() {
        let row = PartSupp {
            partkey: row.ps_partkey,
            suppkey: row.ps_suppkey,
            availqty: row.ps_availqty.into(),
            supplycost: cents(row.ps_supplycost),
            comment: row.ps_comment.into(),
        };
        // With fewer suppliers than TPC-H has at its least scale, its rule may name one of them twice.
        if world.partsupp.row(row.key()).is_some() {
            continue;
        }
        match periods.parts.get(&row.partkey) {
            Some(&from) => load(&mut world.partsupp, from, None, row),
            None => world.partsupp.know(row),
        }
    }
}

/// Orders, each active as long as its items are, its bill open for a while in between.
fn orders(
    world: &mut World,
    mut periods: Periods,
    factor: f64,
    distributions: &Distributions,
    text: &TextPool,
) -> Periods {
    let draw = Draw::new(world.seed, 0);
    for row in OrderGenerator::new_with_distributions_and_text_pool(factor, 1, 1, distributions, text).iter()
    {
        let orderdate = day(row.o_orderdate);
        let (from, to) = *periods.orders.entry(row.o_orderkey).or_insert((orderdate, orderdate.plus(1)));
        let from = from.min(orderdate);
        let length = to.0 - from.0;
        let receivable_begin =
            from.plus(draw.days("receivable begin", row.o_orderkey, 0, (length - 1).max(0)));
        let rest = (to.0 - receivable_begin.0).max(0);
        let receivable_end = receivable_begin.plus(draw.days("receivable end", row.o_orderkey, 0, rest));
        let row = Orders {
            orderkey: row.o_orderkey,
            custkey: row.o_custkey,
            orderstatus: row.o_orderstatus.as_str().into(),
            totalprice: cents(row.o_totalprice),
            orderdate,
            orderpriority: row.o_orderpriority.into(),
            clerk: shown(row.o_clerk),
            shippriority: row.o_shippriority.into(),
            comment: row.o_comment.into(),
            receivable_begin,
            receivable_end,
        };
        let customer = periods.customers.entry(row.custkey).or_insert(from);
        *customer = from.min(*customer);
        world.note_order(&row);
        load(&mut world.orders, from, Some(to), row);
    }
    periods
}

/// Customers, visible from their first order on; without one, never.
fn customers(
    world: &mut World,
    periods: &Periods,
    factor: f64,
    distributions: &Distributions,
    text: &TextPool,
) {
    for row in
        CustomerGenerator::new_with_distributions_and_text_pool(factor, 1, 1, distributions, text).iter()
    {
        let row = Customer {
            custkey: row.c_custkey,
            name: shown(row.c_name),
            address: shown(row.c_address),
            nationkey: row.c_nationkey,
            phone: shown(row.c_phone),
            acctbal: cents(row.c_acctbal),
            mktsegment: row.c_mktsegment.into(),
            comment: row.c_comment.into(),
        };
        match periods.customers.get(&row.custkey) {
            Some(&from) => load(&mut world.customer, from, None, row),
            None => world.customer.know(row),
        }
    }
}

fn load<R: Row>(book: &mut Book<R>, from: Day, to: Option<Day>, row: R) {
    let part = u32::try_from(book.len() / TOGETHER).unwrap_or(u32::MAX);
    book.assert(Moment { scenario: 0, day: LOADED, known: LOADED.system(part) }, from, to, row);
}

fn shown(value: impl std::fmt::Display) -> Arc<str> {
    value.to_string().into()
}

fn cents(value: TPCHDecimal) -> Cents {
    Cents(value.into_inner())
}

fn day(date: TPCHDate) -> Day {
    Day(date.to_unix_epoch())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_are_read_exactly_or_refused() {
        for (text, thousandths) in [("1", 1000), ("0.01", 10), ("0.001", 1), ("2.5", 2500), (".1", 100)] {
            assert_eq!(text.parse(), Ok(Thousandths(thousandths)), "{text}");
        }
        for text in ["", "0", "0.0001", "-1", "+1", "1e3", "a", "1.+1"] {
            assert!(text.parse::<Thousandths>().is_err(), "{text}");
        }
    }
}
