//! `odavl serve`: what it refuses before it promises anything.

use crate::support::{Ended, Person, line_of, piped};

/// How `serve` ends, after its first line; one that serves is ended.
fn refused(person: &Person, line: &str) -> Ended {
    let mut process = piped(&mut person.command(line)).spawn().unwrap();
    let said = line_of(process.stdout.as_mut().unwrap());
    if !said.is_empty() {
        process.kill().unwrap();
    }
    assert_eq!(said, "", "{line}");
    process.wait_with_output().unwrap().into()
}

#[test]
fn an_address_that_nobody_can_open_is_no_public_url() {
    let person = Person::new();
    for listen in ["0.0.0.0:0", "[::]:0", "[::ffff:0.0.0.0]:0"] {
        let ended = refused(&person, &format!("serve --listen {listen} --allow-http"));
        assert!(ended.stderr.contains("--public-url https://"), "{ended:?}");
        assert_eq!(person.files(), [""; 0], "nothing was made");
    }
    let mut doctor = person.command("doctor");
    let told: Ended = doctor.env("ODAVL_LISTEN", "0.0.0.0:80").output().unwrap().into();
    assert!(told.stdout.contains("public URL\tnone; `serve` needs one\t"), "{told:?}");
}
