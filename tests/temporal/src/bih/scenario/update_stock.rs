//! Update stock: for an open item whose part can be had, twice its quantity comes in.

use std::sync::Arc;

use super::{Draw, Moment, World, find};
use crate::bih::tables::LineItem;

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let wanted = |key: i64| -> Vec<Arc<LineItem>> {
        let open = world.lineitem.rows_of(key).filter(|item| &*item.linestatus == "O");
        open.filter(|item| world.part.holds((item.partkey, 0), at.day)).cloned().collect()
    };
    let key = find(draw, "order", &[&world.open, &world.pending], |key| !wanted(key).is_empty())?;
    let item = draw.choose("item", 0, &wanted(key)).cloned()?;
    world.add_to_stock(at, &item, 2 * item.quantity);
    Some(())
}
