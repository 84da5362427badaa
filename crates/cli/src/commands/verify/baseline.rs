//! What was measured before: a table of looks, or the JSON of an answer.

use std::fs;
use std::path::Path;

use serde_json::Value;
use sizing::verify::{Look, Watched, looks_of};

use crate::commands::measure::series_of;
use crate::failure::{Failure, USAGE};

/// A file larger than this is no measure.
const LARGEST: u64 = 256 << 20;

/// Reads it before anything is watched.
pub(super) fn read(path: &Path) -> anyhow::Result<Watched> {
    let text = text_of(path)?;
    if text.trim_start().starts_with('{') {
        return Ok(of_json(&text).map_err(|why| refused(path, &why))?);
    }
    let looks = looks_of(text.as_bytes()).map_err(|error| refused(path, &error.to_string()))?;
    let shape = sizing::shape::of(&series_of("", &looks), None);
    Ok(Watched::of(&looks, None, Some(&shape)))
}

/// The looks of a table.
pub(in crate::commands) fn looks(path: &Path) -> anyhow::Result<Vec<Look>> {
    let text = text_of(path)?;
    Ok(looks_of(text.as_bytes()).map_err(|error| refused(path, &error.to_string()))?)
}

fn text_of(path: &Path) -> Result<String, Failure> {
    let size = fs::metadata(path).map_err(|error| refused(path, &plain(&error)))?;
    if size.len() > LARGEST || !size.is_file() {
        return Err(refused(path, "it is no file of looks"));
    }
    let bytes = fs::read(path).map_err(|error| refused(path, &plain(&error)))?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        return Err(refused(path, "it is packed: `gunzip` it first"));
    }
    let text =
        String::from_utf8(bytes).ok().ok_or_else(|| refused(path, "it is no text in UTF-8"))?;
    if text.trim().is_empty() {
        return Err(refused(path, "it is empty"));
    }
    Ok(text)
}

fn refused(path: &Path, why: &str) -> Failure {
    let shown = path.display();
    Failure::new(USAGE, format!("could not read the baseline `{shown}`: {why}"))
        .hint("a baseline is what `why137 measure NAME --save before.csv -- LOAD` writes")
}

fn plain(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}

/// What `measure` calls `watched`, `verify` calls `after`.
fn of_json(text: &str) -> Result<Watched, String> {
    let all: Value =
        serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))?;
    let part = all.get("watched").or_else(|| all.get("after")).filter(|part| part.is_object());
    let part = part.ok_or("it is no answer of `measure` or `verify`")?;
    let watched: Watched =
        serde_json::from_value(part.clone()).map_err(|error| error.to_string())?;
    if watched.looks == 0 {
        return Err("it holds no looks".to_owned());
    }
    Ok(watched)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before");
        let read_of = |text: &str| {
            fs::write(&path, text).unwrap();
            read(&path).map_err(|error| error.to_string())
        };
        let table = read_of("t_s,mem_bytes,kills\n0,5,0\n10,7,1\n").unwrap();
        assert_eq!((table.peak_mem_bytes, table.kills, table.span_s), (Some(7.0), Some(1.0), 10.0));
        for key in ["watched", "after"] {
            let json = read_of(&format!("{{\"{key}\":{{\"looks\":3,\"gc_share\":0.5}}}}")).unwrap();
            assert_eq!((json.looks, json.gc_share, json.kills), (3, Some(0.5), None));
        }
    }

    #[test]
    fn what_is_no_measure_is_refused_with_a_hint() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("before");
        for (text, wanted) in [
            ("{", "not JSON"),
            ("{}", "no answer of `measure`"),
            ("{\"watched\":{}}", "no looks"),
            ("a,b\n1,2\n", "no column `t_s`"),
            ("", "it is empty"),
        ] {
            fs::write(&path, text).unwrap();
            let said = read(&path).unwrap_err().to_string();
            assert!(said.contains(wanted), "{said}");
        }
        for (bytes, wanted) in
            [(&[0x1f, 0x8b, 8][..], "`gunzip` it first"), (&[0xff, 0xfe], "UTF-8")]
        {
            fs::write(&path, bytes).unwrap();
            let said = read(&path).unwrap_err().to_string();
            assert!(said.contains(wanted), "{said}");
        }
        assert!(read(folder.path()).is_err());
        let said = read(&folder.path().join("none")).unwrap_err().to_string();
        assert!(said.contains("there is no such file"), "{said}");
    }
}
