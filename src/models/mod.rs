//! One room per model.
