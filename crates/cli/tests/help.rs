//! The program explains itself: help, manual, completions, and a schema that its own answers keep.

#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};
    use std::process::Command;

    use serde_json::Value;
    use tempfile::TempDir;

    use crate::program::{NOW, Ran, run};

    const KERNEL_LOG: &str = "\
[   83.469500] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/docker/ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,task_memcg=/docker/ab3f90c1d2e4f5a6b7c8d9e0f1a2b3c4d5e6f7a8b9c0d1e2f3a4b5c6d7e8f901,task=python3,pid=295,uid=0
[   83.469600] Memory cgroup out of memory: Killed process 295 (python3) total-vm:79548kB, anon-rss:64888kB, file-rss:616kB, shmem-rss:0kB, UID:0 pgtables:180kB oom_score_adj:0
";

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    fn say(words: &[&str]) -> Ran {
        run(folder().path(), "unix:///nonexistent/docker.sock", words, "")
    }

    /// The subcommands that the first page of help lists.
    /// All but `help`, which takes their names and no options.
    fn subcommands() -> Vec<String> {
        let (_, help, _) = say(&["--help"]);
        let list = help.split_once("Commands:\n").unwrap().1;
        list.lines()
            .take_while(|line| !line.is_empty())
            .filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')))
            .map(|line| line.split(' ').next().unwrap().to_owned())
            .filter(|name| name != "help")
            .collect()
    }

    #[test]
    fn help_of_a_subcommand_is_asked_for_by_its_name_too() {
        for name in subcommands() {
            let (code, help, err) = say(&["help", &name]);
            assert_eq!((code, help, err.as_str()), (0, say(&[&name, "--help"]).1, ""), "{name}");
        }
        let (code, _, err) = say(&["help", "nobody"]);
        assert!(code == 2 && err.contains("unrecognized subcommand 'nobody'"), "{err}");
    }

    #[test]
    fn every_subcommand_has_help_in_both_lengths() {
        let all = subcommands();
        for known in ["explain", "demo", "rules", "rule", "completions", "man", "schema"] {
            assert!(all.iter().any(|name| name == known), "{known} is not in {all:?}");
        }
        for name in all.iter().map(String::as_str) {
            for flag in ["--help", "-h"] {
                let (code, help, err) = say(&[name, flag]);
                assert_eq!((code, err.as_str()), (0, ""), "{name} {flag}");
                assert!(help.contains(&format!("Usage: why137 {name}")), "{name}: {help}");
                let widest = help.lines().map(|line| line.chars().count()).max().unwrap();
                assert!(widest <= 100, "{name} {flag}: a line of {widest} columns");
                assert!(!help.contains('\u{1b}'), "{name}: colour without a terminal");
            }
        }
        for words in [&["--help"][..], &["explain", "--help"]] {
            let (_, help, _) = say(words);
            assert!(help.contains("Exit codes: 0 answered"), "{help}");
        }
    }

    #[test]
    fn what_is_not_known_is_refused_with_2_everywhere() {
        let names = subcommands();
        let mut lines: Vec<Vec<&str>> =
            names.iter().map(|name| vec![name.as_str(), "--no-such-option"]).collect();
        lines.extend([
            vec!["--no-such-option"],
            vec!["-Z"],
            vec!["rules", "surplus"],
            vec!["schema", "surplus"],
            vec!["completions"],
            vec!["completions", "tcsh2"],
            vec!["rule"],
            vec!["--save"],
            vec!["explain", "--format", "yaml", "x"],
            vec!["explain", ""],
        ]);
        for words in lines {
            let (code, out, err) = say(&words);
            // Those that start a command keep the small numbers for it, as env(1) and timeout(1) do.
            let refusal = if matches!(words.first(), Some(&"run" | &"env")) { 125 } else { 2 };
            assert_eq!((code, out.as_str()), (refusal, ""), "{words:?}: {err}");
            assert!(err.starts_with("error: "), "{words:?}: {err}");
        }
        let (code, _, err) = say(&["rule", "own-limt"]);
        assert_eq!(code, 2);
        assert!(err.contains("why137 rule own-limit"), "{err}");
    }

    #[test]
    fn every_rule_that_is_listed_has_its_manual() {
        let (code, list, _) = say(&["rules"]);
        assert_eq!(code, 0);
        assert!(list.lines().count() >= 15, "{list}");
        for line in list.lines() {
            let id = line.split(' ').next().unwrap();
            let (code, manual, err) = say(&["rule", id]);
            assert_eq!((code, err.as_str()), (0, ""), "{id}");
            for heading in ["What it looks for", "Why it means that", "What would speak against it"]
            {
                assert!(manual.contains(heading), "{id}: {heading} is missing");
            }
        }
    }

    #[test]
    fn completions_and_manual_know_every_subcommand_and_option() {
        let names = subcommands();
        let shells = ["bash", "zsh", "fish"].map(|shell| (shell, say(&["completions", shell])));
        for (shell, (code, script, err)) in &shells {
            assert_eq!((*code, err.as_str()), (0, ""), "{shell}");
            let options = ["with-logs", "save", "format", "markdown", "context"];
            for word in names.iter().map(String::as_str).chain(options) {
                assert!(script.contains(word), "{shell}: {word}");
            }
        }
        let (code, manual, _) = say(&["man"]);
        assert_eq!(code, 0);
        assert!(manual.lines().any(|line| line.starts_with(".TH why137")), "{manual}");
        for word in names.iter().map(String::as_str).chain(["with\\-logs", "quiet"]) {
            assert!(manual.contains(word), "{word} is not in the manual");
        }
    }

    /// `NO_COLOR` beats a wish for colour from the environment; an option beats both.
    #[test]
    fn colour_is_refused_by_the_environment_and_asked_for_by_the_option() {
        let folder = folder();
        fs::write(folder.path().join("kern.log"), KERNEL_LOG).unwrap();
        let coloured = |variables: &[(&str, &str)], words: &[&str]| {
            let output = Command::new(env!("CARGO_BIN_EXE_why137"))
                .args(words)
                .arg("./kern.log")
                .env_clear()
                .env("WHY137_NOW", NOW)
                .envs(variables.iter().copied())
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(output.status.success());
            output.stdout.contains(&0x1b)
        };
        assert!(!coloured(&[], &[]));
        assert!(coloured(&[("CLICOLOR_FORCE", "1")], &[]));
        assert!(!coloured(&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], &[]));
        assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--color", "never"]));
        assert!(coloured(&[("NO_COLOR", "1")], &["--color", "always"]));
        assert!(!coloured(&[("CLICOLOR_FORCE", "1")], &["--format", "json"]));
    }

    // A small part of JSON Schema 2020-12: what the published schema uses, and nothing else.

    fn schema() -> Value {
        let (code, text, _) = say(&["schema"]);
        assert_eq!(code, 0);
        serde_json::from_str(&text).unwrap()
    }

    const KEYWORDS: [&str; 17] = [
        "$schema",
        "$defs",
        "$ref",
        "title",
        "description",
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "const",
        "enum",
        "format",
        "minimum",
        "maximum",
        "$id",
    ];
    const TYPES: [&str; 7] = ["object", "array", "string", "integer", "number", "boolean", "null"];

    fn resolve<'a>(root: &'a Value, schema: &'a Value) -> &'a Value {
        match schema.get("$ref").and_then(Value::as_str) {
            Some(place) => {
                let target = root.pointer(place.strip_prefix('#').unwrap());
                resolve(root, target.unwrap_or_else(|| panic!("{place} leads nowhere")))
            }
            None => schema,
        }
    }

    fn types(schema: &Value) -> Vec<&str> {
        match schema.get("type") {
            Some(Value::String(one)) => vec![one],
            Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
            _ => Vec::new(),
        }
    }

    /// Whether a schema is one, in all its parts.
    fn is_sound(root: &Value, schema: &Value, at: &str) {
        for key in schema.as_object().unwrap_or_else(|| panic!("{at}")).keys() {
            assert!(KEYWORDS.contains(&key.as_str()), "{at}: `{key}` is not understood here");
        }
        assert!(types(schema).iter().all(|name| TYPES.contains(name)), "{at}");
        resolve(root, schema);
        let none = serde_json::Map::new();
        let properties = schema["properties"].as_object().unwrap_or(&none);
        for name in schema["required"].as_array().into_iter().flatten() {
            assert!(properties.contains_key(name.as_str().unwrap()), "{at}: {name}");
        }
        for (name, property) in properties {
            let here = format!("{at}.{name}");
            let told = property.get("description").or_else(|| property.get("$ref"));
            assert!(told.is_some(), "{here} is not described");
            is_sound(root, property, &here);
        }
        if let Some(items) = schema.get("items") {
            is_sound(root, items, &format!("{at}[]"));
        }
        for part in schema["anyOf"].as_array().into_iter().flatten() {
            is_sound(root, part, at);
        }
    }

    fn is_of_type(value: &Value, name: &str) -> bool {
        match name {
            "object" => value.is_object(),
            "array" => value.is_array(),
            "string" => value.is_string(),
            "integer" => value.is_i64() || value.is_u64(),
            "number" => value.is_number(),
            "boolean" => value.is_boolean(),
            _ => value.is_null(),
        }
    }

    /// Where a value breaks its schema. A property that the schema does not know is a fault too: a
    /// reader of the schema would not know it either.
    fn faults(root: &Value, schema: &Value, value: &Value, at: &str) -> Vec<String> {
        let schema = resolve(root, schema);
        let mut found = Vec::new();
        let keeps = |part: &Value| faults(root, part, value, at).is_empty();
        if schema["anyOf"].as_array().is_some_and(|parts| !parts.iter().any(keeps)) {
            found.push(format!("{at}: {value} is none of the forms"));
        }
        let types = types(schema);
        if !types.is_empty() && !types.iter().any(|name| is_of_type(value, name)) {
            found.push(format!("{at}: {value} is no {types:?}"));
        }
        if schema.get("const").is_some_and(|only| only != value) {
            found.push(format!("{at}: {value}"));
        }
        let names = schema["enum"].as_array();
        if names.is_some_and(|names| !names.contains(value)) {
            found.push(format!("{at}: {value} is not listed"));
        }
        let least = schema["minimum"].as_f64();
        if least.zip(value.as_f64()).is_some_and(|(least, value)| value < least) {
            found.push(format!("{at}: {value} is too small"));
        }
        for (index, item) in value.as_array().into_iter().flatten().enumerate() {
            found.extend(faults(root, &schema["items"], item, &format!("{at}[{index}]")));
        }
        if let (Some(known), Some(object)) = (schema["properties"].as_object(), value.as_object()) {
            for name in schema["required"].as_array().into_iter().flatten() {
                if !object.contains_key(name.as_str().unwrap()) {
                    found.push(format!("{at}: {name} is missing"));
                }
            }
            for (name, inner) in object {
                let here = format!("{at}.{name}");
                match known.get(name) {
                    Some(part) => found.extend(faults(root, part, inner, &here)),
                    None => found.push(format!("{here} is not in the schema")),
                }
            }
        }
        found
    }

    #[test]
    fn the_schema_is_a_schema() {
        let schema = schema();
        assert!(schema["$schema"].as_str().unwrap().starts_with("https://json-schema.org/draft/"));
        is_sound(&schema, &schema, "answer");
        for (name, part) in schema["$defs"].as_object().into_iter().flatten() {
            is_sound(&schema, part, name);
        }
    }

    #[test]
    fn a_value_that_breaks_the_schema_is_noticed() {
        let schema = schema();
        let (_, out, _) = run(folder().path(), "", &["--format", "json", "-"], KERNEL_LOG);
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(faults(&schema, &schema, &answer, "answer"), Vec::<String>::new());
        for (key, wrong) in [
            ("killer", Value::from("somebody")),
            ("victims", Value::from(7)),
            ("schema_version", Value::from(2)),
            ("because", serde_json::json!([{ "says": null }])),
            ("surprise", Value::Null),
        ] {
            let mut broken = answer.clone();
            broken[key] = wrong;
            assert!(!faults(&schema, &schema, &broken, "answer").is_empty(), "{key}");
        }
        let mut broken = answer;
        broken.as_object_mut().unwrap().remove("candidates");
        assert!(!faults(&schema, &schema, &broken, "answer").is_empty());
    }

    fn dossiers(folder: &Path, found: &mut Vec<PathBuf>) {
        let Ok(entries) = fs::read_dir(folder) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                dossiers(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                found.push(path);
            }
        }
    }

    /// The exhibits of a dossier, each as a text that somebody pastes.
    fn exhibits(dossier: &str) -> Vec<String> {
        let blocks = dossier.split("\n~~~~exhibit").skip(1);
        let texts = blocks.filter_map(|block| block.split_once('\n')?.1.split_once("\n~~~~"));
        texts.map(|(text, _)| format!("{text}\n")).collect()
    }

    #[test]
    fn every_answer_keeps_the_schema() {
        let schema = schema();
        let mut paths = Vec::new();
        let cases = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../cases");
        dossiers(&cases, &mut paths);
        assert!(paths.len() > 20, "the dossiers are not where they were");
        let mut told = Vec::new();
        for path in paths {
            let folder = folder();
            let texts = exhibits(&fs::read_to_string(&path).unwrap());
            let mut words = vec!["--format".to_owned(), "json".to_owned()];
            for (number, text) in
                texts.iter().enumerate().filter(|(_, text)| !text.trim().is_empty())
            {
                let name = format!("./{number}.txt");
                fs::write(folder.path().join(&name), text).unwrap();
                words.push(name);
            }
            if words.len() == 2 {
                continue;
            }
            let words: Vec<&str> = words.iter().map(String::as_str).collect();
            let (code, out, err) = run(folder.path(), "", &words, "");
            assert!([0, 3, 4].contains(&code), "{}: {code} {err}", path.display());
            let answer: Value = serde_json::from_str(&out).unwrap();
            let wrong = faults(&schema, &schema, &answer, "answer");
            told.extend(wrong.iter().map(|fault| format!("{}: {fault}", path.display())));
        }
        assert!(told.is_empty(), "\n{}", told.join("\n"));
    }
}
