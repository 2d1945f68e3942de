//! Hostile files: cut, flipped, overwritten. An error or a log, never a panic, never all memory.

use std::panic::{catch_unwind, set_hook, take_hook};
use std::sync::{Arc, Once};

use arrow::array::{ArrayRef, DictionaryArray, Int64Array, LargeStringArray, RecordBatch, StringArray};
use arrow::datatypes::Int8Type;
use arrow::ipc::writer::FileWriter;
use fastrand::Rng;
use skewer::{Log, OpenOptions};

use crate::corpus::fuzz;

/// Mutants of each seed.
const MUTANTS: u64 = 400;

/// A seed with one to four changes.
fn mutant(seed: &[u8], rng: &mut Rng) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..rng.usize(1..=4) {
        change(&mut bytes, rng);
    }
    bytes
}

fn change(bytes: &mut Vec<u8>, rng: &mut Rng) {
    const WIDE: [i64; 10] = [0, 1, -1, 7, 255, 65_536, i32::MAX as i64, i32::MIN as i64, i64::MAX, i64::MIN];
    if bytes.len() < 16 {
        return;
    }
    let at = place(bytes, rng);
    match rng.u8(0..9) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << rng.u8(0..8),
        2 => bytes[at] = 0,
        3 => bytes[at] = 0xff,
        4 => put(bytes, at, &rng.i32(..).to_le_bytes()),
        5 => put(bytes, at, &(WIDE[rng.usize(..WIDE.len())] as i32).to_le_bytes()),
        6 => put(bytes, at, &WIDE[rng.usize(..WIDE.len())].to_le_bytes()),
        7 => put(bytes, at, &(rng.i64(..) >> rng.u8(0..64)).to_le_bytes()),
        _ => {
            let other = place(bytes, rng);
            let word = bytes[other..bytes.len().min(other + 8)].to_vec();
            put(bytes, at, &word);
        }
    }
}

/// Anywhere; every other time in the footer, and mostly where flatbuffers keep their integers.
fn place(bytes: &[u8], rng: &mut Rng) -> usize {
    let from = if rng.bool() { bytes.len().saturating_sub(1_500) } else { 0 };
    let at = rng.usize(from..bytes.len());
    if rng.u8(0..4) == 0 { at } else { at & !3 }
}

fn put(bytes: &mut [u8], at: usize, word: &[u8]) {
    let end = bytes.len().min(at + word.len());
    bytes[at..end].copy_from_slice(&word[..end - at]);
}

/// The panics of Arrow's decoder that the library catches would otherwise fill the tests' output.
fn hush_the_decoder() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let told = take_hook();
        set_hook(Box::new(move |panic| {
            if !panic.location().is_some_and(|at| at.file().contains("/arrow-")) {
                told(panic);
            }
        }));
    });
}

/// So many batches are in a file, all alike.
const BATCHES: usize = 3;

fn file_of(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    (0..BATCHES).for_each(|_| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

/// A log of several batches that share one dictionary of two regions, and where each index of the last batch stands.
fn log_of_batches() -> (Vec<u8>, usize) {
    // So many of them, and no other bytes of the file are likely to be these.
    let indices: Vec<i8> = (0..40).map(|i| i8::from(i % 3 == 0)).collect();
    let words: ArrayRef = Arc::new(StringArray::from_iter_values(["eu", "us"]));
    let region = DictionaryArray::<Int8Type>::try_new(indices.clone().into(), words).unwrap();
    let ticks: ArrayRef = Arc::new(Int64Array::from_iter_values(1_000..1_040));
    let columns = [
        ("key", Arc::clone(&ticks)),
        ("region", Arc::new(region) as ArrayRef),
        ("commit_earliest", Arc::clone(&ticks)),
        ("commit_latest", ticks),
    ];
    let bytes = file_of(&RecordBatch::try_from_iter(columns).unwrap());
    let pattern: Vec<u8> = indices.iter().map(|&i| i.cast_unsigned()).collect();
    let found: Vec<usize> = (0..bytes.len()).filter(|&at| bytes[at..].starts_with(&pattern)).collect();
    assert_eq!(found.len(), BATCHES, "the indices stand once a batch");
    (bytes, found[BATCHES - 1])
}

/// Promise: an index beyond its dictionary, or a negative one, is an error in whichever batch it stands.
#[test]
fn indices_beyond_their_dictionary() {
    let (bytes, last) = log_of_batches();
    let open = |bytes: Vec<u8>| Log::from_bytes(vec![("a.arrow".to_owned(), bytes)], &OpenOptions::default());
    let log = open(bytes.clone()).unwrap();
    assert_eq!((log.len(), log.regions()), (120, &["eu".to_owned(), "us".to_owned()][..]));
    for at in [last, last + 17, last + 39] {
        for index in [2_i8, i8::MAX, -1, i8::MIN] {
            let mut bytes = bytes.clone();
            bytes[at] = index.cast_unsigned();
            let error = open(bytes).unwrap_err().to_string();
            assert!(error.contains("a.arrow") && error.contains(&index.to_string()), "{index}: {error}");
        }
    }
}

/// Promise: text that is none is an error that names the file, the same one in whichever batch it stands; other text is
/// itself.
#[test]
fn text_that_is_none() {
    let words = ["plain", "na\u{ef}ve", "k"];
    let columns: [ArrayRef; 2] =
        [Arc::new(StringArray::from(words.to_vec())), Arc::new(LargeStringArray::from(words.to_vec()))];
    for keys in columns {
        let times = Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("key", keys),
            ("commit_earliest", Arc::clone(&times)),
            ("commit_latest", times),
        ]);
        let bytes = file_of(&batch.unwrap());
        let open = |bytes| Log::from_bytes(vec![("a.arrow".to_owned(), bytes)], &OpenOptions::default());
        assert_eq!(open(bytes.clone()).unwrap().len(), 3 * BATCHES as u64);
        let text = words.concat();
        let starts = |at: &usize| bytes[*at..].starts_with(text.as_bytes());
        let places: Vec<usize> = (0..bytes.len()).filter(starts).collect();
        assert_eq!(places.len(), BATCHES);
        for broken in [5, 7, 8] {
            let error_at = |at: &usize| {
                let mut bytes = bytes.clone();
                bytes[at + broken] = 0xff;
                open(bytes).unwrap_err().to_string()
            };
            let errors: Vec<String> = places.iter().map(error_at).collect();
            assert!(errors.iter().all(|e| *e == errors[0] && e.contains("a.arrow")), "{errors:?}");
        }
    }
}

