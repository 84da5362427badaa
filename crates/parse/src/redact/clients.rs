//! The short flags by which database clients and their like take a password on their command
//! line: `mysql -pSECRET`, `redis-cli -a SECRET`, `curl -u user:SECRET`.
//!
//! Walks the words of one command, be they of one line, of a JSON array or one per line below
//! `Args:`. Long flags (`--password X`) say what they are and are found by their names elsewhere.
//! Leans on the manual pages of the programs in [`CLIENTS`].

use std::cell::OnceCell;

use super::REDACTED;

/// How a program takes its password.
#[derive(Debug)]
pub(super) struct Client {
    name: &'static str,
    form: Form,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `-pSECRET`; after `-p SECRET` it would ask, and take the next word for something else.
    Glued(&'static str),
    /// `-pSECRET` and `-p SECRET`.
    Either(&'static str),
    /// `-p` is the port: what is glued to it and is no number was meant as a password.
    Port,
    /// `-u user:SECRET`, `-uuser:SECRET`.
    User,
    /// `-p SECRET`, once the word `login` was seen.
    Login,
}

/// In the order of their names.
const CLIENTS: [Client; 45] = [
    client("7z", Form::Glued("-p")),
    client("7za", Form::Glued("-p")),
    client("az", Form::Login),
    client("bcp", Form::Either("-P")),
    client("buildah", Form::Login),
    client("cqlsh", Form::Either("-p")),
    client("crane", Form::Login),
    client("curl", Form::User),
    client("docker", Form::Login),
    client("helm", Form::Login),
    client("keydb-cli", Form::Either("-a")),
    client("ldapadd", Form::Either("-w")),
    client("ldapmodify", Form::Either("-w")),
    client("ldapsearch", Form::Either("-w")),
    client("mariadb", Form::Glued("-p")),
    client("mariadb-admin", Form::Glued("-p")),
    client("mariadb-backup", Form::Glued("-p")),
    client("mariadb-dump", Form::Glued("-p")),
    client("mongo", Form::Either("-p")),
    client("mongodump", Form::Either("-p")),
    client("mongoexport", Form::Either("-p")),
    client("mongoimport", Form::Either("-p")),
    client("mongorestore", Form::Either("-p")),
    client("mongosh", Form::Either("-p")),
    client("mosquitto_pub", Form::Either("-P")),
    client("mosquitto_sub", Form::Either("-P")),
    client("mysql", Form::Glued("-p")),
    client("mysqladmin", Form::Glued("-p")),
    client("mysqlcheck", Form::Glued("-p")),
    client("mysqldump", Form::Glued("-p")),
    client("mysqlimport", Form::Glued("-p")),
    client("mysqlsh", Form::Glued("-p")),
    client("nerdctl", Form::Login),
    client("pg_dump", Form::Port),
    client("pg_restore", Form::Port),
    client("podman", Form::Login),
    client("psql", Form::Port),
    client("rabbitmqadmin", Form::Either("-p")),
    client("redis-benchmark", Form::Either("-a")),
    client("redis-cli", Form::Either("-a")),
    client("skopeo", Form::Login),
    client("sqlcmd", Form::Either("-P")),
    client("sshpass", Form::Either("-p")),
    client("valkey-cli", Form::Either("-a")),
    client("wget", Form::User),
];

const fn client(name: &'static str, form: Form) -> Client {
    Client { name, form }
}

fn by_name(word: &str) -> Option<&'static Client> {
    let name = word.rsplit('/').next().unwrap_or(word);
    let at = CLIENTS.binary_search_by(|client| client.name.cmp(name)).ok()?;
    CLIENTS.get(at)
}

/// The clients a text speaks of anywhere: a list of arguments may stand far from its program
/// (`args:` before `command:` and `image:` in a pod, `Cmd` before `Entrypoint`).
#[derive(Debug)]
pub(super) struct Mentions<'a> {
    text: &'a str,
    found: OnceCell<Vec<&'static Client>>,
}

