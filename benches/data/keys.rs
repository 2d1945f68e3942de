//! Keys of the shapes that stores have, by number: what the commit path's benches read and write.

#[derive(Clone, Copy, Debug)]
pub(crate) enum Keys {
    /// Twelve equal bytes and a big-endian number: FoundationDB's benchmark.
    Dotted,
    Random16,
    /// 9 to 64 bytes.
    Varied,
    /// Like an encoded tuple of tenant, table and row.
    Tuples,
    Urls,
    /// Ascending, if the numbers are.
    Rising,
}

impl Keys {
    pub(crate) const ALL: [Keys; 6] =
        [Keys::Dotted, Keys::Random16, Keys::Varied, Keys::Tuples, Keys::Urls, Keys::Rising];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Keys::Dotted => "dotted",
            Keys::Random16 => "random-16",
            Keys::Varied => "varied",
            Keys::Tuples => "tuples",
            Keys::Urls => "urls",
            Keys::Rising => "rising",
        }
    }

    /// The key of number `n`. Keys whose numbers differ in the lowest four bits alone are in the order of these; for most
    /// kinds others are not.
    pub(crate) fn write(self, n: u64, key: &mut Vec<u8>) {
        let mixed = skewer_kernels::mix_one(n / 16);
        key.clear();
        match self {
            Keys::Dotted => key.extend([b'.'; 12].iter().chain(&(n as u32).to_be_bytes())),
            Keys::Random16 => {
                key.extend(mixed.to_be_bytes());
                key.extend(&skewer_kernels::mix_one(mixed).to_be_bytes()[..7]);
                key.push(n as u8 % 16);
            }
            Keys::Varied => {
                key.extend(mixed.to_be_bytes());
                key.extend(std::iter::repeat_n(mixed as u8, mixed as usize % 56));
                key.push(n as u8 % 16);
            }
            Keys::Tuples => {
                key.extend(b"\x02tenant-00");
                key.extend((mixed as u32 % 50).to_be_bytes());
                key.extend(b"\0\x02orders\0\x1c");
                key.extend(n.to_be_bytes());
            }
            Keys::Urls => {
                let url = format!("https://host{:03}.example.org/items/{n:012}", mixed % 300);
                key.extend_from_slice(url.as_bytes());
            }
            Keys::Rising => key.extend(n.to_be_bytes()),
        }
    }
}
