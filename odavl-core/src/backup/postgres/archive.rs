//! Where in an archive of `pg_dump` the rows of each table begin. One that went through a pipe does not say so in its table
//! of contents, for it could not go back to write it there, and each job of `pg_restore` then reads all of it to find what it
//! is to restore. So it is written there while the archive is on its way to a file.

use std::{
    collections::HashMap,
    io::{self, Error, ErrorKind},
};

/// Bytes as they go by.
pub(super) trait Passing {
    /// How many went by.
    fn at(&self) -> u64;

    /// The next byte; `None` at the end.
    fn next(&mut self) -> io::Result<Option<u8>>;

    /// Lets so many go by.
    fn skip(&mut self, bytes: u64) -> io::Result<()>;
}

/// That a place is known, in front of where it is; and that it is not.
const KNOWN: u8 = 2;
const UNKNOWN: u8 = 1;

/// What data begins with: rows of a table, or large objects.
const ROWS: u8 = 1;
const OBJECTS: u8 = 3;

/// What is to be written at a place of the file, so that its table of contents says where the data is.
pub(super) type Patch = (u64, [u8; 9]);

/// Reads an archive to its end, and answers what it could say. One of a form that is not known is let go by: whatever is
/// found in it until then is true.
pub(super) fn places(archive: &mut impl Passing) -> Vec<Patch> {
    let mut found = Vec::new();
    // What makes no sense to us makes none to `pg_restore`, which says so.
    let _ = contents(archive).and_then(|entries| data(archive, &entries, &mut found));
    found
}

/// Where the place of each entry's data is said that is not known, by the entry's number.
fn contents(archive: &mut impl Passing) -> io::Result<HashMap<u64, u64>> {
    let mut head = [0; 11];
    for byte in &mut head {
        *byte = byte_of(archive)?;
    }
    let [b'P', b'G', b'D', b'M', b'P', 1, minor @ 14..=16, _, 4, 8, 1] = head else {
        return Err(ErrorKind::Unsupported.into());
    };
    // How it is compressed, and when it was made.
    archive.skip(if minor == 14 { 5 } else { 1 })?;
    archive.skip(7 * 5)?;
    for _database_and_versions in 0..3 {
        text(archive)?;
    }
    let mut entries = HashMap::new();
    for _ in 0..number(archive)? {
        let id = number(archive)?;
        archive.skip(5)?;
        for _oids_tag_and_kind in 0..4 {
            text(archive)?;
        }
        archive.skip(5)?;
        for _statements_schema_tablespace_and_method in 0..6 {
            text(archive)?;
        }
        archive.skip(if minor == 16 { 5 } else { 0 })?;
        for _owner_and_oids in 0..2 {
            text(archive)?;
        }
        while text(archive)?.is_some() {}
        let at = archive.at();
        if byte_of(archive)? == UNKNOWN {
            entries.insert(id, at);
        }
        archive.skip(8)?;
    }
    Ok(entries)
}

fn data(archive: &mut impl Passing, entries: &HashMap<u64, u64>, found: &mut Vec<Patch>) -> io::Result<()> {
    loop {
        let at = archive.at();
        let Some(kind) = archive.next()? else { return Ok(()) };
        if let Some(place) = entries.get(&number(archive)?) {
            let mut patch = [KNOWN; 9];
            patch[1..].copy_from_slice(&at.to_le_bytes());
            found.push((*place, patch));
        }
        match kind {
            ROWS => blocks(archive)?,
            OBJECTS => {
                while number(archive)? != 0 {
                    blocks(archive)?;
                }
            }
            _ => return Err(ErrorKind::Unsupported.into()),
        }
    }
}

fn blocks(archive: &mut impl Passing) -> io::Result<()> {
    loop {
        match number(archive)? {
            0 => return Ok(()),
            length => archive.skip(length)?,
        }
    }
}

/// A text's length, when it is there; the text itself says nothing to us.
fn text(archive: &mut impl Passing) -> io::Result<Option<u64>> {
    let (negative, length) = signed(archive)?;
    if negative {
        return Ok(None);
    }
    archive.skip(length).map(|()| Some(length))
}

fn number(archive: &mut impl Passing) -> io::Result<u64> {
    signed(archive).map(|(_, number)| number)
}

