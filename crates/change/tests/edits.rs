//! Edits of whole files: what changes is what was asked for, by the judgement of another YAML reader; what is not asked
//! for stays byte for byte.

#[cfg(test)]
mod tests {
    use casefile::Bytes;
    use change::{File, Kind, Stated, Wish};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const MIB: u64 = 1 << 20;

    fn wish(limit: Option<u64>, variables: &[(&str, &str)]) -> Wish {
        let pair = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Wish {
            limit: limit.map(|mib| Bytes(mib * MIB)),
            variables: variables.iter().map(pair).collect(),
            ..Wish::default()
        }
    }

    fn node(value: &str) -> Wish {
        wish(None, &[("NODE_OPTIONS", value)])
    }

    fn file(text: &str) -> File {
        File::read("f.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    /// The lines that go and those that come.
    fn changed(text: &str, service: &str, wish: &Wish) -> (Vec<String>, Vec<String>) {
        let file = file(text);
        let which = file.subjects().iter().position(|it| it.name == service).unwrap();
        let new = file.edited(which, wish).unwrap_or_else(|error| panic!("{error}\n{text}")).text();
        let diff = change::unified("f", text, &new);
        let lines = |mark: char| -> Vec<String> {
            let body = diff.lines().skip(2).filter(|line| line.starts_with(mark));
            body.map(|line| line.chars().skip(1).collect()).collect()
        };
        (lines('-'), lines('+'))
    }

    fn refused(text: &str, service: &str, wish: &Wish) -> String {
        let file = file(text);
        let which = file.subjects().iter().position(|it| it.name == service).unwrap();
        file.edited(which, wish).expect_err(text).to_string()
    }

    fn strings(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    const FLAG: &str = "--max-old-space-size=64";

    #[test]
    fn a_value_changes_inside_its_quotes_and_its_comment_stays() {
        for (old, new) in [
            (
                "NODE_OPTIONS: \"-r a --max-old-space-size=9\"  # c",
                "NODE_OPTIONS: \"-r a --max-old-space-size=64\"  # c",
            ),
            (
                "NODE_OPTIONS: '-r a --max-old-space-size=9' # c",
                "NODE_OPTIONS: '-r a --max-old-space-size=64' # c",
            ),
            (
                "NODE_OPTIONS:   -r a --max-old-space-size=9",
                "NODE_OPTIONS:   -r a --max-old-space-size=64",
            ),
            ("NODE_OPTIONS: \"-r a\" # c", "NODE_OPTIONS: \"-r a --max-old-space-size=64\" # c"),
        ] {
            let text =
                format!("services:\n  api:\n    image: node:22\n    environment:\n      {old}\n");
            let (gone, come) = changed(&text, "api", &node(&format!("-r a {FLAG}")));
            assert_eq!((gone, come), (vec![format!("      {old}")], vec![format!("      {new}")]));
        }
    }

    #[test]
    fn a_block_of_text_changes_only_in_its_word() {
        let text = "services:\n  api:\n    environment:\n      NODE_OPTIONS: >-\n        -r a\n        --max-old-space-size=9\n      B: 1\n";
        let (gone, come) = changed(text, "api", &node(&format!("-r a {FLAG}")));
        assert_eq!(gone, ["        --max-old-space-size=9"]);
        assert_eq!(come, ["        --max-old-space-size=64"]);
        assert!(refused(text, "api", &node("-r b -r c")).contains("block of text"));
    }

    #[test]
    fn lists_maps_and_braces_get_what_is_missing_in_their_own_style() {
        for (old, gone, come) in [
            (
                "    environment:\n      - A=1 # c\n",
                vec![],
                vec!["      - NODE_OPTIONS=--max-old-space-size=64"],
            ),
            (
                "    environment:\n    - \"A=1\"\n",
                vec![],
                vec!["    - \"NODE_OPTIONS=--max-old-space-size=64\""],
            ),
            (
                "    environment: [A=1]\n",
                vec!["    environment: [A=1]"],
                vec!["    environment: [A=1, NODE_OPTIONS=--max-old-space-size=64]"],
            ),
            (
                "    environment: {A: '1'}\n",
                vec!["    environment: {A: '1'}"],
                vec!["    environment: {A: '1', NODE_OPTIONS: '--max-old-space-size=64'}"],
            ),
            (
                "    environment: {}\n",
                vec!["    environment: {}"],
                vec!["    environment: {NODE_OPTIONS: --max-old-space-size=64}"],
            ),
            ("    environment:\n", vec![], vec!["      NODE_OPTIONS: --max-old-space-size=64"]),
            ("    environment: # c\n", vec![], vec!["      NODE_OPTIONS: --max-old-space-size=64"]),
            (
                "    environment: ~\n",
                vec!["    environment: ~"],
                vec!["    environment:", "      NODE_OPTIONS: --max-old-space-size=64"],
            ),
            ("", vec![], vec!["    environment:", "      NODE_OPTIONS: --max-old-space-size=64"]),
        ] {
            let text = format!("services:\n  api:\n    image: node:22\n{old}    restart: always\n");
            let found = changed(&text, "api", &node(FLAG));
            assert_eq!(found, (strings(&gone), strings(&come)), "{text}");
        }
    }

    #[test]
    fn braces_over_several_lines_get_a_line_of_their_own() {
        let text = "services: {\n  api: {\n    image: node,\n    environment: {\n      A: 1, # one\n      B: 2 # two\n    }\n  }\n}\n";
        let (gone, come) = changed(text, "api", &wish(Some(64), &[("NODE_OPTIONS", FLAG)]));
        assert_eq!(gone, ["      B: 2 # two"]);
        let lines = [
            "    mem_limit: 64m,",
            "      B: 2, # two",
            "      NODE_OPTIONS: --max-old-space-size=64",
        ];
        assert_eq!(come, lines);
    }

    const SHARED: &str = "x-env: &env\n  TZ: UTC\nx-list: &list [A=1]\nx-base: &base\n  image: node:22\n  environment: &benv\n    B: ${B:-2}\nservices:\n  api:\n    environment: *env\n  web:\n    environment: *env\n  low:\n    <<: *base\n    restart: always\n  lower:\n    <<: *base\n  listed:\n    environment: *list\n";

    #[test]
    fn what_is_shared_by_an_anchor_is_laid_below_and_not_changed() {
        let (gone, come) = changed(SHARED, "api", &node(FLAG));
        assert_eq!(gone, ["    environment: *env"]);
        let lines =
            ["    environment:", "      <<: *env", "      NODE_OPTIONS: --max-old-space-size=64"];
        assert_eq!(come, lines);
        let (gone, come) = changed(SHARED, "low", &node(FLAG));
        assert!(gone.is_empty());
        assert_eq!(
            come,
            ["    environment:", "      <<: *benv", "      NODE_OPTIONS: --max-old-space-size=64"]
        );
        assert!(refused(SHARED, "listed", &node(FLAG)).contains("as a list"));
        let copied = SHARED.replace("environment: &benv", "environment:");
        let (gone, come) = changed(&copied, "low", &node(FLAG));
        assert!(gone.is_empty());
        assert_eq!(
            come,
            ["    environment:", "      B: ${B:-2}", "      NODE_OPTIONS: --max-old-space-size=64"]
        );
    }

    #[test]
    fn an_anchor_that_others_use_is_not_edited_at_its_own_place() {
        let text =
            "services:\n  api:\n    environment: &env\n      A: 1\n  web:\n    environment: *env\n";
        let said = refused(text, "api", &node(FLAG));
        assert!(said.contains("`web` too"), "{said}");
        let text = "x: &size 512m\nservices:\n  api:\n    mem_limit: *size\n  web:\n    mem_limit: *size\n";
        assert!(refused(text, "api", &wish(Some(64), &[])).contains("no plain value of its own"));
    }

    #[test]
    fn a_service_that_another_extends_is_left_alone_and_the_other_is_not() {
        let text = "services:\n  base:\n    image: node:22\n    mem_limit: 1g\n    environment: [A=1]\n    command: node --max-old-space-size=9 a\n  api:\n    extends: base\n    restart: always\n";
        assert!(
            refused(text, "base", &node(FLAG)).contains("`api` too, by an anchor or `extends`")
        );
        let file = file(text);
        let api = &file.subjects()[1];
        assert_eq!(api.limit, Stated::At(Bytes(1024 * MIB)));
        assert_eq!(
            (api.image.as_deref(), api.command.len(), api.environment.len()),
            (Some("node:22"), 3, 1)
        );
        let (gone, come) = changed(text, "api", &wish(Some(64), &[("NODE_OPTIONS", FLAG)]));
        assert!(gone.is_empty());
        assert_eq!(
            come,
            [
                "    mem_limit: 64m",
                "    environment:",
                "      NODE_OPTIONS: --max-old-space-size=64"
            ]
        );
        let words = vec![("--max-old-space-size=9".to_owned(), FLAG.to_owned())];
        assert!(refused(text, "api", &Wish { words, ..Wish::default() }).contains("by hand"));
        let circle = "services:\n  a: {extends: b}\n  b: {extends: {service: a}}\n";
        assert_eq!(self::file(circle).subjects().len(), 2);
    }

    #[test]
    fn limits_go_where_the_file_has_them() {
        for (old, gone, come) in [
            (
                "    mem_limit: 1g # c\n",
                vec!["    mem_limit: 1g # c"],
                vec!["    mem_limit: 64m # c"],
            ),
            (
                "    mem_limit: \"1g\"\n",
                vec!["    mem_limit: \"1g\""],
                vec!["    mem_limit: \"64m\""],
            ),
            (
                "    deploy: {resources: {limits: {memory: 1G}}}\n",
                vec!["    deploy: {resources: {limits: {memory: 1G}}}"],
                vec!["    deploy: {resources: {limits: {memory: 64m}}}"],
            ),
            (
                "    deploy:\n      resources:\n        limits:\n          cpus: '1'\n",
                vec![],
                vec!["          memory: 64m"],
            ),
            (
                "    deploy:\n      mode: global\n",
                vec![],
                vec!["      resources:", "        limits:", "          memory: 64m"],
            ),
            (
                "    deploy:\n      resources:\n        reservations: {memory: 1m}\n",
                vec![],
                vec!["    mem_limit: 64m"],
            ),
            ("", vec![], vec!["    mem_limit: 64m"]),
        ] {
            let text = format!("services:\n  api:\n    image: node:22\n{old}    restart: always\n");
            let found = changed(&text, "api", &wish(Some(64), &[]));
            assert_eq!(found, (strings(&gone), strings(&come)), "{text}");
        }
    }

    #[test]
    fn line_ends_stay_as_they_are() {
        let text = "services:\r\n    api:\r\n        image: node:22\r\n        environment:\r\n        -   A=1\r\n";
        let new = file(text).edited(0, &wish(Some(64), &[("NODE_OPTIONS", FLAG)])).unwrap().text();
        assert_eq!(new.matches('\n').count(), new.matches("\r\n").count());
        assert!(new.contains("        -   NODE_OPTIONS=--max-old-space-size=64\r\n"), "{new}");
        let text = "services:\n  api:\n    image: node:22";
        let new = file(text).edited(0, &node(FLAG)).unwrap().text();
        assert!(new.ends_with("NODE_OPTIONS: --max-old-space-size=64"), "{new}");
        let marked = format!("\u{feff}{text}\n");
        assert!(
            file(&marked).edited(0, &node(FLAG)).unwrap().text().starts_with("\u{feff}services")
        );
    }

    #[test]
    fn words_of_a_command_change_where_they_stand() {
        let wish = Wish {
            words: vec![("--max-old-space-size=9".to_owned(), FLAG.to_owned())],
            ..Wish::default()
        };
        for (old, new) in [
            (
                "command: node --max-old-space-size=9 a.js # c",
                "command: node --max-old-space-size=64 a.js # c",
            ),
            (
                "command: [\"node\", \"--max-old-space-size=9\", a.js]",
                "command: [\"node\", \"--max-old-space-size=64\", a.js]",
            ),
            (
                "entrypoint: sh -c 'exec node --max-old-space-size=9 a.js'",
                "entrypoint: sh -c 'exec node --max-old-space-size=64 a.js'",
            ),
            (
                "command: [sh, -c, \"exec node --max-old-space-size=9 a.js\"]",
                "command: [sh, -c, \"exec node --max-old-space-size=64 a.js\"]",
            ),
        ] {
            let text = format!("services:\n  api:\n    {old}\n");
            let found = changed(&text, "api", &wish);
            assert_eq!(found, (vec![format!("    {old}")], vec![format!("    {new}")]));
        }
        for other in [
            "node --max-old-space-size=99 a",
            "node a",
            "node --max-old-space-size=9 && node --max-old-space-size=9",
        ] {
            let text = format!("services:\n  api:\n    command: {other}\n");
            assert!(refused(&text, "api", &wish).contains("by hand"), "{text}");
        }
    }

    const MANIFESTS: &str = "apiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\n# the api\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  template:\n    spec:\n      containers:\n      - name: api\n        image: node:22\n        env:\n        - {name: A, value: \"1\"}\n        - name: SECRET\n          valueFrom: {secretKeyRef: {name: s, key: k}}\n        resources:\n          limits:\n            cpu: \"1\"\n      - name: side\n        image: node:22\n---\napiVersion: batch/v1\nkind: CronJob\nmetadata: {name: c}\nspec:\n  jobTemplate:\n    spec:\n      template:\n        spec:\n          containers: [{name: job, image: node}]\n";

    #[test]
    fn each_container_of_many_documents_is_edited_alone() {
        let all = wish(Some(64), &[("NODE_OPTIONS", FLAG)]);
        let (gone, come) = changed(MANIFESTS, "api", &all);
        assert!(gone.is_empty());
        let lines = [
            "        - name: NODE_OPTIONS",
            "          value: --max-old-space-size=64",
            "            memory: 64Mi",
        ];
        assert_eq!(come, lines);
        let (gone, come) = changed(MANIFESTS, "side", &all);
        assert!(gone.is_empty());
        let lines = [
            "        resources:",
            "          limits:",
            "            memory: 64Mi",
            "        env:",
            "        - name: NODE_OPTIONS",
            "          value: --max-old-space-size=64",
        ];
        assert_eq!(come, lines);
        let (gone, come) = changed(MANIFESTS, "job", &all);
        assert_eq!(gone, ["          containers: [{name: job, image: node}]"]);
        assert_eq!(
            come,
            [
                "          containers: [{name: job, image: node, resources: {limits: {memory: 64Mi}}, env: [{name: NODE_OPTIONS, value: --max-old-space-size=64}]}]"
            ]
        );
        let secret = wish(None, &[("SECRET", "x")]);
        assert!(refused(MANIFESTS, "api", &secret).contains("a secret or a map"));
        let number = wish(None, &[("WEB_CONCURRENCY", "2")]);
        assert_eq!(changed(MANIFESTS, "api", &number).1[1], "          value: \"2\"");
    }

    const TASK: &str = "{\n\t\"family\": \"t\",\n\t\"containerDefinitions\": [\n\t\t{\n\t\t\t\"name\": \"api\",\n\t\t\t\"image\": \"node:22\",\n\t\t\t\"memory\": 512,\n\t\t\t\"environment\": [\n\t\t\t\t{ \"name\": \"A\", \"value\": \"1\" }\n\t\t\t]\n\t\t},\n\t\t{\"name\":\"b\",\"image\":\"node:22\"}\n\t]\n}\n";

    #[test]
    fn json_stays_json_with_its_tabs() {
        let all = wish(Some(64), &[("NODE_OPTIONS", FLAG)]);
        let (gone, come) = changed(TASK, "api", &all);
        assert_eq!(
            gone,
            ["\t\t\t\"memory\": 512,", "\t\t\t\t{ \"name\": \"A\", \"value\": \"1\" }"]
        );
        let lines = [
            "\t\t\t\"memory\": 64,",
            "\t\t\t\t{ \"name\": \"A\", \"value\": \"1\" },",
            "\t\t\t\t{\"name\": \"NODE_OPTIONS\", \"value\": \"--max-old-space-size=64\"}",
        ];
        assert_eq!(come, lines);
        let file = file(TASK);
        for which in [0, 1] {
            let new = file.edited(which, &all).unwrap().text();
            let read: Value =
                serde_json::from_str(&new).unwrap_or_else(|error| panic!("{error}\n{new}"));
            let container = &read["containerDefinitions"][which];
            assert_eq!(container["memory"], json!(64));
            let last = container["environment"].as_array().unwrap().last().unwrap();
            assert_eq!(*last, json!({"name": "NODE_OPTIONS", "value": FLAG}));
        }
        assert_eq!(file.kind(), Kind::Ecs);
    }

    #[test]
    fn a_limit_that_the_platform_would_refuse_is_not_written() {
        let small = wish(Some(64), &[]);
        for part in ["mem_reservation: 100m", "mem_limit: 1g\n    mem_reservation: 100m"] {
            let text = format!("services:\n  api:\n    {part}\n");
            assert!(refused(&text, "api", &small).contains("mem_reservation of 100 MiB"), "{text}");
        }
        let text = "services:\n  api:\n    mem_limit: 10m\n    memswap_limit: ${SWAP}\n";
        assert!(refused(text, "api", &small).contains("memswap_limit comes from a variable"));
        let text = MANIFESTS.replace(
            "          limits:\n",
            "          requests: {memory: 1Gi}\n          limits:\n",
        );
        assert!(refused(&text, "api", &small).contains("its request of 1 GiB"));
        let text = TASK.replace("\"memory\": 512", "\"memoryReservation\": 64, \"memory\": 512");
        assert!(refused(&text, "api", &small).contains("memoryReservation"));
    }

    #[test]
    fn swap_beside_the_limit_stays_as_much_as_it_was() {
        let lines = |text: &str, mib: u64| {
            let whole = format!("services:\n  api:\n{text}");
            let (_, come) = changed(&whole, "api", &wish(Some(mib), &[]));
            come.iter().map(|line| line.trim().to_owned()).collect::<Vec<_>>()
        };
        let none = "    mem_limit: 256m\n    memswap_limit: 256m\n";
        assert_eq!(lines(none, 512), ["mem_limit: 512m", "memswap_limit: 512m"]);
        assert_eq!(lines(none, 64), ["mem_limit: 64m", "memswap_limit: 64m"]);
        let some = "    mem_limit: 256m\n    memswap_limit: \"1g\"\n";
        assert_eq!(lines(some, 512), ["mem_limit: 512m", "memswap_limit: \"1280m\""]);
        for text in ["    mem_limit: 256m\n    memswap_limit: -1\n", "    mem_limit: 256m\n"] {
            assert_eq!(lines(text, 512), ["mem_limit: 512m"], "{text}");
        }
        let deployed =
            "    memswap_limit: 256m\n    deploy: {resources: {limits: {memory: 256m}}}\n";
        let come = ["memswap_limit: 512m", "deploy: {resources: {limits: {memory: 512m}}}"];
        assert_eq!(lines(deployed, 512), come);
        // What another service is made by is not touched.
        let base = "services:\n  base: &base\n    mem_limit: 256m\n    memswap_limit: 256m\n  api:\n    <<: *base\n    image: x\n";
        let (gone, come) = changed(base, "api", &wish(Some(512), &[]));
        assert!(gone.is_empty(), "{gone:?}");
        let mut come: Vec<&str> = come.iter().map(|line| line.trim()).collect();
        come.sort_unstable();
        assert_eq!(come, ["mem_limit: 512m", "memswap_limit: 512m"]);
    }

    #[test]
    fn a_limit_that_several_share_is_told_as_such() {
        let shared = |text: &str| -> Vec<bool> {
            file(text).subjects().iter().map(|subject| subject.is_shared).collect()
        };
        let task = TASK.replace("\"family\": \"t\"", "\"memory\": \"2 GB\"");
        assert_eq!(shared(&task), [false, true]);
        assert_eq!(file(&task).subjects()[1].limit, Stated::At(Bytes(2048 * MIB)));
        let pod = "apiVersion: v1\nkind: Pod\nspec:\n  resources: {limits: {memory: 1Gi}}\n  containers: [{name: a}, {name: b, resources: {limits: {memory: 1Mi}}}]\n";
        assert_eq!(shared(pod), [true, false]);
    }

    fn docker(text: &str, wish: &Wish) -> String {
        let file = File::read("Dockerfile", text.as_bytes()).unwrap();
        file.edited(0, wish).unwrap_or_else(|error| panic!("{error}\n{text}")).text()
    }

    #[test]
    fn a_dockerfile_gets_its_variable_behind_every_run() {
        for (old, new) in [
            (
                "FROM a\nRUN x\n# start\nCMD [\"y\"]\n",
                "FROM a\nRUN x\n# start\nENV NODE_OPTIONS=--max-old-space-size=64\nCMD [\"y\"]\n",
            ),
            (
                "FROM a\r\nRUN x \\\r\n  # c\r\n  y",
                "FROM a\r\nRUN x \\\r\n  # c\r\n  y\r\nENV NODE_OPTIONS=--max-old-space-size=64",
            ),
            (
                "FROM a\nENTRYPOINT [\"e\"]\nCMD [\"y\"]\nRUN <<E\nCMD x\nE\n",
                "FROM a\nENTRYPOINT [\"e\"]\nCMD [\"y\"]\nRUN <<E\nCMD x\nE\nENV NODE_OPTIONS=--max-old-space-size=64\n",
            ),
            (
                "FROM a AS x\nENV NODE_OPTIONS=1\nFROM b\nCMD y",
                "FROM a AS x\nENV NODE_OPTIONS=1\nFROM b\nENV NODE_OPTIONS=--max-old-space-size=64\nCMD y",
            ),
        ] {
            assert_eq!(docker(old, &node(FLAG)), new);
        }
    }

    #[test]
    fn a_dockerfiles_variable_changes_where_it_is_set() {
        for (old, new) in [
            ("ENV NODE_OPTIONS=--a", "ENV NODE_OPTIONS=\"--a --b\""),
            ("ENV NODE_OPTIONS --a", "ENV NODE_OPTIONS --a --b"),
            ("ENV A=1 NODE_OPTIONS=\"--a\" B=2", "ENV A=1 NODE_OPTIONS=\"--a --b\" B=2"),
            (
                "ENV A='x y' \\\n    # c\n    NODE_OPTIONS='--a' \\\n    B=2",
                "ENV A='x y' \\\n    # c\n    NODE_OPTIONS='--a --b' \\\n    B=2",
            ),
        ] {
            let text = |env: &str| format!("FROM a\n{env}\nCMD [\"y\"]\n");
            assert_eq!(docker(&text(old), &node("--a --b")), text(new));
        }
    }

    /// Every file that `lint` is tried on: half of them broken on purpose, all of them in a style of their own.
    #[test]
    fn each_of_many_files_is_edited_or_refused_with_a_reason() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../lint/tests/files");
        let mut folders = vec![std::path::PathBuf::from(root)];
        let (mut edited, mut refused) = (0, Vec::new());
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
                let path = entry.path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let bytes = std::fs::read(&path).unwrap();
                let name = path.to_str().unwrap();
                let Ok(file) = File::read(name, &bytes) else { continue };
                let limit = (file.kind() != Kind::Dockerfile).then_some(8192);
                for which in 0..file.subjects().len() {
                    let wish = wish(limit, &[("NODE_OPTIONS", FLAG), ("GOGC", "50")]);
                    match file.edited(which, &wish) {
                        Ok(_) => edited += 1,
                        Err(why) => refused.push(format!("{name} {which}: {why}")),
                    }
                }
            }
        }
        assert!(edited > 100 && refused.len() * 20 < edited, "{edited} {refused:#?}");
    }

