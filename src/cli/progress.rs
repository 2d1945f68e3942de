//! A sign of life on standard error, for work that takes a while.

use std::io::{self, IsTerminal};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use indicatif::ProgressBar;

/// Work that ends sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
const REFRESH: Duration = Duration::from_millis(100);

/// Shown from half a second after its start until it is dropped.
pub(crate) struct Progress {
    shown: Option<(Sender<()>, JoinHandle<()>)>,
}

impl Progress {
    /// Starts waiting; nothing is ever shown if `quiet` or if standard error is not a terminal.
    pub(crate) fn start(work: &'static str, quiet: bool) -> Self {
        if quiet || !io::stderr().is_terminal() {
            return Progress { shown: None };
        }
        let (done, is_done) = mpsc::channel::<()>();
        let began = Instant::now();
        let thread = std::thread::spawn(move || {
            let waits = |time| is_done.recv_timeout(time) == Err(RecvTimeoutError::Timeout);
            if !waits(PATIENCE) {
                return;
            }
            let spinner = ProgressBar::new_spinner();
            loop {
                spinner.set_message(format!("{work}, {:.1} s", began.elapsed().as_secs_f64()));
                spinner.tick();
                if !waits(REFRESH) {
                    return spinner.finish_and_clear();
                }
            }
        });
        Progress { shown: Some((done, thread)) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((done, thread)) = self.shown.take() {
            drop(done);
            // A thread that only draws has nothing to say about how it ended.
            _ = thread.join();
        }
    }
}
