//! What must vanish, what must survive.

mod marked;

use super::*;
use proptest::prelude::*;

/// The text itself.
fn unmarked(marked: &str) -> String {
    marked.replace(['«', '»', '¦'], "")
}

/// The text without what is marked in it.
fn hidden(marked: &str) -> String {
    let mut parts = marked.split(['«', '»']);
    let mut out = parts.next().unwrap_or_default().replace('¦', "");
    while let Some(_secret) = parts.next() {
        out.push_str(REDACTED);
        out.push_str(&parts.next().unwrap_or_default().replace('¦', ""));
    }
    out
}

const ID: &str = "3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014";

/// What has to go stands between `«` and `»`; it holds `S3cr3t` in one spelling or another, which
/// may not survive in any source.
const SECRETS: [&str; 86] = [
    "DB_PASSWORD=«S3cr3t!x»",
    "java -Ddb.password=«S3cr3t» -Xmx64m App",
    "app --password=«S3cr3t» --port 80",
    "app --password «S3cr3t» --port 80",
    "app --token '«S3cr3t and more»' run",
    "app --api-key=\"«S3cr3t b»\" run",
    "app --secret-key «S3cr3t»",
    "mysql -uroot -p«S3cr3t» shop",
    "/usr/bin/mysqldump -h db -p«S3cr3t» shop",
    "sshpass -p «S3cr3t» ssh x",
    "redis-cli -a «S3cr3t» ping",
    "curl -u admin:«S3cr3t» https://x/y",
    "psql postgres://app:«S3cr3t»@db:5432/shop",
    "amqp://u:«S3cr3t/with@slash»@mq/vhost connected",
    "GET /v1/items?token=«S3cr3t»&page=2 200",
    "GET /cb?page=2&api_key=«S3cr3t» HTTP/1.1",
    "Authorization: «Bearer S3cr3t.abc»",
    "> authorization: «Basic S3cr3tdXNlcjpwYXNz»",
    "curl -H 'Authorization: «token» «S3cr3t»'",
    "Cookie: «a=1; session=S3cr3t; b=2»",
    "Set-Cookie: «sid=S3cr3t; Path=/»",
    "connecting with api_key: «S3cr3t» now",
    "password: «S3cr3t with spaces»",
    "  auth: «S3cr3t99»",
    "{'password': '«S3cr3t»'}",
    "{\"password\": \"«S3cr3t»\"}",
    "{\"a\":{\"accessKey\":\"«S3cr3t»\",\"b\":1}}",
    "level=info msg=login password=\"«S3cr3t x»\" user=a",
    "log: {\"msg\":\"{\\\"token\\\":\\\"«S3cr3t»\\\"}\"}",
    "docker run -e DB=«S3cr3t» -m 64m img",
    "docker run --env db=«S3cr3t» img",
    "docker run --env=DB='«S3cr3t b»' img",
    "  -e \"DB=«S3cr3t b»\" \\",
    "podman run -e GREETING=«S3cr3t» -e GOMEMLIMIT=50MiB img",
    "Environment=\"X=«S3cr3t»\" Y=«S3cr3t»",
    "[PATH=«/usr/bin» GREETING=«S3cr3t hello» X=«S3cr3t»]",
    "\"Env\": [\"GREETING=«S3cr3t»\", \"PATH=«/S3cr3t»\"],",
    "        \"GREETING=«S3cr3t»\",",
    "\"Env\": [\"GREETING=«S3cr»",
    "{\"Env\":[\"A=«S3cr3t\\nB=S3cr3t»\"]}",
    "{\"env\":[{\"name\":\"GREETING\",\"value\":\"«S3cr3t»\"}]}",
    "{\"environment\":[{\"value\":\"«S3cr3t»\",\"name\":\"GREETING\"}]}",
    "{\"overrides\":{\"containerOverrides\":[{\"name\":\"w\",\"environment\":[{\"name\":\"A\",\"value\":\"«S3cr3t»\"}]}]}}",
    "{\"environment\":[{\"name\":\"GREETING\",\"value\":\"«S3cr3t»",
    "{\"environment\":{\"GREETING\":\"«S3cr3t»\"}}",
    "env:\n- name: GREETING\n  value: «S3cr3t»\n",
    "    env:\n      - name: GREETING\n        value: |\n          «S3cr3t»\n          «S3cr3t»\n",
    "environment:\n  GREETING: «S3cr3t»\n  - «OTHER=S3cr3t»\n",
    "environment: {GREETING: «S3cr3t», OTHER: «S3cr3t»}",
    "environment:\n  - \"GREETING=«S3cr3t {\\\"a\\\": 1}»\"\n",
    "    Environment:\n      GREETING:  «S3cr3t hello»\n      X:   «{\"a\": \"S3cr3t\"}»\n    Mounts:\n",
    "Labels:       owner=«S3cr3t»\n              mail=«S3cr3t»\n",
    "Annotations:  note: «S3cr3t»\n              more: «S3cr3t»\n",
    "  annotations:\n    note: >\n      «S3cr3t»\n      «S3cr3t»\n  name: x\n",
    "{\"Labels\":{\"owner\":\"«S3cr3t»\"}}",
    "{\"Labels\":\"owner=«S3cr3t»,mail=«S3cr3t»,« S3cr3t»\"}",
    "{\"Actor\":{\"ID\":\"x\",\"Attributes\":{\"owner\":\"«S3cr3t»\",\"image\":\"i\"}}}",
    "{\"LogConfig\":{\"Type\":\"splunk\",\"Config\":{\"splunk-x\":\"«S3cr3t»\"}}}",
    "{\"Args\":[\"--password\",\"«S3cr3t»\"]}",
    "{\"Cmd\":[\"sh\",\"-c\",\"mysql -p«S3cr3t»\"]}",
    "{\"CreateCommand\":[\"podman\",\"run\",\"-e\",\"GREETING=«S3cr3t»\"]}",
    "{\"kind\":\"Secret\",\"data\":{\"x\":\"«S3cr3t»\"}}",
    "kind: Secret\ndata:\n  x: «S3cr3t»\n",
    "-----BEGIN RSA PRIVATE KEY-----\n«MIIES3cr3tAAA»\n«S3cr3tBBB=»\n-----END RSA PRIVATE KEY-----",
    "{\"key\":\"-----BEGIN PRIVATE KEY-----\\n«MIIES3cr3t»\\n-----END PRIVATE KEY-----\"}",
    "time=1 key='-----BEGIN EC PRIVATE KEY-----«MIIES3cr3t»-----END EC PRIVATE KEY-----'",
    "Liveness probe failed: Get \"http://probe:«S3cr3t»@10.0.0.1/h\": EOF",
    "\"http://u:«S3cr3t»@db/h\": x",
    "Error: Post \"https://h/x?api_key=«S3cr3t»\": dial tcp 10.0.0.1:443: i/o timeout",
    "err=\"Get \\\"http://probe:«S3cr3t»@10.0.0.1/h\\\": EOF\" container=x",
    "{\"log\":\"Get \\\"http://probe:«S3cr3t»@10.0.0.1/h\\\": EOF\\n\"}",
    "{\"http://u:«S3cr3t»@db/h\": 1}",
    "{\"Path\":\"mysqldump\",\"Args\":[\"-h\",\"db\",\"-p«S3cr3t»\"]}",
    "{\"args\":[\"-uroot\",\"-p«S3cr3t»\"],\"command\":[\"mariadb\"]}",
    "{\"Cmd\":[\"-p«S3cr3t»\"],\"Entrypoint\":[\"/usr/bin/sshpass\"]}",
    "{\"Path\":\"python3\",\"Args\":[\"-c\",\"x=1\",\"-p«S3cr3tW0RD»\"]}",
    "{\"Path\":\"curl\",\"Args\":[\"-u\",\"admin:«S3cr3t»\",\"http://x\"]}",
    "{\"Test\":[\"CMD\",\"redis-cli\",\"-a\",\"«S3cr3t»\",\"ping\"]}",
    "psql -h db -p«S3cr3t»",
    "    Args:\n      --api-key\n      «S3cr3t»\n      --port\n      80\n",
    "    Command:\n      mysql\n      -uroot\n      -p«S3cr3t»\n    State: Running\n",
    "  args:\n  - --api-key\n  - «S3cr3t»\n  image: api:1\n",
    "  - args:\n    - --db-password\n    - \"«S3cr3t b»\"\n    name: api\n",
    "args:\n- -p«S3cr3t»\ncommand:\n- mysql\n",
    "command: [--token, «S3cr3t», --port, 80]\n",
    "command:\n  - --token\n  - >-\n    «S3cr3t»\n  - --port\n",
];

