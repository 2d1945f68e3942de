//! What the tasks of a pass found, each going on where another one left off.

use std::sync::{Mutex, PoisonError};

/// What tasks found so far. A task goes on with what another one left, so that there are never many.
pub(crate) struct States<T>(Mutex<Vec<T>>);

impl<T> Default for States<T> {
    fn default() -> Self {
        States(Mutex::new(Vec::new()))
    }
}

impl<T> States<T> {
    /// One that no task has.
    pub(crate) fn take(&self) -> Option<T> {
        // A state is in here or with its task: a task that panicked took its own along.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }

    /// Leaves one for the next task.
    pub(crate) fn leave(&self, state: T) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(state);
    }

    /// All of them.
    pub(crate) fn into_all(self) -> Vec<T> {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