    /// A Compose file and which of its services is meant.
    fn compose() -> impl Strategy<Value = (String, usize)> {
        let environment = prop_oneof![
            Just(""),
            Just("environment:\n"),
            Just("environment: {}\n"),
            Just("environment: *env\n"),
            Just("environment: {A: 1, B: 'x'} # flow\n"),
            Just("environment: [\"A=1\"]\n"),
            Just("environment:\n@  A: \"1\" # one\n@  # two\n@  NODE_OPTIONS: '--a'\n"),
            Just("environment:\n@- A=1\n@- NODE_OPTIONS=--a --b=2\n"),
            Just("environment:\n@  - A=1\n"),
            Just("environment:\n@  <<: *env\n@  B: >-\n@    x\n@    y\n"),
            Just("environment: &own\n@  C: 3\n"),
        ];
        let limit = prop_oneof![
            Just(""),
            Just("mem_limit: 512m # c\n"),
            Just("mem_limit: 536870912\n"),
            Just("deploy: {resources: {limits: {cpus: '1', memory: 1g}}}\n"),
            Just("deploy:\n@  resources:\n@    limits:\n@      memory: \"1g\"\n"),
            Just("deploy:\n@  mode: global\n"),
            Just("<<: *base\n"),
        ];
        let first = prop_oneof![
            Just(""),
            Just("restart: always\n"),
            Just("# first\n"),
            Just("command: [\"node\", 'a.js']\n")
        ];
        let other = prop_oneof![
            Just(""),
            Just("# a comment\n"),
            Just("volumes:\n@- a:/b\n@- |\n@  c\n@\n@  d\n"),
            Just("labels: {\n@    a: b,\n@    c: d }\n"),
        ];
        let service = (environment, limit, first, other, any::<bool>()).prop_map(
            |(environment, limit, one, two, image)| {
                let image = if image { "image: node:22 # i\n" } else { "image:   \"node\"\n" };
                [one, environment, image, limit, two].map(str::to_owned).to_vec()
            },
        );
        (prop::collection::vec(service, 1..4), 2usize..5, any::<bool>(), any::<bool>()).prop_flat_map(
            |(services, step, carriage, ended)| {
                let count = services.len();
                let mut text = String::from("# head\nx-env: &env\n  TZ: UTC\nx-base: &base\n  mem_limit: 128m\n  environment:\n    LOW: 1\nservices:\n");
                for (at, parts) in services.iter().enumerate() {
                    text += &format!("{}s{at}: # service\n", " ".repeat(step));
                    for part in parts.iter().filter(|part| !part.is_empty()) {
                        let indent = " ".repeat(2 * step);
                        let part = part.replace('@', &indent);
                        text += &format!("{indent}{part}");
                    }
                }
                text += "volumes: {}\n";
                if !ended {
                    text = text.trim_end().to_owned();
                }
                if carriage {
                    text = text.replace('\n', "\r\n");
                }
                (Just(text), 0..count)
            },
        )
    }

