//! Taking turns: long work gives way now and then, so that others get on and whoever wants it no more can drop it.
//! Needs no runtime.

use std::future::poll_fn;
use std::task::Poll;

use crate::identity::ContentRoot;
use crate::key::EncodedKeys;
use crate::merkle::{ContentHash, root};
use crate::row_group::{FieldColumn, group_digests, group_leaf, row_groups};

/// Gives way once: is polled again as soon as the others have had their turn.
pub(crate) async fn turn() {
    let mut given = false;
    poll_fn(move |context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The content root of sorted rows, as [`hash_rows`](crate::row_group::hash_rows) has it, giving way after each
/// group.
pub(crate) async fn content_root(
    keys: &EncodedKeys,
    columns: &[FieldColumn],
    also: &[FieldColumn],
) -> ContentRoot {
    let mut leaves = Vec::new();
    turn().await;
    for rows in row_groups(keys, columns) {
        turn().await;
        let mut digests = group_digests(&rows, columns);
        digests.extend(group_digests(&rows, also));
        digests.sort_unstable_by_key(|(field, _)| *field);
        leaves.push(group_leaf(rows.len(), &digests));
    }
    ContentRoot::new(root::<ContentHash>(&leaves))
}

#[cfg(test)]
mod tests {
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Waker};

    use arrow_array::{ArrayRef, Int64Array};

    use super::*;
    use crate::row_group::hash_rows;
    use crate::schema::{FieldId, FieldType};

    #[test]
    fn the_root_is_the_same_and_gives_way_after_every_group() {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
        let keys = EncodedKeys::encode(&[(FieldType::Int(64), Arc::clone(&values))]);
        let column =
            |id, values| FieldColumn { field: FieldId::new(id), field_type: FieldType::Int(64), values };
        let (columns, also) = ([column(1, Arc::clone(&values))], [column(7, values)]);
        let (groups, expected) = hash_rows(&keys, &columns, &also);
        let mut hashing = pin!(content_root(&keys, &columns, &also));
        let mut context = Context::from_waker(Waker::noop());
        let mut turns = 0;
        let found = loop {
            match hashing.as_mut().poll(&mut context) {
                Poll::Ready(found) => break found,
                Poll::Pending => turns += 1,
            }
        };
        assert_eq!(found, expected);
        assert_eq!(turns, groups.len() + 1);
    }
}
