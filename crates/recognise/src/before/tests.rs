//! Command lines as images have them, led through files of every kind.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;

/// A folder of programs, and an environment.
struct Ground {
    root: tempfile::TempDir,
    variables: Vec<(String, String)>,
}

impl Ground {
    fn new() -> Self {
        let ground = Self { root: tempfile::tempdir().unwrap(), variables: Vec::new() };
        let path = ground.at("bin");
        let mut ground = ground;
        ground.set("PATH", &format!("/nowhere:{path}"));
        ground
    }

    fn at(&self, path: &str) -> String {
        self.root.path().join(path).to_str().unwrap().to_owned()
    }

    fn set(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    fn file(&self, path: &str, text: &[u8]) {
        let path = self.root.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn elf(&self, path: &str) {
        self.file(path, b"\x7fELF and nothing more");
    }

    fn link(&self, path: &str, to: &str) {
        symlink(to, Path::new(&self.at(path))).unwrap();
    }

    fn lead(&self, words: &[&str]) -> Option<Before> {
        let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
        let variable = |name: &str| {
            let found = self.variables.iter().rfind(|(known, _)| known == name);
            found.map(|(_, value)| value.clone())
        };
        before(&words, &variable)
    }

    /// `node likely 22.12.0: a.js`
    fn said(&self, words: &[&str]) -> String {
        let Some(found) = self.lead(words) else { return "none".to_owned() };
        let version = match found.version {
            Known::Certain(version) => format!("certain {version}"),
            Known::Likely(version) => format!("likely {version}"),
            Known::No => "unknown".to_owned(),
        };
        let rest = found.told.arguments.join(" ").replace(&self.at(""), "/");
        format!("{} {version}: {rest}", found.runtime.word())
    }
}

fn node() -> Ground {
    let ground = Ground::new();
    ground.elf("bin/node");
    let header = b"#define NODE_MAJOR_VERSION 22\n#define NODE_MINOR_VERSION 12\n\
        #define NODE_PATCH_VERSION 0\n#define NODE_VERSION_IS_LTS 1\n";
    ground.file("include/node/node_version.h", header);
    for name in ["tini", "gosu", "sh", "bash", "env", "timeout"] {
        ground.elf(&format!("bin/{name}"));
    }
    ground
}

#[test]
fn launchers_shells_and_links_lead_to_the_program() {
    let ground = node();
    ground.link("bin/nodejs", "node");
    let found = "node likely 22.12.0: a.js";
    for words in [
        &["node", "a.js"][..],
        &["nodejs", "a.js"],
        &[&ground.at("bin/node"), "a.js"],
        &["tini", "--", "node", "a.js"],
        &["tini", "-p", "SIGTERM", "-s", "--", "node", "a.js"],
        &["gosu", "node", "node", "a.js"],
        &["env", "-u", "X", "A=1", "node", "a.js"],
        &["env", "-S", "node a.js"],
        &["timeout", "-s", "INT", "5", "node", "a.js"],
        &["sh", "-c", "exec node a.js"],
        &["sh", "-ec", "cd / && A=1 exec node 'a.js'"],
        &["bash", "-c", "echo node; node a.js"],
        &["sh", "-c", "exec \"$@\"", "sh", "node", "a.js"],
        &["tini", "--", "sh", "-c", "node a.js | cat"],
    ] {
        assert_eq!(ground.said(words), found, "{words:?}");
    }
    assert_eq!(ground.said(&["node", "--x=1", "a.js"]), "node likely 22.12.0: --x=1 a.js");
}

#[test]
fn scripts_are_read_to_where_they_lead() {
    let mut ground = node();
    ground.file("bin/entry", b"#!/bin/sh\nset -e\nif [ \"${1#-}\" != \"$1\" ]; then set -- node \"$@\"; fi\nexec \"$@\"\n");
    ground.file(
        "bin/start",
        b"#!/usr/bin/env bash\nexport A=1\nexec \"$JAVA_HOME/bin/java\" $OPTS -jar a.jar\n",
    );
    ground.file("bin/npm", b"#!/bin/none\n");
    ground.file("bin/plain", b"node a.js\n");
    ground.file("bin/web", format!("#!{} -u\nimport x\n", ground.at("bin/python3")).as_bytes());
    ground.file("bin/tool", b"#!/usr/bin/env -S node --no-warnings\n");
    ground.elf("bin/python3.11");
    ground.link("bin/python3", "python3.11");
    ground.elf("jdk/bin/java");
    ground.file("jdk/release", b"IMPLEMENTOR=\"x\"\nJAVA_VERSION=\"17.0.15\"\n");
    ground.set("JAVA_HOME", &ground.at("jdk"));
    ground.set("OPTS", "-Xss1m -Da=b");
    assert_eq!(ground.said(&["entry", "node", "a.js"]), "node likely 22.12.0: a.js");
    assert_eq!(ground.said(&["start"]), "java certain 17.0.15: -Xss1m -Da=b -jar a.jar");
    assert_eq!(ground.said(&["plain"]), "node likely 22.12.0: a.js");
    assert_eq!(ground.said(&["web", "-w", "4"]), "python certain 3.11: -u /bin/web -w 4");
    assert_eq!(ground.said(&["tool", "x"]), "node likely 22.12.0: --no-warnings /bin/tool x");
    assert_eq!(ground.said(&["npm"]), "none");
}

#[test]
fn a_package_manager_stays_beside_the_program() {
    let ground = node();
    ground.file("bin/npm", b"#!/usr/bin/env node\n");
    ground.elf("usr/bin/env");
    let found = ground.lead(&["npm", "start"]).unwrap();
    assert_eq!(found.beside, Some(("npm".to_owned(), Bytes(16 << 20))));
    assert_eq!(ground.lead(&["node", "npm"]).unwrap().beside, None);
}

#[test]
fn what_a_script_steers_itself_is_said() {
    let ground = node();
    ground
        .file("bin/a", b"#!/bin/sh\n# -Xmx\nNODE_OPTIONS=--max-old-space-size=99 exec node a.js\n");
    ground.file("bin/b", b"#!/bin/sh\n# --max-old-space-size\nexec node a.js\n");
    let steered = |word: &str| ground.lead(&[word]).unwrap().script.unwrap().steers_by;
    assert_eq!(steered("a"), Some("max-old-space-size"));
    assert_eq!(steered("b"), None);
    assert_eq!(ground.lead(&["node"]).unwrap().script, None);
}

#[test]
fn an_images_variable_is_likely_and_the_last_resort() {
    let mut ground = node();
    fs::remove_dir_all(ground.at("include")).unwrap();
    assert_eq!(ground.said(&["node", "a.js"]), "node unknown: a.js");
    ground.set("NODE_VERSION", "20.11.1");
    assert_eq!(ground.said(&["node", "a.js"]), "node likely 20.11.1: a.js");
    ground.file("bin/odd", b"#!/bin/sh\neval \"$THE_COMMAND\"\n");
    assert_eq!(ground.said(&["odd"]), "node likely 20.11.1: ");
    // An executable that nobody knows is not what the image is for.
    ground.elf("bin/redirector");
    assert_eq!(ground.said(&["redirector"]), "none");
    ground.set("PYTHON_VERSION", "3.12.1");
    assert_eq!(ground.said(&["odd"]), "none");
}

#[test]
fn what_leads_nowhere_or_in_a_circle_is_none() {
    let ground = node();
    ground.file("bin/a", format!("#!{}\n", ground.at("bin/b")).as_bytes());
    ground.file("bin/b", format!("#!{}\n", ground.at("bin/a")).as_bytes());
    ground.file("bin/c", b"#!/bin/sh\nexec c \"$@\"\nexec c c c\n./c\nc\n");
    ground.file("bin/d", &[0xff; 4096]);
    ground.file("bin/two", b"#!/bin/sh\nnode a.js\npython3 b.py\n");
    ground.elf("bin/python3");
    for words in [
        &["a"][..],
        &["c"],
        &["d"],
        &["two"],
        &["nothing"],
        &[],
        &[""],
        &["sh"],
        &["sh", "-c"],
        &["tini"],
        &["tini", "--"],
        &["env", "-S"],
        &["/"],
    ] {
        assert_eq!(ground.said(words), "none", "{words:?}");
    }
}

#[test]
fn a_python_that_stands_for_others_is_known_by_its_name() {
    let ground = node();
    ground.file(
        "shims/python3",
        b"#!/usr/bin/env bash\nexec \"/opt/pyenv\" exec \"$program\" \"$@\"\n",
    );
    assert_eq!(ground.said(&[&ground.at("shims/python3"), "a.py"]), "python unknown: a.py");
}

#[test]
fn this_machines_own_programs_are_told() {
    let variable = |name: &str| std::env::var(name).ok();
    let runtime = |word: &str| {
        let words = [word.to_owned()];
        before(&words, &variable).map(|found| (found.runtime, found.version))
    };
    assert_eq!(runtime("true"), None);
    // This test is a program of no runtime.
    assert_eq!(runtime(std::env::current_exe().unwrap().to_str().unwrap()), None);
    for (word, runtime_of) in [
        ("node", Runtime::Node),
        ("java", Runtime::Java),
        ("go", Runtime::Go),
        ("python3", Runtime::Python),
    ] {
        match runtime(word) {
            Some((found, version)) => {
                // A shim of a version manager tells none.
                let is_certain = matches!(version, Known::Certain(_));
                assert!(found == runtime_of && (is_certain || word == "python3"), "{word}");
            }
            None => println!("NOT RUN: {word}, because it is not installed"),
        }
    }
}

#[test]
fn a_renamed_node_is_known_by_what_it_exports() {
    let Some(node) =
        ["/usr/bin/node", "/usr/local/bin/node"].into_iter().find(|path| Path::new(path).is_file())
    else {
        println!("NOT RUN: a renamed node, because node is not installed");
        return;
    };
    let ground = Ground::new();
    let to = ground.at("server");
    fs::hard_link(node, &to).or_else(|_other_device| fs::copy(node, &to).map(drop)).unwrap();
    let found = ground.lead(&[&to, "a.js"]).unwrap();
    assert!(
        found.runtime == Runtime::Node && matches!(found.version, Known::Certain(_)),
        "{found:?}"
    );
}