#[test]
fn what_is_named_as_a_secret_vanishes() {
    for source in [Source::Pasted, Source::ContainerInspect, Source::ApplicationLog, Source::Proc] {
        for text in SECRETS {
            let redacted = redact(source, &unmarked(text));
            assert!(!redacted.contains("S3cr"), "{source}: {text}\n→ {redacted}");
            assert_eq!(redacted, hidden(text), "{source}: {text}");
            assert_eq!(redact(source, &redacted), redacted, "{text}");
        }
    }
    let event = format!(
        "2026-05-27T18:42:10.3Z container die {ID} (exitCode=137, image=api:1, name=api, owner=S3cr3t (x), z=1)"
    );
    let expected = format!(
        "2026-05-27T18:42:10.3Z container die {ID} (exitCode=137, image=api:1, name=api, owner=<redacted>, z=<redacted>)"
    );
    assert_eq!(redact(Source::ContainerEvents, &event), expected);
}

#[test]
fn what_has_the_shape_of_a_secret_vanishes_everywhere() {
    // Put together here so that no scanner mistakes this file for a leak.
    let mixed = "Ab3dEf9hIj2lMn0pQr5tUv8xYz1B";
    let tokens = [
        format!("AKIA{}", "IOSF0DNN7EXAMPLE"),
        format!("ghp_{mixed}"),
        format!("github_pat_{mixed}"),
        format!("glpat-{mixed}"),
        format!("xoxb-1234-{mixed}"),
        format!("sk-{mixed}"),
        format!("sk-proj-{mixed}"),
        format!("AIza{mixed}Cd6"),
        format!("eyJhbGciOiJIUzI1NiJ9.{mixed}.x"),
    ];
    for token in &tokens {
        for source in [Source::KernelLog, Source::Journal, Source::Trace, Source::Kubernetes] {
            for text in
                [format!("started {token} ok"), format!("x={token}"), format!("\"{token}\"")]
            {
                let redacted = redact(source, &text);
                assert!(!redacted.contains(token.as_str()), "{source}: {text} → {redacted}");
                assert_eq!(redact(source, &redacted), redacted);
            }
        }
    }
    let long = format!("run with {mixed}{mixed} now");
    assert_eq!(redact(Source::Proc, &long), "run with <redacted> now");
}

