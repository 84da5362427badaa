//! .NET: a mapped `libcoreclr.so` in the folder of its version, and the GC's settings beside the program.
//!
//! A self-contained program has the library in its own folder and no version in the path: not said. Settings of
//! `NAME.runtimeconfig.json` are found by their names; the rest of that file is not read.

use settings::runtimes::Version;

use crate::Look;

const FOLDER: &str = "/Microsoft.NETCore.App/";
const SETTINGS: [&str; 2] = ["System.GC.HeapHardLimit", "System.GC.HeapHardLimitPercent"];

pub(crate) fn recognise(look: &Look) -> Option<(Version, Vec<(String, String)>)> {
    let library = look.library("libcoreclr.so")?;
    let (_, rest) = library.rsplit_once(FOLDER)?;
    let (version, _) = rest.split_once('/')?;
    let program = look.arguments.iter().find_map(|word| word.strip_suffix(".dll"));
    let text = program
        .and_then(|program| look.text(&look.absolute(&format!("{program}.runtimeconfig.json"))?));
    Some((Version::parse(version)?, settings(&text.unwrap_or_default())))
}

/// `"System.GC.HeapHardLimit": 209715200`.
pub(crate) fn settings(text: &str) -> Vec<(String, String)> {
    let value = |name: &str| {
        let (_, rest) = text.split_once(&format!("\"{name}\""))?;
        let rest = rest.trim_start().strip_prefix(':')?.trim_start();
        let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        rest.get(..end).filter(|value| !value.is_empty()).map(str::to_owned)
    };
    SETTINGS.iter().filter_map(|name| Some(((*name).to_owned(), value(name)?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_gcs_settings_are_found_by_their_names() {
        let text = r#"{"runtimeOptions":{"configProperties":{"System.GC.Server":true,
            "System.GC.HeapHardLimitPercent" : 60, "System.GC.HeapHardLimit":"x"}}}"#;
        let percent = ("System.GC.HeapHardLimitPercent".to_owned(), "60".to_owned());
        assert_eq!(settings(text), [percent]);
    }
}
