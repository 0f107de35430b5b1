//! The checksum of bytes as they come: of the whole, or of parts.

use std::mem;

use odavl_core::{
    Error, Result,
    storage::{Checksum, Hasher, Sha256, WHOLE_MOST, part_size},
};

/// Makes the digests of bytes, part by part.
#[derive(Debug)]
pub struct Digests {
    part_size: u64,
    /// How many bytes the part that is read still takes.
    left: u64,
    hasher: Hasher,
    done: Vec<Sha256>,
}

impl Digests {
    /// Those of parts of so many bytes, but for the last.
    pub fn of_parts(part_size: u64) -> Self {
        Self { part_size, left: part_size, hasher: Hasher::default(), done: Vec::new() }
    }

    /// The one of all bytes.
    pub fn of_all() -> Self {
        Self::of_parts(u64::MAX)
    }

    /// Those that an object of so many bytes is sent with.
    pub fn to_send(size: u64) -> Self {
        if size > WHOLE_MOST { Self::of_parts(part_size(size)) } else { Self::of_all() }
    }

    /// Those that an object's checksum is made of.
    pub fn to_prove(checksum: Checksum, size: u64) -> Result<Self> {
        match checksum {
            Checksum::Whole(_) => Ok(Self::of_all()),
            Checksum::Composite { parts, .. } if size.div_ceil(part_size(size)) == u64::from(parts) => {
                Ok(Self::of_parts(part_size(size)))
            }
            Checksum::Composite { parts, .. } => {
                let detail =
                    format!("{size} bytes in {parts} parts: this version cannot tell how they were cut");
                Err(Error::Unsupported(detail))
            }
        }
    }

    /// Takes the bytes that follow.
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let now = usize::try_from(self.left).unwrap_or(usize::MAX).min(bytes.len());
            let (part, rest) = bytes.split_at(now);
            self.hasher.update(part);
            self.left -= part.len() as u64;
            if self.left == 0 {
                self.end_part();
            }
            bytes = rest;
        }
    }

    fn end_part(&mut self) {
        self.done.push(mem::take(&mut self.hasher).finish());
        self.left = self.part_size;
    }

    /// The digests, in order; no bytes are one part without any.
    pub fn finish(mut self) -> Vec<Sha256> {
        if self.left < self.part_size || self.done.is_empty() {
            self.end_part();
        }
        self.done
    }

    /// The checksum that an object of these bytes has.
    pub fn checksum(self) -> Checksum {
        let whole = self.part_size == u64::MAX;
        match self.finish().as_slice() {
            [sha256] if whole => Checksum::Whole(*sha256),
            parts => Checksum::composite(parts),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_where_they_end_however_the_bytes_come() {
        let parts = vec![Sha256::of(b"abc"), Sha256::of(b"def"), Sha256::of(b"g")];
        for pieces in [vec!["abcdefg"], vec!["a", "bcd", "", "ef", "g"], vec!["abc", "def", "g"]] {
            let mut digests = Digests::of_parts(3);
            for piece in pieces {
                digests.update(piece.as_bytes());
            }
            assert_eq!(digests.finish(), parts);
        }
        let mut even = Digests::of_parts(3);
        even.update(b"abcdef");
        assert_eq!(even.checksum(), Checksum::composite(&parts[..2]));
    }

    #[test]
    fn nothing_has_a_digest_too() {
        assert_eq!(Digests::to_send(0).checksum(), Checksum::Whole(Sha256::of(b"")));
    }

    #[test]
    fn parts_of_another_size_are_not_taken_for_damage() {
        let cut_otherwise = Checksum::composite(&[Sha256::of(b"")]);
        let refused = Digests::to_prove(cut_otherwise, WHOLE_MOST + 1).unwrap_err();
        assert_eq!(refused.code(), odavl_core::ErrorCode::Unsupported);
    }
}
