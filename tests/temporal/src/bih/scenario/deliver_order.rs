//! Deliver order: of an order that can be paid, whatever is in stock and to be had goes out.

use std::sync::Arc;

use super::{Draw, Moment, World, find};
use crate::bih::cell::Cents;
use crate::bih::day::NEVER;
use crate::bih::tables::{LineItem, Orders, Row};

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let key =
        find(draw, "order", &[&world.open, &world.pending], |key| is_due(world, at, key).unwrap_or(false))?;
    let order = Arc::clone(world.orders.row((key, 0))?);
    let is_open = &*order.orderstatus == "O";
    if is_open {
        world.add_to_balance(at, order.custkey, Cents(-order.totalprice.0));
    }
    let items: Vec<Arc<LineItem>> = world.lineitem.rows_of(key).cloned().collect();
    let mut left = 0;
    for item in items.iter().filter(|item| &*item.linestatus == "O") {
        // Looked up for each item anew: two of them may be of one part.
        if !can_go_out(world, at, item) {
            left += 1;
            continue;
        }
        world.add_to_stock(at, item, -item.quantity);
        world.lineitem.end(at, item.key(), |row| row.linestatus = "F".into());
    }
    let closes = left == 0 && order.is_receivable(at.day);
    settle(world, at, &order, is_open, closes);
    if left == 0 && !closes && order.receivable_end <= at.day {
        world.pending.take(key);
        world.settled.put(key);
    }
    Some(())
}

/// Whether an order is covered by its customer's balance, or pending with something left to do.
fn is_due(world: &World, at: Moment, key: i64) -> Option<bool> {
    let order = world.orders.row((key, 0))?;
    if &*order.orderstatus == "O" {
        return Some(order.totalprice <= world.customer.row((order.custkey, 0))?.acctbal);
    }
    let mut open = world.lineitem.rows_of(key).filter(|item| &*item.linestatus == "O").peekable();
    let closes = open.peek().is_none() && order.is_receivable(at.day);
    Some(closes || open.any(|item| can_go_out(world, at, item)))
}

fn can_go_out(world: &World, at: Moment, item: &LineItem) -> bool {
    let offer = world.partsupp.row((item.partkey, item.suppkey));
    offer.is_some_and(|offer| item.quantity <= offer.availqty) && world.part.holds((item.partkey, 0), at.day)
}

/// What becomes of the order itself.
fn settle(world: &mut World, at: Moment, order: &Orders, is_open: bool, closes: bool) {
    let key = (order.orderkey, 0);
    if closes {
        world.orders.end(at, key, |row| {
            row.orderstatus = "F".into();
            row.receivable_end = if row.receivable_end == NEVER { at.day } else { row.receivable_end };
        });
        world.unpaid.take(order.orderkey);
    } else if is_open {
        world.orders.change_from(at, key, at.day, |row| row.orderstatus = "P".into());
        // Only open orders are paid.
        world.unpaid.take(order.orderkey);
    }
    if let Some(order) = world.orders.row(key).cloned() {
        world.note_order(&order);
    }
}
