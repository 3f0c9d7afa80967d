//! Manipulate order: items of a final order that was paid more than a month ago become dearer, and its total with
//! them, over the periods that they had. Only system time shows it: the fraud that the benchmark hides.

use std::sync::Arc;

use super::{Draw, Moment, World, find};
use crate::bih::cell::Cents;
use crate::bih::tables::{LineItem, Row};

/// More than this many days ago.
const MONTH: i32 = 31;

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let long_paid =
        |key: i64| world.orders.row((key, 0)).is_some_and(|row| row.receivable_end.plus(MONTH) < at.day);
    let key = find(draw, "order", &[&world.last], long_paid)?;
    let items: Vec<Arc<LineItem>> = world.lineitem.rows_of(key).cloned().collect();
    for item in &items {
        let dearer = draw.between("dearer", item.linenumber, 100, 1000);
        world.lineitem.amend(at, item.key(), |row| row.extendedprice.0 += dearer);
    }
    let total = Cents(world.lineitem.rows_of(key).map(|item| item.charge().0).sum());
    world.orders.amend(at, (key, 0), |row| row.totalprice = total);
    Some(())
}
