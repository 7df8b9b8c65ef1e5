//! Whether a file that begins like a photo is one from its first to its last byte, so that a browser may show it.
//!
//! What fails here is still kept and can be taken out as a file: a phone's odd JPEG is evidence too. It is only never
//! shown inside a page, where a file that is two things at once could be read as the other one.

/// The most pixels of a side; larger ones are taken out as files.
const SIDE: u32 = 20_000;

/// Whether the bytes are one whole image of that type, with nothing before, between or after its parts.
pub(super) fn is_whole(mime: &str, bytes: &[u8]) -> bool {
    let size = match mime {
        "image/png" => png(bytes),
        "image/jpeg" => jpeg(bytes),
        "image/webp" => webp(bytes),
        _ => None,
    };
    size.is_some_and(|(width, height)| (1..=SIDE).contains(&width) && (1..=SIDE).contains(&height))
}

fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at.checked_add(2)?)?.try_into().ok()?))
}

fn le24(bytes: &[u8], at: usize) -> Option<u32> {
    let three = bytes.get(at..at.checked_add(3)?)?;
    Some(three.iter().rev().fold(0, |sum, byte| (sum << 8) | u32::from(*byte)))
}

/// Width and height of a PNG whose chunks all have the sum that they say (PNG specification, third edition, 5.3).
fn png(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut rest = bytes.strip_prefix(b"\x89PNG\r\n\x1a\n")?;
    let (mut size, mut data) = (None, false);
    loop {
        let length = usize::try_from(be32(rest, 0)?).ok()?;
        let end = length.checked_add(8)?;
        let kind = rest.get(4..8)?;
        let body = rest.get(8..end)?;
        if be32(rest, end)? != crc32fast::hash(rest.get(4..end)?) {
            return None;
        }
        rest = rest.get(end.checked_add(4)?..)?;
        match (kind, size) {
            (b"IHDR", None) if length == 13 => size = Some((be32(body, 0)?, be32(body, 4)?)),
            (b"IHDR", _) | (_, None) => return None,
            (b"IDAT", _) => data = true,
            (b"IEND", found) => return found.filter(|_| data && length == 0 && rest.is_empty()),
            _ => {}
        }
    }
}

/// Width and height of a JPEG whose segments follow each other from its start to its end (ITU-T T.81, B.1).
fn jpeg(bytes: &[u8]) -> Option<(u32, u32)> {
    let mut at = 2;
    let mut size = None;
    if bytes.get(..2)? != [0xFF, 0xD8] {
        return None;
    }
    loop {
        if *bytes.get(at)? != 0xFF {
            return None;
        }
        // A marker may have filling before it.
        while *bytes.get(at.checked_add(1)?)? == 0xFF {
            at += 1;
        }
        let marker = *bytes.get(at + 1)?;
        at += 2;
        match marker {
            0xD9 => return size.filter(|_| at == bytes.len()),
            0x01 | 0xD0..=0xD7 => continue,
            0x00 | 0xD8 => return None,
            _ => {}
        }
        let length = usize::from(be16(bytes, at)?);
        if length < 2 {
            return None;
        }
        // Frames: sequential, progressive and so on; C4, C8 and CC are tables.
        if matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC) {
            size = Some((u32::from(be16(bytes, at + 5)?), u32::from(be16(bytes, at + 3)?)));
        }
        at += length;
        if marker == 0xDA {
            // The coded image: FF is followed by 00 or by a restart marker in it.
            loop {
                let next = bytes.get(at..)?.iter().position(|byte| *byte == 0xFF)?;
                at += next;
                match *bytes.get(at + 1)? {
                    0x00 | 0xD0..=0xD7 => at += 2,
                    _ => break,
                }
            }
        }
    }
}

