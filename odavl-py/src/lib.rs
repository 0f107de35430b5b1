//! The engine of the Python package `odavl`: use cases of `odavl-core`, each one operation, waited for by a thread or
//! awaited by a task. What people import is the package in `python/odavl`; nothing here is called by them.

mod call;
mod delivery;
mod door;
mod engine;
mod failure;
mod input;
mod installation;
mod session;
mod usage;
mod values;

use pyo3::prelude::*;

#[pymodule]
fn _odavl(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<call::Call>()?;
    module.add_class::<installation::Installation>()?;
    module.add_class::<session::Session>()?;
    module.add_class::<usage::Usage>()?;
    module.add_function(wrap_pyfunction!(installation::open, module)?)?;
    delivery::register(module)?;
    engine::register(module)
}
