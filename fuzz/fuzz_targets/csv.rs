//! Tables of any bytes: rows are the same wherever blocks end, and any person can be asked for.
#![no_main]

use fuzz::table;
use libfuzzer_sys::fuzz_target;
use linkage::engine::{Blocks, List};

fuzz_target!(|data: &[u8]| {
    let Some((blocks, columns)) = table(data) else {
        return;
    };
    let mut whole = Vec::new();
    let mut block = Vec::new();
    let mut rows = Vec::new();
    while blocks.next_block(&mut block).expect("memory can be read") {
        whole.extend_from_slice(&block);
        columns.each(&block, |row| {
            rows.push(
                [row.key, row.name, row.sex, row.id_no, row.birth, row.phone, row.village, row.address]
                    .map(<[u8]>::to_vec),
            );
        });
    }
    // Once more in blocks of one row, cut where no quotation is open.
    let mut pieces = vec![Vec::new()];
    let mut quoted = false;
    for byte in &whole {
        quoted ^= *byte == b'"';
        if let Some(last) = pieces.last_mut() {
            last.push(*byte);
        }
        if *byte == b'\n' && !quoted {
            pieces.push(Vec::new());
        }
    }
    let mut again = Vec::new();
    for piece in &pieces {
        columns.each(piece, |row| {
            again.push(
                [row.key, row.name, row.sex, row.id_no, row.birth, row.phone, row.village, row.address]
                    .map(<[u8]>::to_vec),
            );
        });
    }
    assert_eq!(rows, again);
    let list = List::read(&fuzz::Rows::new(pieces), &columns).expect("a list");
    assert_eq!(list.len(), rows.len());
});
