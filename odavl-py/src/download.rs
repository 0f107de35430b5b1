//! An object that is being read.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use bytes::{Buf as _, Bytes};
use odavl_core::{
    Error,
    storage::{BoxBody, Object},
};
use pyo3::{prelude::*, types::PyBytes};
use tempfile::TempPath;
use tokio::{fs::File, io::AsyncWriteExt as _, sync::Mutex, task::spawn_blocking};

use crate::{
    call::Call,
    delivery::Owed,
    engine::Engine,
    failure::{Failure, Result},
    handle::Handle,
    input::{Arg, Units, read},
    storage::{Found, StoredObject},
};

/// How many bytes of a large object go to Python at a time: few enough that the cache still has them when they are copied
/// once more, into the value they become.
const PART: u64 = 1 << 20;

/// The bytes that are to come.
pub(crate) struct Rest {
    body: Left,
    /// What came beyond what was asked for.
    over: Bytes,
    /// Whether bytes are being waited for: where nobody does any more, they are lost.
    is_waited_for: bool,
    /// Whether bytes came, and nobody waited for them any more.
    is_lost: Arc<AtomicBool>,
}

/// What is left of a body.
enum Left {
    Body(BoxBody),
    /// Its end was seen.
    Nothing,
    /// Nobody knows, for that reason.
    Unknown(&'static str),
}

const LOST: &str = "it is being read, or a read of it was cancelled and what came meanwhile is lost";

impl Rest {
    fn new(body: BoxBody) -> Self {
        Self { body: Left::Body(body), over: Bytes::new(), is_waited_for: false, is_lost: Arc::default() }
    }

    /// Begins to wait for bytes; refused where somebody who waited for some has left with them.
    fn begin(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.is_waited_for, true) || self.is_lost.load(Ordering::Relaxed) {
            return Err(unknown(LOST));
        }
        Ok(())
    }

    fn end<T>(&mut self, came: T) -> T {
        self.is_waited_for = false;
        came
    }

    /// Bytes for whoever waits for them: where they do not arrive, what is read next is not what follows.
    fn send(&self, bytes: Joined) -> Owed<Joined> {
        let is_lost = self.is_lost.clone();
        Owed::new(bytes, move || is_lost.store(true, Ordering::Relaxed))
    }

    /// Lets go of the bytes.
    pub(crate) fn close(&mut self) {
        (self.body, self.over, self.is_waited_for) = (Left::Unknown("it is closed"), Bytes::new(), false);
    }

    /// Whether its end was not seen yet.
    fn has_more(&self) -> bool {
        !matches!(self.body, Left::Nothing) || self.over.has_remaining()
    }

    async fn next(&mut self) -> Result<Option<Bytes>> {
        if self.over.has_remaining() {
            return Ok(Some(std::mem::take(&mut self.over)));
        }
        // Whoever is cut off here has seen no end.
        match std::mem::replace(&mut self.body, Left::Unknown(LOST)) {
            Left::Body(mut body) => match body.next().await {
                Ok(Some(piece)) => {
                    self.body = Left::Body(body);
                    Ok(Some(piece))
                }
                Ok(None) => {
                    self.body = Left::Nothing;
                    Ok(None)
                }
                Err(error) => {
                    self.body = Left::Unknown("a read of it failed");
                    Err(error.into())
                }
            },
            Left::Nothing => {
                self.body = Left::Nothing;
                Ok(None)
            }
            Left::Unknown(why) => {
                self.body = Left::Unknown(why);
                Err(unknown(why))
            }
        }
    }

    /// At most so many bytes: fewer only at the end.
    async fn read(&mut self, most: u64) -> Result<Joined> {
        let (mut pieces, mut left) = (Vec::new(), most);
        while left > 0 {
            let Some(mut piece) = self.next().await? else { break };
            if let Ok(fits) = usize::try_from(left)
                && piece.len() > fits
            {
                self.over = piece.split_off(fits);
            }
            left = left.saturating_sub(piece.len() as u64);
            pieces.push(piece);
        }
        Ok(Joined(pieces))
    }
}

fn unknown(why: &str) -> Failure {
    Failure::invalid_with(why, "get the object again")
}

/// Pieces that become one `bytes`.
pub(crate) struct Joined(Vec<Bytes>);

impl Joined {
    pub(crate) fn of(pieces: Vec<Bytes>) -> Self {
        Self(pieces)
    }

    /// All bytes of an object.
    pub(crate) async fn all(bytes: Object) -> Result<Self> {
        Rest::new(bytes.body).read(u64::MAX).await
    }
}

impl<'py> IntoPyObject<'py> for Joined {
    type Target = PyBytes;
    type Output = Bound<'py, PyBytes>;
    type Error = PyErr;
    fn into_pyobject(self, py: Python<'py>) -> PyResult<Self::Output> {
        let length = self.0.iter().map(Bytes::len).sum();
        PyBytes::new_with(py, length, |mut to| {
            for piece in self.0 {
                let (here, rest) = to.split_at_mut(piece.len());
                here.copy_from_slice(&piece);
                to = rest;
            }
            Ok(())
        })
    }
}

/// An object, and its bytes as they come.
#[pyclass(frozen, module = "odavl._odavl")]
pub(crate) struct Download {
    engine: Engine,
    object: StoredObject,
    size: u64,
    rest: Arc<Mutex<Rest>>,
}