/// Lines of the kernel, recorded on a machine of our own or written to the same grammar.
const KERNEL: [&str; 12] = [
    "[   83.469293] python3 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0",
    "6,1234,83469293,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=x,mems_allowed=0,oom_memcg=/docker/3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014,task_memcg=/docker/3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014,task=token,pid=295,uid=0",
    "Memory cgroup stats for /secret: cache:4KB rss:65000KB",
    "May 27 18:42:10 host kernel: [   83.469293] Task in /auth killed as a result of limit of /auth",
    "[   83.469300] Memory cgroup out of memory: Killed process 295 (session) total-vm:91234kB, anon-rss:64888kB, file-rss:640kB, shmem-rss:0kB, UID:0 pgtables:200kB oom_score_adj:0",
    "[   83.469301] [    295]     0   295    22808    16382   204800        0             0 password",
    "[   83.469302] memory: usage 65536kB, limit 65536kB, failcnt 27",
    "[   83.469302] Call Trace:",
    "[   83.469303] RIP: 0033:0x7f3a9c2b1e47 Code: 48 8b 05 c9 token=x",
    "[   83.469303]  ? asm_exc_page_fault+0x26/0x30",
    "kernel: auth: page allocation stalls",
    "[   83.469304] oom_reaper: reaped process 295 (apikey), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB",
];

