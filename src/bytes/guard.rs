//! The checks that come before Arrow's decoder.
//!
//! The decoder slices buffers by the offsets that a file declares and allocates what a
//! compressed body says it will expand to; a file that lies makes it panic or ask for all
//! memory. Each block, each buffer and each declared length is checked here first.

use arrow::ipc::{Block, BodyCompressionMethod, RecordBatch as BatchHeader, root_as_message};

/// How much larger than its compressed form a buffer may declare itself. LZ4 reaches 255, and a
/// column of one repeated value under ZSTD a few thousand.
const EXPANSION_MAX: u64 = 1 << 16;

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

/// Checks the header of the message that starts `block` (metadata, then body).
pub(super) fn check_message(block: &[u8], meta_len: usize) -> Result<(), String> {
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

fn check_batch(batch: &BatchHeader<'_>, body: &[u8]) -> Result<(), String> {
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
    for buffer in batch.buffers().into_iter().flatten() {
        let bytes = span(buffer.offset(), buffer.length(), body)
            .ok_or_else(|| outside(buffer.offset(), buffer.length(), body.len()))?;
        if compressed {
            check_expansion(bytes)?;
        }
    }
    for count in batch.variadicBufferCounts().into_iter().flatten() {
        if count < 0 || count > body.len() as i64 + 1 {
            return Err(format!("a view column declares {count} buffers"));
        }
    }
    Ok(())
}

fn span(offset: i64, len: i64, body: &[u8]) -> Option<&[u8]> {
    let start = usize::try_from(offset).ok()?;
    let end = start.checked_add(usize::try_from(len).ok()?)?;
    body.get(start..end)
}

fn outside(offset: i64, len: i64, body: usize) -> String {
    format!("a buffer at offset {offset} of {len} bytes does not lie inside its body of {body} bytes")
}

/// Checks the length that a compressed buffer declares in its first 8 bytes (-1: not compressed).
fn check_expansion(bytes: &[u8]) -> Result<(), String> {
    if bytes.is_empty() {
        return Ok(());
    }
    let Some((prefix, rest)) = bytes.split_first_chunk::<8>() else {
        return Err(format!("a compressed buffer has only {} bytes", bytes.len()));
    };
    let declared = i64::from_le_bytes(*prefix);
    let limit = (rest.len() as u64).saturating_mul(EXPANSION_MAX);
    match u64::try_from(declared) {
        Ok(len) if len <= limit => Ok(()),
        _ if declared == -1 => Ok(()),
        _ => Err(format!("a compressed buffer of {} bytes declares {declared} bytes", rest.len())),
    }
}
