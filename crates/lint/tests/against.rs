//! Which of a file's workloads a container is: by labels, by its name, or an error that says what is there.

#[cfg(test)]
mod tests {
    use lint::{NotComparable, Outcome, Running, Source, check_against};

    const COMPOSE: &str = "services:\n  api: {image: a, mem_limit: 64m}\n  web_api: {image: a, mem_limit: 128m, container_name: front}\n";
    const PODS: &str = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: shop}\nspec:\n  template:\n    spec:\n      containers:\n        - {name: app, image: a, resources: {limits: {memory: 64Mi}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: mail}\nspec:\n  template:\n    spec:\n      containers:\n        - {name: app, image: a, resources: {limits: {memory: 128Mi}}}\n";
    const TASK: &str = "{\"family\": \"shop\", \"containerDefinitions\": [{\"name\": \"app\", \"image\": \"a\", \"memory\": 64}]}";

    /// A container with 32 MiB.
    fn inspect(name: &str, labels: &str, status: &str) -> String {
        format!(
            "[{{\"Name\": \"/{name}\", \"State\": {{\"Status\": \"{status}\"}}, \"HostConfig\": {{\"Memory\": 33554432, \
             \"MemorySwap\": 67108864}}, \"Config\": {{\"Labels\": {{{labels}}}, \"Env\": [\"NODE_OPTIONS=--max-old-space-size=16\"]}}}}]"
        )
    }

    fn compared(file: (&str, &str), name: &str, labels: &str) -> Result<Outcome, NotComparable> {
        let running = Running::read(name, &inspect(name, labels, "running"), None).unwrap();
        let source = Source { name: file.0.to_owned(), bytes: file.1.into() };
        check_against(&[source], &|_, _| Err(String::new()), &running)
    }

    /// The line of the limit that differs.
    fn line(file: (&str, &str), name: &str, labels: &str) -> Option<usize> {
        let outcome = compared(file, name, labels).ok()?;
        let found = outcome.findings.iter().find(|it| it.message.contains("the memory limit"))?;
        Some(found.place.line)
    }

    #[test]
    fn labels_name_the_service_and_beat_the_name() {
        let compose = ("c.yaml", COMPOSE);
        let service = |name: &str| format!("\"com.docker.compose.service\": \"{name}\"");
        assert_eq!(line(compose, "x-1", &service("api")), Some(2));
        assert_eq!(line(compose, "api", &service("web_api")), Some(3));
        let swarm = "\"com.docker.swarm.service.name\": \"stack_api\"";
        assert_eq!(line(compose, "stack_api.1.abc", swarm), Some(2));
    }

    #[test]
    fn pods_and_tasks_are_told_apart_by_what_they_belong_to() {
        let pod = |pod: &str| {
            format!(
                "\"io.kubernetes.container.name\": \"app\", \"io.kubernetes.pod.name\": \"{pod}\""
            )
        };
        let pods = ("p.yaml", PODS);
        assert_eq!(line(pods, "k8s_app_x", &pod("shop-7d9f-abc")), Some(8));
        assert_eq!(line(pods, "k8s_app_x", &pod("mail-7d9f-abc")), Some(17));
        let several = compared(pods, "k8s_app_x", &pod("other-1")).unwrap_err();
        assert!(
            several.said.contains("several") && several.hint.contains("line 17"),
            "{several:?}"
        );
        let task = "\"com.amazonaws.ecs.container-name\": \"app\", \"com.amazonaws.ecs.task-definition-family\": \"shop\"";
        assert_eq!(line(("t.json", TASK), "ecs-shop-1", task), Some(1));
    }

    #[test]
    fn without_labels_the_name_decides_and_what_is_not_there_is_listed() {
        let compose = ("c.yaml", COMPOSE);
        assert_eq!(line(compose, "api", ""), Some(2));
        assert_eq!(line(compose, "front", ""), Some(3));
        let none = compared(compose, "db", "").unwrap_err();
        assert!(none.said.contains("`db`"), "{none:?}");
        assert_eq!(none.hint, "they hold service `api`, service `web_api`");
        let label = "\"com.docker.compose.service\": \"db\"";
        let none = compared(compose, "x", label).unwrap_err();
        assert!(none.said.contains("com.docker.compose.service=db"), "{none:?}");
    }

    #[test]
    fn a_dockerfile_is_compared_in_its_settings_alone() {
        let file = "FROM node:22\nENV NODE_OPTIONS=--max-old-space-size=64\n";
        let outcome = compared(("Dockerfile", file), "x", "").unwrap();
        assert_eq!(outcome.findings.len(), 1, "{outcome:?}");
        assert_eq!(
            (outcome.findings[0].rule, outcome.findings[0].place.line),
            ("differs-from-running", 2)
        );
    }

    #[test]
    fn a_stopped_container_is_compared_and_that_is_said() {
        let running = Running::read("api", &inspect("api", "", "exited"), None).unwrap();
        let source = Source { name: "c.yaml".to_owned(), bytes: COMPOSE.into() };
        let outcome = check_against(&[source], &|_, _| Err(String::new()), &running).unwrap();
        assert!(outcome.notes[0].text.contains("does not run (exited)"), "{outcome:?}");
        assert_eq!(outcome.findings.len(), 1);
    }

    #[test]
    fn what_is_no_container_is_refused() {
        for text in ["", "[]", "{}", "[{\"Id\": \"x\"}]", "nonsense: [", "[1, 2]"] {
            assert!(Running::read("x", text, None).is_err(), "{text}");
        }
        let broken = Source { name: "c.yaml".to_owned(), bytes: b"services: [".to_vec() };
        let running = Running::read("x", &inspect("x", "", "running"), None).unwrap();
        let outcome = check_against(&[broken], &|_, _| Err(String::new()), &running).unwrap();
        assert_eq!(outcome.problems.len(), 1);
    }
}