impl<'a> Mentions<'a> {
    /// Looks into the text only once a list of arguments asks.
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, found: OnceCell::new() }
    }

    fn clients(&self) -> &[&'static Client] {
        self.found.get_or_init(|| {
            let is_there = |client: &&Client| {
                // Everybody's text speaks of `curl` and `docker`.
                !matches!(client.form, Form::User | Form::Login) && says(self.text, client.name)
            };
            CLIENTS.iter().filter(is_there).collect()
        })
    }
}

/// A name as a word of its own, with or without a path before and a tag behind it.
fn says(text: &str, name: &str) -> bool {
    let joins = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    text.match_indices(name).any(|(at, _)| {
        let before = text.get(..at).and_then(|head| head.chars().next_back());
        let after = text.get(at + name.len()..).and_then(|tail| tail.chars().next());
        !before.is_some_and(joins) && !after.is_some_and(joins)
    })
}

/// A walk along the words of one command.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Walk {
    client: Option<&'static Client>,
    /// The word `login` was seen.
    logs_in: bool,
    /// The next word is what the flag before it wants.
    wants: Option<Form>,
}

impl Walk {
    /// Steps over a word of a line; returns the bytes of the secret in it.
    pub(super) fn step(&mut self, word: &str) -> Option<(usize, usize)> {
        self.step_or(word, |_, _| None)
    }

    /// Steps over an element of a list of arguments, whose program may not be in the list.
    pub(super) fn step_in_list(
        &mut self,
        word: &str,
        mentions: &Mentions<'_>,
    ) -> Option<(usize, usize)> {
        self.step_or(word, |walk, word| {
            let of_others = mentions.clients().iter().find_map(|client| {
                let found = walk.by(client.form, word)?;
                // A number after `-p` is a port of a program that is not known.
                let value = word.get(found.0..found.1)?;
                (!value.bytes().all(|byte| byte.is_ascii_digit())).then_some(found)
            });
            of_others.or_else(|| glued_and_mixed(word))
        })
    }

    /// Takes note of a word that names the program.
    pub(super) fn see(&mut self, word: &str) -> bool {
        let seen = by_name(word);
        if seen.is_some() {
            *self = Self { client: seen, logs_in: false, wants: None };
        }
        seen.is_some()
    }

    fn step_or(
        &mut self,
        word: &str,
        without_client: impl Fn(&mut Self, &str) -> Option<(usize, usize)>,
    ) -> Option<(usize, usize)> {
        if let Some(form) = self.wants.take()
            && !word.starts_with('-')
        {
            // What a list wants by another's flags is rather a port, where it is a number.
            let is_number = word.bytes().all(|byte| byte.is_ascii_digit());
            return match form {
                _ if is_port_mapping(word) || (self.client.is_none() && is_number) => None,
                Form::User => after_colon(word, 0),
                _ => visible(word, 0),
            };
        }
        if matches!(word, "&&" | "||" | "|" | ";" | "&") {
            *self = Self::default();
            return None;
        }
        if self.see(word) {
            return None;
        }
        self.logs_in |= word == "login";
        match self.client {
            Some(client) => self.by(client.form, word),
            None => without_client(self, word),
        }
    }

    fn by(&mut self, form: Form, word: &str) -> Option<(usize, usize)> {
        let (flag, glued, following) = match form {
            Form::Glued(flag) => (flag, true, false),
            Form::Either(flag) => (flag, true, true),
            Form::Port => ("-p", true, false),
            Form::User if word == "--user" => ("--user", false, true),
            Form::User => ("-u", true, true),
            Form::Login => ("-p", false, self.logs_in),
        };
        let value = word.strip_prefix(flag)?;
        if value.is_empty() {
            if following {
                self.wants = Some(form);
            }
            return None;
        }
        let is_number = value.bytes().all(|byte| byte.is_ascii_digit());
        match form {
            _ if !glued || is_port_mapping(value) => None,
            Form::Port if is_number => None,
            Form::User => after_colon(word, flag.len()),
            _ => visible(word, flag.len()),
        }
    }
}

/// `docker run --name mysql -p3306:3306`
fn is_port_mapping(value: &str) -> bool {
    value.contains(':') && value.bytes().all(|byte| byte.is_ascii_digit() || b".:-".contains(&byte))
}

