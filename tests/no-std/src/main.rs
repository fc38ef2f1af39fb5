//! A program without the standard library that takes one step with `everstep-core` and links
//! `everstep-journal`.
//!
//! It has a panic handler and an allocator of its own. Were either crate, or anything below them, to
//! pull in std, the second panic handler would be an error. It ends with 0 if the step is right.
#![no_std]
#![no_main]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ffi::c_int,
    panic::PanicInfo,
    sync::atomic::{AtomicUsize, Ordering},
};

use everstep_core::{Agent, Digests, Event, Limits, Moment, Record};
use everstep_journal as _;

// The C library starts the program and copies memory; nothing else of it is used.
#[link(name = "c")]
unsafe extern "C" {}

const HEAP_BYTES: usize = 64 * 1024;

/// Hands out one buffer and takes nothing back, like the smallest board's allocator.
struct Heap {
    bytes: UnsafeCell<[u8; HEAP_BYTES]>,
    used: AtomicUsize,
}

// SAFETY: the buffer is only reached through ranges that `alloc` hands out, each once.
unsafe impl Sync for Heap {}

// SAFETY: every range lies within the buffer, is aligned as asked, and is handed out once.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let base = self.bytes.get().cast::<u8>();
        let mut used = self.used.load(Ordering::Relaxed);
        loop {
            let padding = base.wrapping_add(used).align_offset(layout.align());
            let Some(end) = used.checked_add(padding).and_then(|begin| begin.checked_add(layout.size()))
            else {
                return core::ptr::null_mut();
            };
            if end > HEAP_BYTES {
                return core::ptr::null_mut();
            }
            match self.used.compare_exchange(used, end, Ordering::Relaxed, Ordering::Relaxed) {
                Ok(_) => return base.wrapping_add(end - layout.size()),
                Err(now) => used = now,
            }
        }
    }

    unsafe fn dealloc(&self, _pointer: *mut u8, _layout: Layout) {}
}

#[global_allocator]
static HEAP: Heap = Heap { bytes: UnsafeCell::new([0; HEAP_BYTES]), used: AtomicUsize::new(0) };

#[panic_handler]
fn panic(_info: &PanicInfo<'_>) -> ! {
    loop {
        core::hint::spin_loop();
    }
}

// The toolchain's `alloc` was compiled to unwind and names these two. With `panic = "abort"`
// nothing ever unwinds, so neither is called.

// SAFETY: no other symbol of the program has this name; std, which has it, is not there.
#[unsafe(no_mangle)]
extern "C" fn rust_eh_personality() {}

// SAFETY: as above.
#[unsafe(no_mangle)]
extern "C" fn _Unwind_Resume() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// Where the C library enters.
// SAFETY: no other symbol of the program has this name.
#[unsafe(no_mangle)]
extern "C" fn main() -> c_int {
    match step() {
        Some(()) => 0,
        None => 1,
    }
}

/// Event, record, bytes, record, state.
fn step() -> Option<()> {
    let mut agent = Agent::new(Limits::default());
    let at = Moment { boot: 1, mono_ms: 0, clock: None };
    let event =
        Event::TaskArrived { task: "cool".into(), task_id: None, seed: 1, digests: Digests::default() };
    let kind = agent.decide(at, event).ok()?;
    let record = Record::decode(&Record { at, kind }.encode()).ok()?;
    agent.apply(&record).ok()?;
    let same = Agent::from_snapshot(&agent.state().encode(), Limits::default()).ok()?;
    (same.state() == agent.state() && agent.run().is_some()).then_some(())
}
