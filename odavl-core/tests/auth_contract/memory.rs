use odavl_core::auth::MemoryAuth;

odavl_core::auth_contract!(MemoryAuth::new());
