//! Slices of integers in; outlines, indices, counts and fingerprints out.
//!
//! This crate knows nothing of logs or transactions. Its integers are `i64` ticks and `u64`
//! keys and fingerprints, in columns of equal length. All `unsafe` code of the project
//! is in here, behind a safe face: one call per instruction set in `dispatch.rs`, three in
//! [`MappedFile`], one each in [`prefetch_read`], [`prefetch_address`], [`advise_huge`], [`common_prefix`],
//! [`dictionary`], [`text`], [`equal_to`] and [`at_most`], and those that read clocks: the CPU's
//! [`counter`], the [`SharedMemory`] of a clock daemon, and three calls of the system
//! ([`system_clock_ns`], [`kernel_clock`]).
//!
//! # What a kernel means
//!
//! `scalar.rs` says it, in loops of one line. `avx2.rs` and `avx512.rs` have functions of the same
//! names and signatures, which must answer the same bit for bit on every slice: empty, shorter
//! than a vector, at any offset, with the extremes of `i64` in it. The tests hold all of them to
//! one table of seeds, at many lengths and offsets.
//!
//! # How one is picked
//!
//! Every kernel takes an [`Isa`], a token that exists only if the CPU has the instructions. Take
//! it once ([`Isa::best`], or [`Isa::from_env`] to honour `SKEWER_ISA`) and pass it on: the
//! choice is made per batch, not per element.
//!
//! ```
//! use skewer_kernels::{Isa, extent, first_inverted};
//! let isa = Isa::from_env().unwrap_or(Isa::scalar());
//! let (earliest, latest) = ([10, 40, 70], [30, 60, 90]);
//! assert_eq!(first_inverted(isa, &earliest, &latest), None);
//! assert_eq!(extent(isa, &earliest, &latest).max_width, 20);
//! ```
//!
//! # What the wide loops gain
//!
//! In cache, extents and mixing gain most from AVX-512, whose 64-bit maximum and product AVX2
//! lacks. (Scalar is at a loss on x86-64 because its baseline, SSE2, cannot compare 64-bit
//! integers.) Out of cache all of them read at the speed of memory, and what is left is the gain
//! over the loops that scalar could not feed fast enough: little for searches. Hence blocks that
//! stay in cache. The rank of a word in a node gains in cache too, where the search of halves waits for
//! one comparison after the other. ARM has no file of its own: NEON is part of its baseline, and scalar is compiled
//! to it.
//!
//! # Why so little is unsafe
//!
//! Vectors are loaded and stored as arrays (`as_chunks` and `bytemuck::must_cast`), never through
//! pointers, and intrinsics are safe inside functions that enable their instructions. What is
//! left to promise is that the CPU has them, and the token proves that.

mod bytes;
mod choose;
mod clock;
mod counter;
mod dictionary;
mod dispatch;
mod extent;
mod huge;
mod isa;
mod lanes;
mod map;
mod near;
mod node;
mod prefetch;
mod prefix;
mod scalar;
mod shared_memory;
mod text;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;

pub use bytes::mix_bytes;
pub use choose::High;
pub use clock::{KernelClock, SystemClock, kernel_clock, system_clock_ns};
pub use counter::counter;
pub use dictionary::dictionary;
pub use dispatch::{choose, extent, first_inverted, mix, near_pairs, open_gap, rank, squeeze};
pub use extent::Extent;
pub use huge::advise_huge;
pub use isa::Isa;
pub use lanes::{at_most, equal_to};
pub use map::MappedFile;
pub use near::{Likeness, Marks, NEAR, NearPairs};
pub use node::{NodeRows, places};
pub use prefetch::{prefetch_address, prefetch_range, prefetch_read};
pub use prefix::common_prefix;
pub use scalar::{mix_one, unmix_one};
pub use shared_memory::SharedMemory;
pub use text::text;
