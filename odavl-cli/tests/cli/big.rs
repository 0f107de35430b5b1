//! `odavl storage put` of a large file: straight to the store, in parts, in bounded memory, and on from where it was killed.

use std::{
    fs::{self, File, OpenOptions},
    io::Read,
    process::{Child, Command},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    process::Pid,
    pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt},
};

use crate::{
    cluster::{Cluster, peak},
    support::Person,
};

const MIB: u64 = 1 << 20;
/// Thirteen parts.
const SIZE: u64 = 200 * MIB;
const PART: u64 = 16 * MIB;
/// The most memory that the command, and that a node, may have had, in KiB.
const MEMORY: u64 = 64 << 10;
/// What else goes to a store or a node than bytes of the file: heads, and questions.
const WORDS: u64 = MIB;
/// Longer than a bar takes to show.
const LONG: Duration = Duration::from_secs(30);

/// Where a command writes that believes to be watched, and what it wrote there.
struct Terminal {
    said: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    /// Runs a command whose standard error is a terminal.
    fn watch(command: &mut Command) -> (Self, Child) {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).and_then(|()| unlockpt(&ours)).unwrap();
        let path = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        let theirs = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let child = command.stderr(theirs).spawn().unwrap();
        let said = Arc::<Mutex<Vec<u8>>>::default();
        let heard = said.clone();
        thread::spawn(move || {
            let (mut terminal, mut piece) = (File::from(ours), [0; 4096]);
            // A terminal that nobody has open any more answers with an error.
            while let Ok(count @ 1..) = terminal.read(&mut piece) {
                heard.lock().unwrap().extend_from_slice(&piece[..count]);
            }
        });
        (Self { said }, child)
    }

    fn said(&self) -> String {
        String::from_utf8_lossy(&self.said.lock().unwrap()).into_owned()
    }
}

/// Bytes of which no two pieces are the same.
fn bytes() -> Vec<u8> {
    let numbers = (0..SIZE / 8).map(|n| n.wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    numbers.flatten().collect()
}

/// Puts until some of the parts have arrived, and is killed.
fn put_and_be_killed(cluster: &Cluster, person: &Person) {
    // Three parts go at a time, so at least two of five have arrived by then.
    cluster.store_relay.let_through(5 * PART + WORDS);
    let mut killed = person.command("storage put big").spawn().unwrap();
    cluster.store_relay.wait();
    killed.kill().unwrap();
    killed.wait().unwrap();
    cluster.store_relay.cut();
}

/// Lets bytes to the store trickle until a bar shows how far the command is.
fn wait_for_bar(cluster: &Cluster, terminal: &Terminal) {
    let end = Instant::now() + LONG;
    while !terminal.said().contains("big [") {
        assert!(Instant::now() < end, "no bar: {}", terminal.said());
        cluster.store_relay.let_through(MIB / 8);
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_large_file_goes_straight_to_the_store_and_on_from_where_its_put_was_killed() {
    let cluster = Cluster::start("big", 1, "");
    let person = cluster.signed_in("--scope storage:admin --scope usage:admin");
    cluster.admin("org plan acme PRO", "").well();
    let content = bytes();
    person.file("big", &content);
    let (to_node, from_node) = cluster.relay.passed();

    put_and_be_killed(&cluster, &person);
    let arrived = cluster.store.unfinished_bytes();
    assert!((2 * PART..5 * PART).contains(&arrived) && arrived.is_multiple_of(PART), "{arrived}");
    let missing = SIZE - arrived;

    let before = cluster.store_relay.passed().0;
    cluster.store_relay.let_through(missing - 4 * PART);
    let (terminal, mut child) = Terminal::watch(&mut person.command("storage put big"));
    cluster.store_relay.wait();
    wait_for_bar(&cluster, &terminal);
    let (command, node) = (peak(Pid::from_child(&child)), peak(cluster.pids()[0]));
    cluster.store_relay.open();
    assert!(child.wait().unwrap().success(), "{}", terminal.said());
    let sent = cluster.store_relay.passed().0 - before;
    // A part whose last bytes had passed may have arrived after we looked; none was sent again that had.
    assert!(sent < missing + WORDS, "{sent} bytes were sent for {missing}");
    assert_eq!(cluster.store.parts() as u64, SIZE.div_ceil(PART));
    eprintln!("at most {command} KiB in the command, {node} KiB in the node");
    assert!(command < MEMORY && node < 2 * MEMORY, "{command} KiB in the command, {node} KiB in the node");

    person.odavl("storage get big copy").well();
    assert!(fs::read(person.folder.path().join("copy")).unwrap() == content);
    let (there, back) = cluster.relay.passed();
    assert!(there - to_node < WORDS && back - from_node < WORDS, "no byte passes through the node");
    assert_eq!((person.used("storage_bytes"), cluster.store.bytes("live/org_")), (SIZE, SIZE));
    assert_eq!(cluster.store.unfinished(), 0);
}
