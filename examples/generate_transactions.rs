//! Writes the logs that `benches/models.rs` judges, so that the program can be run on them:
//!
//! ```sh
//! cargo run --release --example generate_transactions -- transactions 1000000 1000 log.arrow
//! /usr/bin/time -v skewer verify log.arrow
//! ```

#![forbid(unsafe_code)]

use std::fs::File;
use std::io::BufWriter;

use arrow::array::RecordBatch;
use arrow::ipc::writer::FileWriter;

#[path = "../benches/data/transactions.rs"]
mod transactions;

use transactions::{Shape, Store, hot_key};

const USAGE: &str = "usage: generate_transactions transactions|snapshots|assigned TRANSACTIONS KEYS OUT.arrow
       generate_transactions hot-key OPERATIONS OUT.arrow

transactions  a serializable store's; snapshots: one that loses updates; assigned: with the store's timestamps";

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (batches, path) = match words[..] {
        ["hot-key", operations, path] => (hot_key(operations.parse()?), path),
        [kind @ ("transactions" | "snapshots" | "assigned"), txns, keys, path] => {
            let store = if kind == "snapshots" { Store::Snapshots } else { Store::Serializable };
            let (txns, keys) = (txns.parse()?, keys.parse()?);
            (transactions::transactions(Shape { txns, keys, store, assigned: kind == "assigned" }), path)
        }
        _ => return Err(USAGE.into()),
    };
    write(&batches, path)
}

fn write(batches: &[RecordBatch], path: &str) -> Result<(), Box<dyn std::error::Error>> {
    let Some(first) = batches.first() else { return Err("nothing to write".into()) };
    let mut file = FileWriter::try_new(BufWriter::new(File::create(path)?), &first.schema())?;
    for batch in batches {
        file.write(batch)?;
    }
    file.finish()?;
    println!("{} rows", batches.iter().map(RecordBatch::num_rows).sum::<usize>());
    Ok(())
}
