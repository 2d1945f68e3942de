//! What is said of a panic: nothing of one that was caught, one line of one that was not.
//!
//! The library catches the panics of Arrow's decoder at the file's boundary and makes errors of
//! them, but by then the standard hook has printed them. So panics are kept as they come, and told
//! only if they end the program.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{PanicHookInfo, UnwindSafe, catch_unwind, set_hook};
use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use super::{FAILED, complain};

/// The last panic, told in full.
static LAST: Mutex<Option<Panic>> = Mutex::new(None);

struct Panic {
    message: String,
    backtrace: Backtrace,
}

/// Runs the program; a panic that gets here is a bug of ours, and told as one.
pub(crate) fn watched(program: impl FnOnce() -> ExitCode + UnwindSafe) -> ExitCode {
    set_hook(Box::new(keep));
    catch_unwind(program).unwrap_or_else(|_| {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        let message = last.as_ref().map_or("no more is known", |panic| panic.message.as_str());
        complain(&format!("this is a bug of skewer, please report it: {message}"));
        if let Some(panic) = last.filter(|p| p.backtrace.status() == BacktraceStatus::Captured) {
            eprintln!("{}", panic.backtrace);
        }
        ExitCode::from(FAILED)
    })
}

/// The hook: it runs where a panic starts, on whatever thread.
fn keep(panic: &PanicHookInfo<'_>) {
    let payload = panic.payload();
    let text = payload.downcast_ref::<&str>().copied();
    let what = text.or(payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no words");
    let place = panic.location().map_or(String::new(), |at| format!(" ({}:{})", at.file(), at.line()));
    let panic = Panic { message: format!("{what}{place}"), backtrace: Backtrace::capture() };
    *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(panic);
}
