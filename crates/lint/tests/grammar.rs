//! What real files hold: anchors, merged files, `extends`, templates, broken bytes.

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use lint::{Outcome, Source, check};
    use proptest::prelude::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), bytes: text.as_bytes().to_vec() }
    }

    fn alone(name: &str, text: &str) -> Outcome {
        check(&[source(name, text)], &|_, path| Err(format!("no `{path}`")))
    }

    /// `rule@file:line` of every finding.
    fn said(outcome: &Outcome) -> Vec<String> {
        let line = |it: &lint::Finding| format!("{}@{}:{}", it.rule, it.place.file, it.place.line);
        outcome.findings.iter().map(line).collect()
    }

    #[test]
    fn several_compose_files_are_merged_in_order() {
        let base = "services:\n  api:\n    image: a\n    command: sh -c 'a; b'\n    environment:\n      - NODE_OPTIONS=--max-old-space-size=900\n    tmpfs: /a:size=1m\n";
        let over = "services:\n  api:\n    mem_limit: 256m\n    command: [a]\n    environment: {NODE_OPTIONS: --max-old-space-size=128}\n    tmpfs: [/b:size=512m]\n";
        let both =
            check(&[source("a.yaml", base), source("b.yaml", over)], &|_, _| Err(String::new()));
        assert_eq!(said(&both), ["tmpfs-above-limit@b.yaml:6"]);
        let turned =
            check(&[source("b.yaml", over), source("a.yaml", base)], &|_, _| Err(String::new()));
        let rules: Vec<String> = said(&turned);
        assert!(rules.contains(&"ceiling-at-limit@a.yaml:6".to_owned()), "{rules:?}");
        assert!(rules.contains(&"shell-swallows-sigterm@a.yaml:4".to_owned()), "{rules:?}");
    }

    #[test]
    fn reset_unsets_and_override_replaces() {
        let base = "services:\n  api: {image: a, mem_limit: 1g, tmpfs: ['/a:size=2g']}\n";
        let reset = "services:\n  api: {mem_limit: !reset null, tmpfs: !override ['/b:size=1m']}\n";
        let both =
            check(&[source("a.yaml", base), source("b.yaml", reset)], &|_, _| Err(String::new()));
        assert_eq!(said(&both), ["no-limit@a.yaml:2"]);
    }

    #[test]
    fn extends_and_include_are_followed() {
        let files = HashMap::from([
            ("common.yaml", "services:\n  base:\n    mem_limit: 64m\n    restart: always\n"),
            ("more.yaml", "services:\n  mail: {image: m}\n"),
        ]);
        let beside = |_: &str, path: &str| match files.get(path) {
            Some(text) => Ok((path.to_owned(), text.as_bytes().to_vec())),
            None => Err("it is not there".to_owned()),
        };
        let text = "include: [more.yaml]\nservices:\n  api:\n    extends: {file: common.yaml, service: base}\n    restart: 'no'\n  web:\n    extends: {service: api}\n    shm_size: 1g\n";
        let outcome = check(&[source("c.yaml", text)], &beside);
        assert_eq!(outcome.problems, []);
        let mut found = said(&outcome);
        found.sort();
        assert_eq!(found, ["no-limit@more.yaml:2", "tmpfs-above-limit@c.yaml:8"]);
        for wrong in [
            "services:\n  a: {extends: {service: b}}\n  b: {extends: {service: a}}\n",
            "services:\n  a: {extends: {service: c}}\n",
            "services:\n  a: {extends: {file: missing.yaml}}\n",
        ] {
            let outcome = check(&[source("c.yaml", wrong)], &beside);
            assert_eq!(outcome.problems[0].place.line, 2, "{wrong}");
        }
    }

    #[test]
    fn what_the_image_sets_is_held_against_the_limit() {
        let dockerfile = "FROM node:22 AS base\nENV NODE_OPTIONS=--max-old-space-size=900\nFROM base AS dev\nCMD [\"node\", \"x\"]\n\
                          FROM base AS prod\nENV NODE_OPTIONS=--max-old-space-size=128\n";
        let beside = |from: &str, path: &str| match (from, path) {
            ("c.yaml", "api/Dockerfile.x") => {
                Ok(("api/Dockerfile.x".to_owned(), dockerfile.into()))
            }
            _ => Err(String::new()),
        };
        let service = |target: &str, more: &str| {
            let text = format!(
                "services:\n  api:\n    mem_limit: 512m\n    build: {{context: ./api, dockerfile: Dockerfile.x, target: {target}}}\n{more}"
            );
            let text = text.replace("./api", "api");
            said(&check(&[source("c.yaml", &text)], &beside))
        };
        assert_eq!(service("dev", ""), ["ceiling-at-limit@api/Dockerfile.x:2"]);
        assert_eq!(service("prod", ""), [""; 0]);
        assert_eq!(service("missing", ""), [""; 0]);
        let own = "    environment: [NODE_OPTIONS=--max-old-space-size=128]\n";
        assert_eq!(service("dev", own), [""; 0]);
        let inline = "services:\n  a:\n    mem_limit: 128m\n    build: {dockerfile_inline: 'FROM node:22'}\n";
        assert_eq!(said(&alone("c.yaml", inline)), ["ceiling-at-limit@c.yaml:3"]);
    }

    #[test]
    fn templates_are_skipped_with_a_note() {
        let helm = "{{- if .Values.on }}\napiVersion: v1\nkind: Pod\nspec:\n  {{- toYaml .Values.spec | nindent 2 }}\n{{- end }}\n";
        let outcome = alone("templates/pod.yaml", helm);
        assert!(outcome.findings.is_empty() && outcome.problems.is_empty());
        assert!(outcome.notes[0].text.contains("template"), "{outcome:?}");
        // One that happens to be YAML leaves its amounts open.
        let open = "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers:\n  - name: a\n    resources:\n      limits:\n        memory: {{ .Values.memory }}\n";
        assert_eq!(alone("pod.yaml", open).findings, []);
        // Marks in quotes are somebody's text.
        let swarm = "services:\n  a:\n    mem_limit: 1g\n    environment: {NODE: '{{.Node.Hostname}}'}\n    shm_size: 2g\n";
        assert_eq!(said(&alone("compose.yaml", swarm)), ["tmpfs-above-limit@compose.yaml:5"]);
    }

    #[test]
    fn bad_input_names_its_line() {
        for (name, text, line) in [
            ("a.yaml", "services:\n  a: [b\n", 2),
            ("a.yaml", "services:\n\ta: b\n", 2),
            ("Dockerfile", "FROM a\n\nRAN b\n", 3),
            ("a.json", "{\"containerDefinitions\": [}", 1),
            ("empty.yaml", "", 1),
        ] {
            let outcome = alone(name, text);
            assert_eq!(outcome.problems.len(), 1, "{text}: {outcome:?}");
            assert!(outcome.problems[0].place.line >= line, "{text}: {outcome:?}");
        }
        let bytes = Source { name: "x.yaml".to_owned(), bytes: b"a: b\nc: \xff\n".to_vec() };
        let outcome = check(&[bytes], &|_, _| Err(String::new()));
        assert_eq!((outcome.problems[0].place.line, outcome.problems[0].place.column), (2, 4));
    }

    #[test]
    fn files_that_grow_when_written_out_are_cut_or_refused() {
        let doubled: String =
            (1..500).map(|at| format!("ENV A{at}=${{A{}}}${{A{}}}x\n", at - 1, at - 1)).collect();
        let outcome = alone("Dockerfile", &format!("FROM a\nENV A0=xxxx\n{doubled}"));
        assert_eq!((outcome.problems.len(), outcome.workloads), (0, 1));
        let settings: String = (0..1000).map(|at| format!("ENV A{at}=1\n")).collect();
        let stages: String = (0..1000).map(|at| format!("FROM s{at} AS s{}\n", at + 1)).collect();
        let outcome = alone("Dockerfile", &format!("FROM a AS s0\n{settings}{stages}"));
        assert!(outcome.problems[0].why.contains("50000"), "{:?}", outcome.problems);
        // An alias is worth as much as what it stands for, once files are merged.
        let levels: String = (1..17)
            .map(|at| format!("x-{at}: &x{at} {{a: *x{}, b: *x{}}}\n", at - 1, at - 1))
            .collect();
        let bomb =
            format!("x-0: &x0 {{a: 1}}\n{levels}services:\n  a: {{image: b, mem_limit: 1g}}\n");
        let both = [source("a.yaml", &bomb), source("b.yaml", &bomb)];
        let outcome = check(&both, &|_, _| Err(String::new()));
        assert!(outcome.problems[0].why.contains("200000"), "{:?}", outcome.problems);
    }

    #[test]
    fn container_definitions_without_their_task_leave_its_memory_open() {
        let text = "[{\"name\": \"a\", \"image\": \"b\", \"essential\": true},\n\
                    {\"name\": \"c\", \"image\": \"d\", \"memory\": 64, \"command\": [\"-Xmx1g\"]}]";
        assert_eq!(said(&alone("containers.json", text)), ["xmx-against-limit@containers.json:2"]);
    }

    #[test]
    fn other_yaml_is_told_to_hold_nothing() {
        let outcome = alone("values.yaml", "image: a\nreplicas: 3\n");
        assert!(outcome.findings.is_empty() && outcome.notes.len() == 1, "{outcome:?}");
    }

    /// What lies beside, by its path; every path is asked for from `c.yaml` or what that names.
    fn project(files: &[(&str, &str)]) -> Outcome {
        let all: HashMap<String, String> =
            files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
        let beside = move |from: &str, path: &str| {
            let folder =
                from.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned() + "/");
            let path = format!("{folder}{}", path.trim_start_matches("./"));
            match all.get(&path) {
                Some(text) => Ok((path, text.clone().into_bytes())),
                None => Err("it is not there".to_owned()),
            }
        };
        let sources: Vec<Source> = files
            .iter()
            .filter(|(name, _)| name.starts_with("c.") || name.starts_with("d."))
            .map(|(name, text)| source(name, text))
            .collect();
        check(&sources, &beside)
    }

    #[test]
    fn dotenv_and_env_files_count_and_what_nobody_sets_is_left_alone() {
        let compose = |limit: &str| {
            format!("services:\n  a:\n    image: b\n    mem_limit: {limit}\n    shm_size: 1g\n")
        };
        let found = |limit: &str, dotenv: &str| {
            said(&project(&[("c.yaml", &compose(limit)), (".env", dotenv)]))
        };
        let wrong = ["tmpfs-above-limit@c.yaml:5"];
        assert_eq!(found("${LIMIT:-2g}", ""), [""; 0]);
        assert_eq!(found("${LIMIT:-2g}", "LIMIT=64m"), wrong);
        assert_eq!(found("${LIMIT:?must}", "LIMIT='64m' # c"), wrong);
        assert_eq!(found("${LIMIT:?must}", ""), [""; 0]);
        assert_eq!(found("${N}m", "N=64"), wrong);
        let with = |service: &str, files: &[(&str, &str)]| {
            let text =
                format!("services:\n  a:\n    image: node:22\n    mem_limit: 128m\n{service}");
            let all: Vec<(&str, &str)> =
                [("c.yaml", text.as_str())].into_iter().chain(files.iter().copied()).collect();
            said(&project(&all))
        };
        let given = [("a.env", "# c\nNODE_OPTIONS=--max-old-space-size=900\n")];
        let at = ["ceiling-at-limit@a.env:2"];
        assert_eq!(with("    env_file: a.env\n", &given), at);
        assert_eq!(with("    env_file:\n      - {path: ./a.env, required: false}\n", &given), at);
        // What stands in the file itself beats what a file brings; one that is missing may hold anything.
        let own =
            "    env_file: [a.env]\n    environment: {NODE_OPTIONS: --max-old-space-size=64}\n";
        assert_eq!(with(own, &given), [""; 0]);
        assert_eq!(with("    env_file: other.env\n", &given), [""; 0]);
        assert_eq!(with("    environment: [NODE_OPTIONS]\n", &[]), [""; 0]);
        let passed = [(".env", "NODE_OPTIONS=--max-old-space-size=64")];
        assert_eq!(with("    environment: [NODE_OPTIONS]\n", &passed), [""; 0]);
        assert_eq!(with("", &[]), ["ceiling-at-limit@c.yaml:4"]);
    }

    #[test]
    fn merging_knows_services_from_their_settings() {
        // Services that are called as settings are.
        let base = "services:\n  test: {image: a, mem_limit: 64m}\n  command: {image: a, mem_limit: 64m}\n  environment: {image: a, mem_limit: 64m}\n";
        let over = "services:\n  test: {shm_size: 1g}\n  command: {shm_size: 1g}\n  environment: {shm_size: 1g}\n";
        let rule = "tmpfs-above-limit@d.yaml";
        assert_eq!(
            said(&project(&[("c.yaml", base), ("d.yaml", over)])),
            [format!("{rule}:2"), format!("{rule}:3"), format!("{rule}:4")]
        );
        // A volume and a tmpfs by their path, a build by its context.
        let base = "services:\n  a:\n    build: ./app\n    mem_limit: 64m\n    volumes: [{type: tmpfs, target: /x, tmpfs: {size: 1g}}]\n    tmpfs: [/y:size=1g]\n";
        let over = "services:\n  a:\n    build: {target: slim}\n    volumes: ['data:/x']\n    tmpfs: [/y:size=1m]\n";
        let dockerfile = "FROM node:22 AS big\nENV NODE_OPTIONS=--max-old-space-size=900\nFROM scratch AS slim\nFROM big\n";
        let built = ("app/Dockerfile", dockerfile);
        assert_eq!(said(&project(&[("c.yaml", base), ("d.yaml", over), built])), [""; 0]);
        let alone = said(&project(&[("c.yaml", base), built]));
        assert!(alone.contains(&"ceiling-at-limit@app/Dockerfile:2".to_owned()), "{alone:?}");
        assert_eq!(alone.iter().filter(|it| it.starts_with("tmpfs")).count(), 2, "{alone:?}");
    }

    #[test]
    fn a_reset_counts_in_a_file_that_stands_alone() {
        let text = "services:\n  a: {image: b, mem_limit: !reset 64m, shm_size: 1g}\n";
        assert_eq!(said(&project(&[("c.yaml", text)])), ["no-limit@c.yaml:2"]);
    }

    #[test]
    fn an_included_file_has_variables_of_its_own() {
        let main =
            "include: [more/part.yaml]\nservices:\n  a: {image: b, mem_limit: '${A:-64m}'}\n";
        let part =
            "services:\n  p:\n    image: b\n    mem_limit: ${A:-1g}\n    shm_size: ${B:-1m}\n";
        let files = |dotenv: &'static str, own: &'static str| {
            said(&project(&[
                ("c.yaml", main),
                ("more/part.yaml", part),
                (".env", dotenv),
                ("more/.env", own),
            ]))
        };
        assert_eq!(files("", ""), [""; 0]);
        assert_eq!(files("", "A=64m\nB=1g"), ["tmpfs-above-limit@more/part.yaml:5"]);
        // The including project's come first.
        assert_eq!(files("A=2g", "A=64m\nB=1g"), [""; 0]);
    }

    #[test]
    fn a_command_keeps_the_images_entrypoint_and_an_entrypoint_puts_its_command_away() {
        let dockerfile = (
            "Dockerfile",
            "FROM eclipse-temurin:21\nENTRYPOINT [\"java\", \"-Xmx1g\"]\nCMD [\"-Xmx2g\"]\n",
        );
        let with = |service: &str| {
            let text = format!("services:\n  a: {{build: ., mem_limit: 512m{service}}}\n");
            said(&project(&[("c.yaml", &text), dockerfile]))
        };
        assert_eq!(with(""), ["xmx-against-limit@Dockerfile:3"]);
        assert_eq!(with(", command: [-jar, a.jar]"), ["xmx-against-limit@Dockerfile:2"]);
        assert_eq!(with(", entrypoint: [java, -Xmx256m]"), [""; 0]);
    }

    #[test]
    fn of_a_template_only_what_stands_there_is_judged() {
        let helm = "{{- if .Values.on }}\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {{ .Release.Name }}-api\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          image: \"node:{{ .Values.tag }}\"\n          args: [node, --max-old-space-size=900]\n          resources:\n            limits:\n              memory: 512Mi\n        - name: side\n          image: x\n          resources:\n            {{- toYaml .Values.resources | nindent 12 }}\n        - name: more\n          image: node:22\n          resources: {limits: {memory: 128Mi}}\n          {{- with .Values.env }}\n          env: {{ . }}\n          {{- end }}\n{{- end }}\n";
        let outcome = alone("templates/api.yaml", helm);
        assert_eq!(said(&outcome), ["ceiling-at-limit@templates/api.yaml:12"]);
        assert_eq!((outcome.workloads, outcome.problems.len()), (3, 0));
        assert!(outcome.notes[0].text.contains("helm template"), "{outcome:?}");
        let jinja = "services:\n{% for name in names %}\n  {{ name }}:\n    image: a\n    mem_limit: 64m\n    shm_size: 1g\n{% endfor %}\n";
        let outcome = alone("compose.yaml", jinja);
        assert_eq!(said(&outcome), ["tmpfs-above-limit@compose.yaml:6"]);
    }

    #[test]
    fn patches_and_kustomizations_miss_nothing() {
        let patch = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: api}\nspec:\n  template:\n    spec:\n      containers:\n        - name: api\n          env: [{name: A, value: b}]\n";
        assert_eq!(said(&alone("patch.yaml", patch)), [""; 0]);
        let limited = patch.replace("          env", "          resources: {limits: {memory: 64Mi}}\n          args: [-Xmx1g]\n          env");
        assert_eq!(said(&alone("patch.yaml", &limited)), ["xmx-against-limit@patch.yaml:10"]);
        for text in [
            "kind: Kustomization\napiVersion: kustomize.config.k8s.io/v1beta1\nresources: [a.yaml]\n",
            "resources: [a.yaml]\npatches:\n  - patch: |-\n      kind: Pod\n",
        ] {
            let outcome = alone("kustomization.yaml", text);
            assert!(outcome.notes[0].text.contains("kubectl kustomize"), "{outcome:?}");
        }
        let json6902 = "- op: replace\n  path: /spec/template/spec/containers/0/resources/limits/memory\n  value: 64Mi\n";
        assert_eq!(alone("patch.yaml", json6902).notes.len(), 1);
    }

    #[test]
    fn every_kind_with_a_pod_is_looked_at() {
        let pod = |indent: usize| {
            let text = "spec:\n  initContainers: [{name: i, image: a}]\n  containers: [{name: c, image: a}]\n  ephemeralContainers: [{name: e, image: a}]\n";
            text.lines().map(|line| format!("{}{line}\n", " ".repeat(indent))).collect::<String>()
        };
        let head = |kind: &str| format!("apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n");
        for kind in [
            "Deployment",
            "StatefulSet",
            "DaemonSet",
            "ReplicaSet",
            "Job",
            "Rollout",
            "ReplicationController",
        ] {
            let text = format!("{}spec:\n  template:\n{}", head(kind), pod(4));
            assert_eq!(said(&alone("x.yaml", &text)).len(), 2, "{kind}");
        }
        let cron = format!(
            "{}spec:\n  jobTemplate:\n    spec:\n      template:\n{}",
            head("CronJob"),
            pod(8)
        );
        assert_eq!(said(&alone("x.yaml", &cron)).len(), 2);
        assert_eq!(
            said(&alone("x.yaml", &format!("{}template:\n{}", head("PodTemplate"), pod(2)))).len(),
            2
        );
        let item = format!("{}{}", head("Pod"), pod(0));
        let item: String = item.lines().map(|line| format!("    {line}\n")).collect();
        let list = format!("{}items:\n  -\n{item}", head("List"));
        assert_eq!(said(&alone("x.yaml", &list)).len(), 2);
        let two = format!("{}{}---\n{}{}", head("Pod"), pod(0), head("Pod"), pod(0));
        assert_eq!(alone("x.yaml", &two).workloads, 4);
    }

    #[test]
    fn terraforms_task_definitions_are_read_out_of_their_text() {
        let containers = r#"[{\"name\": \"app\", \"image\": \"a\", \"memory\": 512, \"command\": [\"-Xmx1g\"]}]"#;
        let written = format!(
            "{{\"resource\": {{\"aws_ecs_task_definition\": {{\"shop\": {{\"family\": \"shop\",\n \"container_definitions\": \"{containers}\"}}}}}}}}"
        );
        assert_eq!(said(&alone("main.tf.json", &written)), ["xmx-against-limit@main.tf.json:2"]);
        let resource = format!(
            "{{\"type\": \"aws_ecs_task_definition\", \"values\": {{\"memory\": \"512\",\n \"container_definitions\": \"{containers}\"}}}}"
        );
        let shown = format!(
            "{{\"planned_values\": {{\"root_module\": {{\"child_modules\": [{{\"resources\": [{resource}]}}]}}}}}}"
        );
        assert_eq!(said(&alone("plan.json", &shown)), ["xmx-against-limit@plan.json:2"]);
        let open = written.replace(containers, "${jsonencode(local.containers)}");
        let outcome = alone("main.tf.json", &open);
        assert!(outcome.notes[0].text.contains("terraform show"), "{outcome:?}");
        // What CloudFormation will put in is not known.
        let stack = "Resources:\n  T:\n    Type: AWS::ECS::TaskDefinition\n    Properties:\n      Memory: !Ref M\n      ContainerDefinitions:\n        - Name: a\n          Image: node:22\n          Memory: 128\n          Environment: [{Name: NODE_OPTIONS, Value: {'Fn::Sub': x}}]\n";
        assert_eq!(said(&alone("stack.yaml", stack)), [""; 0]);
    }

    const SEEDS: [&str; 4] = [
        "x-a: &a {mem_limit: 64m}\nservices:\n  api:\n    <<: *a\n    command: sh -c \"a && $$(nproc)\"\n    tmpfs: [/a:size=1g]\n    extends: {service: b}\n  b: {restart: always, volumes: [{type: tmpfs, target: /x, tmpfs: {size: 1}}]}\n",
        "# escape=`\nARG A=${B:-c}\nFROM a${A} AS b\nENV X=\"${A:+y}\" Y=$X\nCOPY <<E /x\nworker_processes auto;\nE\nCMD sh -c 'a `\n b'\n",
        "apiVersion: v1\nkind: List\nitems:\n- kind: Pod\n  apiVersion: v1\n  spec:\n    priorityClassName: critical\n    containers: [{name: é, resources: {limits: {memory: 1Gi}}, command: [sh, -c, 'node --max-old-space-size=2000']}]\n",
        "{\"memory\": \"0.5 GB\", \"containerDefinitions\": [{\"name\": \"\\u00e9\", \"memory\": 128, \"command\": [\"-Xmx1g\"], \"linuxParameters\": {\"sharedMemorySize\": 256}}]}",
    ];
    const NAMES: [&str; 4] = ["compose.yaml", "Dockerfile", "pod.yaml", "task.json"];

    /// Every place lies in the file.
    fn in_range(text: &[u8], outcome: &Outcome) {
        let lines = text.iter().filter(|byte| **byte == b'\n').count() + 2;
        let places = outcome.findings.iter().map(|it| &it.place);
        for place in places.chain(outcome.problems.iter().map(|it| &it.place)) {
            assert!(place.line >= 1 && place.line <= lines && place.column >= 1, "{place:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(400))]

        #[test]
        fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), which in 0usize..4) {
            let one = Source { name: NAMES[which].to_owned(), bytes: bytes.clone() };
            in_range(&bytes, &check(&[one], &|_, _| Err(String::new())));
        }

        #[test]
        fn changed_files_never_panic(
            which in 0usize..4, other in 0usize..4,
            changes in proptest::collection::vec((any::<prop::sample::Index>(), "[-:#&*!|>{}\\[\\]\"'\\\\$ \n\t<é0a]{0,3}"), 0..6),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut letters: Vec<char> = SEEDS[which].chars().collect();
            for (at, text) in changes {
                let at = at.index(letters.len() + 1).min(letters.len());
                letters.splice(at..(at + 1).min(letters.len()), text.chars());
            }
            letters.truncate(cut.index(letters.len() + 1) + letters.len() / 2);
            let text: String = letters.into_iter().collect();
            let home = text.clone();
            let beside = move |_: &str, path: &str| Ok((path.to_owned(), home.clone().into_bytes()));
            let outcome = check(&[source(NAMES[other], &text), source(NAMES[which], &text)], &beside);
            in_range(text.as_bytes(), &outcome);
        }
    }

    #[test]
    fn every_truncation_is_read_or_refused() {
        for (name, seed) in NAMES.iter().zip(SEEDS) {
            for end in 0..=seed.len() {
                let bytes = seed.as_bytes()[..end].to_vec();
                let one = Source { name: (*name).to_owned(), bytes: bytes.clone() };
                in_range(&bytes, &check(&[one], &|_, _| Err(String::new())));
            }
        }
    }
}
