//! The specification, transcribed.