const EVIDENCE: [&str; 45] = [
    "java -Xmx64m -XX:OnOutOfMemoryError=kill -9 %p -jar /app/token-service.jar",
    "node --max-old-space-size=1024 /srv/auth/index.js",
    "-XX:+HeapDumpOnOutOfMemoryError -XX:HeapDumpPath=/var/log/HeapDumpsOfTheSessionService2/Java17",
    "\"Env\": [\"NODE_OPTIONS=--max-old-space-size=48\", \"GOMEMLIMIT=50MiB\"]",
    "docker run -e GOMEMLIMIT=50MiB -e JAVA_TOOL_OPTIONS='-Xmx32m' -m 64m img",
    "Environment=GOMEMLIMIT=50MiB",
    "environment:\n  - GOMEMLIMIT=50MiB\n  - NODE_OPTIONS\nimage: auth:1.2\n",
    "    Environment:\n      GOMEMLIMIT:  50MiB\n      X:           <set to the key 'x' in secret 'y'>  Optional: false\n    Mounts:\n      /var/run/secrets/kubernetes.io/serviceaccount from kube-api-access-x (ro)\n",
    "    Environment:  <none>",
    "- name: GOMEMLIMIT\n  value: 50MiB",
    "env:\n- name: A\n  valueFrom:\n    secretKeyRef:\n      key: k\n      name: n\n- name: GOMEMLIMIT\n  value: 50MiB\n",
    "Containers:\n  auth:\n    Container ID:  containerd://3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014\n    Image:         registry/token:1.4.2\n    Exit Code:     137\n",
    "{\"Path\":\"java\",\"Args\":[\"-Xmx64m\",\"-p\",\"/app/mods\",\"-port8080\",\"-a\",\"-jar\"]}",
    "{\"Config\":{\"Cmd\":[\"mysqld\",\"--innodb-buffer-pool-size=1G\"],\"Image\":\"mysql:8\"}}",
    "    Args:\n      --token-file\n      /run/t\n      --api-key-path\n      /run/k\n      -Xmx64m\n    Limits:\n      memory:  64Mi\n",
    "    command:\n    - java\n    - -Xmx64m\n    - -jar\n    args: [--port, 80]\n    image: mysql:8\n",
    "docker run --name mysql -p3306:3306 -m 64m mysql:8",
    "Get \"http://10.0.0.1:8080/h\": EOF",
    "redis-server --maxmemory 64mb && redis-cli -p 6379 ping",
    "  SecretName:  default-token-abc12\n  TokenExpirationSeconds:  3607",
    "2026-05-27T18:42:10.301Z container kill 3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014 (com.docker.compose.project=shop, image=auth:v1, name=shop-auth-1, signal=9)",
    "{\"status\":\"die\",\"Actor\":{\"ID\":\"3fc28fa1c647\",\"Attributes\":{\"exitCode\":\"137\",\"image\":\"token:v2\",\"name\":\"auth\"}},\"time\":1}",
    "{\"Id\":\"3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014\",\"Image\":\"sha256:3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014\",\"State\":{\"ExitCode\":137,\"OOMKilled\":true,\"Pid\":0,\"StartedAt\":\"2026-05-27T18:42:10.301123456Z\"}}",
    "{\"HostConfig\":{\"Memory\":67108864,\"PidMode\":\"private\",\"LogConfig\":{\"Type\":\"json-file\",\"Config\":{\"max-size\":\"10m\"}}}}",
    "{\"Labels\":{\"com.docker.compose.service\":\"auth\",\"io.kubernetes.pod.name\":\"session-0\"}}",
    "{\"automountServiceAccountToken\":true,\"privileged\":false,\"exitCode\":137}",
    "Labels:  app=web\n         pod-template-hash=5d9c7b8f6\nStatus:  Running\n",
    "auth-1 exited with code 137",
    "auth-1  | Killed",
    "session-5.scope: A process of this unit has been killed by the OOM killer.",
    "sshd[12]: pam_unix(sshd:session): session opened for user root(uid=0)",
    "token-server: signal: killed",
    "auth: killed by signal 9",
    "token::refresh failed with SIGKILL",
    "sig=9 errno=0 code=0 comm=auth pid=295 grp=1 res=0",
    "==> /sys/fs/cgroup/memory/kubepods/burstable/pod35393d36-d6bf-435b-8e2c-fc096e60d3bb/memory.oom_control <==\noom_kill 1",
    "kubepods-burstable-pod58dc1221_d430_496e_951d_e8cb23caaead.slice",
    "boot id 4cb2b1ea-5a3d-4c6e-9d8e-0a1b2c3d4e5f at 2026-05-27T18:42:10.301Z",
    "DB_PASSWORD_FILE=/run/secrets/db PWD=/app",
    "arn:aws:ecs:eu-west-1:123456789012:task/shop/9781c2480edd4cdb9a93f63cb662a5d3",
    "dockerd[1]: time=\"2026-05-27T18:42:10Z\" level=info msg=\"Container failed to exit within 10s of signal 15 - using the force\" container=3fc28fa1c647ceede9f6b340d0b16c9f1f663698972d22a52e296f291638e014",
    "earlyoom[7]: sending SIGKILL to process 295 uid 0 \"auth\": badness 900, VmRSS 612 MiB",
    "CONTAINER ID   IMAGE       COMMAND      STATUS\n3fc28fa1c647   token:1.2   \"sh -c x\"   Exited (137) 2 minutes ago",
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    "java.lang.OutOfMemoryError: Java heap space at SessionTokenAuthenticationProviderV2Impl.java:42",
];

