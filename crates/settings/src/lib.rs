//! How memory is spelled: quantities in every dialect, and the names of the settings that steer it.
//!
//! What a runtime makes of a setting is not known here yet; this room only reads spellings.

pub mod ceilings;
pub mod memory_settings;
pub mod quantity;
