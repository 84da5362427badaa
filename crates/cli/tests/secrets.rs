//! A secret that went into a question comes out nowhere: not on the page, not as JSON, not in a note
//! or an error, not in a saved case. What steers memory stays.
//!
//! Asked of a scripted engine and of pasted text. Which shapes and names announce a secret is tested
//! where they are known, in `parse`; a secret without either is beyond everybody.

#[cfg(test)]
#[path = "support/daemon.rs"]
mod daemon;
#[cfg(test)]
#[path = "support/program.rs"]
mod program;

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use crate::daemon::{ID, answer, dead_container, engine, event, serve};
    use crate::program::run;

    /// Part of every secret below, and of nothing else.
    const MARK: &str = "Zk7q";
    /// What must survive, for the rules that read it.
    const KEPT: [&str; 3] = ["--max-old-space-size=96", "-Xmx96m", "GOMEMLIMIT"];

    /// A container whose every field holds a secret somebody really puts there.
    fn careless() -> Value {
        dead_container(json!({
            "Path": "sh",
            "Args": ["-c", "exec node --max-old-space-size=96 app.js --db-password=argsZk7q --api-key argkeyZk7q"],
            "HostConfig": {
                "LogConfig": { "Type": "splunk", "Config": {
                    "splunk-token": "176fcebf-Zk7q-4b4e-9f0a-000000000001",
                    "splunk-url": "https://hec:logZk7q@logs.example.com:8088",
                    "awslogs-credentials-endpoint": "/v2/credentials/credZk7q"
                } },
                "Binds": ["/srv/app:/app:ro"],
                "ExtraHosts": ["db:192.0.2.9"],
                "Mounts": [{ "Type": "volume", "Source": "share", "Target": "/share",
                    "VolumeOptions": { "DriverConfig": { "Name": "local", "Options": {
                        "type": "cifs", "device": "//nas.example.com/share",
                        "o": "addr=nas.example.com,username=svc,password=cifsZk7q" } } } }]
            },
            "Mounts": [{ "Type": "bind", "Source": "/srv/app", "Destination": "/app" },
                { "Type": "volume", "Name": "share", "Destination": "/share",
                  "Source": "https://svc:mountZk7q@nas.example.com/share" }],
            "Config": {
                "Env": [
                    "PATH=/usr/bin",
                    "NODE_OPTIONS=--max-old-space-size=96",
                    "JAVA_TOOL_OPTIONS=-Xmx96m -Djavax.net.ssl.keyStorePassword=javaZk7q",
                    "GOMEMLIMIT=50MiB",
                    "DATABASE_URL=postgres://shop:urlZk7q@db:5432/shop",
                    "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYZk7qKEY",
                    "STRIPE_KEY=sk_live_51HxxZk7q0000000000000000",
                    "GREETING=plain words Zk7q",
                    "MULTILINE=-----BEGIN PRIVATE KEY-----\nMIIZk7qAAAA\n-----END PRIVATE KEY-----",
                    "NO_VALUE"
                ],
                "Labels": {
                    "com.docker.compose.project": "shop",
                    "com.docker.compose.service": "api",
                    "traefik.http.middlewares.auth.basicauth.users": "admin:$apr1$labelZk7q$abc",
                    "com.example.deploy-token": "ghp_labelZk7q00000000000000000000000000",
                    "com.example.note": "free words Zk7q"
                },
                "Cmd": ["-c", "exec node --max-old-space-size=96 app.js --db-password=argsZk7q --api-key argkeyZk7q"],
                "Entrypoint": ["/entry.sh", "--token", "entryZk7q", "--url=redis://:redisZk7q@cache:6379/0"],
                "Healthcheck": { "Test": ["CMD-SHELL", "curl -fsS -u health:probeZk7q http://localhost/h -H 'Authorization: Bearer bearerZk7q'"],
                    "Interval": 5_000_000_000_i64 },
                "Image": "registry.example.com/shop/api:1.4"
            },
            "State": { "Error": "failed to fetch https://user:errZk7q@registry.example.com/v2/",
                "Health": { "Status": "unhealthy", "FailingStreak": 3, "Log": [
                    { "Start": "2026-05-27T18:41:00Z", "End": "2026-05-27T18:41:01Z", "ExitCode": 1,
                      "Output": "curl: http://health:outZk7q@localhost/h: 503, password=out2Zk7q" }] } }
        }))
    }

    fn events() -> Vec<Value> {
        let labels = json!({
            "com.example.deploy-token": "ghp_eventZk7q00000000000000000000000000",
            "com.example.note": "event words Zk7q",
            "com.docker.compose.service": "api"
        });
        let probe = "exec_create: /bin/sh -c curl -u health:probeZk7q http://localhost/h";
        let with = |more: Value| {
            let mut all = labels.clone();
            all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            all
        };
        vec![
            event("create", 0, with(json!({}))),
            event("start", 1, with(json!({}))),
            event(probe, 60, with(json!({ "execID": "51b2" }))),
            event("kill", 130, with(json!({ "signal": "9" }))),
            event("die", 131, with(json!({ "exitCode": "137", "execDuration": "130" }))),
        ]
    }

    const LOG: &str = "\
connecting to postgres://shop:logurlZk7q@db:5432/shop
login: user=admin password=logpassZk7q
{\"level\":\"info\",\"msg\":\"start\",\"token\":\"jsonZk7q\",\"headers\":{\"Authorization\":\"Bearer hdrZk7q\"}}
GET /callback?code=1&access_token=queryZk7q&state=2 200
aws key AKIAZK7QZk7qEXAMPLE0 secret_access_key=wJalrXUtnFEMIZk7qbPxRfiCY
export API_KEY=exportZk7q
jwt eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJaazdxIn0.Zk7qdBjftJeZ4CVPmB92K27uhbUJU1p1r
FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory token=fatalZk7q
java.lang.OutOfMemoryError: Java heap space: url=jdbc:postgresql://db/shop?user=a&password=jdbcZk7q
";

    /// Every text that came out, each with where it came out.
    #[derive(Default)]
    struct Leaks(Vec<String>);

    impl Leaks {
        fn look(&mut self, place: &str, text: &str) {
            let marked = text.lines().filter(|line| {
                line.contains(MARK) || line.to_lowercase().contains(&MARK.to_lowercase())
            });
            for line in marked {
                let words = line.split_whitespace();
                let near: Vec<&str> =
                    words.filter(|word| word.to_lowercase().contains("zk7q")).collect();
                self.0.push(format!("{place}: {}", near.join(" … ")));
            }
        }

        fn none(&self) {
            assert!(self.0.is_empty(), "\n{}", self.0.join("\n"));
        }
    }

    const FORMS: [&[&str]; 5] = [
        &["--format", "text"],
        &["--format", "text", "--verbose"],
        &["--format", "json"],
        &["--format", "markdown"],
        &["--quiet"],
    ];

    /// Asks in every form, with and without the log; saves, and asks the saved case again.
    fn ask_every_way(folder: &Path, docker: &str, leaks: &mut Leaks) -> Vec<String> {
        let mut cases = Vec::new();
        for logs in [&[][..], &["--with-logs"]] {
            for form in FORMS {
                let words = [&["explain", "shop-api-1"], form, logs].concat();
                let (code, out, err) = run(folder, docker, &words, "");
                assert!(code != 1 && code != 2, "{words:?}: {err}");
                leaks.look(&format!("{words:?} answers"), &out);
                leaks.look(&format!("{words:?} notes"), &err);
            }
            let name = if logs.is_empty() { "case.json" } else { "case with its log.json" };
            let ask =
                [&["explain", "shop-api-1", "--format", "json", "--save", name], logs].concat();
            let (code, live, err) = run(folder, docker, &ask, "");
            leaks.look("saving tells", &err);
            let path = folder.join(name);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
            let case = fs::read_to_string(&path).unwrap();
            leaks.look(&format!("{name} holds"), &case);
            let file = format!("./{name}");
            for form in FORMS {
                let words = [form, &["explain", &file]].concat();
                let (_, out, err) = run(folder, "unix:///nonexistent", &words, "");
                leaks.look(&format!("{words:?} answers"), &out);
                leaks.look(&format!("{words:?} notes"), &err);
            }
            let again = ["explain", "--format", "json", &file];
            let (code_again, saved, _) = run(folder, "unix:///nonexistent", &again, "");
            let parsed = |text: &str| serde_json::from_str::<Value>(text).unwrap();
            assert_eq!(parsed(&live), parsed(&saved), "the saved case is answered otherwise");
            assert_eq!(code, code_again);
            cases.push(case);
        }
        cases
    }

    fn folder() -> TempDir {
        tempfile::tempdir().unwrap()
    }

    #[test]
    fn nothing_that_a_container_holds_comes_out() {
        let folder = folder();
        let docker = serve(folder.path(), engine(&careless(), &events(), LOG));
        let mut leaks = Leaks::default();
        let cases = ask_every_way(folder.path(), &docker, &mut leaks);
        leaks.none();
        for case in cases {
            for setting in KEPT {
                assert!(case.contains(setting), "{setting} is not in the case");
            }
            // What rules and a reader need is still there.
            for word in ["com.docker.compose.service", "\\\"ExitCode\\\":137", "67108864"] {
                assert!(case.contains(word), "{word} is not in the case:\n{case}");
            }
        }
    }

    /// The engine's own folder is read too where it is on this machine.
    #[test]
    fn nothing_that_docker_keeps_on_disk_comes_out() {
        let folder = folder();
        let kept = folder.path().join("data/containers").join(ID);
        fs::create_dir_all(&kept).unwrap();
        let mut config = careless();
        config["ID"] = config["Id"].clone();
        config["HasBeenManuallyStopped"] = json!(false);
        fs::write(kept.join("config.v2.json"), config.to_string()).unwrap();
        fs::write(kept.join("hostconfig.json"), config["HostConfig"].to_string()).unwrap();
        let info = json!({ "CgroupDriver": "systemd", "CgroupVersion": "2",
            "DockerRootDir": folder.path().join("data") })
        .to_string();
        let rest = engine(&careless(), &events(), LOG);
        let docker = serve(folder.path(), move |path| match path {
            "/info" => answer(200, info.as_bytes()),
            "/version" => answer(200, br#"{"Version":"28.5.2"}"#),
            path => rest(path),
        });
        let mut leaks = Leaks::default();
        let cases = ask_every_way(folder.path(), &docker, &mut leaks);
        leaks.none();
        assert!(cases[0].contains("HasBeenManuallyStopped"), "the folder was not read");
    }

    #[test]
    fn an_error_shows_no_secret_of_the_daemons_address() {
        let folder = folder();
        let mut leaks = Leaks::default();
        for host in ["tcp://admin:hostZk7q@127.0.0.1:1/x", "ssh://admin:sshZk7q@far.example.com"] {
            let (code, out, err) = run(folder.path(), host, &["api"], "");
            assert_eq!((code, out.as_str()), (1, ""), "{err}");
            leaks.look("the error", &err);
        }
        leaks.none();
    }

    fn pasted() -> Vec<(&'static str, String)> {
        let inspect = serde_json::to_string_pretty(&json!([careless()])).unwrap();
        vec![
            ("inspect", inspect),
            ("inspect on one line", careless().to_string()),
            ("a container's log", LOG.to_owned()),
            ("describe", DESCRIBE.to_owned()),
            ("pod", POD.to_owned()),
            ("ecs", ECS.to_owned()),
            ("compose", COMPOSE.to_owned()),
            ("shell", SHELL.to_owned()),
        ]
    }

    #[test]
    fn nothing_that_was_pasted_comes_out() {
        paste_every_way(pasted());
    }

    #[test]
    fn go_errors_and_split_flags_of_describe() {
        let go = DESCRIBE.replace(
            "Get http://probe:evZk7q@10.0.0.1/h:",
            "Get \"http://probe:evZk7q@10.0.0.1/h\":",
        );
        let split = DESCRIBE.replace("--api-key=argZk7q", "--api-key\n      argZk7q");
        assert!(go != DESCRIBE && split != DESCRIBE);
        paste_every_way(vec![("go", go), ("split", split)]);
    }

    fn paste_every_way(texts: Vec<(&str, String)>) {
        let folder = folder();
        let mut leaks = Leaks::default();
        for (what, text) in texts {
            for form in FORMS {
                let (code, out, err) = run(folder.path(), "", &[form, &["-"]].concat(), &text);
                assert!(code != 1 && code != 2, "{what}: {err}");
                leaks.look(&format!("{what} {form:?}"), &format!("{out}{err}"));
            }
            let (_, live, err) =
                run(folder.path(), "", &["--format", "json", "--save", "case.json", "-"], &text);
            leaks.look(&format!("{what} saved"), &err);
            let case = fs::read_to_string(folder.path().join("case.json")).unwrap();
            leaks.look(&format!("{what} case"), &case);
            let (_, saved, _) = run(folder.path(), "", &["--format", "json", "./case.json"], "");
            assert_eq!(live, saved, "{what}");
        }
        leaks.none();
    }

    const DESCRIBE: &str = "\
Name:             api-7d9c
Namespace:        shop
Annotations:      example.com/deploy-token: ghp_annoZk7q0000000000000000000000000000
                  kubectl.kubernetes.io/last-applied-configuration:
                    {\"env\":[{\"name\":\"DB_PASSWORD\",\"value\":\"appliedZk7q\"}]}
Containers:
  api:
    Container ID:   containerd://3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014
    Command:
      sh
      -c
      exec node app.js --db-password=cmdZk7q
    Args:
      --api-key=argZk7q
    Last State:     Terminated
      Reason:       OOMKilled
      Message:      could not reach postgres://shop:msgZk7q@db/shop
      Exit Code:    137
      Started:      Wed, 27 May 2026 18:40:01 +0000
      Finished:     Wed, 27 May 2026 18:42:11 +0000
    Limits:
      memory:  64Mi
    Liveness:     http-get http://probe:liveZk7q@:8080/h delay=0s timeout=1s period=10s
    Environment:
      NODE_OPTIONS:  --max-old-space-size=96
      DB_PASSWORD:   envZk7q
      GREETING:      words Zk7q
Events:
  Type     Reason     Age   From     Message
  Warning  Unhealthy  4m    kubelet  Liveness probe failed: Get http://probe:evZk7q@10.0.0.1/h: EOF
";

    const POD: &str = "\
apiVersion: v1
kind: Pod
metadata:
  name: api-7d9c
  annotations:
    example.com/token: annoZk7q
spec:
  containers:
  - name: api
    command: [\"sh\", \"-c\", \"exec app --password pwZk7q\"]
    env:
    - name: DB_PASSWORD
      value: podZk7q
    - name: GREETING
      value: words Zk7q
    - name: CERT
      value: |
        -----BEGIN PRIVATE KEY-----
        MIIZk7qAAAA
        -----END PRIVATE KEY-----
    resources:
      limits:
        memory: 64Mi
status:
  containerStatuses:
  - name: api
    lastState:
      terminated:
        exitCode: 137
        reason: OOMKilled
        message: 'login failed: password=msgZk7q'
";

    const ECS: &str = r#"{ "tasks": [ {
  "taskArn": "arn:aws:ecs:eu-west-1:123456789012:task/shop/0123456789abcdef0123456789abcdef",
  "stopCode": "EssentialContainerExited", "stoppedReason": "Essential container in task exited",
  "overrides": { "containerOverrides": [ { "name": "app",
    "command": ["app", "--db-password=ovZk7q"],
    "environment": [ { "name": "DB_PASSWORD", "value": "envZk7q" }, { "name": "GREETING", "value": "words Zk7q" } ] } ] },
  "tags": [ { "key": "deploy-token", "value": "tagZk7q" } ],
  "containers": [ { "name": "app", "exitCode": 137, "reason": "OutOfMemoryError: Container killed due to memory usage" } ] } ] }
"#;

    const COMPOSE: &str = "\
services:
  api:
    image: shop/api
    mem_limit: 64m
    command: node app.js --token cmdZk7q
    environment:
      DB_PASSWORD: mapZk7q
      GREETING: words Zk7q
      NODE_OPTIONS: --max-old-space-size=96
    labels:
      com.example.token: labelZk7q
    logging:
      driver: splunk
      options:
        splunk-token: optZk7q
  worker:
    image: shop/api
    environment:
      - DB_PASSWORD=listZk7q
      - GREETING=words Zk7q
api exited with code 137
";

    const SHELL: &str = "\
$ export DB_PASSWORD=exportZk7q
$ docker run -d --name api -e DB_PASSWORD=runZk7q -e GREETING='words Zk7q' --memory 64m shop/api
$ curl -u admin:curlZk7q https://admin:urlZk7q@example.com/
$ mysql -h db -u root -pmysqlZk7q
api exited with code 137
";

    #[test]
    fn the_address_of_a_script_is_its_folder() {
        // The scripted engine itself: without it the tests above would test nothing.
        let folder = folder();
        let docker = serve(folder.path(), engine(&dead_container(json!({})), &events(), ""));
        assert!(docker.starts_with("unix:///"));
        let (code, out, err) = run(folder.path(), &docker, &["-q", "shop-api-1"], "");
        assert_eq!(code, 0, "{err}");
        assert!(out.contains("shop-api-1"), "{out}");
    }
}