    /// What the file says of a service by another reader: its variables, its limits, all the rest.
    fn meaning(text: &str, service: usize) -> (Value, Vec<(String, String)>) {
        let mut whole: Value =
            serde_saphyr::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
        let service = &mut whole["services"][format!("s{service}")];
        let environment = service["environment"].take();
        let said = |value: &Value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let mut variables: Vec<(String, String)> = match &environment {
            Value::Object(map) => {
                map.iter().map(|(name, value)| (name.clone(), said(value))).collect()
            }
            Value::Array(list) => list
                .iter()
                .map(&said)
                .map(|item| {
                    item.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap()
                })
                .collect(),
            _ => Vec::new(),
        };
        variables.sort();
        if let Some(map) = service.as_object_mut() {
            map.remove("environment");
            map.remove("mem_limit");
            if let Some(limits) =
                map.get_mut("deploy").and_then(|it| it.pointer_mut("/resources/limits"))
            {
                limits.as_object_mut().unwrap().remove("memory");
            }
            if map.get("deploy").is_some_and(|it| it["mode"] == json!("global")) {
                map["deploy"].as_object_mut().unwrap().remove("resources");
            }
        }
        (whole, variables)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn only_what_was_asked_for_changes((text, which) in compose(), limited in any::<bool>()) {
            let file = file(&text);
            let wish = wish(limited.then_some(64), &[("NODE_OPTIONS", "--a --max=64"), ("GOGC", "50")]);
            let new = match file.edited(which, &wish) {
                Ok(new) => new.text(),
                // `environment: &own` is used by nobody else, so only a merged `<<` with deploy may be refused.
                Err(error) => panic!("{error}\n{text}"),
            };
            let (before, mut variables) = meaning(&text, which);
            let (after, found) = meaning(&new, which);
            prop_assert_eq!(before, after, "{}\n{}", text, new);
            variables.retain(|(name, _)| !["NODE_OPTIONS", "GOGC"].contains(&name.as_str()));
            variables.push(("NODE_OPTIONS".to_owned(), "--a --max=64".to_owned()));
            variables.push(("GOGC".to_owned(), "50".to_owned()));
            variables.sort();
            prop_assert_eq!(variables, found, "{}\n{}", text, new);
            if limited {
                let again = self::file(&new);
                prop_assert_eq!(again.subjects()[which].limit, Stated::At(Bytes(64 * MIB)));
            }
            // A line that goes has one of the words that were asked about.
            let diff = change::unified("f", &text, &new);
            for line in diff.lines().skip(2).filter(|line| line.starts_with('-')) {
                let touched = ["NODE_OPTIONS", "environment", "mem", "A=1"];
                prop_assert!(touched.iter().any(|word| line.contains(word)), "{}", diff);
                let comment = line.split_once('#').map(|(_, comment)| comment);
                prop_assert!(comment.is_none_or(|comment| new.contains(comment)), "{}", diff);
            }
            let ends = if text.contains("\r\n") { new.matches("\r\n").count() } else { new.matches('\n').count() };
            prop_assert_eq!(new.matches('\n').count(), ends);
            // A second time there is nothing to do.
            let again = self::file(&new);
            prop_assert_eq!(again.edited(which, &wish).unwrap().text(), new);
        }

        #[test]
        fn whatever_is_read_is_edited_or_refused(text in "(services:\n|  [a&*:-]{0,3}|[{}\\[\\],#'\" ]{0,4}|image: a\n|    environment:|\n){0,24}") {
            if let Ok(file) = File::read("compose.yaml", text.as_bytes()) {
                for which in 0..file.subjects().len() {
                    let wish = wish(Some(64), &[("NODE_OPTIONS", FLAG)]);
                    if let Ok(new) = file.edited(which, &wish) {
                        let again = self::file(&new.text());
                        prop_assert_eq!(again.subjects()[which].limit, Stated::At(Bytes(64 * MIB)));
                    }
                }
            }
        }
    }
}
