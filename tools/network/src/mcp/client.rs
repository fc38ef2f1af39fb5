//! What this side of a connection tells a server of itself, and answers to what it asks: nothing is done
//! for a server.

#![expect(deprecated, reason = "servers of earlier versions ask for roots")]

use std::sync::Arc;

use rmcp::{
    ClientHandler, ErrorData, RoleClient,
    model::{ClientCapabilities, ClientConfig, ErrorCode, Implementation, ListRootsResult, ProtocolVersion},
    service::{NotificationContext, RequestContext},
};

use super::link::Link;

/// This side of a connection. It offers no model, no files, no person: sampling, roots and elicitation
/// are declined, as is everything unknown.
pub(super) struct Client {
    pub(super) link: Arc<Link>,
}

impl ClientHandler for Client {
    fn get_info(&self) -> ClientConfig {
        let us = Implementation::new("everstep", env!("CARGO_PKG_VERSION"));
        ClientConfig::new(ClientCapabilities::default(), us)
            .with_protocol_version(ProtocolVersion::LATEST_WITH_INITIALIZE)
    }

    async fn list_roots(&self, _cx: RequestContext<RoleClient>) -> Result<ListRootsResult, ErrorData> {
        Err(ErrorData::new(ErrorCode::METHOD_NOT_FOUND, "no files are shared here", None))
    }

    async fn on_tool_list_changed(&self, _cx: NotificationContext<RoleClient>) {
        self.link.tools_changed();
    }
}
