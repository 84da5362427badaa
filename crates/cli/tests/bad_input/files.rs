//! Files that hold no text, or that cannot be read.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::program::run;
use crate::texts;

/// Bytes without sense, the same each time.
fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        })
        .collect()
}

/// An error as the house writes it, and soon.
fn refused(folder: &Path, name: &str, says: &str) {
    let began = Instant::now();
    let (code, out, err) = run(folder, "", &["explain", name], "");
    assert_eq!((code, out.as_str()), (1, ""), "{name}: {err}");
    assert!(err.starts_with("error: ") && err.contains(says), "{name}: {err}");
    assert!(!err.contains("os error") && !err.contains("panicked"), "{name}: {err}");
    assert!(began.elapsed() < Duration::from_secs(5), "{name}");
}

fn undecided(folder: &Path, name: &str) {
    let (code, out, err) = run(folder, "", &["--format", "json", name], "");
    assert_eq!(code, 3, "{name}: {err}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["killer"], "unknown", "{name}");
    assert_eq!(answer["because"].as_array().map(Vec::len), Some(0), "{name}: {out}");
}

#[test]
fn a_file_that_is_no_text_is_named_for_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let with = |mark: &[u8]| [mark, &noise(4096)].concat();
    let kinds: [(&str, Vec<u8>, &str); 11] = [
        ("log.gz", with(&[0x1f, 0x8b, 8, 0]), "zcat ./log.gz | why137"),
        ("log.zst", with(&[0x28, 0xb5, 0x2f, 0xfd]), "zstdcat ./log.zst | why137"),
        ("log.xz", with(b"\xfd7zXZ\0"), "xzcat ./log.xz | why137"),
        ("log.bz2", with(b"BZh91AY&SY"), "bzcat ./log.bz2 | why137"),
        ("log.lz4", with(&[0x04, 0x22, 0x4d, 0x18]), "lz4cat ./log.lz4 | why137"),
        ("logs.zip", with(b"PK\x03\x04"), "unzip -p ./logs.zip | why137"),
        ("system.journal", with(b"LPKSHHRH"), "journalctl --file ./system.journal | why137"),
        ("program", with(b"\x7fELF\x02\x01\x01"), "is a program"),
        ("screen.png", with(b"\x89PNG\r\n\x1a\n"), "is a picture"),
        ("screen.jpg", with(&[0xff, 0xd8, 0xff, 0xe0]), "is a picture"),
        ("report.pdf", with(b"%PDF-1.7\n"), "is a PDF"),
    ];
    for (name, bytes, says) in kinds {
        fs::write(folder.path().join(name), bytes).unwrap();
        refused(folder.path(), &format!("./{name}"), says);
    }
}

#[test]
fn empty_files_and_blank_ones_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in
        [("none", ""), ("blank", " \n\t\r\n"), ("mark", "\u{feff}"), ("mark2", "\u{feff}\n")]
    {
        fs::write(folder.path().join(name), bytes).unwrap();
        refused(folder.path(), &format!("./{name}"), "is empty");
    }
    for input in ["", "\n"] {
        let (code, out, err) = run(folder.path(), "", &["-"], input);
        assert_eq!((code, out.as_str()), (1, ""), "{err}");
        assert!(err.contains("`standard input` is empty") && err.contains("hint: "), "{err}");
    }
}

#[test]
fn bytes_without_sense_decide_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let sort = |name: &str, bytes: Vec<u8>| fs::write(folder.path().join(name), bytes).unwrap();
    sort("noise", noise(65_536));
    sort("nulls", vec![0; 65_536]);
    sort("high", vec![0xfe; 4096]);
    sort("lone surrogates", [0xff, 0xfe].into_iter().chain([0x00, 0xd8].repeat(999)).collect());
    sort("odd utf-16", [0xff, 0xfe, b'a', 0, b'b'].to_vec());
    sort("no line ends", vec![b'x'; 1 << 20]);
    sort("line ends", b"\n\r".repeat(1 << 17).into_iter().chain(*b".").collect());
    for name in
        ["noise", "nulls", "high", "lone surrogates", "odd utf-16", "no line ends", "line ends"]
    {
        undecided(folder.path(), &format!("./{name}"));
    }
}

