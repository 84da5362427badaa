//! Data stores: PostgreSQL, Redis, MariaDB.

use super::{Source, Workload};

const REDIS: Source = Source::Debian("redis-server");

pub(super) const ALL: &[Workload] = &[
    Workload {
        story: "Eight users sort at once, and each sort may take 256 MiB.",
        words: &[
            "sh",
            "{here}/as-nobody.sh",
            "/usr/lib/postgresql/15/bin/postgres",
            "-D",
            "{here}/data",
            "-k",
            "{here}/data",
            "-p",
            "8474",
            "-c",
            "work_mem=256MB",
        ],
        prepare: &[
            &["rm", "-rf", "{here}/data"],
            &["install", "-d", "-o", "65534", "-g", "65534", "{here}/data"],
            &[
                "sh",
                "{here}/as-nobody.sh",
                "/usr/lib/postgresql/15/bin/initdb",
                "-D",
                "{here}/data",
                "-U",
                "postgres",
                "-A",
                "trust",
                "--no-sync",
                "--locale=C",
                "-E",
                "UTF8",
            ],
        ],
        client: &["sh", "{here}/pgbench.sh", "8474", "8", "3"],
        done: "number of transactions actually processed: 24/24",
        told: &["-c work_mem=256MB"],
        ..Workload::of("postgres-work-mem", "postgres@15", Source::Debian("postgresql-15"), 384)
    },
    Workload {
        story: "A cache without a bound: 300,000 values of 1000 bytes.",
        words: &[
            "/usr/bin/redis-server",
            "--port",
            "8473",
            "--dir",
            "{here}",
            "--maxmemory-policy",
            "allkeys-lru",
            "--save",
            "",
        ],
        prepare: &[&["rm", "-f", "{here}/dump.rdb"]],
        client: &["python3", "{here}/fill.py", "8473", "300000", "1000", "1"],
        done: "wrote 300000 of 300000, holds the last: True",
        told: &["--save "],
        ..Workload::of("redis-unbounded", "redis@7.0.15", REDIS, 256)
    },
    Workload {
        story: "maxmemory leaves no room for the pages that change while a child saves.",
        words: &[
            "/usr/bin/redis-server",
            "--port",
            "8473",
            "--dir",
            "{here}",
            "--maxmemory-policy",
            "allkeys-lru",
            "--maxmemory",
            "200mb",
        ],
        prepare: &[&["rm", "-f", "{here}/dump.rdb"]],
        client: &["python3", "{here}/fill.py", "8473", "300000", "1000", "3", "save"],
        done: "wrote 900000 of 900000, holds the last: True",
        told: &["--maxmemory 200mb"],
        ..Workload::of("redis-saving", "redis@7.0.15", REDIS, 256)
    },
    Workload {
        story: "A buffer pool of 1 GiB, as for a machine of its own.",
        words: &[
            "/usr/sbin/mariadbd",
            "--user=root",
            "--datadir={here}/data",
            "--port=8475",
            "--bind-address=127.0.0.1",
            "--socket={here}/mariadb.sock",
            "--skip-grant-tables",
            "--innodb-buffer-pool-size=1G",
        ],
        prepare: &[&["sh", "{here}/mariadb-tables.sh", "{here}/data"]],
        client: &["sh", "{here}/orders.sh", "8475"],
        done: "900000\t216000000",
        told: &["--innodb-buffer-pool-size=1G"],
        ..Workload::of("mariadb-pool", "mariadb@10.11", Source::Debian("mariadb-server-core"), 384)
    },
];