fn signed(archive: &mut impl Passing) -> io::Result<(bool, u64)> {
    let negative = byte_of(archive)? != 0;
    let mut number = 0;
    for place in 0..4 {
        number |= u64::from(byte_of(archive)?) << (8 * place);
    }
    Ok((negative, number))
}

fn byte_of(archive: &mut impl Passing) -> io::Result<u8> {
    archive.next()?.ok_or_else(|| Error::from(ErrorKind::UnexpectedEof))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bytes<'a>(&'a [u8], usize);

    impl Passing for Bytes<'_> {
        fn at(&self) -> u64 {
            self.1 as u64
        }

        fn next(&mut self) -> io::Result<Option<u8>> {
            self.1 += 1;
            Ok(self.0.get(self.1 - 1).copied())
        }

        fn skip(&mut self, bytes: u64) -> io::Result<()> {
            self.1 += usize::try_from(bytes).unwrap();
            if self.1 > self.0.len() { Err(ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
        }
    }

    fn number(value: u32) -> Vec<u8> {
        [&[0], &value.to_le_bytes()[..]].concat()
    }

    fn text(value: &str) -> Vec<u8> {
        [number(u32::try_from(value.len()).unwrap()), value.as_bytes().to_vec()].concat()
    }

    const NONE: [u8; 5] = [1, 1, 0, 0, 0];

    /// Three entries: rows, nothing, large objects. Answers where each says where its data is, and where that is.
    fn archive(minor: u8) -> (Vec<u8>, Vec<(u64, u64)>) {
        let mut bytes = [b"PGDMP".as_slice(), &[1, minor, 0, 4, 8, 1]].concat();
        bytes.extend(if minor == 14 { number(0) } else { vec![0] });
        bytes.extend((0..7).flat_map(number));
        bytes.extend(["app", "15.18", "15.18"].map(text).concat());
        bytes.extend(number(3));
        let mut said = Vec::new();
        for (id, state) in [(7, UNKNOWN), (8, 3), (9, UNKNOWN)] {
            bytes.extend(
                [number(id), number(1), text("0"), text("0"), text("t"), text("TABLE DATA")].concat(),
            );
            bytes.extend([number(3), text("COPY t"), text(""), NONE.to_vec(), text("public")].concat());
            bytes.extend([text(""), text("heap")].concat());
            bytes.extend(if minor == 16 { number(1) } else { Vec::new() });
            bytes.extend([text("me"), text("false"), text("8"), NONE.to_vec()].concat());
            if state == UNKNOWN {
                said.push(bytes.len() as u64);
            }
            bytes.extend([&[state][..], &[0; 8]].concat());
        }
        let mut at = vec![bytes.len() as u64];
        bytes.extend([vec![ROWS], number(7), text("1\tx\n"), text("2\ty\n"), number(0)].concat());
        at.push(bytes.len() as u64);
        bytes.extend(
            [vec![OBJECTS], number(9), number(16400), text("an object"), number(0), number(0)].concat(),
        );
        (bytes, said.into_iter().zip(at).collect())
    }

    #[test]
    fn an_archive_of_any_version_is_told_where_its_data_is() {
        for minor in 14..=16 {
            let (bytes, expected) = archive(minor);
            let found = places(&mut Bytes(&bytes, 0));
            let said = |(place, patch): &Patch| {
                assert_eq!(patch[0], KNOWN);
                (*place, u64::from_le_bytes(patch[1..].try_into().unwrap()))
            };
            assert_eq!(found.iter().map(said).collect::<Vec<_>>(), expected, "{minor}");
        }
    }

    #[test]
    fn what_is_no_archive_or_cut_off_is_told_nothing_that_is_not_true() {
        let (bytes, expected) = archive(14);
        for length in 0..bytes.len() {
            let found = places(&mut Bytes(&bytes[..length], 0));
            assert!(found.len() <= expected.len() && found.iter().zip(&expected).all(|(a, b)| a.0 == b.0));
        }
        assert!(places(&mut Bytes(b"PGDMP\x01\x11\x00 of another version", 0)).is_empty());
        assert!(places(&mut Bytes(b"--\n-- PostgreSQL database dump", 0)).is_empty());
    }
}
