//! Cancel order: an order that is not final goes, with its items; what was taken from account and stock comes back.

use super::{Draw, Moment, World, find};
use crate::bih::tables::Row;

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let key = find(draw, "order", &[&world.open, &world.pending, &world.settled], |_| true)?;
    let order = world.orders.row((key, 0))?.clone();
    if &*order.orderstatus == "P" {
        world.add_to_balance(at, order.custkey, order.totalprice);
    }
    let items: Vec<_> = world.lineitem.rows_of(key).cloned().collect();
    for item in items {
        if &*item.linestatus == "F" {
            world.add_to_stock(at, &item, item.quantity);
        }
        world.lineitem.delete(at, item.key());
    }
    world.orders.delete(at, (key, 0));
    world.forget_order(key);
    world.unpaid.take(key);
    Some(())
}
