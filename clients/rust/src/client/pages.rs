//! Lists, page by page, as one stream.

use std::collections::VecDeque;
use std::future::Future;

use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::error::ClientError;

/// A list that arrives page by page.
pub type Listing<T> = BoxStream<'static, Result<T, ClientError>>;

/// A page and the token of the next one.
pub(crate) type Page<T> = (Vec<T>, String);

struct State<T> {
    ready: VecDeque<T>,
    /// The token of the next page; `None` after the last.
    next: Option<String>,
}

/// The items of all pages, each page fetched when it is needed.
pub(crate) fn pages<T, F, Fut>(fetch: F) -> Listing<T>
where
    T: Send + 'static,
    F: Fn(String) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<Page<T>, ClientError>> + Send + 'static,
{
    let state = State { ready: VecDeque::new(), next: Some(String::new()) };
    stream::try_unfold((state, fetch), |(mut state, fetch)| async move {
        loop {
            if let Some(item) = state.ready.pop_front() {
                return Ok(Some((item, (state, fetch))));
            }
            let Some(token) = state.next.take() else { return Ok(None) };
            let (items, next) = fetch(token.clone()).await?;
            if !next.is_empty() && next == token {
                let what = "a page names itself as the next one".to_owned();
                return Err(ClientError::Reply { what, request_id: String::new() });
            }
            state.ready = items.into();
            state.next = Some(next).filter(|next| !next.is_empty());
        }
    })
    .boxed()
}

/// The whole list.
pub(crate) async fn whole<T>(listing: Listing<T>) -> Result<Vec<T>, ClientError> {
    listing.try_collect().await
}