/// All of a word from `start` on, unless it is hidden already or a reference.
fn visible(word: &str, start: usize) -> Option<(usize, usize)> {
    let value = word.get(start..)?;
    let is_reference = value.starts_with(REDACTED) || value.starts_with('$');
    (!value.is_empty() && !is_reference).then_some((start, word.len()))
}

fn after_colon(word: &str, start: usize) -> Option<(usize, usize)> {
    let colon = word.get(start..)?.find(':')?;
    visible(word, start + colon + 1)
}

/// `-pS3cretW0rd` of a program nobody knows: long, with digits and capitals, and no path.
fn glued_and_mixed(word: &str) -> Option<(usize, usize)> {
    let value = word.strip_prefix("-p")?;
    let has = |test: fn(&u8) -> bool| value.as_bytes().iter().any(test);
    let is_mixed = has(u8::is_ascii_digit) && has(u8::is_ascii_uppercase);
    let is_setting = value.contains(['/', '=', ':', ',', ' ']);
    (value.len() >= 8 && is_mixed && !is_setting).then(|| visible(word, 2)).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut<'a>(words: &[&'a str], text: Option<&str>) -> Vec<&'a str> {
        let mut walk = Walk::default();
        let mentions = Mentions::new(text.unwrap_or_default());
        let step = |word: &&'a str| {
            let found = match text {
                Some(_) => walk.step_in_list(word, &mentions),
                None => walk.step(word),
            };
            found.and_then(|(from, to)| word.get(from..to))
        };
        words.iter().filter_map(step).collect()
    }

    #[test]
    fn the_clients_are_sorted() {
        assert!(CLIENTS.windows(2).all(|pair| pair[0].name < pair[1].name));
    }

    #[test]
    fn each_client_takes_its_password_its_own_way() {
        for (words, secrets) in [
            (&["mysql", "-uroot", "-pS3", "-p", "shop"][..], &["S3"][..]),
            (&["/usr/bin/mariadb-dump", "-p12345678"], &["12345678"]),
            (&["redis-cli", "-a", "S3", "-p", "6379"], &["S3"]),
            (&["sshpass", "-pS3", "ssh", "-v"], &["S3"]),
            (&["sshpass", "-p", "S3", "ssh"], &["S3"]),
            (&["psql", "-p5432", "-pS3"], &["S3"]),
            (&["mongosh", "-u", "a", "-p", "S3"], &["S3"]),
            (&["curl", "-ua:S3", "-u", "b:T4", "-u", "c"], &["S3", "T4"]),
            (&["docker", "login", "-u", "a", "-p", "S3"], &["S3"]),
            (&["docker", "run", "-p", "80:80", "--name", "mysql", "-p3306:3306"], &[]),
            (&["mysql", "-e", "x", "&&", "tar", "-pxf"], &[]),
            (&["mysql", "-p$PASS", "-p<redacted>"], &[]),
            (&["nc", "-pS3cretW0rd"], &[]),
            (&["redis-cli", "-a", "12345"], &["12345"]),
            (&["docker", "run", "-p", "S3", "img"], &[]),
        ] {
            assert_eq!(cut(words, None), secrets, "{words:?}");
        }
    }

    #[test]
    fn a_list_without_its_program_is_read_by_the_clients_the_text_names() {
        let pod = "args: x\ncommand:\n- mysql\nimage: registry/mysql:8\n";
        assert_eq!(cut(&["-uroot", "-phunter"], Some(pod)), ["hunter"]);
        assert_eq!(cut(&["-uroot", "-phunter", "-p8080"], Some("my-mysql-0 mysqlx")), [""; 0]);
        assert_eq!(cut(&["-p", "8080", "-p9090"], Some("sshpass")), [""; 0]);
        assert_eq!(cut(&["-pS3cretW0rd", "-p/Srv/App1", "-port8080"], Some("")), ["S3cretW0rd"]);
        assert_eq!(cut(&["-pabcdefgh1", "-pABCDEFGH", "-pA1"], Some("")), [""; 0]);
    }
}
