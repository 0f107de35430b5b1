//! A look at the bytes of a JSON text before the parser sees them, so that no hostile text makes it hoard memory.

use std::io::{self, Read};

use super::Caps;
use crate::error::Error;

/// Passes bytes on while they are UTF-8, and strings, keys, numbers and nesting stay within the caps.
///
/// It knows just enough of JSON to tell strings from the rest; whether the text is JSON is the parser's to say.
pub(crate) struct Guard<R> {
    inner: R,
    lexer: Lexer,
    fault: Option<Fault>,
}

impl<R: Read> Guard<R> {
    pub(crate) fn new(inner: R, caps: &Caps) -> Self {
        Self { inner, lexer: Lexer::new(*caps), fault: None }
    }
}

impl<R: Read> Read for Guard<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault {
            return Err(io::Error::other(self.lexer.explain(fault)));
        }
        let taken = self.inner.read(buf)?;
        for (place, byte) in buf[..taken].iter().enumerate() {
            if let Err(fault) = self.lexer.step(*byte) {
                self.fault = Some(fault);
                // What came before is still the parser's: it may find something wrong at an earlier place.
                return if place > 0 { Ok(place) } else { self.read(buf) };
            }
        }
        Ok(taken)
    }
}

#[derive(Clone, Copy)]
enum Fault {
    NotUtf8,
    ByteOrderMark,
    Depth,
    LongString,
    LongKey,
    LongScalar,
}

/// Bytes of one number or literal.
const SCALAR: u64 = 1024;

struct Lexer {
    caps: Caps,
    line: u64,
    offset: u64,
    depth: u32,
    in_string: bool,
    escaped: bool,
    /// Bytes of the string that is open or was last.
    string: u64,
    /// Bytes of the number or literal that is open.
    scalar: u64,
    utf8: Utf8,
}

impl Lexer {
    fn new(caps: Caps) -> Self {
        let utf8 = Utf8 { pending: 0, low: 0x80, high: 0xBF };
        Self {
            caps,
            line: 1,
            offset: 0,
            depth: 0,
            in_string: false,
            escaped: false,
            string: 0,
            scalar: 0,
            utf8,
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), Fault> {
        if self.offset == 0 && byte == 0xEF {
            return Err(Fault::ByteOrderMark);
        }
        self.offset += 1;
        if !self.utf8.accepts(byte) {
            return Err(Fault::NotUtf8);
        }
        self.line += u64::from(byte == b'\n');
        if self.in_string { self.inside(byte) } else { self.outside(byte) }
    }

    fn inside(&mut self, byte: u8) -> Result<(), Fault> {
        match byte {
            _ if self.escaped => self.escaped = false,
            b'\\' => self.escaped = true,
            b'"' => {
                self.in_string = false;
                return Ok(());
            }
            _ => {}
        }
        self.string += 1;
        if self.string > self.caps.string { Err(Fault::LongString) } else { Ok(()) }
    }

    fn outside(&mut self, byte: u8) -> Result<(), Fault> {
        match byte {
            b' ' | b'\t' | b'\r' | b'\n' => return Ok(()),
            b'"' => (self.in_string, self.string) = (true, 0),
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            b':' if self.string > self.caps.key => return Err(Fault::LongKey),
            b':' | b',' => {}
            _ => {
                self.scalar += 1;
                return if self.scalar > SCALAR { Err(Fault::LongScalar) } else { Ok(()) };
            }
        }
        self.scalar = 0;
        if self.depth > self.caps.depth { Err(Fault::Depth) } else { Ok(()) }
    }

    fn explain(&self, fault: Fault) -> Error {
        let line = self.line;
        let (what, hint) = match fault {
            Fault::NotUtf8 => ("bytes that are not UTF-8".to_owned(), "save the document as UTF-8"),
            Fault::ByteOrderMark => {
                ("a byte order mark".to_owned(), "save the document as UTF-8 without a byte order mark")
            }
            Fault::Depth => (
                format!("more than {} arrays and objects inside one another", self.caps.depth),
                "send a plain SARIF log",
            ),
            Fault::LongString => (
                format!("a string of more than {} bytes", self.caps.string),
                "leave out embedded contents of files",
            ),
            Fault::LongKey => (format!("a key of more than {} bytes", self.caps.key), "shorten the key"),
            Fault::LongScalar => ("a number or word without an end".to_owned(), "send a JSON text"),
        };
        Error::invalid_with(format!("{what} on line {line}"), hint)
    }
}

/// A UTF-8 check that can stop and go on at any byte (table 3-7 of the Unicode standard).
struct Utf8 {
    pending: u8,
    low: u8,
    high: u8,
}

impl Utf8 {
    fn accepts(&mut self, byte: u8) -> bool {
        if self.pending > 0 {
            let fits = (self.low..=self.high).contains(&byte);
            (self.pending, self.low, self.high) = (self.pending - 1, 0x80, 0xBF);
            return fits;
        }
        (self.pending, self.low, self.high) = match byte {
            0x00..=0x7F => return true,
            0xC2..=0xDF => (1, 0x80, 0xBF),
            0xE0 => (2, 0xA0, 0xBF),
            0xED => (2, 0x80, 0x9F),
            0xE1..=0xEF => (2, 0x80, 0xBF),
            0xF0 => (3, 0x90, 0xBF),
            0xF1..=0xF3 => (3, 0x80, 0xBF),
            0xF4 => (3, 0x80, 0x8F),
            _ => return false,
        };
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_utf_8_check_agrees_with_the_standard_library_on_every_pair_and_many_fours() {
        let whole = |bytes: &[u8]| {
            let mut check = Utf8 { pending: 0, low: 0x80, high: 0xBF };
            bytes.iter().all(|byte| check.accepts(*byte)) && check.pending == 0
        };
        let interesting =
            [0x00, 0x22, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF, 0xE0, 0xEC];
        let more = [0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF];
        for first in 0..=255 {
            for second in 0..=255 {
                assert_eq!(whole(&[first, second]), std::str::from_utf8(&[first, second]).is_ok());
                for third in interesting.into_iter().chain(more) {
                    let text = [first, second, third, 0x80];
                    assert_eq!(whole(&text), std::str::from_utf8(&text).is_ok(), "{text:x?}");
                }
            }
        }
    }

    #[test]
    fn bytes_before_a_fault_are_passed_on_and_then_the_fault_stays() {
        let mut guard = Guard::new(&b"{\"a\":\n\xff"[..], &Caps::default());
        let mut buf = [0; 64];
        assert_eq!(guard.read(&mut buf).unwrap(), 6);
        for _ in 0..2 {
            let said = guard.read(&mut buf).unwrap_err().to_string();
            assert_eq!(said, "bytes that are not UTF-8 on line 2");
        }
    }
}
