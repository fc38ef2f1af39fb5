//! What tests of this crate share: a clock that shows what it is told, a vault, an authority that issues
//! certificates, and a server that misbehaves
//! on purpose, and the forms that a secret can take.

mod authority;
mod forms;
mod server;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use everstep_tool::{BoxFuture, Clock};
use zeroize::Zeroizing;

use crate::vault::Vault;

pub(crate) use authority::{Authority, Leaf};
pub(crate) use forms::{base64, forms, json, percent};
pub(crate) use server::{Act, Seen, Server, answer};

/// A clock that stands, and can be set.
pub(crate) struct TestClock {
    /// 0 where it isn't set.
    unix_s: AtomicU64,
}

impl TestClock {
    pub(crate) fn at(unix_s: Option<u64>) -> Arc<Self> {
        // The dawn of time is told apart from no time at all.
        let clock = Arc::new(Self { unix_s: AtomicU64::new(0) });
        clock.set(unix_s);
        clock
    }

    pub(crate) fn set(&self, unix_s: Option<u64>) {
        self.unix_s.store(unix_s.map_or(0, |unix_s| unix_s + 1), Ordering::Release);
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> u64 {
        0
    }

    fn unix_s(&self) -> Option<u64> {
        self.unix_s.load(Ordering::Acquire).checked_sub(1)
    }

    fn sleep(&self, _board_ms: u64) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

/// A vault with these secrets.
pub(crate) fn vault(secrets: &[(&str, &str)]) -> Arc<Vault> {
    let secrets = secrets.iter();
    let secrets =
        secrets.map(|(name, value)| ((*name).to_owned(), Zeroizing::new(value.as_bytes().to_vec())));
    Arc::new(Vault::new(secrets).unwrap())
}
