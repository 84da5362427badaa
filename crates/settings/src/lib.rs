//! How memory is spelled: quantities in every dialect, and the names of the settings that steer it;
//! and what each runtime, in each version, makes of its settings and of the limit that it sees.

pub mod ceilings;
pub mod memory_settings;
pub mod quantity;
pub mod runtimes;
