//! New order: somebody orders one to seven items, delivered at some time.

use super::{Draw, Moment, ScenarioKind, World};
use crate::bih::cell::Cents;
use crate::bih::day::{Day, LAST, NEVER};
use crate::bih::tables::{Customer, LineItem, Orders};

const SEGMENTS: [&str; 5] = ["AUTOMOBILE", "BUILDING", "FURNITURE", "HOUSEHOLD", "MACHINERY"];
const PRIORITIES: [&str; 5] = ["1-URGENT", "2-HIGH", "3-MEDIUM", "4-NOT SPECIFIED", "5-LOW"];
const INSTRUCTIONS: [&str; 4] = ["COLLECT COD", "DELIVER IN PERSON", "NONE", "TAKE BACK RETURN"];
const MODES: [&str; 7] = ["AIR", "FOB", "MAIL", "RAIL", "REG AIR", "SHIP", "TRUCK"];
const NATIONS: i64 = 25;

pub(super) fn run(world: &mut World, at: Moment, draw: Draw, kind: ScenarioKind) -> Option<()> {
    let orderkey = world.order_max + 1;
    let count = draw.between("items", 0, 1, 7);
    let items: Vec<LineItem> =
        (1..=count).map(|line| item(world, at, draw, orderkey, line)).collect::<Option<_>>()?;
    let custkey = if kind == ScenarioKind::NewOrderOfNew {
        newcomer(world, at, draw)
    } else {
        World::draw_key(draw, "customer", world.customer.len())
    };
    if kind == ScenarioKind::NewOrderOfMover {
        let mut row = (**world.customer.row((custkey, 0))?).clone();
        move_house(&mut row, draw);
        world.customer.assert(at, at.day.plus(draw.days("visible", 0, 1, 30)), None, row);
    }
    let order = Orders {
        orderkey,
        custkey,
        orderstatus: "O".into(),
        totalprice: Cents(items.iter().map(|item| item.charge().0).sum()),
        orderdate: at.day,
        orderpriority: (*draw.choose("priority", 0, &PRIORITIES)?).into(),
        clerk: format!("Clerk#{:09}", draw.between("clerk", 0, 1, 1000)).into(),
        shippriority: 0,
        comment: "".into(),
        receivable_begin: at.day.plus(draw.days("receivable begin", 0, 1, 14)),
        receivable_end: NEVER,
    };
    world.note_order(&order);
    world.unpaid.put(orderkey);
    world.orders.assert(at, at.day, None, order);
    for item in items {
        world.lineitem.assert(at, at.day, None, item);
    }
    Some(())
}

fn item(world: &World, at: Moment, draw: Draw, orderkey: i64, line: i64) -> Option<LineItem> {
    let parts = i64::try_from(world.part.len()).ok()?;
    let partkey = draw.between("part", line, 1, parts);
    let offers: Vec<i64> = world.partsupp.rows_of(partkey).map(|row| row.suppkey).collect();
    let quantity = draw.between("quantity", line, 1, 50);
    let price = world.part.row((partkey, 0))?.retailprice;
    Some(LineItem {
        orderkey,
        partkey,
        suppkey: *draw.choose("supplier", line, &offers)?,
        linenumber: line,
        quantity,
        extendedprice: Cents(quantity * price.0),
        discount: Cents(draw.between("discount", line, 0, 10)),
        tax: Cents(draw.between("tax", line, 0, 8)),
        returnflag: "N".into(),
        linestatus: "O".into(),
        shipdate: at.day,
        commitdate: commit_day(at.day, draw, line),
        receiptdate: NEVER,
        shipinstruct: (*draw.choose("instruction", line, &INSTRUCTIONS)?).into(),
        shipmode: (*draw.choose("mode", line, &MODES)?).into(),
        comment: "".into(),
    })
}

fn commit_day(now: Day, draw: Draw, line: i64) -> Day {
    now.plus(draw.days("commit", line, 0, LAST.0 - now.0))
}

/// A customer with a key of his own, and nothing on his account.
fn newcomer(world: &mut World, at: Moment, draw: Draw) -> i64 {
    let custkey = i64::try_from(world.customer.len()).unwrap_or(i64::MAX - 1) + 1;
    let segment = draw.choose("segment", 0, &SEGMENTS).copied().unwrap_or_default();
    let mut row = Customer {
        custkey,
        name: format!("Customer#{custkey:09}").into(),
        address: "".into(),
        nationkey: 0,
        phone: "".into(),
        acctbal: Cents(0),
        mktsegment: segment.into(),
        comment: "".into(),
    };
    move_house(&mut row, draw);
    world.customer.assert(at, at.day, None, row);
    custkey
}

fn move_house(row: &mut Customer, draw: Draw) {
    row.nationkey = draw.between("nation", 0, 0, NATIONS - 1);
    row.address = draw.letters("address", draw.between("address length", 0, 10, 40)).into();
    row.phone = draw.phone("phone", row.nationkey).into();
}
