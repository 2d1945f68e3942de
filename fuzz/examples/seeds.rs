//! Writes the seed corpora: `cargo run --example seeds` in `fuzz/`.

#![forbid(unsafe_code)]

use std::path::Path;

fn main() -> std::io::Result<()> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let folder = corpus.join("open_any_bytes");
    std::fs::create_dir_all(&folder)?;
    for (name, bytes) in skewer_fuzz::seeds::all() {
        std::fs::write(folder.join(format!("seed-{name}")), bytes)?;
    }
    std::fs::create_dir_all(corpus.join("verify_vs_reference"))
}
