//! Commands in a terminal's transcript that ask for an end: `docker kill NAME`, `docker stop NAME`,
//! `docker rm -f NAME`, `kubectl delete pod NAME`, `kubectl drain`, `kill -9 PID`.
//!
//! A command is taken only where the transcript shows that it ran: the runtime answered with the name,
//! or, for kill(1), which answers nothing, a prompt stands before it and no error behind it. An
//! instruction to type one is not a request. Compose says itself whom it stops or kills. Says nothing of what came of it.

use casefile::{Span, signal_number};

use super::Raw;
use crate::Sighting;
use crate::record::{Record, Request, RequestKind};

/// So many lines behind a command its answer may begin: warnings stand between.
const ANSWER_WITHIN: usize = 4;

/// One of these stands in every such line.
const VERBS: [&str; 6] = ["kill", "stop", "restart", "rm", "delete", "evicted"];

/// The requests among lines.
pub(super) fn read(_text: &str, lines: &[Raw<'_>]) -> Vec<Sighting> {
    let mut found = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        if let Some(request) = of_compose(line.words) {
            found.push(sighting(request, line.span));
            continue;
        }
        if line.words.len() > 400 || !VERBS.iter().any(|verb| line.words.contains(verb)) {
            continue;
        }
        let behind = lines.get(at + 1..).unwrap_or_default();
        let later = behind;
        // What stands behind the next prompt answers another command.
        let near = behind.get(..ANSWER_WITHIN.min(behind.len())).unwrap_or_default();
        let typed = near.iter().position(|line| without_prompt(line.words).0);
        let behind = near.get(..typed.unwrap_or(near.len())).unwrap_or_default();
        let drained = drained(line.words);
        let (prompted, words) = without_prompt(line.words);
        let request = drained.or_else(|| of_command(words, prompted, behind));
        let request = request.filter(|request| !came_late(request, later));
        found.extend(request.map(|request| sighting(request, line.span)));
    }
    found
}

fn sighting(request: Request, span: Span) -> Sighting {
    Sighting { record: Record::Request(request), span, at: None }
}

