//! The checks that come before Arrow's decoder.
//!
//! The decoder slices buffers by the offsets that a file declares and allocates what a
//! compressed body says it will expand to; a file that lies makes it panic or ask for all
//! memory. Each block, each buffer and each declared length is checked here first.

use arrow::ipc::{Block, BodyCompressionMethod, RecordBatch as BatchHeader, root_as_message};

/// How much larger than its compressed form a buffer may declare itself: the most that ZSTD
/// reaches is 128 KiB for 4 bytes, and LZ4 255.
const BUFFER_EXPANSION_MAX: u64 = 1 << 15;
/// How much larger than itself a whole file may declare its columns; small files have a gigabyte.
const FILE_EXPANSION_MAX: u64 = 1 << 10;
const SMALL_FILE_EXPANSION_MAX: u64 = 1 << 30;

/// What all compressed buffers of a file of that length may declare together.
pub(super) fn expansion_max(file_len: usize) -> u64 {
    (file_len as u64).saturating_mul(FILE_EXPANSION_MAX).max(SMALL_FILE_EXPANSION_MAX)
}

/// Checks that no two blocks share bytes: a small file could mean any number of rows otherwise.
pub(super) fn check_apart<'a>(blocks: impl Iterator<Item = &'a Block>) -> Result<(), String> {
    let mut spans: Vec<(i64, i64)> =
        blocks.map(|b| (b.offset(), i64::from(b.metaDataLength()).saturating_add(b.bodyLength()))).collect();
    spans.sort_unstable();
    match spans.windows(2).find(|pair| pair[0].0.saturating_add(pair[0].1) > pair[1].0) {
        Some(pair) => Err(format!("the blocks at offsets {} and {} overlap", pair[0].0, pair[1].0)),
        None => Ok(()),
    }
}

/// The part of the file that a block of the footer covers, as start and length.
pub(super) fn block_span(block: &Block, file_len: usize) -> Result<(usize, usize), String> {
    let wrong = || {
        format!(
            "a block at offset {} of {} + {} bytes does not lie inside the file's {} bytes",
            block.offset(),
            block.metaDataLength(),
            block.bodyLength(),
            file_len
        )
    };
    let start = usize::try_from(block.offset()).map_err(|_| wrong())?;
    let meta = usize::try_from(block.metaDataLength()).map_err(|_| wrong())?;
    let body = usize::try_from(block.bodyLength()).map_err(|_| wrong())?;
    let len = meta.checked_add(body).ok_or_else(wrong)?;
    match start.checked_add(len) {
        Some(end) if end <= file_len && meta >= 8 => Ok((start, len)),
        _ => Err(wrong()),
    }
}

/// Checks the header of the message that starts `block` (metadata, then body). Returns how many
/// bytes its compressed buffers declare.
pub(super) fn check_message(block: &[u8], meta_len: usize) -> Result<u64, String> {
    let body = block.get(meta_len..).ok_or("a block is shorter than its metadata")?;
    let prefix = if block.starts_with(&[0xff; 4]) { 8 } else { 4 };
    let meta = block.get(prefix..meta_len).ok_or("a block's metadata is too short")?;
    let message = root_as_message(meta).map_err(|e| format!("a block's header cannot be read: {e}"))?;
    if let Some(batch) = message.header_as_record_batch() {
        return check_batch(&batch, body);
    }
    if let Some(batch) = message.header_as_dictionary_batch() {
        let data = batch.data().ok_or("a dictionary block has no data")?;
        return check_batch(&data, body);
    }
    Err("a block is neither a record batch nor a dictionary".to_owned())
}

fn check_batch(batch: &BatchHeader<'_>, body: &[u8]) -> Result<u64, String> {
    let rows = batch.length();
    if rows < 0 || rows > i64::from(u32::MAX) {
        return Err(format!("a batch declares {rows} rows"));
    }
    if let Some(nodes) = batch.nodes() {
        for node in nodes {
            let (len, nulls) = (node.length(), node.null_count());
            if len < 0 || nulls < 0 || nulls > len || len > i64::from(u32::MAX) {
                return Err(format!("a column declares {len} rows of which {nulls} are null"));
            }
        }
    }
    let compressed = match batch.compression() {
        Some(c) if c.method() != BodyCompressionMethod::BUFFER => {
            return Err("a body is compressed by an unknown method".to_owned());
        }
        compression => compression.is_some(),
    };
    let mut expanded = 0u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let bytes = span(buffer.offset(), buffer.length(), body)
            .ok_or_else(|| outside(buffer.offset(), buffer.length(), body.len()))?;
        if compressed {
            expanded = expanded.saturating_add(expansion(bytes)?);
        }
    }
    for count in batch.variadicBufferCounts().into_iter().flatten() {
        if count < 0 || count > body.len() as i64 + 1 {
            return Err(format!("a view column declares {count} buffers"));
        }
    }
    Ok(expanded)
}

fn span(offset: i64, len: i64, body: &[u8]) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    body.get(start..end)
}

fn outside(offset: i64, len: i64, body: usize) -> String {
    format!("a buffer at offset {offset} of {len} bytes does not lie inside its body of {body} bytes")
}

/// The length that a compressed buffer declares in its first 8 bytes (-1: not compressed).
fn expansion(bytes: &[u8]) -> Result<u64, String> {
    if bytes.is_empty() {
        return Ok(0);
    }
    let Some((prefix, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(format!("a compressed buffer has only {} bytes", bytes.len()));
    };
    let declared = i64::from_le_bytes(*prefix);
    let limit = (rest.len() as u64).saturating_mul(BUFFER_EXPANSION_MAX);
    match u64::try_from(declared) {
        Ok(len) if len <= limit => Ok(len),
        _ if declared == -1 => Ok(0),
        _ => Err(format!("a compressed buffer of {} bytes declares {declared} bytes", rest.len())),
    }
}
