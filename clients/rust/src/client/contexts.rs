//! Contexts: created, looked at, altered.

use calotype_proto::v1;

use super::pages::{Listing, pages, whole};
use super::{Client, method};
use crate::context::{Alteration, Altered, Context, Created, GoLive, Materialised, NewContext};
use crate::convert::{Present, each};
use crate::error::{Broken, ClientError};
use crate::question::Point;
use crate::retry::Repeat;

impl Client {
    /// Creates a context. The same again answers `created: false`; another definition is `ALREADY_EXISTS`.
    ///
    /// # Errors
    /// [`ClientError`] says what; the same again is safe.
    pub async fn create_context(&self, new: &NewContext) -> Result<Created, ClientError> {
        let message = v1::CreateContextRequest::from(new);
        let created = self
            .call(
                Repeat::Safe,
                message,
                method!(self.context_service(), create_context),
                |reply: v1::CreateContextResponse| {
                    let context = reply.context.present("context")?.try_into()?;
                    let receipt = reply.receipt.present("receipt")?.try_into()?;
                    Ok(Created { context, created: reply.created, receipt })
                },
            )
            .await?;
        self.inner.seen.note(created.receipt.commit);
        Ok(created)
    }

    /// A context as it is now.
    ///
    /// # Errors
    /// [`ClientError`]; `NOT_FOUND` where there is none of that name.
    pub async fn context(&self, name: &str) -> Result<Context, ClientError> {
        let message = v1::GetContextRequest { name: name.to_owned(), at_least: self.at_least(None) };
        self.call(
            Repeat::Safe,
            message,
            method!(self.context_service(), get_context),
            |reply: v1::GetContextResponse| reply.context.present("context")?.try_into(),
        )
        .await
    }

    /// All contexts, by name.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn contexts(&self) -> Result<Vec<Context>, ClientError> {
        whole(self.list_contexts()).await
    }

    /// All contexts, by name, page by page.
    pub fn list_contexts(&self) -> Listing<Context> {
        let client = self.clone();
        pages(move |page_token| {
            let client = client.clone();
            async move {
                let message = v1::ListContextsRequest { page_size: 0, page_token };
                let read =
                    |reply: v1::ListContextsResponse| Ok((each(reply.contexts)?, reply.next_page_token));
                client
                    .call(Repeat::Safe, message, method!(client.context_service(), list_contexts), read)
                    .await
            }
        })
    }

    /// Renames a column or changes how much a full may retract.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn alter_context(&self, alteration: &Alteration) -> Result<Altered, ClientError> {
        let (request_id, repeat) = alteration.request_id.resolve()?;
        let message = v1::AlterContextRequest { request_id, ..alteration.into() };
        let read = |reply: v1::AlterContextResponse| altered(reply.context, reply.commit, reply.receipt);
        let altered =
            self.call(repeat, message, method!(self.context_service(), alter_context), read).await?;
        self.inner.seen.note(altered.commit);
        Ok(altered)
    }

    /// Ends import for good.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn go_live(&self, go_live: &GoLive) -> Result<Altered, ClientError> {
        let (request_id, repeat) = go_live.request_id.resolve()?;
        let reason = go_live.reason.clone().unwrap_or_default();
        let message = v1::GoLiveRequest { name: go_live.context.clone(), reason, request_id };
        let read = |reply: v1::GoLiveResponse| altered(reply.context, reply.commit, reply.receipt);
        let altered = self.call(repeat, message, method!(self.context_service(), go_live), read).await?;
        self.inner.seen.note(altered.commit);
        Ok(altered)
    }

    /// Writes a keyframe: later reads get faster, no answer changes. `point: None` is the newest state. Never
    /// retried: each time writes one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn materialise(
        &self,
        context: &str,
        point: Option<Point>,
        reason: Option<&str>,
    ) -> Result<Materialised, ClientError> {
        let message = v1::MaterialiseContextRequest {
            name: context.to_owned(),
            point: point.map(Into::into),
            reason: reason.unwrap_or_default().to_owned(),
        };
        let read = |reply: v1::MaterialiseContextResponse| {
            let point = reply.point.present("point")?.try_into()?;
            let receipt = reply.receipt.present("receipt")?.try_into()?;
            Ok(Materialised { commit: reply.commit, entry: reply.entry, point, receipt })
        };
        let done = self
            .call(Repeat::Unsafe, message, method!(self.context_service(), materialise_context), read)
            .await?;
        self.inner.seen.note(done.commit);
        Ok(done)
    }
}

fn altered(
    context: Option<v1::Context>,
    commit: u64,
    receipt: Option<v1::Receipt>,
) -> Result<Altered, Broken> {
    let context = context.present("context")?.try_into()?;
    Ok(Altered { context, commit, receipt: receipt.present("receipt")?.try_into()? })
}
