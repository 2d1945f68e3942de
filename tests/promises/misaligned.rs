//! A file whose bodies are not aligned: legal Arrow, read by copying.

use arrow::ipc::root_as_footer;
use skewer::log::build::{LogBuilder, Record};
use skewer::time::Unit;
use skewer::{BoundedTimestamp, Log, OpenOptions, VerifyOptions, verify};

const TAIL: usize = 10;

/// Ten writes of one key, as the bytes of a file.
fn log() -> Vec<u8> {
    let mut builder = LogBuilder::new(Unit::None);
    for row in 0..10 {
        let commit = BoundedTimestamp::new(row * 3, row * 3 + 4);
        let region = Some(["eu", "us"][row as usize % 2].to_owned());
        builder.push(Record { key: "k".into(), region, commit, ..Record::default() }).unwrap();
    }
    let folder = tempfile::tempdir().unwrap();
    builder.write_to(folder.path().join("log.arrow")).unwrap();
    std::fs::read(folder.path().join("log.arrow")).unwrap()
}

/// The same file with its record batch four bytes further on: its columns are then misaligned.
fn shifted(bytes: &[u8]) -> Vec<u8> {
    let end = bytes.len() - TAIL;
    let len = u32::from_le_bytes(bytes[end..end + 4].try_into().unwrap()) as usize;
    let mut footer = bytes[end - len..end].to_vec();
    let offset = root_as_footer(&footer).unwrap().recordBatches().unwrap().get(0).offset();
    let places: Vec<usize> = (0..len - 8).filter(|&at| footer[at..at + 8] == offset.to_le_bytes()).collect();
    assert_eq!(places.len(), 1, "the offset stands once in the footer");
    footer[places[0]..places[0] + 8].copy_from_slice(&(offset + 4).to_le_bytes());
    let batch = offset as usize;
    [&bytes[..batch], &[0; 4], &bytes[batch..end - len], &footer, &bytes[end..]].concat()
}

/// Promise: misaligned columns are copied, that is said once, and the verdict is the same.
#[test]
fn misaligned_columns_are_copied() {
    let plain = log();
    let open = |bytes: Vec<u8>| {
        Log::from_bytes(vec![("log.arrow".to_owned(), bytes)], &OpenOptions::default()).unwrap()
    };
    let (aligned, misaligned) = (open(plain.clone()), open(shifted(&plain)));
    assert!(aligned.notes().is_empty(), "{:?}", aligned.notes());
    let note = "log.arrow: its columns are not aligned to 8 bytes; they were copied";
    assert_eq!(misaligned.notes(), [note]);
    let judged = |log: &Log| verify(log, &VerifyOptions::default()).unwrap();
    assert_eq!(judged(&misaligned), judged(&aligned));
}