/// A crash of the machine leaves a run of NUL bytes in the last block of a log; PowerShell writes
/// UTF-16; an editor of Windows ends lines with CR LF.
#[test]
fn a_log_in_another_dress_is_read_as_the_log_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let log = texts::dmesg(&texts::kills()[0]);
    let wide = |order: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}".encode_utf16().chain(log.encode_utf16()).flat_map(order).collect()
    };
    let dressed: [(&str, Vec<u8>); 7] = [
        ("nulls", [&vec![0; 4096][..], b"\n", log.as_bytes(), &vec![0; 4096]].concat()),
        ("wide", wide(u16::to_le_bytes)),
        ("wide big", wide(u16::to_be_bytes)),
        ("marked", ["\u{feff}", &log].concat().into_bytes()),
        ("crlf", log.replace('\n', "\r\n").into_bytes()),
        ("noise", [&noise(4096)[..], b"\n", log.as_bytes(), b"\n", &noise(4096)].concat()),
        ("colours", log.replace("Memory cgroup", "\u{1b}[31mMemory cgroup\u{1b}[0m").into_bytes()),
    ];
    for (name, bytes) in dressed {
        fs::write(folder.path().join(name), bytes).unwrap();
        let path = format!("./{name}");
        let (code, out, err) = run(folder.path(), "", &["--format", "json", &path], "");
        assert_eq!(code, 0, "{name}: {err}");
        let answer: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(answer["killer"], "container-memory-limit", "{name}: {out}");
        assert_eq!(answer["victims"][0]["pid"], 4101, "{name}");
    }
}

#[test]
fn links_that_lead_nowhere_and_folders_are_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    symlink("gone.log", at("broken")).unwrap();
    symlink("round", at("round")).unwrap();
    fs::create_dir(at("folder")).unwrap();
    symlink("folder", at("to-folder")).unwrap();
    for spelled in ["./broken", "broken"] {
        refused(folder.path(), spelled, "is a link to `gone.log`, which is not there");
    }
    refused(folder.path(), "./round", "too many levels of symbolic links");
    refused(folder.path(), "./folder", "is a folder");
    refused(folder.path(), "./to-folder", "is a folder");
    fs::write(at("file"), "x").unwrap();
    refused(folder.path(), "./file/below", "could not read `./file/below`: not a directory");
}

/// Root may read everything, so the program is run as nobody.
#[test]
fn a_file_without_permission_says_how_it_can_be_read() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::copy(env!("CARGO_BIN_EXE_why137"), at("why137")).unwrap();
    fs::write(at("kern.log"), "x\n").unwrap();
    fs::set_permissions(at("kern.log"), Permissions::from_mode(0o000)).unwrap();
    fs::create_dir(at("closed")).unwrap();
    fs::write(at("closed/kern.log"), "x\n").unwrap();
    fs::set_permissions(at("closed"), Permissions::from_mode(0o000)).unwrap();
    for name in ["./kern.log", "./closed/kern.log"] {
        let mut command = Command::new(at("why137"));
        command.args(["explain", name]).env_clear().current_dir(folder.path());
        if rustix::process::geteuid().is_root() {
            command.uid(65_534).gid(65_534);
        }
        let done = command.stdin(Stdio::null()).output().unwrap();
        let err = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(1), "{err}");
        assert!(err.starts_with(&format!("error: no permission to read `{name}`\n")), "{err}");
        assert!(err.contains(&format!("hint: sudo cat {name} | why137 explain -")), "{err}");
    }
    // So that the folder can be removed.
    fs::set_permissions(at("closed"), Permissions::from_mode(0o755)).unwrap();
}

/// `why137 explain <(dmesg)` is a pipe with a name.
#[test]
fn a_pipe_with_a_name_is_read_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let log = texts::dmesg(&texts::kills()[0]);
    let writer = std::thread::spawn(move || fs::write(pipe, log).unwrap());
    let (code, out, err) = run(folder.path(), "", &["--format", "json", "./pipe"], "");
    writer.join().unwrap();
    assert_eq!(code, 0, "{err}");
    let answer: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(answer["killer"], "container-memory-limit");
}
