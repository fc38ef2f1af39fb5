//! What the kernel tells of a watchdog that nobody opens.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use crate::device::{look::Verdict, node};

/// Looks at the watchdog at `path`, as the kernel shows it below `sys`.
pub(super) fn look(path: &Path, timeout_s: u32, sys: &Path) -> (Verdict, String) {
    if !path.exists() {
        return (Verdict::Wrong, node::missing(path));
    }
    if access(path, Access::WRITE_OK).is_err() {
        return (Verdict::Wrong, node::denied(path));
    }
    let folder = sys.join("class/watchdog").join(name(path));
    let shown = Shown(folder);
    let path = path.display();
    let Some(identity) = shown.text("identity") else {
        return (Verdict::Warn, format!("{path} is there; the kernel does not show what it can"));
    };
    let (least, most) = (shown.number("min_timeout"), shown.number("max_timeout"));
    // Zero stands for no bound.
    let (least, most) = (least.unwrap_or(0).max(1), most.filter(|most| *most > 0).unwrap_or(u32::MAX));
    if !(least..=most).contains(&timeout_s) {
        let text = format!("{path} ({identity}) runs for {least} to {most} s: `timeout_s` is {timeout_s}");
        return (Verdict::Wrong, text);
    }
    if shown.text("state").is_some_and(|state| state == "active") {
        let text = format!("{path} ({identity}) runs already: stop what feeds it, or leave this device out");
        return (Verdict::Warn, text);
    }
    if shown.number("nowayout") == Some(1) {
        let text = format!(
            "{path} ({identity}) can't be stopped once it runs: a clean end restarts the machine, too"
        );
        return (Verdict::Warn, text);
    }
    (Verdict::Ok, format!("{path} ({identity}) is there, and can run for {timeout_s} s"))
}

/// What the kernel calls it: the old name stands for the first.
fn name(path: &Path) -> String {
    let node = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let name = node.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name == "watchdog" { "watchdog0".into() } else { name }
}

/// A folder with a file for each thing that is shown.
struct Shown(PathBuf);

impl Shown {
    fn text(&self, what: &str) -> Option<String> {
        fs::read_to_string(self.0.join(what)).ok().map(|text| text.trim().to_owned())
    }

    fn number(&self, what: &str) -> Option<u32> {
        self.text(what)?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A watchdog of which the kernel shows this.
    fn told(shown: &[(&str, &str)], timeout_s: u32) -> (Verdict, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("watchdog");
        fs::write(&path, "").unwrap();
        let sys = folder.path().join("class/watchdog/watchdog0");
        fs::create_dir_all(&sys).unwrap();
        for (what, text) in shown {
            fs::write(sys.join(what), format!("{text}\n")).unwrap();
        }
        let (verdict, text) = look(&path, timeout_s, folder.path());
        assert!(fs::read(&path).unwrap().is_empty(), "it was fed");
        (verdict, text.replace(&path.display().to_string(), "/dev/watchdog"))
    }

    const BCM: [(&str, &str); 5] = [
        ("identity", "Broadcom BCM2835 Watchdog timer"),
        ("min_timeout", "1"),
        ("max_timeout", "15"),
        ("state", "inactive"),
        ("nowayout", "0"),
    ];

    #[test]
    fn timeouts_the_driver_does_not_have_are_told_before_it_runs() {
        let (verdict, text) = told(&BCM, 60);
        let expected =
            "/dev/watchdog (Broadcom BCM2835 Watchdog timer) runs for 1 to 15 s: `timeout_s` is 60";
        assert_eq!((verdict, text.as_str()), (Verdict::Wrong, expected));
        let (verdict, text) = told(&BCM, 15);
        assert!(verdict == Verdict::Ok && text.ends_with("is there, and can run for 15 s"), "{text}");
        // No upper bound.
        assert_eq!(told(&[("identity", "Software Watchdog"), ("max_timeout", "0")], 3_600).0, Verdict::Ok);
    }

    #[test]
    fn watchdog_that_runs_or_can_not_be_stopped_is_told() {
        let with = |what: &'static str, text: &'static str| {
            let mut shown = BCM;
            shown.iter_mut().filter(|(name, _)| *name == what).for_each(|entry| entry.1 = text);
            told(&shown, 10)
        };
        let (verdict, text) = with("state", "active");
        assert!(verdict == Verdict::Warn && text.contains("runs already: stop what feeds it"), "{text}");
        let (verdict, text) = with("nowayout", "1");
        assert!(verdict == Verdict::Warn && text.contains("can't be stopped once it runs"), "{text}");
        let (verdict, text) = told(&[], 10);
        assert!(verdict == Verdict::Warn && text.contains("does not show"), "{text}");
    }

    #[test]
    fn missing_watchdog_is_wrong() {
        let (verdict, text) = look(Path::new("/nowhere/watchdog"), 10, Path::new("/nowhere"));
        assert_eq!(verdict, Verdict::Wrong);
        assert!(text.starts_with("/nowhere/watchdog is missing: this machine has no"), "{text}");
    }
}