impl Download {
    /// One that ends with the handle that it came from.
    pub(crate) fn new(handle: &Handle, found: Found) -> Self {
        let Found { object, size, body } = found;
        let rest = Arc::new(Mutex::new(Rest::new(body)));
        handle.reads(&rest);
        Self { engine: handle.engine().clone(), object, size, rest }
    }
}

#[pymethods]
impl Download {
    #[getter]
    fn object(&self) -> StoredObject {
        self.object.clone()
    }

    #[getter]
    fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes, as many as come at once; none at the end.
    fn next(&self) -> Call {
        let rest = self.rest.clone();
        Call::new(&self.engine, async move {
            let mut rest = rest.lock().await;
            rest.begin()?;
            let came = rest.next().await;
            let pieces = rest.end(came)?.into_iter().collect();
            Ok(rest.send(Joined(pieces)))
        })
    }

    /// A part of all that is left, and whether there is more: all of it is one read.
    fn part(&self, is_first: bool) -> Call {
        let rest = self.rest.clone();
        Call::new(&self.engine, async move {
            let mut rest = rest.lock().await;
            if is_first {
                rest.begin()?;
            } else if !rest.is_waited_for {
                return Err(Failure::invalid("it was closed while it was read"));
            }
            let came = rest.read(PART).await;
            let has_more = rest.has_more();
            if came.is_err() || !has_more {
                rest.end(());
            }
            Ok((rest.send(came?), has_more))
        })
    }

    /// At most so many bytes.
    fn read(&self, size: Arg<'_, '_>) -> PyResult<Call> {
        read!(size: Units);
        let Units(size) = size;
        let rest = self.rest.clone();
        Ok(Call::new(&self.engine, async move {
            let mut rest = rest.lock().await;
            rest.begin()?;
            let came = rest.read(size).await;
            let bytes = rest.end(came)?;
            Ok(rest.send(bytes))
        }))
    }

    fn save(&self, path: Arg<'_, '_>) -> PyResult<Call> {
        read!(path: PathBuf);
        let rest = self.rest.clone();
        Ok(Call::new(&self.engine, async move {
            let mut rest = rest.lock().await;
            rest.begin()?;
            let saved = save(&mut rest, path).await;
            rest.end(saved)
        }))
    }

    fn close(&self) -> Call {
        let rest = self.rest.clone();
        Call::new(&self.engine, async move {
            rest.lock().await.close();
            Ok(())
        })
    }
}

/// What is written to: a file beside the one that it becomes when it is whole, or what is no file, such as a pipe, as it
/// is.
struct Target {
    file: File,
    /// It is gone unless it becomes that.
    becomes: Option<(TempPath, PathBuf)>,
}

impl Target {
    fn open(path: PathBuf) -> io::Result<Self> {
        let found = match fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            found => Some(found?),
        };
        if found.as_ref().is_some_and(|found| !found.is_file()) {
            let file = fs::File::options().write(true).open(path)?;
            return Ok(Self { file: file.into(), becomes: None });
        }
        let path = followed(path);
        path.file_name().ok_or(ErrorKind::InvalidFilename)?;
        let beside = path.with_file_name(format!(".{}.part", odavl_core::random_id()));
        let draft = TempPath::try_from_path(beside)?;
        let file = fs::File::create_new(&draft)?;
        // Whoever may not read what it replaces may not read it.
        if let Some(found) = found {
            file.set_permissions(found.permissions())?;
        }
        Ok(Self { file: file.into(), becomes: Some((draft, path)) })
    }

    /// Puts the file in its place.
    fn keep(self) -> io::Result<()> {
        self.becomes.map_or(Ok(()), |(draft, path)| draft.persist(path).map_err(|error| error.error))
    }
}

/// What a link leads to, whether or not something is there; a circle of them is none that can be looked at.
fn followed(path: PathBuf) -> PathBuf {
    match fs::read_link(&path) {
        Ok(to) => followed(path.parent().unwrap_or(Path::new("")).join(to)),
        Err(_) => path,
    }
}

/// Writes the rest to `path`; how many bytes it is. A file is replaced when all is there.
async fn save(rest: &mut Rest, path: PathBuf) -> Result<u64> {
    if !rest.has_more() {
        return Err(Failure::invalid_with(
            "it was read to its end: nothing is left to be saved",
            "get the object again",
        ));
    }
    let what = format!("{} cannot be written", path.display());
    let mut target = on_disk(&what, move || Target::open(path)).await?;
    let failed = |error| Failure::of_io(&what, &error);
    let mut written = 0;
    while let Some(piece) = rest.next().await? {
        target.file.write_all(&piece).await.map_err(failed)?;
        written += piece.len() as u64;
    }
    target.file.flush().await.map_err(failed)?;
    on_disk(&what, move || target.keep()).await?;
    Ok(written)
}

/// Does what a path may refuse: whoever leaves meanwhile lets go of what it made.
async fn on_disk<T: Send + 'static>(
    what: &str,
    act: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Result<T> {
    let done =
        spawn_blocking(act).await.map_err(|error| Error::internal("saving stopped", Some(error.into())))?;
    done.map_err(|error| match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => Failure::of_io(what, &error),
        _ => Failure::invalid(format!("{what}: {error}")),
    })
}
