//! Many processes or threads: gunicorn, celery, PHP-FPM, malloc's arenas.

use super::{Configuration, Expected, Measures, Source, Workload};

const GUNICORN: Source = Source::Debian("gunicorn");
const POOL: &str = "\
[global]
error_log = /dev/stderr
daemonize = no
[www]
user = root
listen = 127.0.0.1:8472
pm = static
pm.max_children = 12
";

pub(super) const ALL: &[Workload] = &[
    Workload {
        story: "Nine workers, as a formula for four processors has it; a request builds a report of 40 MiB.",
        words: &[
            "/usr/bin/python3",
            "-m",
            "gunicorn",
            "--chdir",
            "{here}",
            "--bind",
            "127.0.0.1:8471",
            "-w",
            "9",
            "shop:application",
        ],
        client: &["python3", "{here}/ask.py", "http", "8471", "/40", "60", "9", "10240"],
        done: "answered 60 of 60",
        told: &["-m gunicorn", "-w 9"],
        measures: Measures::Workers,
        ..Workload::of("gunicorn-workers", "python@3.11", GUNICORN, 256)
    },
    Workload {
        story: "One request builds a report of 300 MiB: no number of workers fits.",
        words: &[
            "/usr/bin/python3",
            "-m",
            "gunicorn",
            "--chdir",
            "{here}",
            "--bind",
            "127.0.0.1:8471",
            "-w",
            "2",
            "shop:application",
        ],
        client: &["python3", "{here}/ask.py", "http", "8471", "/300", "4", "1", "76800"],
        done: "answered 4 of 4",
        told: &["-m gunicorn", "-w 2"],
        measures: Measures::Workers,
        expected: Expected::Refused,
        ..Workload::of("gunicorn-one-too-large", "python@3.11", GUNICORN, 256)
    },
    Workload {
        story: "celery makes a process per processor of the machine, whatever the quota; a task takes 110 MiB.",
        quota: Some(1000),
        words: &[
            "/usr/bin/python3",
            "-m",
            "celery",
            "--workdir",
            "{here}",
            "-A",
            "reports",
            "worker",
        ],
        prepare: &[&["rm", "-rf", "{here}/reports"]],
        client: &["python3", "{here}/reports.py", "10", "110"],
        done: "finished 10 of 10",
        told: &["-m celery"],
        measures: Measures::Workers,
        ..Workload::of("celery-processors", "python@3.11", Source::Debian("celery"), 256)
    },
    Workload {
        story: "A task builds a report of 300 MiB: no number of processes fits.",
        words: &[
            "/usr/bin/python3",
            "-m",
            "celery",
            "--workdir",
            "{here}",
            "-A",
            "reports",
            "worker",
        ],
        prepare: &[&["rm", "-rf", "{here}/reports"]],
        client: &["python3", "{here}/reports.py", "2", "300"],
        done: "finished 2 of 2",
        told: &["-m celery"],
        measures: Measures::Workers,
        expected: Expected::Refused,
        ..Workload::of("celery-one-too-large", "python@3.11", Source::Debian("celery"), 256)
    },
    Workload {
        story: "A dictionary that is never emptied, in one thread; two arenas are set already.",
        words: &["/usr/bin/python3", "{here}/leak.py", "400"],
        environment: &[("MALLOC_ARENA_MAX", "2")],
        done: "done 1638400",
        expected: Expected::Refused,
        ..Workload::of("python-leak", "python@3.11", Source::Debian("python3"), 256)
    },
    Workload {
        story: "Forty threads, each with an arena of its own that keeps what was freed.",
        words: &["/usr/bin/python3", "{here}/arenas.py", "40", "400", "24"],
        done: "done 400",
        ..Workload::of("python-arenas", "python@3.11", Source::Debian("python3"), 256)
    },
    Workload {
        story: "Twelve requests at once may take 64 MiB each.",
        words: &[
            "/usr/sbin/php-fpm8.2",
            "-n",
            "-c",
            "{here}/php.ini",
            "-R",
            "-F",
            "-y",
            "{here}/pool.conf",
        ],
        files: &[
            Configuration {
                called: "php.ini",
                name: "php.ini",
                text: "memory_limit = 64M\nopcache.memory_consumption = 32\nzend_extension = opcache\n",
            },
            Configuration { called: "the pool's file", name: "pool.conf", text: POOL },
        ],
        client: &[
            "python3",
            "{here}/ask.py",
            "fastcgi",
            "8472",
            "{here}/report.php",
            "60",
            "12",
            "10240",
        ],
        done: "answered 60 of 60",
        told: &["memory_limit=64M", "opcache.memory_consumption=32", "pm.max_children=12"],
        ..Workload::of("php-fpm-children", "php-fpm@8.2", Source::Debian("php8.2-fpm"), 256)
    },
];
