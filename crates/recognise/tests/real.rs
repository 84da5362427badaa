//! Real processes of this machine's own runtimes: right, or not said.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests stand outside of test functions here"
)]

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use recognise::Seen;
use settings::runtimes::Runtime;

/// Ends its process when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// Starts a program that says `up` and waits.
fn start(command: &mut Command) -> Running {
    let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
    let mut running = Running(child.unwrap_or_else(|error| panic!("{command:?}: {error}")));
    let mut said = String::new();
    let out = running.0.stdout.take().expect("its output is piped");
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut said).unwrap();
    assert_eq!(said.trim(), "up", "{command:?}");
    running
}

fn seen(running: &Running) -> Seen {
    recognise::process(running.0.id()).unwrap()
}

/// By another process: a file that this one has open for writing while a test beside it forks cannot be
/// executed.
fn copy(from: &str, to: &Path) {
    assert!(Command::new("cp").arg(from).arg(to).status().unwrap().success());
}

fn output(program: &str, words: &[&str]) -> String {
    let output = Command::new(program).args(words).output();
    let output = output.unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{program} {words:?}");
    String::from_utf8(output.stdout).unwrap()
}

const WAIT_IN_NODE: &str = "console.log('up'); process.stdin.resume()";

#[test]
fn node_is_recognised_under_any_name_and_when_its_file_is_gone() {
    let version = output("node", &["--version"]).trim().trim_start_matches('v').to_owned();
    let path = output("node", &["-p", "process.execPath"]);
    let folder = tempfile::tempdir().unwrap();
    let renamed = folder.path().join("server");
    copy(path.trim(), &renamed);
    let mut command = Command::new(&renamed);
    command.args(["--max-old-space-size=64", "-e", WAIT_IN_NODE]);
    command.env_remove("NODE_OPTIONS").env("GOGC", "50");
    let running = start(&mut command);
    fs::remove_file(&renamed).unwrap();
    let seen = seen(&running);
    let (runtime, found) = seen.runtime.expect("it is Node");
    assert_eq!((runtime, found.to_string()), (Runtime::Node, version));
    assert_eq!(seen.told.arguments.first().map(String::as_str), Some("--max-old-space-size=64"));
    assert_eq!(seen.told.variable("GOGC"), Some("50"));
    assert_eq!(seen.told.variable("PATH"), None);
}

#[test]
fn a_stripped_static_go_program_is_recognised_with_its_build_settings() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("go.mod", "module example\n\ngo 1.21\n");
    write(
        "main.go",
        "package main\nimport (\"fmt\"; \"io\"; \"os\")\nfunc main() { fmt.Println(\"up\"); io.ReadAll(os.Stdin) }\n",
    );
    let mut build = Command::new("go");
    build.args(["build", "-ldflags=-s -w", "-o", "app", "."]).current_dir(folder.path());
    build.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=mod").env("GOTOOLCHAIN", "local");
    assert!(build.status().unwrap().success());
    let running = start(&mut Command::new(folder.path().join("app")));
    let seen = seen(&running);
    let (runtime, found) = seen.runtime.expect("it is Go");
    let version = output("go", &["env", "GOVERSION"]).trim().trim_start_matches("go").to_owned();
    assert_eq!((runtime, found.to_string()), (Runtime::Go, version));
    let defaults = seen.told.build_settings.iter().find(|(key, _)| key == "DefaultGODEBUG");
    assert!(defaults.is_some_and(|(_, text)| text.contains("containermaxprocs=0")), "{defaults:?}");
}

#[test]
fn the_jvm_is_recognised_by_its_library() {
    let folder = tempfile::tempdir().unwrap();
    let source = folder.path().join("Wait.java");
    fs::write(
        &source,
        "class Wait { public static void main(String[] a) throws Exception { System.out.println(\"up\"); System.in.read(); } }\n",
    )
    .unwrap();
    let status = Command::new("javac").arg(&source).status().expect("javac");
    assert!(status.success());
    let mut command = Command::new("java");
    command.args(["-Xmx64m", "-cp"]).arg(folder.path()).arg("Wait");
    let running = start(&mut command);
    let seen = seen(&running);
    let (runtime, found) = seen.runtime.expect("it is the JVM");
    let settings = Command::new("java").args(["-XshowSettings:properties", "-version"]).output();
    let said = String::from_utf8(settings.unwrap().stderr).unwrap();
    let version =
        said.lines().find_map(|line| line.trim().strip_prefix("java.version = ")).unwrap();
    assert_eq!((runtime, found.to_string().as_str()), (Runtime::Java, version));
}

#[test]
fn a_program_that_only_bears_the_name_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["node", "java", "go"] {
        let path = folder.path().join(name);
        copy("/bin/sleep", &path);
        let running = Running(Command::new(&path).arg("60").spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(10);
        let exe = format!("/proc/{}/exe", running.0.id());
        while fs::read_link(&exe).ok().as_deref() != Some(path.as_path()) && Instant::now() < until
        {
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(seen(&running).runtime, None, "{name}");
    }
}
