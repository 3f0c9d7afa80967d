//! The scenarios: what a business day may bring, each one a transaction.

mod cancel_order;
mod change_price;
mod delay_availability;
mod deliver_order;
mod manipulate_order;
mod new_order;
mod receive_payment;
mod update_stock;
mod update_supplier;

use super::cell::Cents;
use super::draw::Draw;
use super::fact::Facts;
use super::pool::{Pool, find};
use super::tables::{Customer, LineItem, Nation, Orders, Part, PartSupp, Region, Supplier};
use super::timeline::{Book, Moment};

/// What happens. A new order is of one of three kinds by who orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ScenarioKind {
    /// A known customer orders, and says where he will have moved to.
    NewOrderOfMover,
    /// A known customer orders.
    NewOrderOfKnown,
    /// A new customer orders.
    NewOrderOfNew,
    /// An order is cancelled.
    CancelOrder,
    /// What is in stock is delivered.
    DeliverOrder,
    /// A bill is paid.
    ReceivePayment,
    /// A stock is filled up.
    UpdateStock,
    /// A part will be had later.
    DelayAvailability,
    /// A supplier announces another price.
    ChangePrice,
    /// A supplier's balance changes.
    UpdateSupplier,
    /// An order that is closed and paid is made dearer, as if it had always been so.
    ManipulateOrder,
}

impl ScenarioKind {
    /// Each kind, its share of all scenarios in thousandths, and its name.
    pub const SHARES: [(Self, u64, &'static str); 11] = [
        (Self::NewOrderOfMover, 75, "new order, customer moves"),
        (Self::NewOrderOfKnown, 75, "new order, known customer"),
        (Self::NewOrderOfNew, 150, "new order, new customer"),
        (Self::CancelOrder, 100, "cancel order"),
        (Self::DeliverOrder, 200, "deliver order"),
        (Self::ReceivePayment, 200, "receive payment"),
        (Self::UpdateStock, 50, "update stock"),
        (Self::DelayAvailability, 50, "delay availability"),
        (Self::ChangePrice, 50, "change price"),
        (Self::UpdateSupplier, 49, "update supplier"),
        (Self::ManipulateOrder, 1, "manipulate order"),
    ];

    /// The kind that a number below 1000 falls to.
    pub(super) fn at(mut number: u64) -> Self {
        for (kind, share, _) in Self::SHARES {
            if number < share {
                return kind;
            }
            number -= share;
        }
        Self::ManipulateOrder
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        Self::SHARES.iter().find(|(kind, ..)| *kind == self).map_or("", |(_, _, name)| name)
    }
}

/// All tables while the history is made, and orders by what can befall them.
#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) region: Book<Region>,
    pub(super) nation: Book<Nation>,
    pub(super) supplier: Book<Supplier>,
    pub(super) part: Book<Part>,
    pub(super) partsupp: Book<PartSupp>,
    pub(super) customer: Book<Customer>,
    pub(super) orders: Book<Orders>,
    pub(super) lineitem: Book<LineItem>,
    open: Pool,
    pending: Pool,
    /// Pending orders that are delivered and paid, and will never be closed.
    settled: Pool,
    last: Pool,
    /// Open orders of this history whose bill is not paid.
    unpaid: Pool,
    order_max: i64,
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            seed,
            region: Book::default(),
            nation: Book::default(),
            supplier: Book::default(),
            part: Book::default(),
            partsupp: Book::default(),
            customer: Book::default(),
            orders: Book::default(),
            lineitem: Book::default(),
            open: Pool::default(),
            pending: Pool::default(),
            settled: Pool::default(),
            last: Pool::default(),
            unpaid: Pool::default(),
            order_max: 0,
        }
    }

    pub(super) fn into_facts(self) -> Facts {
        Facts {
            region: self.region.into_facts(),
            nation: self.nation.into_facts(),
            supplier: self.supplier.into_facts(),
            part: self.part.into_facts(),
            partsupp: self.partsupp.into_facts(),
            customer: self.customer.into_facts(),
            orders: self.orders.into_facts(),
            lineitem: self.lineitem.into_facts(),
        }
    }

    /// Runs a scenario; whether it found something to do.
    pub(super) fn run(&mut self, kind: ScenarioKind, at: Moment) -> bool {
        let draw = Draw::new(self.seed, at.scenario);
        let done = match kind {
            ScenarioKind::NewOrderOfMover | ScenarioKind::NewOrderOfKnown | ScenarioKind::NewOrderOfNew => {
                new_order::run(self, at, draw, kind)
            }
            ScenarioKind::CancelOrder => cancel_order::run(self, at, draw),
            ScenarioKind::DeliverOrder => deliver_order::run(self, at, draw),
            ScenarioKind::ReceivePayment => receive_payment::run(self, at, draw),
            ScenarioKind::UpdateStock => update_stock::run(self, at, draw),
            ScenarioKind::DelayAvailability => delay_availability::run(self, at, draw),
            ScenarioKind::ChangePrice => change_price::run(self, at, draw),
            ScenarioKind::UpdateSupplier => update_supplier::run(self, at, draw),
            ScenarioKind::ManipulateOrder => manipulate_order::run(self, at, draw),
        };
        done.is_some()
    }

    /// Sorts an order in by its status.
    pub(super) fn note_order(&mut self, order: &Orders) {
        let key = order.orderkey;
        self.forget_order(key);
        self.order_max = self.order_max.max(key);
        match &*order.orderstatus {
            "O" => self.open.put(key),
            "P" => self.pending.put(key),
            _ => self.last.put(key),
        }
    }

    fn forget_order(&mut self, key: i64) {
        for pool in [&mut self.open, &mut self.pending, &mut self.settled, &mut self.last] {
            pool.take(key);
        }
    }

    fn add_to_balance(&mut self, at: Moment, custkey: i64, amount: Cents) {
        self.customer.change_from(at, (custkey, 0), at.day, |row| row.acctbal.0 += amount.0);
    }

    fn add_to_stock(&mut self, at: Moment, item: &LineItem, quantity: i64) {
        let key = (item.partkey, item.suppkey);
        self.partsupp.change_from(at, key, at.day, |row| row.availqty += quantity);
    }

    fn draw_key(draw: Draw, name: &str, keys: usize) -> i64 {
        draw.between(name, 0, 1, i64::try_from(keys).unwrap_or(1))
    }
}
