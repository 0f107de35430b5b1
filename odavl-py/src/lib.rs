//! The engine of the Python package `odavl`: use cases of `odavl-core`, in this process or asked of a service, each one
//! operation, waited for by a thread or awaited by a task. What people import is the package in `python/odavl`; nothing here is called by them.

mod backups;
mod body;
mod call;
mod command;
mod delivery;
mod door;
mod download;
mod engine;
mod failure;
mod gateway;
mod guard;
mod handle;
mod held;
mod input;
mod installation;
mod keys;
mod remote;
mod runs;
mod session;
mod sink;
mod storage;
mod upkeep;
mod usage;
mod values;
mod voice;

use pyo3::prelude::*;

#[pymodule]
fn _odavl(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<call::Call>()?;
    module.add_class::<installation::Installation>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<usage::Usage>()?;
    module.add_class::<held::Held>()?;
    module.add_class::<storage::Storage>()?;
    module.add_class::<sink::Sink>()?;
    module.add_class::<download::Download>()?;
    module.add_class::<keys::Keys>()?;
    module.add_class::<runs::Projects>()?;
    module.add_class::<runs::Runs>()?;
    module.add_class::<backups::Backups>()?;
    module.add_class::<gateway::Gateway>()?;
    module.add_function(wrap_pyfunction!(installation::open, module)?)?;
    module.add_function(wrap_pyfunction!(session::connect, module)?)?;
    module.add_function(wrap_pyfunction!(command::command, module)?)?;
    guard::register(module)?;
    delivery::register(module)?;
    engine::register(module)
}
