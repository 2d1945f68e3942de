//! What a file is that is no Arrow file, told by its first bytes.

/// What the file is instead, and what to do; `None` if it starts as an Arrow file does.
pub(super) fn name(bytes: &[u8]) -> Option<&'static str> {
    const STREAM: &str = "this is an Arrow stream, not an Arrow file: a log is written by a file writer \
                          (such as pyarrow.ipc.new_file), which ends it with a footer";
    let starts = |with: &[u8]| bytes.starts_with(with);
    Some(match bytes {
        [] => "the file is empty",
        _ if starts(b"ARROW1") => return None,
        _ if starts(b"PAR1") => "this is a Parquet file: `skewer import --from parquet` makes a log of it",
        _ if starts(b"FEA1") => "this is a Feather file of version 1; a log is one of version 2 (Arrow IPC)",
        _ if starts(&[0xff; 4]) => STREAM,
        _ if starts(&[0x1f, 0x8b]) || starts(&[0x28, 0xb5, 0x2f, 0xfd]) || starts(&[4, 0x22, 0x4d, 0x18]) => {
            "this is a compressed file: unpack it first (columns inside an Arrow file may be compressed)"
        }
        _ => {
            "this is not an Arrow IPC file (it does not start with ARROW1): `skewer import` makes logs of \
             other formats"
        }
    })
}
