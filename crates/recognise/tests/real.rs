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

/// Interpreters of this machine: those of pyenv, and the one that is first in the path.
fn pythons() -> Vec<String> {
    let home = std::env::var("HOME").unwrap();
    let root = std::env::var("PYENV_ROOT").unwrap_or_else(|_unset| format!("{home}/.pyenv"));
    let mut all = vec!["python3".to_owned()];
    for entry in fs::read_dir(format!("{root}/versions")).into_iter().flatten().flatten() {
        let path = entry.path().join("bin/python3");
        all.extend(path.exists().then(|| path.to_str().unwrap().to_owned()));
    }
    all
}

#[test]
fn every_python_of_this_machine_is_recognised_in_its_version_under_any_name() {
    let folder = tempfile::tempdir().unwrap();
    let script = "import sys; print('up', flush=True); sys.stdin.read()";
    for (at, python) in pythons().into_iter().enumerate() {
        let version = output(&python, &["-c", "import platform; print(platform.python_version())"]);
        // Its library is beside it; its name does not matter.
        let path =
            output(&python, &["-c", "import os, sys; print(os.path.realpath(sys.executable))"]);
        let library =
            output(&python, &["-c", "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"]);
        let home = output(&python, &["-c", "import sys; print(sys.prefix)"]);
        let renamed = folder.path().join(format!("server{at}"));
        copy(path.trim(), &renamed);
        let mut command = Command::new(&renamed);
        command.args(["-u", "-c", script]).env("WEB_CONCURRENCY", "3");
        command.env("PYTHONHOME", home.trim()).env("LD_LIBRARY_PATH", library.trim());
        let running = start(&mut command);
        let seen = seen(&running);
        let (runtime, found) = seen.runtime.unwrap_or_else(|| panic!("{python} is CPython"));
        assert_eq!((runtime, found.to_string().as_str()), (Runtime::Python, version.trim()));
        assert_eq!(seen.told.variable("WEB_CONCURRENCY"), Some("3"));
    }
}

#[test]
fn a_worker_knows_the_master_that_runs_the_same_file() {
    let script = "import os, sys\npid = os.fork()\nif pid == 0: sys.stdin.read(); os._exit(0)\n\
        print('up', flush=True); sys.stdin.read(); os.waitpid(pid, 0)";
    let mut running = start(Command::new("python3").args(["-u", "-c", script]));
    let children = format!("/proc/{0}/task/{0}/children", running.0.id());
    let worker: u32 = fs::read_to_string(children).unwrap().trim().parse().unwrap();
    let (of_worker, of_master) = (recognise::process(worker).unwrap(), seen(&running));
    assert_eq!((of_worker.worker_of, of_master.worker_of), (Some(running.0.id()), None));
    assert_eq!(of_worker.runtime, of_master.runtime);
    drop(running.0.stdin.take());
    running.0.wait().unwrap();
}

/// PostgreSQL does not run for root; its data directory is that of the user it runs for.
#[test]
fn postgres_is_recognised_with_its_files_settings() {
    let program = Path::new("/usr/lib/postgresql");
    let Ok(versions) = fs::read_dir(program) else {
        eprintln!("NOT RUN: PostgreSQL recognised, because it is not installed");
        return;
    };
    let bin = versions.flatten().next().expect("a version").path().join("bin");
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    for path in [folder.path(), &data] {
        assert!(Command::new("chown").arg("nobody").arg(path).status().unwrap().success());
    }
    let as_nobody = |name: &str| {
        let mut command = Command::new("setpriv");
        command.args(["--reuid=nobody", "--clear-groups"]).arg(bin.join(name)).current_dir("/");
        command
    };
    let made = as_nobody("initdb").args(["-N", "-A", "trust", "-D"]).arg(&data).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    fs::write(data.join("postgresql.auto.conf"), "shared_buffers = '16MB'\n").unwrap();
    let mut command = as_nobody("postgres");
    command.arg("-D").arg(&data).args(["-c", "listen_addresses=", "-c", "max_connections=7", "-k"]);
    command.arg(folder.path()).stdout(Stdio::null()).stderr(Stdio::null());
    let running = Running(command.spawn().unwrap());
    let until = Instant::now() + Duration::from_secs(20);
    while !folder.path().join(".s.PGSQL.5432").exists() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    let seen = seen(&running);
    let (runtime, found) = seen.runtime.clone().expect("it is PostgreSQL");
    let said = output(bin.join("postgres").to_str().unwrap(), &["--version"]);
    assert_eq!(runtime, Runtime::Postgres);
    assert!(said.contains(&format!(") {found}")), "{said} {found}");
    assert_eq!(seen.told.setting("shared_buffers"), Some("16MB"));
    let view = seen.view.clone().expect("its cgroup is shown");
    let belief = runtime.believes(&found, &view, &seen.told);
    // A `postgres -C shared_memory_size` of these says 20 MB.
    let ceiling = belief.ceiling.unwrap().0 >> 20;
    assert!((18..=23).contains(&ceiling), "{ceiling}");
    // A kill would leave its shared memory behind.
    let mut running = running;
    let pid = running.0.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
    running.0.wait().unwrap();
}

#[test]
fn a_program_that_only_bears_the_name_is_not_believed() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["node", "java", "go", "python3", "ruby", "nginx", "redis-server", "beam.smp"] {
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