/// Width and height of a WebP whose chunks fill exactly what it says (RFC 9649).
fn webp(bytes: &[u8]) -> Option<(u32, u32)> {
    let le32 = |at: usize| Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?));
    if bytes.get(..4)? != b"RIFF" || bytes.get(8..12)? != b"WEBP" {
        return None;
    }
    if usize::try_from(le32(4)?).ok()?.checked_add(8)? != bytes.len() {
        return None;
    }
    let (mut at, mut size) = (12_usize, None);
    while at < bytes.len() {
        let kind = bytes.get(at..at + 4)?;
        let length = usize::try_from(le32(at + 4)?).ok()?;
        let body = bytes.get(at + 8..at.checked_add(8)?.checked_add(length)?)?;
        let found = match kind {
            b"VP8 " => {
                let side = |at: usize| {
                    let two = body.get(at..at + 2)?;
                    Some(u32::from(u16::from_le_bytes(two.try_into().ok()?) & 0x3FFF))
                };
                if body.get(3..6)? != [0x9D, 0x01, 0x2A] {
                    return None;
                }
                Some((side(6)?, side(8)?))
            }
            b"VP8L" => {
                if *body.first()? != 0x2F {
                    return None;
                }
                let bits = u32::from_le_bytes(body.get(1..5)?.try_into().ok()?);
                Some(((bits & 0x3FFF) + 1, ((bits >> 14) & 0x3FFF) + 1))
            }
            b"VP8X" => Some((le24(body, 4)? + 1, le24(body, 7)? + 1)),
            _ => None,
        };
        size = size.or(found);
        at = at.checked_add(8)?.checked_add(length)?.checked_add(length % 2)?;
    }
    size.filter(|_| at == bytes.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut summed = kind.to_vec();
        summed.extend_from_slice(body);
        let mut out = (body.len() as u32).to_be_bytes().to_vec();
        out.extend_from_slice(&summed);
        out.extend_from_slice(&crc32fast::hash(&summed).to_be_bytes());
        out
    }

    fn a_png(width: u32) -> Vec<u8> {
        let mut head = width.to_be_bytes().to_vec();
        head.extend_from_slice(&[0, 0, 0, 1, 8, 0, 0, 0, 0]);
        let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
        out.extend(chunk(b"IHDR", &head));
        out.extend(chunk(b"IDAT", &[0x78, 0x9C, 0x63, 0, 0, 0, 2, 0, 1]));
        out.extend(chunk(b"IEND", &[]));
        out
    }

    fn a_jpeg() -> Vec<u8> {
        let mut out = vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 4, 1, 2];
        out.extend([0xFF, 0xC0, 0, 11, 8, 0, 16, 0, 32, 1, 1, 0x11, 0]);
        out.extend([0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0]);
        out.extend([0x12, 0xFF, 0x00, 0x34, 0xFF, 0xD0, 0x56]);
        out.extend([0xFF, 0xD9]);
        out
    }

    fn a_webp() -> Vec<u8> {
        let body = [0x2F, 0x0F, 0xC0, 0x03, 0x00, 0x00];
        let mut out = b"RIFF".to_vec();
        out.extend(((4 + 8 + body.len()) as u32).to_le_bytes());
        out.extend(b"WEBPVP8L");
        out.extend((body.len() as u32).to_le_bytes());
        out.extend(body);
        out
    }

    #[test]
    fn whole_images_are_shown_and_what_only_begins_like_one_is_not() {
        let whole = [("image/png", a_png(1)), ("image/jpeg", a_jpeg()), ("image/webp", a_webp())];
        for (mime, bytes) in &whole {
            assert!(is_whole(mime, bytes), "{mime}");
            for (other, _) in &whole {
                assert_eq!(is_whole(other, bytes), other == mime, "{mime} as {other}");
            }
            // Something hidden behind it, or a part missing, at every length.
            let mut more = bytes.clone();
            more.extend_from_slice(b"<script>alert(1)</script>");
            assert!(!is_whole(mime, &more), "{mime} with a tail");
            for length in 0..bytes.len() {
                assert!(!is_whole(mime, &bytes[..length]), "{mime} cut at {length}");
            }
        }
        assert_eq!(jpeg(&a_jpeg()), Some((32, 16)));
        assert!(!is_whole("image/png", &a_png(0)) && !is_whole("image/png", &a_png(SIDE + 1)));
        let mut changed = a_png(1);
        changed[45] ^= 1;
        assert!(!is_whole("image/png", &changed), "a sum that is wrong");
        assert!(!is_whole("application/pdf", b"%PDF-1.7"));
    }
}
