//! Delay availability: a part can be had in one to fourteen days, and not before.

use super::{Draw, Moment, World};

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let key = (World::draw_key(draw, "part", world.part.len()), 0);
    let row = (**world.part.row(key)?).clone();
    let from = at.day.plus(draw.days("delay", 0, 1, 14));
    world.part.retract(at, key, at.day, Some(from));
    world.part.assert(at, from, None, row);
    Some(())
}
