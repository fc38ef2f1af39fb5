//! Both ends of the socket against each other.

use std::{os::unix::fs::PermissionsExt, path::Path, sync::Arc, time::Duration};

use super::*;
use crate::owner::{LockError, OwnerLock};

const WAIT: Duration = Duration::from_secs(20);

fn done(message: &str) -> ControlReply {
    ControlReply::Done { message: message.to_owned(), status: None }
}

async fn ask_from_a_thread(folder: &Path, request: ControlRequest) -> Result<ControlReply, AskError> {
    let folder = folder.to_owned();
    tokio::task::spawn_blocking(move || ask(&folder, &request, WAIT)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn request_reaches_the_owner_and_its_answer_comes_back() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Arc::new(OwnerLock::take(folder.path()).unwrap());
    let mut server = ControlServer::bind(folder.path(), lock).unwrap();
    let mode = folder.path().join(SOCKET_NAME).metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    for request in [
        ControlRequest::Status {},
        ControlRequest::Stop { reason: "lunch \"break\"\n".into() },
        ControlRequest::Approve { call: 7, digest: None },
        ControlRequest::Approve { call: 7, digest: Some("3fa9c1d2".into()) },
        ControlRequest::Refuse { call: 8, reason: "no".into() },
    ] {
        let asking = ask_from_a_thread(folder.path(), request.clone());
        let serving = async {
            let (got, replier) = server.next().await.unwrap();
            replier.reply(done("noted"));
            got
        };
        let (reply, got) = tokio::join!(asking, serving);
        assert_eq!((reply.unwrap(), got), (done("noted"), request));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn socket_of_a_killed_owner_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Arc::new(OwnerLock::take(folder.path()).unwrap());
    // A listener that is gone without removing its socket: what SIGKILL leaves.
    drop(std::os::unix::net::UnixListener::bind(folder.path().join(SOCKET_NAME)).unwrap());
    let asked = ask_from_a_thread(folder.path(), ControlRequest::Status {}).await;
    assert!(matches!(asked, Err(AskError::NobodyRuns)), "{asked:?}");

    let mut server = ControlServer::bind(folder.path(), lock).unwrap();
    let serving = async { server.next().await.unwrap().1.reply(done("here")) };
    let (reply, ()) = tokio::join!(ask_from_a_thread(folder.path(), ControlRequest::Status {}), serving);
    assert_eq!(reply.unwrap(), done("here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_runs_before_and_after_the_owner() {
    let folder = tempfile::tempdir().unwrap();
    let nobody = async || {
        let asked = ask_from_a_thread(folder.path(), ControlRequest::Status {}).await;
        assert!(matches!(asked, Err(AskError::NobodyRuns)), "{asked:?}");
    };
    nobody().await;
    let lock = Arc::new(OwnerLock::take(folder.path()).unwrap());
    let server = ControlServer::bind(folder.path(), lock).unwrap();
    assert!(OwnerLock::take(folder.path()).is_err(), "the server holds the lock, too");
    drop(server);
    nobody().await;
    assert!(!folder.path().join(SOCKET_NAME).exists());
    OwnerLock::take(folder.path()).unwrap();
}

#[test]
fn whoever_asked_has_an_answer_before_the_owner_ends() {
    let folder = tempfile::tempdir().unwrap();
    let ask = |request: ControlRequest| {
        let folder = folder.path().to_owned();
        std::thread::spawn(move || ask(&folder, &request, WAIT))
    };
    // On one thread nothing is sent behind the owner's back.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (asked, late) = runtime.block_on(async {
        let lock = Arc::new(OwnerLock::take(folder.path()).unwrap());
        let mut server = ControlServer::bind(folder.path(), lock).unwrap();
        let asked = ask(ControlRequest::Stop { reason: "lunch".into() });
        let (_, replier) = server.next().await.unwrap();
        let late = ask(ControlRequest::Status {});
        tokio::time::timeout(WAIT, server.until_waiting(1)).await.unwrap();
        replier.reply(done("the run ends"));
        server.close().await;
        (asked, late)
    });
    drop(runtime);
    assert_eq!(asked.join().unwrap().unwrap(), done("the run ends"));
    let refused = ControlReply::Refused { reason: "everstep is ending".into() };
    assert_eq!(late.join().unwrap().unwrap(), refused);
    OwnerLock::take(folder.path()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn request_that_is_not_understood_is_refused_and_never_reaches_the_owner() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let folder = tempfile::tempdir().unwrap();
    let lock = Arc::new(OwnerLock::take(folder.path()).unwrap());
    let mut server = ControlServer::bind(folder.path(), lock).unwrap();
    for line in
        ["{\"ask\":\"explode\"}\n", "\n", "{\"ask\":\"status\",\"more\":1}\n", &"x".repeat(LINE_BYTES_MAX)]
    {
        let mut stream = tokio::net::UnixStream::connect(folder.path().join(SOCKET_NAME)).await.unwrap();
        stream.write_all(line.as_bytes()).await.unwrap();
        let mut reply = String::new();
        stream.read_to_string(&mut reply).await.unwrap();
        assert!(
            reply.starts_with("{\"answer\":\"refused\",\"reason\":\"the request is not understood"),
            "{reply}"
        );
    }
    let passed_on = tokio::time::timeout(Duration::ZERO, server.next()).await;
    assert!(passed_on.is_err(), "{passed_on:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn owner_that_ends_without_an_answer_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let lock = Arc::new(OwnerLock::take(folder.path()).unwrap());
    let mut server = ControlServer::bind(folder.path(), lock).unwrap();
    let serving = async { drop(server.next().await.unwrap()) };
    let (reply, ()) = tokio::join!(ask_from_a_thread(folder.path(), ControlRequest::Status {}), serving);
    assert!(matches!(reply.unwrap(), ControlReply::Refused { reason } if reason.contains("ended before")));
}

#[tokio::test(flavor = "multi_thread")]
async fn folder_with_a_long_name_works_too() {
    let folder = tempfile::tempdir().unwrap();
    let long = folder.path().join("a".repeat(120)).join("b".repeat(120));
    std::fs::create_dir_all(&long).unwrap();
    let lock = Arc::new(OwnerLock::take(&long).unwrap());
    let mut server = ControlServer::bind(&long, lock).unwrap();
    let serving = async { server.next().await.unwrap().1.reply(done("far")) };
    let (reply, ()) = tokio::join!(ask_from_a_thread(&long, ControlRequest::Status {}), serving);
    assert_eq!(reply.unwrap(), done("far"));
}

#[tokio::test(flavor = "multi_thread")]
async fn request_reaches_the_owner_or_makes_the_caller_one() {
    let folder = tempfile::tempdir().unwrap();
    let reach_from_a_thread = async || {
        let folder = folder.path().to_owned();
        tokio::task::spawn_blocking(move || reach(&folder, &ControlRequest::Status {}, WAIT)).await.unwrap()
    };
    let Ok(Reached::Owner(lock)) = reach_from_a_thread().await else { panic!("nobody else runs") };
    let lock = Arc::new(lock);

    // The socket opens while the caller already waits for it.
    let owning = async {
        let mut server = ControlServer::bind(folder.path(), Arc::clone(&lock)).unwrap();
        server.next().await.unwrap().1.reply(done("here"));
        server
    };
    let (reached, server) = tokio::join!(reach_from_a_thread(), owning);
    assert!(matches!(reached, Ok(Reached::Answer(reply)) if reply == done("here")));

    // An owner that never listens is named in the end.
    drop(server);
    let reached = reach_from_a_thread().await;
    assert!(matches!(reached, Err(ReachError::Lock(LockError::Held { pid: Some(_) }))), "{reached:?}");
}
