//! Change price: a supplier announces what a part will cost in about a week, whatever was announced for later.

use super::{Draw, Moment, World};
use crate::bih::cell::Cents;

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let partkey = World::draw_key(draw, "part", world.part.len());
    let offers: Vec<_> = world.partsupp.rows_of(partkey).cloned().collect();
    let mut row = (**draw.choose("supplier", 0, &offers)?).clone();
    row.supplycost = Cents((row.supplycost.0 + draw.between("change", 0, -10_000, 10_000)).abs());
    // 7.5 days with a deviation of one, rounded; never today.
    let days = (7500 + 500 + draw.normal_thousandths("notice")) / 1000;
    world.partsupp.assert(at, at.day.plus(i32::try_from(days.max(1)).ok()?), None, row);
    Some(())
}
