//! Update supplier: a balance changes. Suppliers have no application period, so it changes for all valid time.

use super::{Draw, Moment, World};

pub(super) fn run(world: &mut World, at: Moment, draw: Draw) -> Option<()> {
    let key = (World::draw_key(draw, "supplier", world.supplier.len()), 0);
    world.supplier.row(key)?;
    let change = draw.between("change", 0, -10_000, 10_000);
    world.supplier.amend(at, key, |row| row.acctbal.0 = (row.acctbal.0 + change).abs());
    Some(())
}
