//! What a file may be: bodies, batches, names, and everything that is no log.

use std::process::Stdio;
use std::sync::Arc;

use arrow::array::ArrayRef;
use arrow::ipc::CompressionType;
use arrow::ipc::writer::StreamWriter;

use super::{Columns, Sheet, blind, inspected, ints, set, verdict, without, words};
use crate::cli::{command, skewer};
use crate::verdicts::Logs;

/// The rows, many times over, as transactions of their own: large enough to be compressed.
fn many() -> Columns {
    let repeat = |values: &[i64]| ints(&values.repeat(200));
    vec![
        ("key", repeat(&[1, 2, 3])),
        ("region", words(&["eu", "us", "ap"].repeat(200))),
        ("commit_ts", ints(&(0..600).collect::<Vec<i64>>())),
    ]
}

/// Promise: compressed bodies are read, with the same verdict, mapped or not.
#[test]
fn compressed() {
    let logs = Logs::new();
    let plain = logs.sheet("a.arrow", many());
    let expected = verdict(&[&plain]);
    let size = std::fs::metadata(&plain).unwrap().len();
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        let log = logs.sheet("a.arrow", Sheet::from(many()).compressed(codec));
        assert!(std::fs::metadata(&log).unwrap().len() < size);
        assert_eq!(verdict(&[&log]), expected);
        assert_eq!(verdict(&[&log, "--no-mmap"]), expected);
    }
}

/// Promise: a file without rows, or without batches, is a log of nothing; its types are checked.
#[test]
fn empty() {
    let logs = Logs::new();
    let rules = Sheet::from(blind());
    std::fs::write(logs.path("none.arrow"), rules.bytes(0)).unwrap();
    let rows = Sheet { columns: blind().into_iter().map(|(n, a)| (n, a.slice(0, 0))).collect(), ..rules };
    std::fs::write(logs.path("rowless.arrow"), rows.bytes(3)).unwrap();
    for name in ["none.arrow", "rowless.arrow"] {
        let page = verdict(&[&logs.text(name)]);
        assert_eq!((&page["log"]["rows"], &page["log"]["regions"]), (&0.into(), &serde_json::json!([])));
        assert_eq!(page["models"]["write-order"]["verdict"], "holds");
        assert_eq!(page["findings"], serde_json::json!([]));
        let run = skewer(&["order", &logs.text(name), "-o", &logs.text("out.arrow")]);
        assert_eq!((run.status, run.err.as_str()), (0, ""));
        std::fs::remove_file(logs.path("out.arrow")).unwrap();
    }
    // Beside a file with rows it changes nothing.
    let log = logs.sheet("a.arrow", blind());
    let alone = verdict(&[&log]);
    let both = verdict(&[&log, &logs.text("none.arrow")]);
    assert_eq!(both["models"], alone["models"]);
    let floats: ArrayRef = Arc::new(arrow::array::Float64Array::from(vec![1.0, 2.0, 3.0]));
    let wrong = Sheet::from(set(blind(), "commit_ts", floats));
    std::fs::write(logs.path("a.arrow"), wrong.bytes(0)).unwrap();
    let line = "DIR/a.arrow: column commit_ts: is Float64; expected Timestamp, Int64 or UInt64";
    logs.refuses(&["a.arrow"], line);
    std::fs::write(logs.path("a.arrow"), Sheet::from(without(blind(), "key")).bytes(0)).unwrap();
    logs.refuses(&["a.arrow"], "DIR/a.arrow: column key: is missing; every log has it");
}

/// Promise: a file counts once, by whatever path it is given.
#[test]
fn given_twice() {
    let logs = Logs::new();
    logs.sheet("a.arrow", blind());
    logs.refuses(&["a.arrow", "a.arrow"], "DIR/a.arrow: the file was given twice");
    logs.refuses(&["a.arrow", "./a.arrow"], "DIR/./a.arrow: the file was given twice");
    logs.refuses(&["", "a.arrow"], "DIR/a.arrow: the file was given twice");
}

