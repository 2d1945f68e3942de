//! Which instruction set a call runs on.

use std::env;
use std::fmt;
use std::sync::OnceLock;

/// An instruction set that this CPU has: the token that every kernel asks for.
///
/// Its field is private and its constructors look at the CPU, so that holding an `Isa` proves
/// that its instructions can be run. That proof is what the `unsafe` in dispatch rests on.
///
/// ```
/// use skewer_kernels::Isa;
/// let isa = Isa::best();
/// assert!(Isa::available().contains(&isa));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Isa(Kind);

/// The instruction sets there are kernels for, on the architecture compiled for.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Scalar,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

/// The environment variable that overrides the choice.
const VARIABLE: &str = "SKEWER_ISA";

/// All names, on all architectures, from plain to wide.
const NAMES: [&str; 3] = ["scalar", "avx2", "avx512"];

impl Isa {
    /// Plain Rust, on every CPU: the meaning of each kernel.
    pub const fn scalar() -> Self {
        Isa(Kind::Scalar)
    }

    /// Every instruction set that this CPU has, from plain to wide; the first is
    /// [`scalar`](Self::scalar).
    pub fn available() -> Vec<Self> {
        #[cfg_attr(not(target_arch = "x86_64"), expect(unused_mut, reason = "only x86-64 adds to it"))]
        let mut kinds = vec![Kind::Scalar];
        #[cfg(target_arch = "x86_64")]
        {
            if has_avx2() {
                kinds.push(Kind::Avx2);
            }
            if has_avx512() {
                kinds.push(Kind::Avx512);
            }
        }
        kinds.into_iter().map(Isa).collect()
    }

    /// The widest instruction set that this CPU has.
    pub fn best() -> Self {
        Self::available().pop().unwrap_or(Self::scalar())
    }

    /// The instruction set called `name`: `scalar`, `avx2` or `avx512`.
    ///
    /// # Errors
    /// Says whether the name is unknown, or known but not to be had on this CPU.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let available = Self::available();
        if let Some(isa) = available.iter().find(|isa| isa.name() == name) {
            return Ok(*isa);
        }
        let here: Vec<_> = available.iter().map(|isa| isa.name()).collect();
        if NAMES.contains(&name) {
            return Err(format!("this CPU lacks `{name}`: it has {}", here.join(", ")));
        }
        if name == "neon" {
            return Err("`neon` has no kernels of its own: on ARM `scalar` is compiled to it".to_owned());
        }
        Err(format!("`{name}` is no instruction set: expected one of {}", NAMES.join(", ")))
    }

    /// The instruction set that the environment variable `SKEWER_ISA` names, or the
    /// [best](Self::best) if it is unset.
    ///
    /// # Errors
    /// As [`from_name`](Self::from_name), with the variable's name in front.
    pub fn from_env() -> Result<Self, String> {
        match env::var_os(VARIABLE) {
            None => Ok(Self::best()),
            Some(name) => {
                Self::from_name(&name.to_string_lossy()).map_err(|error| format!("{VARIABLE}: {error}"))
            }
        }
    }

    /// What [`from_env`](Self::from_env) says, asked once a process; the [best](Self::best) where
    /// that is an error.
    #[inline]
    pub fn in_use() -> Self {
        static IN_USE: OnceLock<Isa> = OnceLock::new();
        match IN_USE.get() {
            Some(isa) => *isa,
            None => *IN_USE.get_or_init(|| Self::from_env().unwrap_or_else(|_| Self::best())),
        }
    }

    /// The name that [`from_name`](Self::from_name) reads.
    pub const fn name(self) -> &'static str {
        match self.0 {
            Kind::Scalar => "scalar",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Kind::Avx512 => "avx512",
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        self.0
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Debug for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Isa({})", self.name())
    }
}

/// Whether the CPU has all that `avx2.rs` enables.
#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
}

/// Whether the CPU has all that `avx512.rs` enables.
#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Promise: every available set is found by its name, from plain to wide.
    #[test]
    fn names_round_trip() {
        let available = Isa::available();
        assert_eq!(available.first(), Some(&Isa::scalar()));
        assert_eq!(available.last(), Some(&Isa::best()));
        for isa in available {
            assert_eq!(Isa::from_name(isa.name()), Ok(isa));
        }
    }

    /// Promise: an unknown name and an absent instruction set are told apart.
    #[test]
    fn errors_say_why() {
        let unknown = Isa::from_name("sse9").unwrap_err();
        assert_eq!(unknown, "`sse9` is no instruction set: expected one of scalar, avx2, avx512");
        for name in NAMES {
            if let Err(absent) = Isa::from_name(name) {
                assert!(absent.starts_with(&format!("this CPU lacks `{name}`: it has scalar")), "{absent}");
            }
        }
    }
}
