//! A server's process: started by a thread that waits for it, in a process group of its own, and ended
//! with everything in that group.
//!
//! The kernel ends such a process when the *thread* that started it ends, so that thread stays for as long
//! as the process does.

use std::{
    io,
    os::{fd::OwnedFd, unix::process::CommandExt as _},
    process::{self, Command, Stdio},
    sync::{Arc, Condvar, Mutex, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    io::retry_on_intr,
    process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid},
};
use tokio::{
    net::unix::pipe,
    sync::{oneshot, watch},
    time::timeout,
};

/// How long a process is waited for after its input was closed, and again after it was asked to end.
const GRACE: Duration = Duration::from_millis(500);
/// How long the kernel is given to end a process.
const KILL_WAIT: Duration = Duration::from_secs(5);

/// A process that was started. Dropping it ends it.
pub(super) struct Child {
    group: Arc<Group>,
    /// How it ended, once it has.
    ended: watch::Receiver<Option<String>>,
}

/// Our ends of its pipes.
pub(super) struct Pipes {
    pub(super) input: pipe::Sender,
    pub(super) output: pipe::Receiver,
    pub(super) errors: pipe::Receiver,
}

/// The process group of a process, until the process was waited for: from then on its number may be
/// another's.
struct Group {
    leader: Mutex<Option<Pid>>,
    gone: Condvar,
}

impl Group {
    fn signal(&self, signal: Signal) {
        let leader = self.leader.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(leader) = *leader {
            // It may have ended by itself.
            let _ = kill_process_group(leader, signal);
        }
    }

    /// Waits for the end of the process on a thread of its own, and makes sure of it.
    fn end_later(self: Arc<Self>) {
        let ending = thread::Builder::new().name("mcp ending".into());
        let group = Arc::clone(&self);
        let started = ending.spawn(move || {
            let leader = group.leader.lock().unwrap_or_else(PoisonError::into_inner);
            let waited = group.gone.wait_timeout_while(leader, GRACE, |leader| leader.is_some());
            drop(waited);
            group.signal(Signal::KILL);
        });
        if started.is_err() {
            self.signal(Signal::KILL);
        }
    }
}

impl Child {
    /// Starts `command`. `bind` makes sure that the process ends with this one.
    ///
    /// # Errors
    ///
    /// What the system says.
    pub(super) async fn start(mut command: Command, bind: fn(&mut Command)) -> io::Result<(Self, Pipes)> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).process_group(0);
        bind(&mut command);
        let (started, start) = oneshot::channel();
        let (tell, ended) = watch::channel(None);
        let keep = thread::Builder::new().name("mcp server".into());
        keep.spawn(move || keep_process(command, started, &tell))?;
        let (group, [input, output, errors]) = start.await.map_err(io::Error::other)??;
        let child = Self { group, ended };
        let pipes = Pipes {
            input: pipe::Sender::from_owned_fd(input)?,
            output: pipe::Receiver::from_owned_fd(output)?,
            errors: pipe::Receiver::from_owned_fd(errors)?,
        };
        Ok((child, pipes))
    }

    /// Ends the process, whose input was closed: first it may end by itself, then it is asked to, then it
    /// is made to. Tells how it ended.
    pub(super) async fn end(&self) -> String {
        if let Some(how) = self.ends_within(GRACE).await {
            return how;
        }
        self.group.signal(Signal::TERM);
        if let Some(how) = self.ends_within(GRACE).await {
            return how;
        }
        self.kill().await
    }

    /// Ends the process at once.
    pub(super) async fn kill(&self) -> String {
        self.group.signal(Signal::KILL);
        self.ends_within(KILL_WAIT).await.unwrap_or_else(|| "can't be ended".into())
    }

    /// How it ended, if it does within that time.
    pub(super) async fn ends_within(&self, limit: Duration) -> Option<String> {
        let mut ended = self.ended.clone();
        let how = timeout(limit, ended.wait_for(Option::is_some)).await.ok()?;
        how.ok().and_then(|how| how.clone())
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if self.ended.borrow().is_none() {
            self.group.signal(Signal::TERM);
            Arc::clone(&self.group).end_later();
        }
    }
}

type Started = io::Result<(Arc<Group>, [OwnedFd; 3])>;

/// Starts the process, waits for it, ends what it left behind, and tells how it ended.
fn keep_process(
    mut command: Command,
    started: oneshot::Sender<Started>,
    tell: &watch::Sender<Option<String>>,
) {
    let mut process = match command.spawn() {
        Ok(process) => process,
        Err(error) => {
            // Whoever asked may have given up.
            let _ = started.send(Err(error));
            return;
        }
    };
    let leader = i32::try_from(process.id()).ok().and_then(Pid::from_raw);
    let group = Arc::new(Group { leader: Mutex::new(leader), gone: Condvar::new() });
    let told = pipes(&mut process).map(|pipes| (Arc::clone(&group), pipes));
    if started.send(told).is_err() {
        group.signal(Signal::KILL);
    }
    if let Some(leader) = leader {
        // Its number stays its own until it is waited for.
        let until_it_ends = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = retry_on_intr(|| waitid(WaitId::Pid(leader), until_it_ends));
        group.signal(Signal::KILL);
    }
    let mut place = group.leader.lock().unwrap_or_else(PoisonError::into_inner);
    let how = process.wait().map_or_else(|error| error.to_string(), |status| status.to_string());
    *place = None;
    drop(place);
    group.gone.notify_all();
    tell.send_replace(Some(how));
}

fn pipes(process: &mut process::Child) -> io::Result<[OwnedFd; 3]> {
    let missing = || io::Error::other("a pipe is missing");
    let input = process.stdin.take().ok_or_else(missing)?;
    let output = process.stdout.take().ok_or_else(missing)?;
    let errors = process.stderr.take().ok_or_else(missing)?;
    Ok([input.into(), output.into(), errors.into()])
}