#[test]
fn evidence_survives_byte_for_byte() {
    for text in KERNEL {
        for source in [Source::KernelLog, Source::Journal, Source::Pasted] {
            assert_eq!(redact(source, text), text, "{source}");
        }
    }
    for text in EVIDENCE {
        for source in [Source::Pasted, Source::Journal, Source::ContainerInspect] {
            assert_eq!(redact(source, text), text, "{source}");
        }
    }
}

#[test]
fn json_stays_json_and_yaml_keeps_its_keys() {
    let inspect = r#"[{"Name":"/api","Path":"sh","Args":["-c","run --password \"a b\" --x"],
        "Config":{"Env":["A=b","GOGC=50"],"Labels":{"o":"p"},"Tty":false},"token": 12345}]"#;
    let redacted = redact(Source::ContainerInspect, inspect);
    let value: serde_json::Value = serde_json::from_str(&redacted).unwrap();
    assert_eq!(value[0]["Config"]["Env"], serde_json::json!(["A=<redacted>", "GOGC=50"]));
    assert_eq!(value[0]["Args"][1], "run --password \"<redacted>\" --x");
    assert_eq!(value[0]["token"], REDACTED);
    let yaml = "env:\n- name: A\n  value: x\nimage: api:1\n";
    let expected = "env:\n- name: A\n  value: <redacted>\nimage: api:1\n";
    assert_eq!(redact(Source::Kubernetes, yaml), expected);
}

#[test]
fn a_mixture_is_redacted_part_by_part() {
    let text = "$ docker inspect api\n[\n  {\n    \"Config\": {\n      \"Env\": [\n        \"a=S3cr3t\",\n        ...\n        \"b=S3cr3t\"\n      ]\n    }\n  }\n]\n$ dmesg | tail -1\n[   83.469302] memory: usage 65536kB, limit 65536kB, failcnt 27\n";
    let redacted = redact(Source::Pasted, text);
    assert!(!redacted.contains("S3cr3t"), "{redacted}");
    assert!(
        redacted.ends_with("[   83.469302] memory: usage 65536kB, limit 65536kB, failcnt 27\n")
    );
}

#[test]
fn no_kernel_log_of_the_corpus_changes() {
    let beside = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus/cases");
    let cases = std::path::Path::new(beside);
    let Ok(entries) = std::fs::read_dir(cases) else {
        println!("NOT RUN: corpus, because it is not on this machine");
        return;
    };
    for case in entries.flatten() {
        for name in ["kernel.log", "dmesg.txt"] {
            let Ok(text) = std::fs::read_to_string(case.path().join("evidence").join(name)) else {
                continue;
            };
            for source in [Source::KernelLog, Source::Journal, Source::Pasted] {
                for (was, is) in text.lines().zip(redact(source, &text).lines()) {
                    assert_eq!(was, is, "{:?} as {source}", case.path());
                }
            }
        }
    }
}

proptest! {
    #[test]
    fn never_panics_and_twice_is_once(text in "(?s).{0,200}") {
        let once = redact(Source::Pasted, &text);
        prop_assert_eq!(redact(Source::Pasted, &once), once);
    }

    #[test]
    fn pieces_of_real_texts_in_any_order_settle(
        pieces in proptest::collection::vec(0usize..SECRETS.len() + EVIDENCE.len(), 1..4),
        cut in 0usize..300,
        joiner in prop_oneof![Just("\n"), Just(" "), Just("\""), Just("{"), Just(": ")],
    ) {
        let texts: Vec<&str> = SECRETS.into_iter().chain(EVIDENCE).collect();
        let joined = pieces.iter().map(|at| unmarked(texts[*at])).collect::<Vec<_>>().join(joiner);
        let text: String = joined.chars().take(cut).collect();
        let once = redact(Source::Pasted, &text);
        prop_assert_eq!(redact(Source::Pasted, &once), once);
    }
}
