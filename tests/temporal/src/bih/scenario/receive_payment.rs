//! Receive payment: an open order's bill is paid into the customer's account.

use super::{Draw, Moment, World, find};

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let due = |key: i64| world.orders.row((key, 0)).is_some_and(|order| order.is_receivable(at.day));
    let key = find(draw, "order", &[&world.unpaid], due)?;
    let order = world.orders.row((key, 0))?.clone();
    world.orders.change_from(at, (key, 0), at.day, |row| row.receivable_end = at.day);
    world.unpaid.take(key);
    world.add_to_balance(at, order.custkey, order.totalprice);
    Some(())
}