/// Promise: a file that is something else is told for what it is.
#[test]
fn something_else() {
    let logs = Logs::new();
    let batch = Sheet::from(blind()).batch();
    let mut stream = StreamWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    stream.write(&batch).unwrap();
    let stream = stream.into_inner().unwrap();
    let stream_line = "this is an Arrow stream, not an Arrow file: a log is written by a file writer (such as \
                       pyarrow.ipc.new_file), which ends it with a footer";
    let parquet = "this is a Parquet file: `skewer import --from parquet` makes a log of it";
    let unknown = "this is not an Arrow IPC file (it does not start with ARROW1): `skewer import` makes logs of \
                   other formats";
    let packed =
        "this is a compressed file: unpack it first (columns inside an Arrow file may be compressed)";
    let cut = "the file is cut short or still being written (no Arrow footer at its end)";
    let whole = Sheet::from(blind()).bytes(1);
    let cases: Vec<(&[u8], &str)> = vec![
        (b"", "the file is empty"),
        (&stream, stream_line),
        (b"PAR1 and so on, for as long as a file may be", parquet),
        (
            b"FEA1 and so on, for as long as a file may be",
            "this is a Feather file of version 1; a log is one of version 2 (Arrow IPC)",
        ),
        (b"\x1f\x8b\x08\x00 packed by gzip", packed),
        (b"\x28\xb5\x2f\xfd packed by zstd", packed),
        (b"key,commit_ts\n1,2\n", unknown),
        (b"{}", unknown),
        (b"ARROW1", cut),
        (b"ARROW1\0\0ARROW1", cut),
        (&whole[..whole.len() / 2], cut),
        (&whole[..whole.len() - 1], cut),
        (b"ARROW1\0\0\xff\xff\xff\x7fARROW1", "the footer declares 2147483647 bytes, more than the file has"),
    ];
    for (bytes, reason) in cases {
        std::fs::write(logs.path("a.arrow"), bytes).unwrap();
        logs.refuses(&["a.arrow"], &format!("DIR/a.arrow: {reason}"));
    }
}

/// Promise: folders mean the logs in them; one without any is refused, whatever its name.
#[test]
fn folders() {
    let logs = Logs::new();
    std::fs::create_dir(logs.path("x.arrow")).unwrap();
    logs.refuses(&["x.arrow"], "DIR/x.arrow: the folder holds no .arrow or .feather file");
    logs.sheet("x.arrow/eu.feather", without(without(blind(), "region"), "txn"));
    logs.sheet("x.arrow/us.arrow", without(without(blind(), "region"), "txn"));
    std::fs::write(logs.path("x.arrow/notes.txt"), "no log").unwrap();
    assert_eq!(super::regions(&[&logs.text("x.arrow")]), ["eu", "us"]);
    // The folder within is not looked into.
    assert_eq!(inspected(&[&logs.text("x.arrow")])["rows"], 6);
}

/// Promise: a log may come through a pipe; a device is refused, not read for ever.
#[cfg(unix)]
#[test]
fn pipes_and_devices() {
    let logs = Logs::new();
    let expected = verdict(&[&logs.sheet("a.arrow", blind())]);
    let fifo = logs.text("b.arrow");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let reader =
        command().args(["verify", "--format", "json", &fifo]).stdout(Stdio::piped()).spawn().unwrap();
    std::fs::copy(logs.path("a.arrow"), &fifo).unwrap();
    let run = reader.wait_with_output().unwrap();
    assert_eq!(run.status.code(), Some(1));
    let mut page: serde_json::Value = serde_json::from_slice(&run.stdout).unwrap();
    page["log"]["files"] = expected["log"]["files"].clone();
    assert_eq!(page, expected);
    skewer(&["verify", "/dev/zero"]).is_refused("/dev/zero: this is a device, not a file");
}

/// Promise: a file that may not be read is refused with what the system says.
#[cfg(unix)]
#[test]
fn unreadable() {
    use std::os::unix::fs::PermissionsExt;
    let logs = Logs::new();
    logs.sheet("a.arrow", blind());
    std::fs::set_permissions(logs.path("a.arrow"), PermissionsExt::from_mode(0o000)).unwrap();
    if std::fs::read(logs.path("a.arrow")).is_ok() {
        eprintln!("SKIPPED: this user may read every file");
        return;
    }
    logs.refuses(&["a.arrow"], "DIR/a.arrow: Permission denied (os error 13)");
}

/// Promise: names that are no UTF-8 or hold control characters are files like others, and stay on
/// one line.
#[cfg(unix)]
#[test]
fn odd_names() {
    use std::os::unix::ffi::OsStrExt;
    let logs = Logs::new();
    let odd = logs.path("").join(std::ffi::OsStr::from_bytes(b"a\n\xff.arrow"));
    std::fs::write(&odd, Sheet::from(blind()).bytes(1)).unwrap();
    assert_eq!(skewer(&[std::ffi::OsStr::new("verify"), odd.as_os_str()]).status, 1);
    std::fs::write(&odd, "no log").unwrap();
    skewer(&[std::ffi::OsStr::new("verify"), odd.as_os_str()]).is_refused("a\\n\u{fffd}.arrow: ");
}