/// Promise: no mutation of a log of any kind makes the library panic or ask for all memory; what
/// still opens is judged, and the fast paths agree with the reference on it.
#[test]
fn mutants() {
    hush_the_decoder();
    for (name, seed) in fuzz::seeds::all() {
        for number in 0..MUTANTS {
            let bytes = mutant(&seed, &mut Rng::with_seed(number));
            let outcome = catch_unwind(|| fuzz::open_any_bytes(&bytes));
            assert!(outcome.is_ok(), "mutant {number} of {name} makes it panic");
        }
    }
}

/// Promise: a file cut anywhere is an error.
#[test]
fn cut_anywhere() {
    hush_the_decoder();
    for (name, seed) in fuzz::seeds::all() {
        for end in (0..seed.len()).step_by(37).chain(seed.len() - 12..seed.len()) {
            let opened = Log::from_bytes(vec![(name.clone(), seed[..end].to_vec())], &OpenOptions::default());
            assert!(opened.is_err(), "{name} cut at {end} opens");
        }
    }
}

/// Promise: the seeds themselves are logs.
#[test]
fn seeds_open() {
    for (name, seed) in fuzz::seeds::all() {
        let log = Log::from_bytes(vec![(name.clone(), seed)], &OpenOptions::default());
        assert!(log.is_ok(), "{name}: {}", log.unwrap_err());
    }
}

/// Promise: a buffer that says it expands to more than it can is refused before memory is asked for.
#[test]
fn bombs() {
    for (name, seed) in
        fuzz::seeds::all().into_iter().filter(|(n, _)| n.contains("lz4") || n.contains("zstd"))
    {
        // The first compressed buffer: its length, then the magic number of its codec.
        let magic = if name.starts_with("lz4") { 0x184d_2204u32 } else { 0xfd2f_b528 };
        let at = seed.windows(4).position(|w| w == magic.to_le_bytes()).unwrap() - 8;
        for declared in [u64::MAX >> 1, 1 << 40, 1 << 30] {
            let mut bomb = seed.clone();
            bomb[at..at + 8].copy_from_slice(&declared.to_le_bytes());
            let opened = Log::from_bytes(vec![(name.clone(), bomb)], &OpenOptions::default());
            let message = opened.unwrap_err().to_string();
            assert!(message.ends_with(&format!("bytes declares {declared} bytes")), "{message}");
        }
    }
}

/// Promise: the program says one line of a hostile file, and exits 2; what opens is judged.
#[cfg(feature = "cli")]
#[test]
fn through_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    for (name, seed) in fuzz::seeds::all() {
        for number in 0..12 {
            std::fs::write(&path, mutant(&seed, &mut Rng::with_seed(1_000 + number))).unwrap();
            let run = crate::cli::skewer(&["verify".as_ref(), path.as_os_str()]);
            if run.status == 2 {
                run.is_refused("");
            } else {
                assert!(run.err.lines().all(|line| line.starts_with("skewer: note: ")), "{}", run.err);
                assert!(!run.out.is_empty(), "mutant {number} of {name}");
            }
        }
    }
}

/// Promise: a file that changes, or goes away, after it was opened is noticed.
#[test]
fn changed_meanwhile() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    let (_, bytes) = fuzz::seeds::all().swap_remove(0);
    std::fs::write(&path, &bytes).unwrap();
    let log =
        Log::open(std::slice::from_ref(&path), &OpenOptions { no_mmap: true, ..OpenOptions::default() })
            .unwrap();
    assert!(log.check_unchanged().is_ok());
    let says = |what: &str| {
        let message = log.check_unchanged().unwrap_err().to_string();
        assert_eq!(message, format!("{}: {what}", path.display()));
    };
    let changed = |len: usize| {
        format!("the file changed while it was read (it had {} bytes, and now has {len})", bytes.len())
    };
    std::fs::write(&path, &bytes[..100]).unwrap();
    says(&changed(100));
    std::fs::write(&path, [&bytes[..], b"more"].concat()).unwrap();
    says(&changed(bytes.len() + 4));
    std::fs::remove_file(&path).unwrap();
    says("No such file or directory (os error 2)");
}

/// Promise: a panic of Arrow's decoder that the library catches is one line to the user, no more.
#[cfg(feature = "cli")]
#[test]
fn caught_panics_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a.arrow");
    let (_, mut bytes) = fuzz::seeds::all().into_iter().find(|(name, _)| name == "words").unwrap();
    // Buffers of seven offsets of four bytes now have a byte more, which is no part of an offset.
    let (length, longer) = (28i64.to_le_bytes(), 29i64.to_le_bytes());
    for at in 0..bytes.len() - 8 {
        if bytes[at..at + 8] == length {
            put(&mut bytes, at, &longer);
        }
    }
    std::fs::write(&path, bytes).unwrap();
    let run = crate::cli::skewer(&["verify".as_ref(), path.as_os_str()]);
    run.is_refused("a.arrow: its columns contradict each other");
}
