//! Foreign log formats.