/// `docker stop` answers for a container that had ended long before, too: a row behind it tells.
fn came_late(request: &Request, later: &[Raw<'_>]) -> bool {
    let old = [" hour ago", " hours ago", " days ago", " weeks ago", " months ago", " years ago"];
    later.iter().any(|line| {
        line.words.contains("Exited (")
            && request.targets.iter().any(|target| line.words.contains(target.as_str()))
            && old.iter().any(|age| {
                line.words.rsplit_once("Exited (").is_some_and(|(_, rest)| rest.contains(age))
            })
    })
}

/// `pod/web-1 evicted`: what `kubectl drain` writes once the eviction was granted.
fn drained(words: &str) -> Option<Request> {
    let pod = words.strip_prefix("pod/")?.strip_suffix(" evicted")?;
    is_name(pod).then(|| Request {
        by: "kubectl drain".to_owned(),
        kind: RequestKind::Drain,
        signal: None,
        grace_seconds: None,
        targets: vec![pod.to_owned()],
    })
}

/// What Compose tells of its own doing, on Ctrl-C, on `down` or because another container ended: ` ✔ Container
/// shop-web-1  Stopped   10.3s`, `Container shop-web-1  Killing`; v1: `Stopping shop_web_1 ... done`.
fn of_compose(words: &str) -> Option<Request> {
    let (name, verb) = compose_row(words).or_else(|| first_compose(words))?;
    let kind = match verb {
        "Stopping" | "Stopped" => RequestKind::Stop,
        "Killing" | "Killed" => RequestKind::Kill,
        _ => return None,
    };
    is_name(name).then(|| Request {
        by: "docker compose".to_owned(),
        kind,
        signal: (kind == RequestKind::Kill).then_some(9),
        grace_seconds: None,
        targets: vec![name.to_owned()],
    })
}

/// v2: a mark of its own, `Container`, the name, the state, and how long it took.
fn compose_row(words: &str) -> Option<(&str, &str)> {
    let mut parts = words.split_whitespace().peekable();
    // `✔`, `⠿`, `[+]`: no letter in it.
    parts.next_if(|mark| !mark.contains(char::is_alphanumeric));
    let ("Container", name, verb) = (parts.next()?, parts.next()?, parts.next()?) else {
        return None;
    };
    let took = |word: &str| {
        let digits = word.strip_suffix('s').unwrap_or(word);
        digits.parse::<f64>().is_ok()
    };
    (parts.next().is_none_or(took) && parts.next().is_none()).then_some((name, verb))
}

/// v1: `Stopping shop_web_1 ... done`, in colours or without the last word while it goes on.
fn first_compose(words: &str) -> Option<(&str, &str)> {
    let mut parts = words.split_whitespace();
    let (verb, name, dots) = (parts.next()?, parts.next()?, parts.next()?);
    let done = parts.next().is_none_or(|word| word.contains("done"));
    (dots == "..." && done && name.contains('_') && parts.next().is_none()).then_some((name, verb))
}

/// The command behind a shell's prompt: `$ `, `# `, `% `, `> `, `user@host:~$ `, `[root@node ~]# `.
fn without_prompt(words: &str) -> (bool, &str) {
    let marks = ["$ ", "# ", "% ", "> ", "❯ ", "➜ ", "»  "];
    let first = marks.iter().filter_map(|mark| Some((words.find(mark)?, mark.len()))).min();
    match first {
        Some((at, len)) if at < 80 => {
            let head = words.get(..at).unwrap_or_default();
            // `user@host:/srv`, `[root@node ~]`, `(venv) PS C:\x`: no sentence.
            let plain =
                head.split_whitespace().count() <= 4 && !head.trim_end().ends_with(['.', ':', '"']);
            let rest = words.get(at + len..).unwrap_or_default().trim_start();
            if plain { (true, rest) } else { (false, words) }
        }
        Some(_) | None => (false, words),
    }
}

fn of_command(words: &str, prompted: bool, behind: &[Raw<'_>]) -> Option<Request> {
    let mut parts = words.split_whitespace().peekable();
    while parts.next_if(|word| matches!(*word, "sudo" | "doas" | "command" | "time")).is_some() {}
    let program = parts.next()?.rsplit('/').next()?;
    let arguments: Vec<&str> =
        parts.take_while(|word| !matches!(*word, "&&" | "||" | ";" | "|" | "#")).collect();
    match program {
        "docker" | "podman" | "nerdctl" => of_runtime(program, &arguments, behind),
        "kubectl" | "oc" | "k" => of_kubectl(&arguments, behind),
        "kill" => of_kill(&arguments).filter(|_| prompted && !failed(behind)),
        _ => None,
    }
}

fn of_runtime(program: &str, arguments: &[&str], behind: &[Raw<'_>]) -> Option<Request> {
    let mut words = arguments.iter().copied().filter(|word| *word != "container");
    let verb = words.find(|word| !word.starts_with('-'))?;
    let rest: Vec<&str> = words.collect();
    let options = Options::of(&rest);
    let kind = match verb {
        "kill" => RequestKind::Kill,
        "stop" | "restart" => RequestKind::Stop,
        "rm" if options.force => RequestKind::Kill,
        _ => return None,
    };
    // The runtime repeats each name that it was given.
    let answered: Vec<String> = options
        .targets
        .iter()
        .filter(|target| behind.iter().any(|line| line.words == **target))
        .map(|target| (*target).to_owned())
        .collect();
    let signal = match (kind, options.signal) {
        (RequestKind::Kill, None) => Some(9),
        (_, signal) => signal,
    };
    (!answered.is_empty()).then(|| Request {
        by: format!("{program} {verb}"),
        kind,
        signal,
        grace_seconds: options.seconds,
        targets: answered,
    })
}

/// `kubectl delete pod web-1` and its answer `pod "web-1" deleted`.
fn of_kubectl(arguments: &[&str], behind: &[Raw<'_>]) -> Option<Request> {
    let at = arguments.iter().position(|word| *word == "delete")?;
    let rest = arguments.get(at + 1..)?;
    let forced = rest.contains(&"--force") || rest.contains(&"--grace-period=0");
    let targets: Vec<String> = behind
        .iter()
        .filter_map(|line| {
            let (_, rest) = line.words.split_once("pod \"")?;
            let (name, said) = rest.split_once('"')?;
            let told = said.contains("deleted") && rest.len() < 400;
            (told && is_name(name)).then(|| name.to_owned())
        })
        .collect();
    (!targets.is_empty()).then(|| Request {
        by: "kubectl delete".to_owned(),
        kind: if forced { RequestKind::Kill } else { RequestKind::Stop },
        signal: None,
        grace_seconds: None,
        targets,
    })
}

/// `kill -9 4711`, `kill -s KILL 4711`, `kill 4711`.
fn of_kill(arguments: &[&str]) -> Option<Request> {
    let options = Options::of(arguments);
    let pids: Vec<String> = options
        .targets
        .iter()
        .filter(|target| target.parse::<u32>().is_ok_and(|pid| pid > 1))
        .map(|target| (*target).to_owned())
        .collect();
    (!pids.is_empty()).then(|| Request {
        by: "kill".to_owned(),
        kind: RequestKind::Process,
        signal: Some(options.signal.unwrap_or(15)),
        grace_seconds: None,
        targets: pids,
    })
}

/// kill(1) complained.
fn failed(behind: &[Raw<'_>]) -> bool {
    behind.first().is_some_and(|line| {
        ["No such process", "not permitted", "kill: ", "Usage:", "usage:"]
            .iter()
            .any(|words| line.words.contains(words))
    })
}

#[derive(Default)]
struct Options<'a> {
    signal: Option<i32>,
    seconds: Option<u64>,
    force: bool,
    targets: Vec<&'a str>,
}

impl<'a> Options<'a> {
    fn of(words: &[&'a str]) -> Self {
        let mut options = Self::default();
        let mut words = words.iter().copied();
        while let Some(word) = words.next() {
            let Some(option) = word.strip_prefix('-') else {
                options.targets.push(word);
                continue;
            };
            let (name, value) =
                option.split_once('=').map_or((option, None), |(n, v)| (n, Some(v)));
            match name {
                "s" | "n" | "-signal" => {
                    options.signal = value.or_else(|| words.next()).and_then(signal);
                }
                "t" | "-time" | "-timeout" => {
                    let seconds = value.or_else(|| words.next());
                    options.seconds = seconds.and_then(|seconds| seconds.parse().ok());
                }
                "f" | "fv" | "vf" | "-force" => options.force = true,
                other => options.signal = options.signal.or_else(|| signal(other)),
            }
        }
        options
    }
}

/// `9`, `KILL`, `SIGKILL`.
fn signal(word: &str) -> Option<i32> {
    signal_number(word).or_else(|| word.parse().ok().filter(|number| (1..65).contains(number)))
}

fn is_name(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::raw_lines;

    fn requests(text: &str) -> Vec<Request> {
        let of = |sighting: Sighting| match sighting.record {
            Record::Request(request) => Some(request),
            _ => None,
        };
        read(text, &raw_lines(text)).into_iter().filter_map(of).collect()
    }

    fn told(text: &str) -> Vec<(String, RequestKind, Option<i32>, Vec<String>)> {
        let tuple = |it: Request| (it.by, it.kind, it.signal, it.targets);
        requests(text).into_iter().map(tuple).collect()
    }

    fn one(
        by: &str,
        kind: RequestKind,
        signal: Option<i32>,
        target: &str,
    ) -> Vec<(String, RequestKind, Option<i32>, Vec<String>)> {
        vec![(by.to_owned(), kind, signal, vec![target.to_owned()])]
    }

    #[test]
    fn a_command_that_was_answered_is_a_request() {
        use RequestKind::{Kill, Stop};
        assert_eq!(told("$ docker kill web\nweb\n"), one("docker kill", Kill, Some(9), "web"));
        assert_eq!(
            told("root@n1:~# sudo podman kill -s TERM db\ndb\n"),
            one("podman kill", Kill, Some(15), "db")
        );
        let text = "[root@n1 ~]# docker stop -t 2 web\nweb\n";
        assert_eq!(told(text), one("docker stop", Stop, None, "web"));
        assert_eq!(requests(text).first().unwrap().grace_seconds, Some(2));
        assert_eq!(told("% docker rm -f web\nweb"), one("docker rm", Kill, Some(9), "web"));
        assert_eq!(
            told("$ kubectl -n shop delete pod api-1\npod \"api-1\" deleted\n"),
            one("kubectl delete", Stop, None, "api-1")
        );
        assert_eq!(
            told("pod/api-1 evicted\n"),
            one("kubectl drain", RequestKind::Drain, None, "api-1")
        );
    }

    #[test]
    fn compose_tells_whom_it_stops_and_whom_it_kills() {
        use RequestKind::{Kill, Stop};
        let by = "docker compose";
        for text in [
            " ✔ Container shop-web-1  Stopped                10.3s \n",
            " Container shop-web-1  Stopping\n",
            "[+] Container shop-web-1 Stopped 0.4s",
        ] {
            assert_eq!(told(text), one(by, Stop, None, "shop-web-1"), "{text}");
        }
        let text = " ⠿ Container shop-web-1  Killed   0.1s\n";
        assert_eq!(told(text), one(by, Kill, Some(9), "shop-web-1"));
        for text in
            ["Stopping shop_web_1 ... done", "Stopping shop_web_1 ... \u{1b}[32mdone\u{1b}[0m"]
        {
            assert_eq!(told(text), one(by, Stop, None, "shop_web_1"), "{text}");
        }
        assert_eq!(told("Killing shop_web_1 ... done"), one(by, Kill, Some(9), "shop_web_1"));
        for text in [
            " ✔ Container shop-web-1  Removed   10.4s",
            " Container shop-web-1  Started",
            "Stopping the web server ... done",
            "Container web Killed by the kernel",
            "the Container web-1 Stopped",
            "Stopping nginx ... done",
        ] {
            assert_eq!(told(text), [], "{text}");
        }
    }

    #[test]
    fn an_instruction_or_a_refused_command_is_none() {
        for text in [
            "Run `docker kill web` to end it.",
            "$ docker kill web\nError response from daemon: cannot kill container: web: not running\n",
            "docker stop web",
            "$ docker rm web\nweb\n",
            "$ docker stop web\nweb\n$ docker ps -a\n1c02f3d4a5b6 x \"y\" 3 days ago Exited (137) 2 hours ago web\n",
            "kill -9 4711",
            "$ kill -9 4711\nbash: kill: (4711) - No such process\n",
            "you can use: kill -9 4711",
        ] {
            assert_eq!(told(text), [], "{text}");
        }
    }

    #[test]
    fn a_line_of_more_than_400_bytes_is_no_command() {
        let of = |length: usize| {
            let head = "$ docker kill web # ";
            let tail = "x".repeat(length - head.len());
            told(&format!("{head}{tail}\nweb\n")).len()
        };
        assert_eq!((of(400), of(401)), (1, 0));
    }

    #[test]
    fn a_prompt_begins_within_80_bytes() {
        let of = |at: usize| told(&format!("{}$ kill -9 4711\n", "p".repeat(at))).len();
        assert_eq!((of(79), of(80)), (1, 0));
    }

    #[test]
    fn an_answer_of_400_bytes_is_none() {
        let of = |length: usize| {
            let rest = "web\" deleted ";
            let rest = format!("{rest}{}", "x".repeat(length - rest.len()));
            told(&format!("$ kubectl delete pod web\npod \"{rest}\n")).len()
        };
        assert_eq!((of(399), of(400)), (1, 0));
    }

    #[test]
    fn kill_needs_a_prompt_and_names_pids() {
        let kind = RequestKind::Process;
        assert_eq!(told("# kill -9 4711\n# docker ps -a\n"), one("kill", kind, Some(9), "4711"));
        assert_eq!(told("$ sudo kill -s KILL 4711\n"), one("kill", kind, Some(9), "4711"));
        assert_eq!(told("$ kill 4711\n"), one("kill", kind, Some(15), "4711"));
    }
}
